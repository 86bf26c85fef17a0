"""How the line's download is divided between networks that all ask for it.

Each bridge has a queue of its own, and none knows of the others: while two are full, they would ask for twice the line,
and the provider's queue would divide. So the gate looks every few seconds at what passes each, and bounds them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from appliance.core.config import Config
from appliance.core.config.uplink import Shaper
from appliance.network import shaper

# From this part of the line on that is in use, networks are in each other's way.
_FULL: Final = 0.9
# Of its bound: who uses as much would take more.
_HUNGRY: Final = 0.9
# What a quiet network may begin with at once, though others fill the line: a part of the line, beside what it uses.
QUIET_PART: Final = 0.25
# So many times what a quiet network uses is kept for it, so that it can grow beside those who fill the line: what it
# would take cannot be seen while the provider's queue is full of others' packets.
_ROOM: Final = 2.0
# Smaller changes are not worth telling the kernel: a part of the line.
_SAME_PART: Final = 0.05


class Queues(Protocol):
    """What the kernel is asked and told; see `appliance.system.queues`."""

    def passed_bytes(self, interface: str) -> int | None:
        """What has passed our classes at an interface, None without them."""
        ...

    def batch(self, lines: str) -> None:
        """Have tc do ``lines``."""
        ...


class Divider:
    """Bounds the bridges, look by look. With one network there is nothing to divide; cake has no classes to bound.

    Args:
        queues: the kernel's.
        clock: seconds that only go forward.
    """

    def __init__(self, queues: Queues, clock: Callable[[], float] = time.monotonic) -> None:
        self._queues, self._clock = queues, clock
        # When the last look was, what had passed each bridge by then, and how each is bound since.
        self._looked = 0.0
        self._passed: dict[str, int] = {}
        self._bounds: dict[str, int] = {}

    def look(self, config: Config, made: Collection[str]) -> None:
        """See what passed since the last look, and bound the bridges among ``made``.

        Raises:
            OperationError: the kernel does not answer, or refused.
        """
        if len(config.networks) < 2 or config.uplink.shaper is not Shaper.HTB:
            return
        line, now = config.uplink.download_kbit, self._clock()
        bridges = (network.interface for network in config.networks if network.interface in made)
        passed = {name: count for name in bridges if (count := self._queues.passed_bytes(name)) is not None}
        before, seconds = self._passed, now - self._looked
        self._passed, self._looked = passed, now
        # Queues that were made anew begin with the whole line.
        anew = {name for name in before if passed.get(name, -1) < before[name]}
        self._bounds = {name: kbit for name, kbit in self._bounds.items() if name not in anew}
        if not passed or anew or before.keys() != passed.keys() or seconds <= 0:
            return
        used = {name: (count - before[name]) * 8 / 1000 / seconds for name, count in passed.items()}
        wanted = bounds(line, used, self._bounds)
        changed = {name: kbit for name, kbit in wanted.items() if not self._is_as_good(name, kbit, line)}
        self._queues.batch("".join(shaper.bound(name, kbit) for name, kbit in changed.items()))
        self._bounds |= changed

    def _is_as_good(self, name: str, kbit: int, line_kbit: int) -> bool:
        old = self._bounds.get(name)
        if old is None or (kbit == line_kbit) != (old == line_kbit):
            return False
        return abs(kbit - old) <= _SAME_PART * line_kbit


def bounds(line_kbit: int, used_kbit: Mapping[str, float], bound_kbit: Mapping[str, int]) -> dict[str, int]:
    """What each network may download from now on, in kbit/s.

    While the line is not full, all of it. Else those who would take more share equally what is not kept for the
    others; these may begin with `QUIET_PART` of the line. Together that is never more than the line and a quarter of it
    for each network that is quiet.

    Args:
        line_kbit: the line's speed.
        used_kbit: what each network has used of late.
        bound_kbit: what each was allowed meanwhile.
    """
    if sum(used_kbit.values()) < _FULL * line_kbit:
        return dict.fromkeys(used_kbit, line_kbit)
    fair = line_kbit / len(used_kbit)
    hungry = {name for name, used in used_kbit.items() if used >= _HUNGRY * min(fair, bound_kbit.get(name, line_kbit))}
    # Somebody is, where the line is full: who uses most, though rounding says that it misses its part by a hair.
    hungry = hungry or {max(used_kbit, key=lambda name: used_kbit[name])}
    left = line_kbit - sum(min(fair, _ROOM * used) for name, used in used_kbit.items() if name not in hungry)
    share = left / len(hungry)
    return {
        name: max(1, int(min(line_kbit, share if name in hungry else used + QUIET_PART * line_kbit)))
        for name, used in used_kbit.items()
    }
