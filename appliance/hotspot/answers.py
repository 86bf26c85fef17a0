"""What the hotspot answers, and the words in its answers. See `appliance.hotspot.protocol`.

Wall times are whole seconds since 1970 in UTC, labels of a clock that may be wrong; 0 means unknown. "sent" is from the
device, "received" to it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from appliance.core.config.networks import Access
from appliance.gate.protocol import Client
from appliance.hotspot.ends import EndReason


class RefusalCode(enum.StrEnum):
    """Why the hotspot says no."""

    MALFORMED = "malformed"  # not a message, or a value outside its bounds
    NOT_ALLOWED = "not_allowed"  # this user of the box may not ask this
    NOT_ONLINE = "not_online"  # that device has no grant now
    NOT_FOUND = "not_found"  # no such batch, voucher or block
    UNKNOWN_SPEED = "unknown_speed"  # [[speeds]] has no such name
    GATE_SILENT = "gate_silent"  # the firewall did not answer; what was asked is kept and done when it does
    NOT_NOW = "not_now"  # no code for other villages today: `AskTravel` says why
    FAILED = "failed"  # nothing was changed


class VoucherState(enum.StrEnum):
    """What a voucher is good for."""

    UNUSED = "unused"
    ACTIVE = "active"  # used, and something is left
    USED_UP = "used_up"  # its time or its data is gone
    EXPIRED = "expired"  # never used, and its last day has passed
    VOID = "void"  # the office withdrew it


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
    MAKE_TRAVEL_CODE = "make_travel_code"


class TravelState(enum.StrEnum):
    """Whether a resident may have a code for other villages."""

    OFFERED = "offered"
    NOT_OFFERED = "not_offered"  # this box has no key of a district, or the village gives none
    LATER = "later"  # this account had one, or the box gave enough today
    NO_DATE = "no_date"  # the box does not know the date


@dataclass(frozen=True, slots=True)
class Travel:
    """The answer to `AskTravel`; with LATER the first day on which it is worth asking again, as 2026-12-31."""

    state: TravelState
    next_day: str = ""


@dataclass(frozen=True, slots=True)
class TravelCode:
    """A code for other villages, as it is typed; ``megabytes`` 0 sets no bound."""

    code: str
    minutes: int
    megabytes: int
    last_day: str


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
    """A device that is kept out. ``remaining_seconds`` None is forever.

    ``host_name`` is as for `OnlineClient`, ``address`` the one it was last online with; each "" where nobody knows.
    """

    mac: str
    remaining_seconds: int | None
    by: str
    why: str
    since_wall_seconds: int
    host_name: str
    address: str


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
