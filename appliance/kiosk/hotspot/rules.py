"""What the office's hotspot pages decide by themselves: names, order, search, spans of time. Pure."""

from __future__ import annotations

import datetime
import enum
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core import hours
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import DURATION_SECONDS_MAX, DURATION_SECONDS_MIN, WHY_LENGTH_MAX, OnlineClient

ROWS_PER_PAGE: Final = 50
SILENT_SECONDS: Final = 120  # from here on a device counts as silent, as for a voucher's place
NO_REASON: Final = "-"  # the keeper wants a reason for each change; where nothing is taken away none is asked
NAME_LENGTH_MAX: Final = 40
FIND_LENGTH_MAX: Final = 64
EXTEND_SECONDS: Final = (1_800, 3_600, 7_200)
HOUR_SECONDS: Final = 3_600
_MARKS_MAX: Final = 2
_NOT_HEXADECIMAL = re.compile(r"[^0-9a-f]")


class Order(enum.StrEnum):
    """How the list of devices is sorted; the value stands in the address."""

    USE = "pakai"
    SPEED = "cepat"
    NEWEST = "baru"
    NAME = "nama"


class BlockFor(enum.StrEnum):
    """How long a device is kept out; the value stands in the form."""

    HOUR = "jam"
    TODAY = "hari"
    EVER = "terus"


@dataclass(frozen=True, slots=True)
class Extension:
    """One way to add time: ``key`` stands in the form; ``closes`` is True where it reaches until closing time."""

    key: str
    seconds: int
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of a list: its rows, its number from 1, how many pages and rows there are."""

    rows: Sequence[OnlineClient]
    number: int
    pages_count: int
    rows_count: int


def clean_name(text: str) -> str:
    """What a device calls itself, fit to be shown: one line, no invisible characters, no towers of accents, short.

    The keeper cleans too. A name goes on screens here, so it is not believed twice.
    """
    kept, marks = [], 0
    for character in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind[0] == "M" else 0
        if kind[0] != "C" and kind not in ("Zl", "Zp") and marks <= _MARKS_MAX:
            kept.append(character)
    name = " ".join("".join(kept).split())
    return name if len(name) <= NAME_LENGTH_MAX else name[: NAME_LENGTH_MAX - 1] + "…"


def used_bytes(one: OnlineClient) -> int:
    """Sent and received together, as a data package counts."""
    return one.sent_bytes + one.received_bytes


def rate_bits_per_second(one: OnlineClient) -> int:
    """Both directions together."""
    return one.sent_bits_per_second + one.received_bits_per_second


def in_order(online: Iterable[OnlineClient], order: Order) -> list[OnlineClient]:
    """Sort for the list; equal ones by address, so that rows do not dance at each look."""
    rows = sorted(online, key=lambda one: tuple(int(part) for part in one.client.address.split(".")))
    if order is Order.NAME:
        # Those without a name stand last.
        return sorted(rows, key=lambda one: (not clean_name(one.host_name), clean_name(one.host_name).casefold()))
    measure = {
        Order.USE: used_bytes,
        Order.SPEED: rate_bits_per_second,
        Order.NEWEST: lambda one: one.since_wall_seconds,
    }[order]
    return sorted(rows, key=measure, reverse=True)


def page_of(rows: Sequence[OnlineClient], number: int) -> Shown:
    """Cut one page; a number that is too small or too large gives the first or the last."""
    count = max(1, -(-len(rows) // ROWS_PER_PAGE))
    number = min(max(1, number), count)
    return Shown(rows[(number - 1) * ROWS_PER_PAGE : number * ROWS_PER_PAGE], number, count, len(rows))


def matches(text: str, client: Client, host_name: str, voucher: str) -> bool:
    """Is ``text`` a part of the device's name, MAC (with or without colons) or address, or its voucher?"""
    wanted = text.strip().casefold()
    if not wanted:
        return False
    # A MAC in any common spelling: 02:de:5a, 02-DE-5A, 02de.5a.
    digits = re.sub(r"[-:.]", "", wanted)
    in_mac = len(digits) >= 2 and not _NOT_HEXADECIMAL.search(digits) and digits in client.mac.replace(":", "")
    plain = wanted in host_name.casefold() or wanted in client.address
    return in_mac or plain or wanted == voucher.casefold()


def local_time(wall_seconds: float, zone: datetime.tzinfo) -> datetime.datetime:
    """The village's own time."""
    return datetime.datetime.fromtimestamp(wall_seconds, zone)


def seconds_until_closing(open_hours: Sequence[str], now: datetime.datetime) -> int | None:
    """How long a network stays open from ``now`` (local time); None when it never closes, or is closed."""
    spans = hours.of(open_hours)
    minute = now.weekday() * hours.MINUTES_A_DAY + now.hour * 60 + now.minute
    left = hours.minutes_until_end(spans, minute) if spans else 0
    return left * 60 - now.second if 0 < left < hours.MINUTES_A_WEEK else None


def seconds_until_midnight(now: datetime.datetime) -> int:
    """Until this day (of local time) ends; at least a minute, the shortest block there is."""
    passed = now.hour * HOUR_SECONDS + now.minute * 60 + now.second
    return max(DURATION_SECONDS_MIN, 24 * HOUR_SECONDS - passed)


def extensions(remaining_seconds: int, open_hours: Sequence[str], now: datetime.datetime) -> tuple[Extension, ...]:
    """What may be added to a device's time; "until closing" where its network closes and the time ends before."""
    found = [Extension(str(seconds), seconds) for seconds in EXTEND_SECONDS]
    closing = seconds_until_closing(open_hours, now)
    if closing is not None and DURATION_SECONDS_MIN <= closing - remaining_seconds <= DURATION_SECONDS_MAX:
        found.append(Extension("tutup", closing - remaining_seconds, closes=True))
    return tuple(found)


def block_seconds(choice: BlockFor, now: datetime.datetime) -> int | None:
    """How long a block lasts; None is until somebody lifts it."""
    return {BlockFor.HOUR: HOUR_SECONDS, BlockFor.TODAY: seconds_until_midnight(now), BlockFor.EVER: None}[choice]


def reason(text: str) -> str:
    """A reason as the keeper takes it: one line without spaces around it; empty when it is none, or too long."""
    line = " ".join(text.split())
    return line if line.isprintable() and len(line) <= WHY_LENGTH_MAX else ""


def percent(part: float, whole: float) -> int:
    """A share for a bar, from 0 to 100."""
    return round(100 * min(part, whole) / whole) if whole > 0 else 0


def is_mac(text: str) -> bool:
    """Is it a MAC as the keeper writes one?"""
    return re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", text) is not None
