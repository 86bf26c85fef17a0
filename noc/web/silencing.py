"""The wish to keep silent about an incident's group: read from its form, and which silences hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from flask_babel import gettext

from noc.fleet_book.contract import IncidentLine
from noc.rules.alert_state import Silence
from noc.web import times

HOUR_MS: Final = 3_600_000
HOURS: Final = (1, 4, 8, 24)
LONGEST_MS: Final = 14 * 24 * HOUR_MS
WHY_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form said, and what is wrong with it: texts by field."""

    until: str
    until_ms: int
    why: str = ""
    only_this: bool = True
    problems: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def first(cls, now_ms: int, timezone: str) -> Wish:
        """What the form holds before anybody wrote into it: four hours."""
        until_ms = now_ms + HOURS[1] * HOUR_MS
        return cls(times.field(until_ms, timezone), until_ms)


def read(form: Mapping[str, str], now_ms: int, timezone: str) -> Wish:
    """Read the form; what is wrong is said by field."""
    why, until = " ".join(form.get("why", "").split()), form.get("until", "").strip()
    until_ms = times.read_field(until, timezone)
    problems = {}
    if not why:
        problems["why"] = gettext("Tulis alasannya: orang lain harus tahu mengapa pesan ditahan.")
    elif len(why) > WHY_LENGTH_MAX:
        problems["why"] = gettext("Alasan terlalu panjang: paling banyak %(count)d huruf.", count=WHY_LENGTH_MAX)
    elif not why.isprintable():
        problems["why"] = gettext("Ada huruf kendali yang tidak bisa disimpan.")
    if until_ms is None:
        problems["until"] = gettext("Tulis tanggal dan jam seperti 2026-08-17T14:00.")
    elif until_ms <= now_ms:
        problems["until"] = gettext("Akhirnya sudah lewat: sekarang %(now)s.", now=times.exact(now_ms, timezone))
    elif until_ms > now_ms + LONGEST_MS:
        latest = times.exact(now_ms + LONGEST_MS, timezone)
        problems["until"] = gettext("Paling lama 14 hari, yaitu sampai %(latest)s.", latest=latest)
    return Wish(until[:32], until_ms or 0, why[: WHY_LENGTH_MAX + 50], form.get("what") != "semua", problems)


def ends(now_ms: int, timezone: str) -> list[tuple[str, str]]:
    """Usual ends, for the field's list: value and label."""
    found = [now_ms + hours * HOUR_MS for hours in HOURS]
    return [(times.field(each, timezone), times.exact(each, timezone)) for each in found]


def of(line: IncidentLine, silences: Iterable[Silence]) -> list[Silence]:
    """Those that keep messages about an incident back by its own group."""
    return [each for each in silences if each.group == line.group and each.problem in (None, line.problem)]
