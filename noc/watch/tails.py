"""What came of a hub since its history was written last: pure.

A calm hub says each few minutes that all is as it was. To write its whole history for that would cost a country more
than all else the NOC does; so it is put beside, as a small history of its own, and put to the rest within the hour.
What is not calm is not kept waiting.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from noc.rules.anchors import place
from noc.rules.history import Arrival, History, Run, observe
from noc.rules.reading import Link, Look, Terms
from noc.store.contract import ArrivedRecord, Came

HOUR_MS: Final = 3_600_000


def told(came: Iterable[Came], terms: Terms) -> History:
    """Make a history of reports of one hub. It is the same however their records were cut into reports."""
    every = tuple(came)
    return observe(
        (ArrivedRecord(each.hub_id, record, None, each.received_ms) for each in every for record in each.records),
        terms,
        (Arrival(each.sent_boot_id, each.sent_boottime_ms, each.received_ms) for each in every),
    )


def is_calm(said: History, terms: Terms) -> bool:
    """Say whether a tail tells nothing but that the line went on to work: one boot, no hole, no change."""
    if len(said) != 1:
        return False
    (boot,) = said.values()
    return all(_is_well(run.look) for run in boot.runs) and all(
        other.first_sequence == one.last_sequence + 1
        and 0 <= other.first_boottime_ms - one.last_boottime_ms <= boot.terms(terms).hold_ms
        for one, other in itertools.pairwise(boot.runs)
    )


def begin(history: History) -> History:
    """Begin a tail with the last that a history has, so that a hole behind it and another boot are seen."""
    anchors = place(history)
    if not anchors:
        return {}
    boot = max(anchors, key=lambda anchor: (anchor.end_ms, anchor.boot.boot_id)).boot
    last = boot.runs[-1]
    end = Run(last.last_sequence, last.last_sequence, last.last_boottime_ms, last.last_boottime_ms, last.look)
    return {boot.boot_id: replace(boot, runs=(end,), dates=(), battery=None)}


def _is_well(look: Look) -> bool:
    has_test = look.download_kbit is not None or look.upload_kbit is not None
    return look.link in (Link.UP, None) and not (look.is_lossy or look.is_change or look.on_battery or has_test)
