"""Measurements that cost more than a record is worth: taken now and then, told until the next."""

from __future__ import annotations

from collections.abc import Callable

from agent.collectors import Around, Samples
from appliance.core.errors import OperationError


class Seldom:
    """Asks ``read`` every ``seconds`` and tells its answer until then: no sample is older.

    One that failed stays failed until it is asked again, so that no old value is told as today's.
    """

    def __init__(self, seconds: int, read: Callable[[Around], Samples]) -> None:
        self._milliseconds, self._read = seconds * 1000, read
        self._due_ms: int | None = None
        self._last: Samples = {}
        self._failed = ""

    def __call__(self, around: Around) -> Samples:
        """Tell the samples. Raises what ``read`` raises, and OperationError until it is asked again."""
        now_ms = around.moment.boottime_ms
        if self._due_ms is None or now_ms >= self._due_ms:
            self._due_ms = now_ms + self._milliseconds
            self._failed = "it did not end"
            try:
                self._last = self._read(around)
            except Exception as error:
                self._failed = str(error) or type(error).__name__
                raise
            self._failed = ""
        if self._failed:
            raise OperationError(f"as before: {self._failed}")
        return self._last
