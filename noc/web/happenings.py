"""What happened at a hub, and what is not as it should be there: in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from appliance.core.report import Number
from noc.rules.anchors import place
from noc.rules.history import History
from noc.rules.reading import BootReason
from noc.store.contract import ArrivedRecord

EVENTS_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, at a moment in ms of UTC."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A program of the hub that does not run as it should."""

    name: str
    text: str


def event_words() -> dict[str, str]:
    """Each event of the wire (docs/wire.md)."""
    return {
        "event.uplink_down": gettext("Jaringan putus"),
        "event.uplink_up": gettext("Jaringan kembali"),
        "event.uplink_half_open": gettext("Jaringan hanya terbuka separuh"),
        "event.power_lost": gettext("Listrik padam, hub memakai baterai"),
        "event.power_back": gettext("Listrik kembali"),
        "event.under_voltage": gettext("Tegangan listrik turun"),
    }


def boot_words() -> dict[int, str]:
    """Why a boot began."""
    return {
        BootReason.UNKNOWN: gettext("Hub menyala"),
        BootReason.CLEAN: gettext("Hub menyala setelah dimatikan dengan tertib"),
        BootReason.UNCLEAN: gettext("Hub menyala setelah mati tanpa pamit (listrik padam atau macet)"),
        BootReason.ASKED: gettext("Hub menyala setelah diminta mulai ulang"),
    }


def unit_words() -> dict[int, str]:
    """How a program that should run is, as `unit_state` travels."""
    return {
        0: gettext("tidak berjalan"),
        1: gettext("sedang dimulai"),
        2: gettext("sedang berhenti"),
        3: gettext("gagal"),
        4: gettext("dalam keadaan lain"),
    }


def events(
    records: Iterable[ArrivedRecord], history: History, from_ms: int, to_ms: int, limit: int = EVENTS_MAX
) -> Sequence[Event]:
    """List what happened, newest first: boots by the history, the rest by the records that were read."""
    found = [*_boots(history), *_told(records)]
    within = [event for event in found if from_ms <= event.at_ms < to_ms]
    return sorted(within, key=lambda event: (-event.at_ms, event.text))[:limit]


def _boots(history: History) -> Iterator[Event]:
    words = boot_words()
    for anchor in place(history):
        yield Event(anchor.start_ms, words.get(anchor.boot.reason, words[BootReason.UNKNOWN]))


def _told(records: Iterable[ArrivedRecord]) -> Iterator[Event]:
    words = event_words()
    for arrived in records:
        if arrived.time_ms is not None:
            for name in words.keys() & arrived.record.samples.keys():
                yield Event(arrived.time_ms, words[name])


def units(recent: Sequence[ArrivedRecord]) -> tuple[Unit, ...] | None:
    """List the programs that should run and do not, by the latest record that tells; None where none does."""
    words = unit_words()
    for arrived in reversed(recent):
        samples = arrived.record.samples
        if "unit_failed_count" in samples:
            return tuple(
                Unit(name.partition(".")[2].replace("_", "-"), words.get(int(state), words[4]))
                for name, state in sorted(samples.items())
                if name.startswith("unit_state.") and state is not None
            )
    return None


def latest(recent: Sequence[ArrivedRecord], name: str) -> Number | None:
    """Read a sample that is not in every record from the latest that has it."""
    return next((value for each in reversed(recent) if (value := _of(each.record.samples, name)) is not None), None)


def _of(samples: Mapping[str, Number | None], name: str) -> Number | None:
    return samples.get(name)
