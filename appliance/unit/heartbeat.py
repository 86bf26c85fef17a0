"""Tell systemd that a process lives: its event loop every half second, and with it the work it may not get stuck in.

So a process that is frozen is found within WatchdogSec=, though its work may take longer: a look at the kernel that
waits for a lock, a commit that waits for a slow card.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from appliance.unit.notify import notify

BEAT_SECONDS: Final = 0.5


class Heartbeat:
    """What is watched.

    Args:
        work_seconds_max: work that takes longer is stuck; the process is then let be started anew.
        clock: seconds, for durations.
    """

    def __init__(self, work_seconds_max: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._work_seconds_max, self._clock = work_seconds_max, clock
        self._began: float | None = None

    @contextlib.contextmanager
    def work(self) -> Iterator[None]:
        """Watch what is done within."""
        self._began = self._clock()
        try:
            yield
        finally:
            self._began = None

    def is_stuck(self) -> bool:
        """Has the work under way taken too long?"""
        return self._began is not None and self._clock() - self._began > self._work_seconds_max

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat from the event loop of the caller until the end of the block."""
        task = asyncio.get_running_loop().create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            if not self.is_stuck():
                notify("WATCHDOG=1")
            await asyncio.sleep(BEAT_SECONDS)
