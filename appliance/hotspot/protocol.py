"""What may be asked of the hotspot, and what it answers.

One connection carries one request and one answer, each a line of JSON, over a Unix stream socket. The keeper takes the
asker's uid from the kernel (``SO_PEERCRED``, unix(7)). ``by`` names the office account for the audit list: the kiosk
logs people in, so that its word for it is taken.

Each request names its answer's type: ``Request[Clients]`` is answered by `Clients`, or a `Refusal`, which the asking
side raises as `HotspotRefused`. Wall times are whole seconds since 1970 in UTC, labels of a clock that may be wrong;
0 means unknown. "sent" is from the device, "received" to it.
"""

from __future__ import annotations

import datetime
import enum
import json
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from appliance.core.config import Access
from appliance.core.errors import GateRefused, HotspotRefused
from appliance.gate.protocol import Client
from appliance.hotspot.wire import from_json, to_json

REQUEST_BYTES_MAX: Final = 8_192
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024  # a /20 full of clients
PAGE_SIZE: Final = 100
PAGE_MAX: Final = 1_000_000
DURATION_SECONDS_MIN: Final = 60
DURATION_SECONDS_MAX: Final = 2_592_000
BATCH_COUNT_MAX: Final = 500
DEVICES_MAX: Final = 10
QUOTA_MEGABYTES_MAX: Final = 1_000_000
VALID_DAYS_MAX: Final = 730
BLOCK_SECONDS_MAX: Final = 31_536_000
TITLE_LENGTH_MAX: Final = 60
WHY_LENGTH_MAX: Final = 200
USAGE_STEP_SECONDS: Final = 300
USAGE_POINTS_MAX: Final = 576  # 48 hours
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_BY = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_SPEED = re.compile(r"(?:[a-z][a-z0-9]{0,10})?")

A = TypeVar("A")


class RefusalCode(enum.StrEnum):
    """Why the hotspot says no."""

    MALFORMED = "malformed"  # not a message, or a value outside its bounds
    NOT_ALLOWED = "not_allowed"  # this user of the box may not ask this
    NOT_ONLINE = "not_online"  # that device has no grant now
    NOT_FOUND = "not_found"  # no such batch, voucher or block
    UNKNOWN_SPEED = "unknown_speed"  # [[speeds]] has no such name
    GATE_SILENT = "gate_silent"  # the firewall did not answer; what was asked is kept and done when it does
    FAILED = "failed"  # nothing was changed


class VoucherState(enum.StrEnum):
    """What a voucher is good for."""

    UNUSED = "unused"
    ACTIVE = "active"  # used, and something is left
    USED_UP = "used_up"  # its time or its data is gone
    EXPIRED = "expired"  # never used, and its last day has passed
    VOID = "void"  # the office withdrew it


class EndReason(enum.StrEnum):
    """Why a connection ended."""

    TIME = "time"  # its own time, or its voucher's
    DATA = "data"  # its data, or its voucher's
    IDLE = "idle"
    CLOSED = "closed"  # outside opening hours
    DAILY_TIME = "daily_time"
    DAILY_DATA = "daily_data"
    BLOCKED = "blocked"
    NETWORK = "network"  # its network is not in hub.toml any more
    LOGOUT = "logout"  # the resident's own wish
    OFFICE = "office"  # the office stopped it
    VOUCHER = "voucher"  # its voucher was withdrawn, or its place taken by another device
    REPLACED = "replaced"  # another device got the address, or this one took too many
    RENEWED = "renewed"  # a new connection of the same device follows


class ActionKind(enum.StrEnum):
    """What the office did."""

    EXTEND = "extend"
    STOP = "stop"
    BLOCK = "block"
    UNBLOCK = "unblock"
    MAKE_BATCH = "make_batch"
    SHOW_CODES = "show_codes"
    VOID_BATCH = "void_batch"
    VOID_VOUCHER = "void_voucher"
    INSTALL_DISTRICT_KEY = "install_district_key"


class Request(Generic[A]):
    """A request whose answer is an ``A``."""

    __slots__ = ()


# -- answers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """The hotspot says no; ``message`` is for a technician."""

    code: RefusalCode
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, and written down."""


@dataclass(frozen=True, slots=True)
class OnlineClient:
    """One device with a grant, as grants and kernel tell.

    ``host_name`` is what the device calls itself over DHCP: hostile text, cleaned to at most 64 printable characters.
    ``voucher`` is a reference such as ``12-7`` (batch and serial, ``D`` first for the district's), never the code.
    ``is_let_through`` is the kernel's word; False for the seconds until the keeper has repaired it. ``idle_seconds``
    and rates are of the last look; ``quota_left_bytes`` is None without a quota.
    """

    client: Client
    host_name: str
    network: str
    way: Access
    voucher: str
    since_wall_seconds: int
    remaining_seconds: int
    is_let_through: bool
    sent_bytes: int
    received_bytes: int
    sent_bits_per_second: int
    received_bits_per_second: int
    idle_seconds: int
    speed: str
    quota_left_bytes: int | None


@dataclass(frozen=True, slots=True)
class Clients:
    """The answer to `ListClients`, by address."""

    online: tuple[OnlineClient, ...]


@dataclass(frozen=True, slots=True)
class PastSession:
    """One connection that has ended, or goes on: ``ended_wall_seconds`` and ``end_reason`` are then None."""

    client: Client
    host_name: str
    network: str
    way: Access
    voucher: str
    began_wall_seconds: int
    ended_wall_seconds: int | None
    end_reason: EndReason | None
    sent_bytes: int
    received_bytes: int


@dataclass(frozen=True, slots=True)
class History:
    """The answer to `ListHistory`: one page of the sessions that began on ``day``, newest first.

    ``days`` are the days that have any, newest first, in the village's own time; ``day`` is "" when there are none.
    """

    day: str
    days: tuple[str, ...]
    page: int
    page_count: int
    sessions: tuple[PastSession, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A device that is kept out. ``remaining_seconds`` None is forever."""

    mac: str
    remaining_seconds: int | None
    by: str
    why: str
    since_wall_seconds: int


@dataclass(frozen=True, slots=True)
class BlockedList:
    """The answer to `ListBlocked`, newest first."""

    blocked: tuple[Blocked, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Vouchers made together. ``last_day`` is the last day they can first be used, as 2026-12-31.

    It is "" until the box knows the date; the days are then counted from that day.
    """

    id: int
    title: str
    count: int
    devices: int
    duration_seconds: int
    quota_megabytes: int
    speed: str
    valid_days: int
    last_day: str
    made_by: str
    made_wall_seconds: int
    unused_count: int
    active_count: int
    used_up_count: int
    expired_count: int
    void_count: int


@dataclass(frozen=True, slots=True)
class Batches:
    """The answer to `ListBatches`, newest first."""

    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class BatchVoucher:
    """One voucher with its code in its printed form, ``XXXXX-XXXXX``."""

    serial: int
    code: str
    state: VoucherState
    devices_in_use: int
    remaining_seconds: int
    quota_left_bytes: int | None
    first_used_wall_seconds: int


@dataclass(frozen=True, slots=True)
class BatchCodes:
    """The answer to `MakeBatch` and `GetBatch`: the batch, and its vouchers by serial."""

    batch: Batch
    vouchers: tuple[BatchVoucher, ...]


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """`USAGE_STEP_SECONDS` of use that began at ``wall_seconds``: bytes of all residents, and most devices at once."""

    wall_seconds: int
    received_bytes: int
    sent_bytes: int
    online_count: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The answer to `AskUsage`: at most 48 hours, oldest first (steps without any record are missing), and now."""

    points: tuple[UsagePoint, ...]
    online_count: int
    received_bits_per_second: int
    sent_bits_per_second: int


@dataclass(frozen=True, slots=True)
class Action:
    """What somebody did.

    ``what`` names the device by its MAC, the batch as ``12``, the voucher as ``12-7``. ``detail`` is a number of
    seconds for ``extend`` and ``block`` ("" for forever), the title for ``make_batch``, else "".
    """

    number: int
    wall_seconds: int
    by: str
    kind: ActionKind
    what: str
    detail: str
    why: str


@dataclass(frozen=True, slots=True)
class Actions:
    """The answer to `ListActions`: one page, newest first."""

    page: int
    page_count: int
    actions: tuple[Action, ...]


# -- requests ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListClients(Request[Clients]):
    """Who is online now."""


@dataclass(frozen=True, slots=True)
class ListHistory(Request[History]):
    """Who was connected on ``day`` (2026-12-31; "" for the latest that has any), `PAGE_SIZE` at a time from page 0."""

    day: str
    page: int

    def __post_init__(self) -> None:
        _check_page(self.page)
        if self.day:
            try:
                is_day = datetime.date.fromisoformat(self.day).isoformat() == self.day
            except ValueError:
                is_day = False
            _need(is_day, "day is a date such as 2026-12-31, or empty")


@dataclass(frozen=True, slots=True)
class Extend(Request[Done]):
    """Give a device that is online ``seconds`` more. With a voucher the voucher gets them, for all its devices."""

    client: Client
    seconds: int
    by: str
    why: str

    def __post_init__(self) -> None:
        _check_number("seconds", self.seconds, DURATION_SECONDS_MIN, DURATION_SECONDS_MAX)
        _check_signed(self.by, self.why)


@dataclass(frozen=True, slots=True)
class Stop(Request[Done]):
    """End a device's connection now. What is left of its voucher stays; `Block` keeps it out."""

    client: Client
    by: str
    why: str

    def __post_init__(self) -> None:
        _check_signed(self.by, self.why)


@dataclass(frozen=True, slots=True)
class Block(Request[Done]):
    """Keep a device out for ``seconds`` (None: until somebody unblocks it), and end what it has."""

    mac: str
    seconds: int | None
    by: str
    why: str

    def __post_init__(self) -> None:
        _check_mac(self.mac)
        if self.seconds is not None:
            _check_number("seconds", self.seconds, DURATION_SECONDS_MIN, BLOCK_SECONDS_MAX)
        _check_signed(self.by, self.why)


@dataclass(frozen=True, slots=True)
class Unblock(Request[Done]):
    """Let a device in again."""

    mac: str
    by: str
    why: str

    def __post_init__(self) -> None:
        _check_mac(self.mac)
        _check_signed(self.by, self.why)


@dataclass(frozen=True, slots=True)
class ListBlocked(Request[BlockedList]):
    """Who is kept out."""


@dataclass(frozen=True, slots=True)
class MakeBatch(Request[BatchCodes]):
    """Make vouchers. ``quota_megabytes`` (1,000,000 bytes each) 0 and ``speed`` "" set no bound."""

    title: str
    count: int
    devices: int
    duration_seconds: int
    quota_megabytes: int
    speed: str
    valid_days: int
    by: str

    def __post_init__(self) -> None:
        _check_text("title", self.title, TITLE_LENGTH_MAX)
        _check_number("count", self.count, 1, BATCH_COUNT_MAX)
        _check_number("devices", self.devices, 1, DEVICES_MAX)
        _check_number("duration_seconds", self.duration_seconds, DURATION_SECONDS_MIN, DURATION_SECONDS_MAX)
        _check_number("quota_megabytes", self.quota_megabytes, 0, QUOTA_MEGABYTES_MAX)
        _need(_SPEED.fullmatch(self.speed) is not None, "speed is a name of [[speeds]], or empty")
        _check_number("valid_days", self.valid_days, 1, VALID_DAYS_MAX)
        _check_by(self.by)


@dataclass(frozen=True, slots=True)
class ListBatches(Request[Batches]):
    """All batches, without codes."""


@dataclass(frozen=True, slots=True)
class GetBatch(Request[BatchCodes]):
    """One batch with its codes, to print it (again). Written down: who saw the codes could have used them."""

    batch_id: int
    by: str

    def __post_init__(self) -> None:
        _check_by(self.by)


@dataclass(frozen=True, slots=True)
class VoidBatch(Request[Done]):
    """Withdraw every voucher of a batch, and end the connections made with them."""

    batch_id: int
    by: str
    why: str

    def __post_init__(self) -> None:
        _check_signed(self.by, self.why)


@dataclass(frozen=True, slots=True)
class VoidVoucher(Request[Done]):
    """Withdraw one voucher, and end the connections made with it."""

    batch_id: int
    serial: int
    by: str
    why: str

    def __post_init__(self) -> None:
        _check_signed(self.by, self.why)


@dataclass(frozen=True, slots=True)
class AskUsage(Request[Usage]):
    """How much the village uses."""


@dataclass(frozen=True, slots=True)
class ListActions(Request[Actions]):
    """What the office did, `PAGE_SIZE` at a time from page 0."""

    page: int

    def __post_init__(self) -> None:
        _check_page(self.page)


@dataclass(frozen=True, slots=True)
class InstallDistrictKey(Request[Done]):
    """Accept the vouchers of a district: ``key`` is 64 hexadecimal digits; "" accepts none any more. Root only."""

    key: str
    by: str

    def __post_init__(self) -> None:
        _need(re.fullmatch(r"(?:[0-9a-f]{64})?", self.key) is not None, "key is 64 hexadecimal digits, or empty")
        _check_by(self.by)


class Hotspot(Protocol):
    """What a program may ask: the typed seam its users are given. The client over the socket, and the twin, keep it."""

    def ask(self, request: Request[A]) -> A:
        """Ask, and return the request's own answer.

        Raises:
            HotspotRefused: the hotspot says no, with a `RefusalCode`.
            HotspotUnavailable: no keeper, or no answer in time.
        """


_REQUESTS: Final[Mapping[str, type[Any]]] = {
    "list_clients": ListClients, "list_history": ListHistory, "extend": Extend, "stop": Stop, "block": Block,
    "unblock": Unblock, "list_blocked": ListBlocked, "make_batch": MakeBatch, "list_batches": ListBatches,
    "get_batch": GetBatch, "void_batch": VoidBatch, "void_voucher": VoidVoucher, "ask_usage": AskUsage,
    "list_actions": ListActions, "install_district_key": InstallDistrictKey,
}  # fmt: skip
_ANSWERS: Final[Mapping[str, type[Any]]] = {
    "refusal": Refusal, "done": Done, "clients": Clients, "history": History, "blocked": BlockedList,
    "batches": Batches, "batch": BatchCodes, "usage": Usage, "actions": Actions,
}  # fmt: skip
REQUESTS: Final = tuple(_REQUESTS.values())


def answer_type(request: Request[A]) -> type[A]:
    """The type of a request's answer, from its own declaration."""
    found: type[A] = typing.get_args(type(request).__orig_bases__[0])[0]  # type: ignore[attr-defined]  # set by typing
    return found


def encode(message: Any) -> bytes:
    """Write one request or answer as a line of JSON."""
    for name, kind in (*_REQUESTS.items(), *_ANSWERS.items()):
        if type(message) is kind:
            return json.dumps({"type": name, **to_json(message)}, separators=(",", ":")).encode() + b"\n"
    raise TypeError(f"not a message of this protocol: {message!r}")


def decode_request(line: bytes) -> Request[Any]:
    """Read a request. Raises `HotspotRefused` with code ``malformed``, saying what is wrong."""
    request: Request[Any] = _decode(line, _REQUESTS)
    return request


def decode_answer(line: bytes) -> Any:
    """Read an answer. Raises `HotspotRefused` with code ``malformed``."""
    return _decode(line, _ANSWERS)


def _decode(line: bytes, kinds: Mapping[str, type[Any]]) -> Any:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise HotspotRefused(RefusalCode.MALFORMED, "the message is not JSON") from None
    name = document.pop("type", None) if isinstance(document, dict) else None
    kind = kinds.get(name) if isinstance(name, str) else None
    _need(kind is not None, f"type is one of {', '.join(kinds)}")
    try:
        return from_json(kind, document)
    except (ValueError, GateRefused) as error:
        raise HotspotRefused(RefusalCode.MALFORMED, f"{name}: {error}") from None


def _need(holds: bool, allowed: str) -> None:
    if not holds:
        raise HotspotRefused(RefusalCode.MALFORMED, allowed)


def _check_number(name: str, value: int, least: int, most: int) -> None:
    _need(type(value) is int and least <= value <= most, f"{name} is a whole number from {least} to {most}")


def _check_page(page: int) -> None:
    _check_number("page", page, 0, PAGE_MAX)


def _check_text(name: str, value: str, most: int) -> None:
    holds = 0 < len(value) <= most and value.isprintable() and value.strip() == value
    _need(holds, f"{name} is one line of 1 to {most} characters, without spaces around it")


def _check_mac(mac: str) -> None:
    _need(_MAC.fullmatch(mac) is not None, "mac is like 02:00:00:00:00:01, in lower case")


def _check_by(by: str) -> None:
    _need(_BY.fullmatch(by) is not None, "by is the name of an office account")


def _check_signed(by: str, why: str) -> None:
    _check_by(by)
    _check_text("why", why, WHY_LENGTH_MAX)
