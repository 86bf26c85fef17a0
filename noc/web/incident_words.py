"""What incidents, their hubs' parts and their causes are called, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask_babel import gettext

from noc.fleet_book.contract import IncidentCause
from noc.papers import words
from noc.rules.affected import Part
from noc.rules.groups import Group, GroupKind
from noc.rules.hearing import WATCH
from noc.rules.problems import Problem

# Grey is what is well or nobody's fault; what nobody knows is hatched, not red.
PART_LOOKS: Final = {Part.DARK: "bad", Part.UNKNOWN: "unknown", Part.BACK: "calm"}


def problem_words() -> dict[Problem, str]:
    """Each problem in a few words."""
    return {
        Problem.NOC_DEAF: gettext("NOC tidak mendengar"),
        Problem.NO_CONTACT: gettext("Tidak ada kontak"),
        Problem.UPLINK_DOWN: gettext("Internet tidak menjawab"),
        Problem.GATE_SILENT: gettext("Gerbang tidak menjawab"),
        Problem.GATE_OPEN: gettext("Gerbang terbuka untuk semua"),
        Problem.DISK_FULL: gettext("Penyimpanan hampir penuh"),
        Problem.MEMORY_FULL: gettext("Memori hampir habis"),
        Problem.HOT: gettext("Terlalu panas"),
        Problem.RECORDS_DROPPED: gettext("Data pengukuran terbuang"),
        Problem.READ_ONLY: gettext("Kartu tidak bisa ditulisi"),
        Problem.UNIT_FAILED: gettext("Ada program yang tidak berjalan"),
        Problem.UNDER_VOLTAGE: gettext("Tegangan listrik kurang"),
        Problem.DISK_WORN: gettext("Kartu hampir aus"),
        Problem.TWO_BOXES: gettext("Dua kotak memakai satu identitas"),
        Problem.CERTIFICATE_ENDS: gettext("Sertifikat portal segera berakhir"),
    }


def part_words(problem: Problem) -> dict[Part, str]:
    """Each part of an incident's hubs: dark is said of what is cut off, the rest still has its problem."""
    is_dark = problem in (Problem.NO_CONTACT, Problem.UPLINK_DOWN)
    return {
        Part.DARK: gettext("Masih gelap") if is_dark else gettext("Masih bermasalah"),
        Part.UNKNOWN: gettext("Tidak diketahui"),
        Part.BACK: gettext("Sudah kembali") if is_dark else gettext("Sudah pulih"),
    }


def group_text(group: Group, name_of: Callable[[str], str]) -> str:
    """Whose incident it is. ``name_of`` knows the names of areas and hubs, "" where nobody wrote one down."""
    if group == Group(GroupKind.BROKER, WATCH):
        return str(gettext("penjaga NOC (layanan desahub-noc-watch)"))
    name = name_of(group.name) or group.name
    texts = {
        GroupKind.BROKER: gettext("broker %(name)s", name=group.name) if group.name else gettext("server NOC"),
        GroupKind.UPSTREAM: gettext("jalur bersama %(name)s", name=group.name),
        GroupKind.DISTRICT: gettext("Kecamatan %(name)s", name=name),
        GroupKind.REGENCY: name if name != group.name else gettext("Kabupaten/kota %(name)s", name=name),
        GroupKind.PROVINCE: gettext("Provinsi %(name)s", name=name),
        GroupKind.HUB: name,
    }
    return str(texts[group.kind])


def shared_text(group: Group) -> str:
    """Why these hubs are taken for one failure: what the rule saw, and that it only concludes."""
    texts = {
        GroupKind.BROKER: gettext("hampir semua hub di broker ini jatuh bersamaan: periksa broker itu lebih dulu"),
        GroupKind.UPSTREAM: gettext("sedikitnya setengah dari hub di jalur ini jatuh bersamaan: tanyakan penyedia"),
        GroupKind.DISTRICT: gettext("sedikitnya setengah dari hub di kecamatan ini jatuh bersamaan: PLN atau penyedia"),
        GroupKind.REGENCY: gettext(
            "sedikitnya setengah dari hub di kabupaten/kota ini jatuh bersamaan: PLN atau penyedia"
        ),
        GroupKind.PROVINCE: gettext("sedikitnya setengah dari hub di provinsi ini jatuh bersamaan: PLN atau penyedia"),
        GroupKind.HUB: gettext("hanya hub ini; tidak ada hub lain yang jatuh bersamaan"),
    }
    return str(texts[group.kind])


def cause_text(found: IncidentCause) -> str:
    """A cause that hubs' own records name, with its basis."""
    condition = "" if found.condition is None else words.conditions()[found.condition].lower()
    named = words.causes()[found.cause] or condition
    known = words.bases()[found.basis]
    return f"{named} ({known})" if known else named
