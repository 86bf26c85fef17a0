"""Serve with asyncio as a unit of systemd: ready, watched, and ended when told.

Source: sd_notify(3), systemd.service(5) for ``WatchdogSec=``.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import Final

from appliance.unit.notify import notify

WATCHDOG_SECONDS: Final = 15.0


async def until_told(opening: Awaitable[asyncio.Server]) -> None:
    """Open what ``opening`` gives and serve it until SIGTERM or SIGINT. Raises OSError where it cannot be opened."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    listening = await opening
    notify("READY=1")
    async with listening:
        while not ending.is_set():
            notify("WATCHDOG=1")
            try:
                await asyncio.wait_for(ending.wait(), WATCHDOG_SECONDS)
            except TimeoutError:
                continue
    notify("STOPPING=1")
