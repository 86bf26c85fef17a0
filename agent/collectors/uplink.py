"""Does the internet answer, and how fast? Asked by opening TCP connections to the configured addresses.

The first that answers is proof enough; every byte on a satellite link is paid for. What was found goes into
``uplink.json``, the line of truth that portal and kiosk show; while it says that the line is down, the probes' names
lead to this box.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agent.collectors import Around, Samples
from appliance.core import probe_names as names
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.system import probe_names
from appliance.system.uplink_state import UplinkState, judge

_log = logging.getLogger(__name__)
CONNECT_TIMEOUT_SECONDS: Final = 3.0


def collect(around: Around) -> Samples:
    """Tell ``uplink_up`` (1 or 0) and the time a connection took to open, None when none did."""
    seconds = round_trip_seconds(around.config.agent.targets)
    write_state(around.runtime_directory / "uplink.json", seconds is not None, around.moment)
    lead_probes(around.names_directory, around.config, is_up=seconds is not None)
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


def lead_probes(directory: Path, config: Config, *, is_up: bool) -> None:
    """Have the probes' names lead to this box while the line is down, so that phones open the portal."""
    try:
        if is_up:
            if probe_names.lead_nowhere(directory):
                _log.info("the line is up: the probes' names are asked of the internet again")
        elif probe_names.lead_here(directory, names.text(config)):
            _log.info("the line is down: the probes' names lead to this box")
    except OSError as error:
        # What was measured is true all the same, and reported.
        _log.warning("phones may not find the portal by themselves while the line is down: %s", error)
