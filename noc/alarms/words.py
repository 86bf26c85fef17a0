"""What messages say: plain lines in Indonesian, or in the language of a catalogue beside this file. Pure but for it.

Nothing in a message names a person: it passes through other people's servers.
"""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.messages.pofile import read_po

from noc.alarms.channels import Alarms
from noc.rules.alert_state import Letter, NewsKind
from noc.rules.groups import Group, GroupKind
from noc.rules.hearing import WATCH
from noc.rules.problems import Problem

# Telegram takes 4,096 characters. Of many the first stand in full, the others in a line each.
FULL_MAX: Final = 6
CHARACTERS_MAX: Final = 3_600
CATALOGUES: Final = Path(__file__).parent / "translations"
Say = Callable[[str], str]
_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a group is called: ``name`` "" where nobody wrote one down; of a single hub its code and time zone too."""

    name: str = ""
    code: str = ""
    timezone: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is given."""

    title: str
    body: str


@functools.lru_cache(maxsize=4)
def texts(language: str) -> Say:
    """Speak a language that has a catalogue; any other one is Indonesian, which needs none."""
    path = CATALOGUES / language / "LC_MESSAGES/messages.po"
    if not language.isalpha() or not path.exists():
        return lambda text: text
    with path.open("rb") as file:
        catalogue = {str(each.id): str(each.string) for each in read_po(file) if each.id and each.string}
    return lambda text: catalogue.get(text, text)


def problem_words(_: Say) -> dict[Problem, str]:
    """Each problem in a few words."""
    return {
        Problem.NOC_DEAF: _("NOC tidak mendengar"),
        Problem.NO_CONTACT: _("Tidak ada kontak"),
        Problem.UPLINK_DOWN: _("Internet tidak menjawab"),
        Problem.GATE_SILENT: _("Gerbang tidak menjawab"),
        Problem.GATE_OPEN: _("Gerbang terbuka untuk semua"),
        Problem.DISK_FULL: _("Penyimpanan hampir penuh"),
        Problem.MEMORY_FULL: _("Memori hampir habis"),
        Problem.HOT: _("Terlalu panas"),
        Problem.RECORDS_DROPPED: _("Data pengukuran terbuang"),
        Problem.READ_ONLY: _("Kartu tidak bisa ditulisi"),
        Problem.UNIT_FAILED: _("Ada program yang tidak berjalan"),
        Problem.UNDER_VOLTAGE: _("Tegangan listrik kurang"),
        Problem.DISK_WORN: _("Kartu hampir aus"),
        Problem.TWO_BOXES: _("Dua kotak memakai satu identitas"),
        Problem.CERTIFICATE_ENDS: _("Sertifikat portal segera berakhir"),
    }


def message(letters: Sequence[Letter], alarms: Alarms, place_of: Callable[[Group], Place]) -> Message:
    """Write the message of some letters: title and body, in the language of the configuration."""
    _ = texts(alarms.language)
    first = letters[0]
    title = f"{kind_words(_)[first.kind]}: {problem_words(_)[first.problem]}, {_where(_, first.group, place_of)}"
    if any(each.is_urgent for each in letters):
        title = _("PENTING: %(title)s") % {"title": title}
    if len(letters) > 1:
        title = _("%(title)s (dan %(count)d kabar lain)") % {"title": title, "count": len(letters) - 1}
    paragraphs = [_paragraph(_, each, alarms, place_of) for each in letters[:FULL_MAX]]
    others = [f"{_head(_, each)}, {_where(_, each.group, place_of)}" for each in letters[FULL_MAX:]]
    left = CHARACTERS_MAX - len(title) - sum(map(len, paragraphs))
    shown = [line for line, size in zip(others, itertools.accumulate(map(len, others)), strict=True) if size < left]
    if shown:
        paragraphs.append("\n".join(shown))
    if rest := len(others) - len(shown):
        more = _("… dan %(count)d kabar lain: %(link)s") % {"count": rest, "link": alarms.link("insiden")}
        paragraphs.append(more)
    return Message(title, "\n\n".join(paragraphs))


def trial(alarms: Alarms, now_ms: int) -> Message:
    """Write a message that only shows that a channel works."""
    _ = texts(alarms.language)
    body = _("Saluran ini menerima alarm NOC Internet Desa. Dikirim %(moment)s. Tidak ada yang perlu dilakukan.")
    return Message(_("Uji coba alarm"), body % {"moment": moment(now_ms, alarms.timezone)})


def kind_words(_: Say) -> dict[NewsKind, str]:
    """What happened, in one word."""
    return {NewsKind.RAISED: _("Mulai"), NewsKind.GROWN: _("Meluas"), NewsKind.CLEARED: _("Selesai")}


def moment(time_ms: int, timezone: str) -> str:
    """``2026-08-17 14.05 WITA``: the same in every language, and never the server's own time."""
    local = datetime.datetime.fromtimestamp(time_ms / 1000, ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H.%M} {_ZONES.get(timezone, timezone)}"


def _paragraph(_: Say, letter: Letter, alarms: Alarms, place_of: Callable[[Group], Place]) -> str:
    zone = place_of(letter.group).timezone or alarms.timezone
    where = _where(_, letter.group, place_of)
    if letter.group.kind not in (GroupKind.HUB, GroupKind.BROKER) or letter.hubs > 1:
        where = _("%(where)s, %(count)d hub") % {"where": where, "count": letter.hubs}
    times = _("sejak %(begin)s") % {"begin": moment(letter.since_ms, zone)}
    if letter.kind is NewsKind.CLEARED:
        span = {"begin": moment(letter.since_ms, zone), "end": moment(letter.at_ms, zone)}
        times = _("dari %(begin)s sampai sekitar %(end)s") % span
    lines = [_head(_, letter), where, times, alarms.link(f"insiden/{letter.number}")]
    if letter.kind is not NewsKind.CLEARED:
        lines.append(_("Panduan: %(link)s") % {"link": alarms.link(f"panduan/{letter.problem}")})
    return "\n".join(lines)


def _head(_: Say, letter: Letter) -> str:
    return _("%(kind)s, insiden %(number)d: %(problem)s") % {
        "kind": kind_words(_)[letter.kind],
        "number": letter.number,
        "problem": problem_words(_)[letter.problem],
    }


def _where(_: Say, group: Group, place_of: Callable[[Group], Place]) -> str:
    place = place_of(group)
    name = f"{place.name} ({place.code or group.name})" if place.name else group.name
    if group == Group(GroupKind.BROKER, WATCH):
        return _("penjaga NOC (layanan desahub-noc-watch)")
    if group.kind is GroupKind.BROKER and not group.name:
        return _("server NOC")
    return {
        GroupKind.BROKER: _("broker %(name)s"),
        GroupKind.UPSTREAM: _("jalur bersama %(name)s"),
        GroupKind.DISTRICT: _("Kecamatan %(name)s"),
        GroupKind.REGENCY: "%(name)s" if place.name else _("Kabupaten/kota %(name)s"),
        GroupKind.PROVINCE: _("Provinsi %(name)s"),
        GroupKind.HUB: "%(name)s",
    }[group.kind] % {"name": name}
