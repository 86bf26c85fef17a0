"""What may be written into the fleet book: pure. Each check lists everything that is wrong, with what is allowed."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from typing import Final

from appliance.core import area
from appliance.core.config.village import HUB_ID, Timezone
from appliance.core.errors import Problem
from noc.fleet_book.contract import Asset, Card, Contact, KeptWindow, Note, Visit
from noc.rules.alert_state import Deed, Silence

RESIDENTS_MAX: Final = 1_000_000
KBIT_MAX: Final = 100_000_000
NAME_MAX: Final = 64
TEXT_MAX: Final = 200
NOTE_MAX: Final = 4_000
SILENCE_MS_MAX: Final = 90 * 86_400_000
WINDOW_MS_MAX: Final = 30 * 86_400_000

_AREA: Final = re.compile(r"\d\d(\.\d\d(\.\d\d(\.[123]\d{3})?)?)?", re.ASCII)
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ().-]{3,28}[0-9]", re.ASCII)


def require(problems: Iterator[Problem]) -> None:
    """Raise ValueError with everything that is wrong."""
    if found := list(problems):
        raise ValueError("\n".join(map(str, found)))


def is_area(code: str) -> bool:
    """Say whether a text is the code of a province, kabupaten, kecamatan or village."""
    return bool(_AREA.fullmatch(code))


def of_card(card: Card) -> Iterator[Problem]:
    """Check what people know of a hub."""
    if not HUB_ID.holds(card.hub_id):
        yield Problem("hub_id", f"is {card.hub_id[:40]!r}", HUB_ID.allowed)
    yield from text("name", card.name, 1, NAME_MAX)
    if not area.PATTERN.fullmatch(card.kode_wilayah):
        yield Problem(
            "kode_wilayah", f"is {card.kode_wilayah[:40]!r}", "allowed is PP.KK.CC.DDDD such as 51.03.01.2001"
        )
    if card.timezone not in set(Timezone):
        yield Problem("timezone", f"is {card.timezone[:40]!r}", f"allowed are {', '.join(Timezone)}")
    for name, maximum in (("provider", NAME_MAX), ("upstream", NAME_MAX), ("broker", NAME_MAX), ("address", TEXT_MAX)):
        yield from text(name, getattr(card, name), 0, maximum)
    if card.residents is not None and not 0 <= card.residents <= RESIDENTS_MAX:
        yield Problem("residents", f"is {card.residents}", f"allowed are 0 to {RESIDENTS_MAX}, or nothing")
    for name in ("download_kbit", "upload_kbit"):
        if not 0 <= getattr(card, name) <= KBIT_MAX:
            yield Problem(name, f"is {getattr(card, name)}", f"allowed are 0 to {KBIT_MAX}, 0 for unknown")
    yield from _position(card)


def _position(card: Card) -> Iterator[Problem]:
    for name, value, maximum in (("latitude", card.latitude, 90), ("longitude", card.longitude, 180)):
        if value is not None and not (math.isfinite(value) and -maximum <= value <= maximum):
            yield Problem(name, f"is {value}", f"allowed are degrees from -{maximum} to {maximum}, or nothing")
    if (card.latitude is None) != (card.longitude is None):
        yield Problem("latitude", "one of latitude and longitude is missing", "allowed are both, or neither")


def of_contact(contact: Contact) -> Iterator[Problem]:
    """Check whom to call."""
    yield from text("name", contact.name, 1, NAME_MAX)
    yield from text("role", contact.role, 0, NAME_MAX)
    if not _PHONE.fullmatch(contact.phone):
        yield Problem("phone", "is no telephone number", "allowed is a number such as 0812-3456-7890")


def of_asset(asset: Asset) -> Iterator[Problem]:
    """Check a thing that stands at a hub."""
    yield from text("kind", asset.kind, 1, NAME_MAX)
    yield from text("model", asset.model, 0, NAME_MAX)
    yield from text("serial", asset.serial, 0, NAME_MAX)
    for name, value in (("since_day", asset.since_day), ("until_day", asset.until_day)):
        if value:
            yield from day(name, value)


def of_visit(visit: Visit) -> Iterator[Problem]:
    """Check a visit."""
    yield from day("day", visit.day)
    yield from text("by", visit.by, 1, NAME_MAX)
    yield from text("what", visit.what, 1, NOTE_MAX, lines=True)
    yield from text("reversed_why", visit.reversed_why, 0, NOTE_MAX, lines=True)


def of_note(note: Note) -> Iterator[Problem]:
    """Check what a shift leaves to the next one."""
    yield from text("by", note.by, 1, NAME_MAX)
    yield from text("text", note.text, 1, NOTE_MAX, lines=True)
    for code in note.areas:
        if not is_area(code):
            yield Problem("areas", f"hold {code[:40]!r}", "allowed are codes such as 51, 51.03 or 51.03.01")


def of_window(window: KeptWindow) -> Iterator[Problem]:
    """Check planned work."""
    if bool(window.hub_id) == bool(window.area):
        yield Problem("area", "a window is of one hub or of one area", "allowed is one of hub_id and area")
    elif window.area and not is_area(window.area):
        yield Problem("area", f"is {window.area[:40]!r}", "allowed is a code such as 51, 51.03 or 51.03.01")
    length_ms = window.window.end_ms - window.window.start_ms
    if not 0 < length_ms <= WINDOW_MS_MAX:
        yield Problem("end_ms", "a window ends after its begin", f"and within {WINDOW_MS_MAX // 86_400_000} days")
    yield from text("by", window.by, 1, NAME_MAX)
    yield from text("why", window.why, 1, TEXT_MAX)


def of_silence(silence: Silence, now_ms: int) -> Iterator[Problem]:
    """Check a silence that somebody wants now."""
    if not 0 < silence.until_ms - now_ms <= SILENCE_MS_MAX:
        days = SILENCE_MS_MAX // 86_400_000
        yield Problem("until_ms", "the end must be to come", f"and within {days} days")
    yield from text("name", silence.group.name, 0, NAME_MAX)
    yield from text("by", silence.by, 1, NAME_MAX)
    yield from text("why", silence.why, 1, TEXT_MAX)


def of_deed(deed: Deed) -> Iterator[Problem]:
    """Check a line of the audit."""
    for name, minimum, maximum in (("by", 1, NAME_MAX), ("what", 1, NAME_MAX), ("subject", 0, TEXT_MAX)):
        yield from text(name, getattr(deed, name), minimum, maximum)
    yield from text("why", deed.why, 0, NOTE_MAX, lines=True)


def of_area_name(code: str, name: str) -> Iterator[Problem]:
    """Check one line of the list of areas."""
    if not is_area(code):
        yield Problem("code", f"is {code[:40]!r}", "allowed is 51, 51.03, 51.03.01 or 51.03.01.2001")
    yield from text("name", name, 1, NAME_MAX)


def text(name: str, value: str, minimum: int, maximum: int, *, lines: bool = False) -> Iterator[Problem]:
    """Check a text: its length without spaces around it, and that no control character hides in it."""
    printable = value.replace("\n", " ").replace("\t", " ") if lines else value
    if not minimum <= len(value.strip()) <= len(value) <= maximum:
        yield Problem(name, f"has {len(value.strip())} characters", f"allowed are {minimum} to {maximum}")
    elif not printable.isprintable():
        yield Problem(name, "holds control characters", "allowed are letters, digits, signs and spaces")


def day(name: str, value: str) -> Iterator[Problem]:
    """Check a day of the calendar."""
    try:
        is_day = datetime.date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_day = False
    if not is_day:
        yield Problem(name, f"is {value[:40]!r}", "allowed is a day such as 2026-08-17")
