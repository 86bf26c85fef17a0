"""When a hub is told what is committed: about hourly while its records flow, at once when it sends what it had sent.

Pure: now is an argument. A hub pays for each acknowledgement, and needs none while all is well: what it holds back is
small. It needs one at once when it has backlog, which it sends no faster than it is answered, and when it repeats
itself, since then an acknowledgement was lost. Both are told by the sequences alone: what flows is new, is of the boot
that was last heard of, and is not much at a time.

What is not yet told is lost with this process. The hub then sends it again, and is answered at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from appliance.core.report import RANGES_MAX, Ack, Committed, ranges
from noc.store.contract import ArrivedBatch

EVERY_SECONDS: Final = 3_600.0
FLOWING_RECORDS_MAX: Final = 30


@dataclass(slots=True)
class _Hub:
    """The last record heard of, and what the hub was not told yet."""

    boot_id: str = ""
    sequence: int = -1
    untold: list[Committed] = field(default_factory=list)


class Acknowledging:
    """What hubs are still to be told. ``every_seconds`` 0: everything at once."""

    def __init__(self, every_seconds: float = EVERY_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._hubs: dict[str, _Hub] = {}
        self._due: dict[str, float] = {}  # in the order in which they are due

    def committed(self, batches: Iterable[ArrivedBatch], store_epoch: str, now_seconds: float) -> dict[str, list[Ack]]:
        """Note what is committed, and say what to tell whom now, in messages of bounded size."""
        tell: dict[str, None] = {}
        for batch in batches:
            if not batch.identities:
                continue
            hub = self._hubs.setdefault(batch.hub_id, _Hub())
            if not _flows(batch, hub):
                tell[batch.hub_id] = None
            _note(batch, hub)
            self._due.setdefault(batch.hub_id, now_seconds + self._every_seconds)
        for hub_id, due_seconds in self._due.items():
            if due_seconds > now_seconds:
                break
            tell[hub_id] = None
        return {hub_id: self._told(hub_id, store_epoch) for hub_id in tell}

    def _told(self, hub_id: str, store_epoch: str) -> list[Ack]:
        del self._due[hub_id]
        hub = self._hubs[hub_id]
        untold, hub.untold = hub.untold, []
        return [
            Ack(store_epoch, tuple(untold[start : start + RANGES_MAX])) for start in range(0, len(untold), RANGES_MAX)
        ]


def _flows(batch: ArrivedBatch, hub: _Hub) -> bool:
    return len(batch.identities) <= FLOWING_RECORDS_MAX and all(
        boot_id == hub.boot_id and sequence > hub.sequence for boot_id, sequence in batch.identities
    )


def _note(batch: ArrivedBatch, hub: _Hub) -> None:
    for each in ranges(batch.identities):
        last = hub.untold[-1] if hub.untold else None
        if last is not None and last.boot_id == each.boot_id and last.first <= each.first <= last.last + 1:
            hub.untold[-1] = Committed(each.boot_id, last.first, max(last.last, each.last))
        else:
            hub.untold.append(each)
    boot_id = batch.identities[-1][0]
    if boot_id != hub.boot_id:
        hub.boot_id, hub.sequence = boot_id, -1
    hub.sequence = max(hub.sequence, *(number for boot, number in batch.identities if boot == boot_id))
