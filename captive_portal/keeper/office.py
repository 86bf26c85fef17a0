"""Answers the office: the keeper's side of `appliance.hotspot.protocol`.

What changes something is one transaction with its line in the list of actions. Whose grant it took is shut out at once;
for the rest the keeper does a round, and brings the kernel in line as after anything else that happened to either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from appliance.core.config import Config
from appliance.core.errors import GateError, HotspotRefused, OperationError, StoreError
from appliance.gate.protocol import Client, Gate
from appliance.hotspot import protocol
from appliance.hotspot.protocol import ActionKind, RefusalCode
from appliance.store.database import Database
from captive_portal import actions, blocks, budgets, grants
from captive_portal.grants import Grants
from captive_portal.keeper import office_views
from captive_portal.keeper.rounds import Picture
from captive_portal.now import Now
from captive_portal.rules import Block, End, Grant, Policy
from captive_portal.travel import Desk
from captive_portal.vouchers import keys as voucher_keys
from captive_portal.vouchers import store as vouchers
from captive_portal.vouchers.keys import VoucherKeys

T = TypeVar("T")
# What a request changes, within the transaction; returns whose grants it ended.
Step = Callable[[Database, Now], Sequence[Client]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What answers need.

    Args:
        grants: the portal's database.
        config: the village's ``hub.toml``.
        keys: of vouchers.
        clock: reads the clocks.
        picture: what the keeper saw at its last look.
        names: what devices call themselves, by MAC: hostile text.
        gate: shuts out whom the office stopped.
        hurry: asks the keeper for a round now.
    """

    grants: Grants
    config: Config
    keys: VoucherKeys
    clock: Callable[[], Now]
    picture: Callable[[], Picture]
    names: Callable[[], Mapping[str, str]]
    gate: Gate
    hurry: Callable[[], None]

    def answer(self, request: protocol.Request[Any]) -> Any:
        """Do what is asked, and answer; a refusal is an answer too. Whether the asker may is decided before."""
        try:
            return _ANSWERS[type(request)](self, request)
        except HotspotRefused as error:
            return protocol.Refusal(RefusalCode(error.code), str(error))
        except (StoreError, OperationError, ValueError) as error:
            return protocol.Refusal(RefusalCode.FAILED, str(error))

    @property
    def policy(self) -> Policy:
        """What the village allows."""
        return Policy.of(self.config)

    def signed(self, step: Step, request: Any, kind: ActionKind, **words: str) -> protocol.Done:
        """Run a step and write it down, in one transaction; then have the kernel brought in line.

        Raises:
            HotspotRefused: ``gate_silent``: it is done, and the gate follows when it answers.
        """
        now = self.clock()

        def both(db: Database) -> Sequence[Client]:
            ended = step(db, now)
            actions.add(db, now, request.by, kind, why=getattr(request, "why", ""), **words)
            return ended

        ended = self.grants.write(both)
        self.hurry()
        try:
            for client in ended:
                self.gate.revoke(client)
        except GateError as error:
            raise HotspotRefused(RefusalCode.GATE_SILENT, f"it is kept, but {error}") from None
        return protocol.Done()


def _clients(office: Office, _: protocol.ListClients) -> protocol.Clients:
    now = office.clock()
    return office_views.clients(office.grants, office.policy, office.picture(), office.names(), now)


def _history(office: Office, request: protocol.ListHistory) -> protocol.History:
    with office.grants.store.reading() as db:
        return office_views.history(db, office.config.village.timezone, office.picture(), office.names(), request)


def _usage(office: Office, _: protocol.AskUsage) -> protocol.Usage:
    with office.grants.store.reading() as db:
        return office_views.usage(db, office.picture(), office.clock())


def _actions(office: Office, request: protocol.ListActions) -> protocol.Actions:
    with office.grants.store.reading() as db:
        return actions.page(db, request.page)


def _extend(office: Office, request: protocol.Extend) -> protocol.Done:
    def step(db: Database, now: Now) -> Sequence[Client]:
        budgets.extend(db, _online(db, request.client).budget.id, request.seconds, now)
        return ()

    return office.signed(step, request, ActionKind.EXTEND, what=request.client.mac, detail=str(request.seconds))


def _stop(office: Office, request: protocol.Stop) -> protocol.Done:
    def step(db: Database, now: Now) -> Sequence[Client]:
        grants.take_back(db, _online(db, request.client).client, End.OFFICE, now)
        return (request.client,)

    return office.signed(step, request, ActionKind.STOP, what=request.client.mac)


def _block(office: Office, request: protocol.Block) -> protocol.Done:
    def step(db: Database, now: Now) -> Sequence[Client]:
        blocks.add(db, Block(request.mac, request.seconds, request.by, request.why, now.wall_seconds), now)
        ended = [grant.client for grant in grants.of_mac(db, request.mac)]
        for client in ended:
            grants.take_back(db, client, End.BLOCKED, now)
        return ended

    detail = "" if request.seconds is None else str(request.seconds)
    return office.signed(step, request, ActionKind.BLOCK, what=request.mac, detail=detail)


def _unblock(office: Office, request: protocol.Unblock) -> protocol.Done:
    def step(db: Database, _: Now) -> Sequence[Client]:
        if not blocks.remove(db, request.mac):
            raise HotspotRefused(RefusalCode.NOT_FOUND, f"{request.mac} is not blocked")
        return ()

    return office.signed(step, request, ActionKind.UNBLOCK, what=request.mac)


def _blocked(office: Office, _: protocol.ListBlocked) -> protocol.BlockedList:
    with office.grants.store.reading() as db:
        return office_views.blocked(db, blocks.in_force(db, office.clock()).values(), office.names())


def _make_batch(office: Office, request: protocol.MakeBatch) -> protocol.BatchCodes:
    known = [speed.name for speed in office.config.speeds]
    if request.speed and request.speed not in known:
        allowed = ", ".join(known) or "none yet"
        raise HotspotRefused(RefusalCode.UNKNOWN_SPEED, f"[[speeds]] has no {request.speed}; there are: {allowed}")
    now, zone = office.clock(), office.config.village.timezone

    def step(db: Database) -> protocol.BatchCodes:
        batch_id = vouchers.make_batch(db, office.keys.local, request, now, zone)
        actions.add(db, now, request.by, ActionKind.MAKE_BATCH, what=str(batch_id), detail=request.title)
        return _found(vouchers.batch_codes(db, office.keys.local, batch_id, now, zone), f"batch {batch_id}")

    return office.grants.write(step)


def _batches(office: Office, _: protocol.ListBatches) -> protocol.Batches:
    with office.grants.store.reading() as db:
        return protocol.Batches(vouchers.batches(db, office.clock(), office.config.village.timezone))


def _get_batch(office: Office, request: protocol.GetBatch) -> protocol.BatchCodes:
    now, zone = office.clock(), office.config.village.timezone

    def step(db: Database) -> protocol.BatchCodes:
        codes = vouchers.batch_codes(db, office.keys.local, request.batch_id, now, zone)
        actions.add(db, now, request.by, ActionKind.SHOW_CODES, what=str(request.batch_id))
        return _found(codes, f"batch {request.batch_id}")

    return office.grants.write(step)


def _void_batch(office: Office, request: protocol.VoidBatch) -> protocol.Done:
    def step(db: Database, now: Now) -> Sequence[Client]:
        return _found(vouchers.void(db, request.batch_id, None, now), f"batch {request.batch_id}")

    return office.signed(step, request, ActionKind.VOID_BATCH, what=str(request.batch_id))


def _void_voucher(office: Office, request: protocol.VoidVoucher) -> protocol.Done:
    name = f"{request.batch_id}-{request.serial}"

    def step(db: Database, now: Now) -> Sequence[Client]:
        return _found(vouchers.void(db, request.batch_id, request.serial, now), f"voucher {name}")

    return office.signed(step, request, ActionKind.VOID_VOUCHER, what=name)


def _install_district_key(office: Office, request: protocol.InstallDistrictKey) -> protocol.Done:
    # The file last: rather a line too many in the list than a key that nobody answers for.
    detail = "" if request.key else "removed"
    done = office.signed(lambda *_: (), request, ActionKind.INSTALL_DISTRICT_KEY, detail=detail)
    voucher_keys.install_district_key(office.keys.district_path, request.key)
    return done


def _desk(office: Office) -> Desk:
    return Desk(office.config.account_terms, office.keys.district(), office.config.village.timezone)


def _ask_travel(office: Office, request: protocol.AskTravel) -> protocol.Travel:
    desk = _desk(office)
    with office.grants.store.reading() as db:
        return desk.standing(db, request.reference, office.clock())


def _make_travel_code(office: Office, request: protocol.MakeTravelCode) -> protocol.TravelCode:
    desk, now = _desk(office), office.clock()

    def step(db: Database) -> protocol.TravelCode:
        is_new = desk.standing(db, request.reference, now).state is protocol.TravelState.OFFERED
        made = desk.make(db, request.reference, now)
        if made is None:
            raise HotspotRefused(RefusalCode.NOT_NOW, "no code for other villages today")
        if is_new:
            actions.add(db, now, request.by, ActionKind.MAKE_TRAVEL_CODE, what=request.reference)
        return made

    return office.grants.write(step)


def _online(db: Database, client: Client) -> Grant:
    for grant in grants.of_mac(db, client.mac):
        if grant.client == client:
            return grant
    raise HotspotRefused(RefusalCode.NOT_ONLINE, f"{client.mac} is not online with {client.address}")


def _found(value: T | None, name: str) -> T:
    if value is None:
        raise HotspotRefused(RefusalCode.NOT_FOUND, f"there is no {name}")
    return value


_ANSWERS: Final[Mapping[type[Any], Callable[[Office, Any], Any]]] = {
    protocol.ListClients: _clients,
    protocol.ListHistory: _history,
    protocol.Extend: _extend,
    protocol.Stop: _stop,
    protocol.Block: _block,
    protocol.Unblock: _unblock,
    protocol.ListBlocked: _blocked,
    protocol.MakeBatch: _make_batch,
    protocol.ListBatches: _batches,
    protocol.GetBatch: _get_batch,
    protocol.VoidBatch: _void_batch,
    protocol.VoidVoucher: _void_voucher,
    protocol.AskUsage: _usage,
    protocol.ListActions: _actions,
    protocol.InstallDistrictKey: _install_district_key,
    protocol.AskTravel: _ask_travel,
    protocol.MakeTravelCode: _make_travel_code,
}
