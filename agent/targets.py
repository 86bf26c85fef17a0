"""What answers of the targets tell: latency, jitter, loss. Pure."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import Final

from appliance.core.report import Number

REPORTED_MAX: Final = 4
_WINDOW: Final = 20


class Target:
    """The last answers of one target, each the round trip in seconds or None for one that did not come.

    Latency is the median and jitter the mean step from one answer to the next (RFC 3550 calls it so), of the last 20
    questions. What was asked while the line was down tells nothing of the target and is left out by who asks.
    """

    def __init__(self) -> None:
        self._answers: deque[float | None] = deque(maxlen=_WINDOW)

    def take(self, seconds: float | None) -> None:
        """Remember an answer."""
        self._answers.append(seconds)

    @property
    def latency_ms(self) -> int | None:
        """The median round trip."""
        came = sorted(each for each in self._answers if each is not None)
        return round(came[len(came) // 2] * 1000) if came else None

    @property
    def jitter_ms(self) -> int | None:
        """The mean change from one answer to the next; None before the second."""
        came = [each for each in self._answers if each is not None]
        steps = [abs(one - other) for one, other in itertools.pairwise(came)]
        return round(sum(steps) / len(steps) * 1000) if steps else None

    @property
    def loss_permille(self) -> int | None:
        """How many of 1000 questions had no answer."""
        return round(1000 * self._answers.count(None) / len(self._answers)) if self._answers else None


def samples(targets: Sequence[Target]) -> dict[str, Number | None]:
    """Tell of the first four, by position from 1."""
    found: dict[str, Number | None] = {}
    for position, target in enumerate(targets[:REPORTED_MAX], 1):
        found[f"uplink_latency_ms.t{position}"] = target.latency_ms
        found[f"uplink_jitter_ms.t{position}"] = target.jitter_ms
        found[f"uplink_loss_permille.t{position}"] = target.loss_permille
    return found
