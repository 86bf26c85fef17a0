"""What may be asked of the hotspot, and the bounds of each value. See `appliance.hotspot.protocol`.

``by`` names the office account for the list of actions: the kiosk logs people in, so that its word for it is taken.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from appliance.core.errors import HotspotRefused
from appliance.gate.protocol import Client
from appliance.hotspot.answers import (
    Actions,
    BatchCodes,
    Batches,
    BlockedList,
    Clients,
    Done,
    History,
    RefusalCode,
    Travel,
    TravelCode,
    Usage,
)

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
_REFERENCE = re.compile(r"A-[0-9A-Z]{1,16}")
_BY = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_SPEED = re.compile(r"(?:[a-z][a-z0-9]{0,10})?")

A = TypeVar("A")


class Request(Generic[A]):
    """A request whose answer is an ``A``."""

    __slots__ = ()


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
            need(is_day, "day is a date such as 2026-12-31, or empty")


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
        need(_SPEED.fullmatch(self.speed) is not None, "speed is a name of [[speeds]], or empty")
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
class AskTravel(Request[Travel]):
    """May the owner of an account have a code for other villages now?"""

    reference: str

    def __post_init__(self) -> None:
        _check_reference(self.reference)


@dataclass(frozen=True, slots=True)
class MakeTravelCode(Request[TravelCode]):
    """Make the owner of an account a code for other villages, on the same day the same one again.

    What it is worth is in ``hub.toml``.
    """

    reference: str
    by: str

    def __post_init__(self) -> None:
        _check_reference(self.reference)
        _check_by(self.by)


@dataclass(frozen=True, slots=True)
class InstallDistrictKey(Request[Done]):
    """Accept the vouchers of a district: ``key`` is 64 hexadecimal digits; "" accepts none any more. Root only."""

    key: str
    by: str

    def __post_init__(self) -> None:
        need(re.fullmatch(r"(?:[0-9a-f]{64})?", self.key) is not None, "key is 64 hexadecimal digits, or empty")
        _check_by(self.by)


def need(holds: bool, allowed: str) -> None:
    """Refuse a message as malformed unless ``holds``; the text says what is ``allowed``."""
    if not holds:
        raise HotspotRefused(RefusalCode.MALFORMED, allowed)


def _check_number(name: str, value: int, least: int, most: int) -> None:
    need(type(value) is int and least <= value <= most, f"{name} is a whole number from {least} to {most}")


def _check_reference(reference: str) -> None:
    need(_REFERENCE.fullmatch(reference) is not None, "reference is an account's, such as A-7K2M9Q4X")


def _check_page(page: int) -> None:
    _check_number("page", page, 0, PAGE_MAX)


def _check_text(name: str, value: str, most: int) -> None:
    holds = 0 < len(value) <= most and value.isprintable() and value.strip() == value
    need(holds, f"{name} is one line of 1 to {most} characters, without spaces around it")


def _check_mac(mac: str) -> None:
    need(_MAC.fullmatch(mac) is not None, "mac is like 02:00:00:00:00:01, in lower case")


def _check_by(by: str) -> None:
    need(_BY.fullmatch(by) is not None, "by is the name of an office account")


def _check_signed(by: str, why: str) -> None:
    _check_by(by)
    _check_text("why", why, WHY_LENGTH_MAX)
