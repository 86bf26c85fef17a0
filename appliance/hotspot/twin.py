"""The hotspot in memory, as the office sees it: for tests of those who ask, and for a kiosk without a portal.

Stateful: what is extended, stopped, blocked, made or withdrawn shows in the next answer, and in the list of actions.
Tests put devices online and count traffic with the methods that no protocol has.
"""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from appliance.core.config.accounts import Accounts
from appliance.core.config.networks import Access
from appliance.core.errors import HotspotRefused
from appliance.gate.protocol import Client
from appliance.hotspot import protocol
from appliance.hotspot.protocol import (
    Action,
    ActionKind,
    EndReason,
    OnlineClient,
    PastSession,
    RefusalCode,
    Request,
    TravelState,
    VoucherState,
)

A = TypeVar("A")
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEGABYTE: Final = 1_000_000


@dataclass(slots=True)
class _Voucher:
    serial: int
    left_seconds: int
    left_bytes: int | None
    first_used: int = 0
    is_void: bool = False
    clients: set[Client] = field(default_factory=set)


class TwinHotspot:
    """Keeps `protocol.Hotspot` in memory.

    Args:
        speeds: the names of ``[[speeds]]``.
        clock: whole seconds of wall time.
        zone: the village's time, for days.
    """

    def __init__(
        self,
        speeds: Iterable[str] = (),
        clock: Callable[[], int] = lambda: int(time.time()),
        zone: datetime.tzinfo = datetime.UTC,
    ) -> None:
        self._speeds, self._clock, self._zone = frozenset(speeds), clock, zone
        self._lock = threading.Lock()
        self._online: dict[Client, tuple[OnlineClient, int]] = {}  # with the second at which it ends
        self._past: list[PastSession] = []
        self._blocked: dict[str, tuple[protocol.Blocked, int | None]] = {}
        self._batches: dict[int, tuple[protocol.MakeBatch, int, list[_Voucher]]] = {}
        self._actions: list[Action] = []
        self.usage_points: tuple[protocol.UsagePoint, ...] = ()
        self.district_key = ""
        self._travelled: dict[str, datetime.date] = {}
        self._given: dict[tuple[str, datetime.date], protocol.TravelCode] = {}
        self.requests: list[Request[Any]] = []

    def ask(self, request: Request[A]) -> A:
        """Do what is asked. Raises `HotspotRefused`."""
        with self._lock:
            self.requests.append(request)
            self._end_what_has_ended()
            answer: A = getattr(self, f"_on_{type(request).__name__}")(request)
            return answer

    # -- what tests do -------------------------------------------------------------------------------------------------

    def put_online(self, client: Client, seconds: int = 3_600, **values: Any) -> None:
        """Let a device be online for ``seconds`` from now, by the terms; ``values`` are fields of `OnlineClient`."""
        with self._lock:
            self._put(client, seconds, **values)

    def use_voucher(self, batch_id: int, serial: int, client: Client, **values: Any) -> None:
        """Let a device be online by a voucher. Raises `HotspotRefused` when there is none."""
        with self._lock:
            made, _, vouchers = self._batch_of(batch_id)
            voucher = self._voucher_of(vouchers, batch_id, serial)
            now = self._clock()
            voucher.first_used = voucher.first_used or now
            voucher.clients.add(client)
            left = voucher.first_used + voucher.left_seconds - now
            own = {"way": Access.VOUCHER, "voucher": f"{batch_id}-{serial}", "speed": made.speed}
            self._put(client, left, **{**own, "quota_left_bytes": voucher.left_bytes, **values})

    def count(self, client: Client, sent_bytes: int, received_bytes: int) -> None:
        """Do as if traffic came by."""
        with self._lock:
            one, ends = self._online[client]
            used_bytes = sent_bytes + received_bytes
            sent_bytes, received_bytes = one.sent_bytes + sent_bytes, one.received_bytes + received_bytes
            counted = dataclasses.replace(one, sent_bytes=sent_bytes, received_bytes=received_bytes)
            self._online[client] = (counted, ends)
            if one.quota_left_bytes is not None:
                self._use_up(one.voucher, used_bytes)

    # -- what is asked -------------------------------------------------------------------------------------------------

    def _on_ListClients(self, _: protocol.ListClients) -> protocol.Clients:  # noqa: N802 - named as the request
        now = self._clock()
        found = [dataclasses.replace(one, remaining_seconds=ends - now) for one, ends in self._online.values()]
        return protocol.Clients(tuple(sorted(found, key=lambda one: _as_numbers(one.client.address))))

    def _on_ListHistory(self, request: protocol.ListHistory) -> protocol.History:  # noqa: N802
        running = [
            PastSession(one.client, one.host_name, one.network, one.way, one.voucher, one.since_wall_seconds,
                        None, None, one.sent_bytes, one.received_bytes)
            for one, _ in self._online.values()
        ]  # fmt: skip
        sessions = sorted((*self._past, *running), key=lambda one: one.began_wall_seconds, reverse=True)
        days = tuple(dict.fromkeys(self._day(one.began_wall_seconds) for one in sessions))
        day = request.day or (days[0] if days else "")
        of_day = [one for one in sessions if self._day(one.began_wall_seconds) == day]
        page, count, shown = _page(of_day, request.page)
        return protocol.History(day, days, page, count, tuple(shown))

    def _on_Extend(self, request: protocol.Extend) -> protocol.Done:  # noqa: N802
        voucher = self._online_one(request.client)[0].voucher
        for client, (one, ends) in list(self._online.items()):
            if client == request.client or (voucher and one.voucher == voucher):
                most = self._clock() + protocol.DURATION_SECONDS_MAX
                self._online[client] = (one, min(ends + request.seconds, most))
        if voucher:
            batch_id, serial = map(int, voucher.split("-"))
            self._batches[batch_id][2][serial - 1].left_seconds += request.seconds
        return self._act(request, ActionKind.EXTEND, request.client.mac, str(request.seconds))

    def _on_Stop(self, request: protocol.Stop) -> protocol.Done:  # noqa: N802
        self._online_one(request.client)
        self._end(request.client, EndReason.OFFICE)
        return self._act(request, ActionKind.STOP, request.client.mac)

    def _on_Block(self, request: protocol.Block) -> protocol.Done:  # noqa: N802
        now = self._clock()
        known = [(one.client, one.host_name) for one in self._past]
        known += [(client, one.host_name) for client, (one, _) in self._online.items()]
        mine = [(client.address, name) for client, name in known if client.mac == request.mac]
        address, host_name = mine[-1] if mine else ("", "")
        blocked = protocol.Blocked(request.mac, request.seconds, request.by, request.why, now, host_name, address)
        self._blocked.pop(request.mac, None)
        self._blocked[request.mac] = (blocked, None if request.seconds is None else now + request.seconds)
        for client in [client for client in self._online if client.mac == request.mac]:
            self._end(client, EndReason.BLOCKED)
        return self._act(
            request, ActionKind.BLOCK, request.mac, "" if request.seconds is None else str(request.seconds)
        )

    def _on_Unblock(self, request: protocol.Unblock) -> protocol.Done:  # noqa: N802
        if self._blocked.pop(request.mac, None) is None:
            raise HotspotRefused(RefusalCode.NOT_FOUND, f"{request.mac} is not blocked")
        return self._act(request, ActionKind.UNBLOCK, request.mac)

    def _on_ListBlocked(self, _: protocol.ListBlocked) -> protocol.BlockedList:  # noqa: N802
        now = self._clock()
        found = (
            dataclasses.replace(one, remaining_seconds=None if ends is None else ends - now)
            for one, ends in self._blocked.values()
        )
        return protocol.BlockedList(tuple(reversed(tuple(found))))

    def _on_MakeBatch(self, request: protocol.MakeBatch) -> protocol.BatchCodes:  # noqa: N802
        if request.speed and request.speed not in self._speeds:
            raise HotspotRefused(RefusalCode.UNKNOWN_SPEED, f"[[speeds]] has no {request.speed}")
        number = len(self._batches) + 1
        left_bytes = request.quota_megabytes * _MEGABYTE or None
        vouchers = [_Voucher(serial, request.duration_seconds, left_bytes) for serial in range(1, request.count + 1)]
        self._batches[number] = (request, self._clock(), vouchers)
        self._act(request, ActionKind.MAKE_BATCH, str(number), request.title)
        return self._codes(number)

    def _on_ListBatches(self, _: protocol.ListBatches) -> protocol.Batches:  # noqa: N802
        return protocol.Batches(tuple(self._batch(number) for number in reversed(self._batches)))

    def _on_GetBatch(self, request: protocol.GetBatch) -> protocol.BatchCodes:  # noqa: N802
        self._batch_of(request.batch_id)
        self._act(request, ActionKind.SHOW_CODES, str(request.batch_id))
        return self._codes(request.batch_id)

    def _on_VoidBatch(self, request: protocol.VoidBatch) -> protocol.Done:  # noqa: N802
        for voucher in self._batch_of(request.batch_id)[2]:
            self._void(request.batch_id, voucher)
        return self._act(request, ActionKind.VOID_BATCH, str(request.batch_id))

    def _on_VoidVoucher(self, request: protocol.VoidVoucher) -> protocol.Done:  # noqa: N802
        vouchers = self._batch_of(request.batch_id)[2]
        self._void(request.batch_id, self._voucher_of(vouchers, request.batch_id, request.serial))
        return self._act(request, ActionKind.VOID_VOUCHER, f"{request.batch_id}-{request.serial}")

    def _on_AskUsage(self, _: protocol.AskUsage) -> protocol.Usage:  # noqa: N802
        online = [one for one, _ in self._online.values()]
        received = sum(one.received_bits_per_second for one in online)
        sent = sum(one.sent_bits_per_second for one in online)
        return protocol.Usage(self.usage_points, len(online), received, sent)

    def _on_ListActions(self, request: protocol.ListActions) -> protocol.Actions:  # noqa: N802
        page, count, shown = _page(self._actions[::-1], request.page)
        return protocol.Actions(page, count, tuple(shown))

    def _on_InstallDistrictKey(self, request: protocol.InstallDistrictKey) -> protocol.Done:  # noqa: N802
        self.district_key = request.key
        return self._act(request, ActionKind.INSTALL_DISTRICT_KEY, "", "" if request.key else "removed")

    def _on_AskTravel(self, request: protocol.AskTravel) -> protocol.Travel:  # noqa: N802
        if not self.district_key:
            return protocol.Travel(TravelState.NOT_OFFERED)
        again = self._travelled.get(request.reference, datetime.date.min)
        return (
            protocol.Travel(TravelState.LATER, again.isoformat())
            if self._today() < again
            else protocol.Travel(TravelState.OFFERED)
        )

    def _on_MakeTravelCode(self, request: protocol.MakeTravelCode) -> protocol.TravelCode:  # noqa: N802
        terms, today = Accounts(), self._today()
        if (given := self._given.get((request.reference, today))) is not None:
            return given
        if self._on_AskTravel(protocol.AskTravel(request.reference)).state is not TravelState.OFFERED:
            raise HotspotRefused(RefusalCode.NOT_NOW, "no code for other villages today")
        self._travelled[request.reference] = today + datetime.timedelta(days=terms.travel_wait_days)
        letters = "".join(secrets.choice(_ALPHABET) for _ in range(20))
        code = "-".join(letters[i : i + 5] for i in range(0, 20, 5))
        self._act(request, ActionKind.MAKE_TRAVEL_CODE, request.reference)
        last_day = today + datetime.timedelta(days=terms.travel_valid_days)
        made = protocol.TravelCode(code, terms.travel_minutes, terms.travel_megabytes, last_day.isoformat())
        self._given[request.reference, today] = made
        return made

    def _today(self) -> datetime.date:
        return datetime.datetime.fromtimestamp(self._clock(), self._zone).date()

    # -- state ---------------------------------------------------------------------------------------------------------

    def _put(self, client: Client, seconds: int, **values: Any) -> None:
        now = self._clock()
        self._end_what_has_ended()
        if client in self._online:
            self._end(client, EndReason.RENEWED)
        none: dict[str, Any] = {
            "host_name": "", "network": "warga", "way": Access.TERMS, "voucher": "", "is_let_through": True,
            "sent_bytes": 0, "received_bytes": 0, "sent_bits_per_second": 0, "received_bits_per_second": 0,
            "idle_seconds": 0, "speed": "", "quota_left_bytes": None,
        }  # fmt: skip
        one = OnlineClient(client=client, since_wall_seconds=now, remaining_seconds=seconds, **none | values)
        self._online[client] = (one, now + seconds)

    def _use_up(self, name: str, used_bytes: int) -> None:
        batch_id, serial = map(int, name.split("-"))
        voucher = self._batches[batch_id][2][serial - 1]
        voucher.left_bytes = max(0, (voucher.left_bytes or 0) - used_bytes)
        for client, (one, ends) in list(self._online.items()):
            if one.voucher == name:
                self._online[client] = (dataclasses.replace(one, quota_left_bytes=voucher.left_bytes), ends)

    def _act(self, request: Any, kind: ActionKind, what: str, detail: str = "") -> protocol.Done:
        why = getattr(request, "why", "")
        self._actions.append(Action(len(self._actions) + 1, self._clock(), request.by, kind, what, detail, why))
        return protocol.Done()

    def _end_what_has_ended(self) -> None:
        now = self._clock()
        for client in [client for client, (_, ends) in self._online.items() if ends <= now]:
            self._end(client, EndReason.TIME)
        for mac in [mac for mac, (_, ends) in self._blocked.items() if ends is not None and ends <= now]:
            del self._blocked[mac]

    def _end(self, client: Client, reason: EndReason) -> None:
        one, ends = self._online.pop(client)
        ended = min(self._clock(), ends)
        self._past.append(
            PastSession(client, one.host_name, one.network, one.way, one.voucher, one.since_wall_seconds, ended, reason,
                        one.sent_bytes, one.received_bytes)
        )  # fmt: skip

    def _online_one(self, client: Client) -> tuple[OnlineClient, int]:
        if client not in self._online:
            raise HotspotRefused(RefusalCode.NOT_ONLINE, f"{client.mac} is not online with {client.address}")
        return self._online[client]

    def _batch_of(self, number: int) -> tuple[protocol.MakeBatch, int, list[_Voucher]]:
        if number not in self._batches:
            raise HotspotRefused(RefusalCode.NOT_FOUND, f"there is no batch {number}")
        return self._batches[number]

    def _voucher_of(self, vouchers: list[_Voucher], batch_id: int, serial: int) -> _Voucher:
        if not 1 <= serial <= len(vouchers):
            raise HotspotRefused(RefusalCode.NOT_FOUND, f"there is no voucher {batch_id}-{serial}")
        return vouchers[serial - 1]

    def _void(self, batch_id: int, voucher: _Voucher) -> None:
        voucher.is_void = True
        name = f"{batch_id}-{voucher.serial}"
        for client in [client for client, (one, _) in self._online.items() if one.voucher == name]:
            self._end(client, EndReason.VOUCHER)

    def _state(self, number: int, voucher: _Voucher) -> VoucherState:
        if voucher.is_void:
            return VoucherState.VOID
        if not voucher.first_used:
            expired = self._day(self._clock()) > self._last_day(number)
            return VoucherState.EXPIRED if expired else VoucherState.UNUSED
        over = voucher.first_used + voucher.left_seconds <= self._clock() or voucher.left_bytes == 0
        return VoucherState.USED_UP if over else VoucherState.ACTIVE

    def _last_day(self, number: int) -> str:
        made, at, _ = self._batches[number]
        return self._day(at + made.valid_days * 86_400)

    def _batch(self, number: int) -> protocol.Batch:
        made, at, vouchers = self._batches[number]
        states = [self._state(number, voucher) for voucher in vouchers]
        return protocol.Batch(
            number, made.title, made.count, made.devices, made.duration_seconds, made.quota_megabytes, made.speed,
            made.valid_days, self._last_day(number), made.by, at, *(states.count(state) for state in VoucherState),
        )  # fmt: skip

    def _codes(self, number: int) -> protocol.BatchCodes:
        now, found = self._clock(), []
        for voucher in self._batches[number][2]:
            left = voucher.left_seconds - (now - voucher.first_used if voucher.first_used else 0)
            found.append(
                protocol.BatchVoucher(
                    voucher.serial, _code(number, voucher.serial), self._state(number, voucher), len(voucher.clients),
                    max(0, left), voucher.left_bytes, voucher.first_used,
                )
            )  # fmt: skip
        return protocol.BatchCodes(self._batch(number), tuple(found))

    def _day(self, wall_seconds: int) -> str:
        return datetime.datetime.fromtimestamp(wall_seconds, self._zone).date().isoformat()


def _code(batch_id: int, serial: int) -> str:
    """A code that looks like one, the same each time. No secret: the twin opens nothing."""
    number = (batch_id * 1_000 + serial) * 0x9E3779B97F4A7C15 % 2**50
    digits = "".join(_ALPHABET[number >> 5 * i & 31] for i in range(10))
    return f"{digits[:5]}-{digits[5:]}"


def _page(items: list[Any], page: int) -> tuple[int, int, list[Any]]:
    count = max(1, -(-len(items) // protocol.PAGE_SIZE))
    page = min(page, count - 1)
    return page, count, items[page * protocol.PAGE_SIZE : (page + 1) * protocol.PAGE_SIZE]


def _as_numbers(address: str) -> tuple[int, ...]:
    return tuple(map(int, address.split(".")))
