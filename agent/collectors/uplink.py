"""Does the internet answer, and how fast? Asked by opening TCP connections to the configured addresses.

The first that answers is proof enough; every byte on a satellite link is paid for. What was found goes into
``uplink.json``, the line of truth that portal and kiosk show.
"""

from __future__ import annotations

import datetime
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agent.collectors import Around, Samples
from appliance.core.clock import Moment
from appliance.system.uplink_state import UplinkState, judge

CONNECT_TIMEOUT_SECONDS: Final = 3.0


def collect(around: Around) -> Samples:
    """Tell ``uplink_up`` (1 or 0) and the time a connection took to open, None when none did."""
    seconds = round_trip_seconds(around.config.agent.targets)
    write_state(around.runtime_directory / "uplink.json", seconds is not None, around.moment)
    return {"uplink_up": int(seconds is not None), "uplink_round_trip_seconds": seconds}


def round_trip_seconds(targets: Iterable[str], timeout_seconds: float = CONNECT_TIMEOUT_SECONDS) -> float | None:
    """Open a connection to one ``address:port`` after the other; the first that opens is timed."""
    for target in targets:
        address, _, port = target.rpartition(":")
        began = time.monotonic()
        try:
            with socket.create_connection((address, int(port)), timeout=timeout_seconds):
                return round(time.monotonic() - began, 6)
        except OSError:
            continue
    return None


def write_state(path: Path, is_up: bool, moment: Moment) -> None:
    """Write what was found; ``since_wall`` stays while the state stays and was known without a gap."""
    try:
        before = judge(path.read_text(), moment.boottime_ms)
    except OSError:
        before = UplinkState(None, None, 0)
    now = datetime.datetime.fromtimestamp(moment.wall_ms // 1000, datetime.UTC).isoformat()
    since = before.since_wall if before.up is is_up else now
    document = {"up": is_up, "since_wall": since, "checked_boottime_ms": moment.boottime_ms}
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".uplink", delete=False) as file:
        json.dump(document, file)
        os.fchmod(file.fileno(), 0o644)
    Path(file.name).replace(path)
