"""From a name and a PIN to a grant. The kiosk says whose they are; places and grants are the portal's own.

So that log-out frees a place while the kiosk is away, and no grant lacks its place: both are one transaction. What an
account gives is the village's ``[accounts]``: the kiosk's answer opens no more than that.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from appliance.core.config import Config
from appliance.core.config.networks import Access
from appliance.gate.protocol import Admitted, Client
from appliance.store.database import Database
from appliance.wifi.accounts import AccountOutcome, Holding, ResidentAccounts
from captive_portal import account_store, grants, local_time, places, rules
from captive_portal.grants import Grants
from captive_portal.now import Now
from captive_portal.rules import Decision, Device, End, Grant, Known, Offer, Policy, Verdict


class Outcome(enum.StrEnum):
    """What came of a name and a PIN."""

    WELCOME = "welcome"  # the grant is kept; the gate may be asked
    WRONG = "wrong"  # which of the two is never said; with a wait from now on, perhaps
    WAIT = "wait"  # too many wrong ones; nothing was looked at
    BUSY = "busy"  # too many log in at this moment; nothing was looked at
    PLACES_TAKEN = "places_taken"  # as many devices as an account is for are using it
    DENIED = "denied"  # the decision says why not now


@dataclass(frozen=True, slots=True)
class Entrance:
    """The answer to a name and a PIN.

    Args:
        outcome: see `Outcome`.
        decision: with WELCOME and DENIED, what `rules.decide` said.
        grant: with WELCOME.
        wait_seconds: with WAIT, and with WRONG when the next try must wait.
        moved_out: who lost a place or an older login; the keeper, or the page, lets the gate revoke them.
        holders: with PLACES_TAKEN, who holds the places.
    """

    outcome: Outcome
    decision: Decision | None = None
    grant: Grant | None = None
    wait_seconds: int = 0
    moved_out: tuple[Client, ...] = ()
    holders: tuple[Client, ...] = field(default=(), repr=False)


_NOT_WELCOME = {
    AccountOutcome.WRONG: Outcome.WRONG,
    AccountOutcome.WAIT: Outcome.WAIT,
    AccountOutcome.BUSY: Outcome.BUSY,
}


class Accounts:
    """Lets residents in by their accounts.

    Args:
        grants: the portal's database.
        config: the village's ``hub.toml``.
        register: checks names and PINs.
    """

    def __init__(self, store: Grants, config: Config, register: ResidentAccounts) -> None:
        self._grants, self._register = store, register
        self._policy, self._terms = Policy.of(config), config.account_terms

    def enter(
        self, name: str, pin: str, device: Device, now: Now, admitted: Callable[[Client], Admitted | None]
    ) -> Entrance:
        """Take a name and a PIN from a device. With WELCOME the grant is durable.

        Args:
            name: as typed.
            pin: as typed.
            device: who asks, as the kernel knows it.
            now: the clocks.
            admitted: asks the gate; only when all places are taken.

        Raises:
            AccountsUnavailable: the kiosk does not answer; nothing was changed.
            GateError: places are taken, and the gate does not say by whom; nothing was changed.
            StoreError: nothing was stored.
        """
        shut = self._shut(device, now)
        if shut is not None or (client := rules.identify(self._policy, device)[1]) is None:
            return Entrance(Outcome.DENIED, shut)
        answer = self._register.check(name, pin, client)
        holding = answer.holding
        if holding is None:
            return Entrance(_NOT_WELCOME[answer.outcome], wait_seconds=answer.wait_seconds)
        done = self._grants.write(lambda db: self._try(db, holding, device, now, ()))
        if done.outcome is not Outcome.PLACES_TAKEN:
            return done
        silent = [holder for holder in done.holders if places.is_silent(admitted(holder))]
        if not silent:
            return done
        return self._grants.write(lambda db: self._try(db, holding, device, now, silent))

    def give_back(self, grant: Grant) -> None:
        """Free the place of a grant that was dropped since the gate refused it for good. Raises `StoreError`."""
        self._grants.write(lambda db: account_store.leave(db, grant.voucher, grant.client.mac))

    def _shut(self, device: Device, now: Now) -> Decision | None:
        """Why nobody gets in from this device at all, whoever it is; asked first, since the kiosk's answer is dear."""
        client = rules.identify(self._policy, device)[1]
        block = self._known(client, now).block if client is not None else None
        decision = rules.decide(self._policy, device, now, Known(block=block), self._offer(""))
        return None if decision.verdict is Verdict.ADMIT else decision

    def _known(self, client: Client, now: Now) -> Known:
        return self._grants.known(client.mac, local_time.day(now, self._policy.timezone), now)

    def _offer(self, reference: str) -> Offer:
        return Offer(Access.ACCOUNT, self._terms.session_seconds, None, self._terms.speed, reference)

    def _try(self, db: Database, holding: Holding, device: Device, now: Now, silent: Collection[Client]) -> Entrance:
        client = rules.identify(self._policy, device)[1]
        assert client is not None  # noqa: S101 - `enter` has looked
        reference, logged_out = holding.reference, tuple[Client, ...]()
        before = account_store.generation(db, reference)
        if before is not None and before != holding.generation:
            # Whoever came with the PIN of before is to log in again, also where the keeper has not heard of it yet; and
            # with one that is lost, where the kiosk has come back from a backup.
            logged_out = account_store.end(db, [Holding(reference, before)], now)
        held = account_store.places(db, reference)
        yielding = places.yielding(db, reference, held, now, silent)
        room = places.room(self._terms.devices, held, client, yielding)
        if room is None:
            return Entrance(
                Outcome.PLACES_TAKEN, holders=tuple(place.client for place in held if not places.is_new(place, now))
            )
        subject = rules.day_subject(Access.ACCOUNT, client.mac, reference)
        known = grants.known(db, client.mac, local_time.day(now, self._policy.timezone), now, subject)
        decision = rules.decide(self._policy, device, now, known, self._offer(reference))
        if decision.verdict is not Verdict.ADMIT or decision.offer is None:
            return Entrance(Outcome.DENIED, decision, moved_out=logged_out)
        budget_id = account_store.begin(db, holding, self._terms.session_seconds, now)
        moved_out = places.clear(db, reference, {room.mac, client.mac}, client, now, why=End.ACCOUNT)
        account_store.take_place(db, reference, client, now, room.mac)
        decision = dataclasses.replace(decision, offer=dataclasses.replace(decision.offer, budget_id=budget_id))
        grant = grants.keep(db, decision, now)
        return Entrance(Outcome.WELCOME, decision, grant, moved_out=(*logged_out, *moved_out))
