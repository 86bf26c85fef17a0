"""How often each token may ask: so many at once, then so many a second. Its only state is its own memory."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from appliance.kiosk.office_api.rules import BURST, REQUESTS_PER_SECOND

TOKENS_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class _Left:
    requests: float
    at_seconds: float


class Pace:
    """A bucket for each token. ``now`` is in seconds of a clock that never goes back; a restart fills them."""

    def __init__(self, burst: int = BURST, per_second: float = REQUESTS_PER_SECOND) -> None:
        self._burst, self._per_second = burst, per_second
        self._lock = threading.Lock()
        self._left: OrderedDict[int, _Left] = OrderedDict()

    def wait_seconds(self, token: int, now: float) -> int:
        """Take one request, and return 0; or say how long to wait for the next, and take none."""
        with self._lock:
            before = self._left.pop(token, _Left(self._burst, now))
            left = min(float(self._burst), before.requests + (now - before.at_seconds) * self._per_second)
            is_given = left >= 1
            self._left[token] = _Left(left - is_given, now)
            while len(self._left) > TOKENS_MAX:
                self._left.popitem(last=False)
        return 0 if is_given else max(1, math.ceil((1 - left) / self._per_second))
