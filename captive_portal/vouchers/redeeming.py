"""From a typed code to a grant: one transaction, so that a code has one winner and a grant never lacks its voucher.

A wrong code, one of another form and one that nobody's key made take the same way and give the same answer. What is
found is found by a keyed digest, and a district's authenticator is compared in constant time.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from appliance.core.config import Config
from appliance.core.config.networks import Access
from appliance.gate.protocol import Admitted, Client
from appliance.hotspot.protocol import VoucherState
from appliance.store.database import Database
from captive_portal import attempts, grants, local_time, places, rules
from captive_portal.grants import Grants
from captive_portal.now import Now
from captive_portal.rules import Decision, Device, End, Grant, Offer, Policy, Verdict
from captive_portal.vouchers import codes
from captive_portal.vouchers import store as vouchers
from captive_portal.vouchers.keys import VoucherKeys
from captive_portal.vouchers.store import Voucher


class Outcome(enum.StrEnum):
    """What came of a code."""

    WELCOME = "welcome"  # the grant is kept; the gate may be asked
    WRONG = "wrong"  # no such code; with a wait from now on, perhaps
    WAIT = "wait"  # this device typed too many wrong ones; nothing was looked at
    PLACES_TAKEN = "places_taken"  # as many devices as it is for are using it
    USED_UP = "used_up"
    EXPIRED = "expired"
    VOID = "void"  # the office withdrew it
    DENIED = "denied"  # the code is right; the decision says why not now


@dataclass(frozen=True, slots=True)
class Redemption:
    """The answer to a code.

    Args:
        outcome: see `Outcome`.
        decision: with WELCOME and DENIED, what `rules.decide` said.
        grant: with WELCOME.
        wait_seconds: with WAIT, and with WRONG when the next try must wait.
        moved_out: whose place this device took; the keeper, or the page, lets the gate revoke it.
        holders: with PLACES_TAKEN, who holds the places.
    """

    outcome: Outcome
    decision: Decision | None = None
    grant: Grant | None = None
    wait_seconds: int = 0
    moved_out: tuple[Client, ...] = ()
    holders: tuple[Client, ...] = field(default=(), repr=False)


_REFUSED: Final = {
    VoucherState.USED_UP: Outcome.USED_UP,
    VoucherState.EXPIRED: Outcome.EXPIRED,
    VoucherState.VOID: Outcome.VOID,
}


class Vouchers:
    """Turns codes into grants.

    Args:
        grants: the portal's database.
        config: the village's ``hub.toml``: what the networks allow, and the classes in their order.
        keys: the box's own key, and the district's.
    """

    def __init__(self, grants: Grants, config: Config, keys: VoucherKeys) -> None:
        self._grants, self._keys = grants, keys
        self._policy = Policy.of(config)
        self._speeds = tuple(speed.name for speed in config.speeds)

    def redeem(self, typed: str, device: Device, now: Now, admitted: Callable[[Client], Admitted | None]) -> Redemption:
        """Take a code from a device. With WELCOME the grant is durable, and the voucher's time runs.

        Args:
            typed: as it came.
            device: who asks, as the kernel knows it.
            now: the clocks.
            admitted: asks the gate; only when all places are taken.

        Raises:
            GateError: places are taken, and the gate does not say by whom; nothing was changed.
            StoreError: nothing was stored.
        """
        verdict, client = rules.identify(self._policy, device)
        if client is None:
            return Redemption(Outcome.DENIED, Decision(verdict))
        # Looked at before anything is written: who waits must not cost the card a write with each try.
        with self._grants.store.reading() as db:
            wait = attempts.wait_seconds(db, client, now)
        if wait:
            return Redemption(Outcome.WAIT, wait_seconds=wait)
        found = self._look_up(typed)
        done = self._grants.write(lambda db: self._try(db, found, device, now, ()))
        if done.outcome is not Outcome.PLACES_TAKEN:
            return done
        silent = [holder for holder in done.holders if places.is_silent(admitted(holder))]
        if not silent:
            return done
        return self._grants.write(lambda db: self._try(db, found, device, now, silent))

    def give_back(self, grant: Grant, now: Now) -> None:
        """Undo a redemption whose grant was dropped since the gate refused it for good. Raises `StoreError`."""
        if grant.voucher:
            self._grants.write(lambda db: vouchers.give_back(db, grant.voucher, grant.client, now))

    def _look_up(self, typed: str) -> tuple[bytes, Voucher | None]:
        """A code's digest, and what it is worth by the district's word. Every text takes the same way."""
        code = codes.normalise(typed)
        is_district = len(code) == codes.DISTRICT_LENGTH
        district = self._keys.district()
        read = codes.read_district(district or self._keys.local, code.rjust(codes.DISTRICT_LENGTH, "0"))
        digest = codes.digest(self._keys.local, code)
        if not is_district or district is None or read is None:
            return digest, None
        return digest, vouchers.of_district(read, digest, codes.speed_of_level(read.speed_level, self._speeds))

    def _try(
        self,
        db: Database,
        found: tuple[bytes, Voucher | None],
        device: Device,
        now: Now,
        silent: Collection[Client],
    ) -> Redemption:
        client = rules.identify(self._policy, device)[1]
        assert client is not None  # noqa: S101 - `redeem` has looked
        if wait := attempts.wait_seconds(db, client, now):
            return Redemption(Outcome.WAIT, wait_seconds=wait)
        digest, by_district = found
        day = local_time.day(now, self._policy.timezone)
        if local_time.is_known(now):
            vouchers.learn_date(db, day)
        voucher = vouchers.find(db, digest) or by_district
        if voucher is None:
            return Redemption(Outcome.WRONG, wait_seconds=attempts.count_wrong(db, client, now))
        state = vouchers.state(voucher, now, self._policy.timezone)
        if state in _REFUSED:
            return Redemption(_REFUSED[state])
        held = vouchers.places(db, voucher)
        yielding = places.yielding(db, voucher.reference, held, now, silent)
        room = places.room(voucher.devices, held, client, yielding)
        if room is None:
            old = tuple(place.client for place in held if not places.is_new(place, now))
            return Redemption(Outcome.PLACES_TAKEN, holders=old)
        known = grants.known(db, client.mac, day, now)
        decision = rules.decide(self._policy, device, now, known, _offer(voucher, now))
        if decision.verdict is not Verdict.ADMIT or decision.offer is None:
            return Redemption(Outcome.DENIED, decision)
        voucher_id, budget_id = vouchers.begin(db, voucher, now)
        moved_out = places.clear(db, voucher.reference, {room.mac, client.mac}, client, now, why=End.VOUCHER)
        vouchers.take_place(db, voucher_id, client, now, room.mac)
        decision = dataclasses.replace(decision, offer=dataclasses.replace(decision.offer, budget_id=budget_id))
        return Redemption(Outcome.WELCOME, decision, grants.keep(db, decision, now), moved_out=moved_out)


def _offer(voucher: Voucher, now: Now) -> Offer:
    budget = voucher.budget
    if budget is None:
        return Offer(Access.VOUCHER, voucher.duration_seconds, voucher.quota_bytes, voucher.speed, voucher.reference)
    left = rules.remaining_seconds(budget, now)
    return Offer(Access.VOUCHER, left, rules.left_of_quota(budget), voucher.speed, voucher.reference, budget.id)
