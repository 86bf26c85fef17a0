"""Does the internet answer? Asked by opening TCP connections to the configured addresses, more often than is reported.

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
import struct
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core import probe_names as names
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.system import probe_names
from appliance.system.uplink_state import UplinkState, judge

_log = logging.getLogger(__name__)
CONNECT_TIMEOUT_SECONDS: Final = 3.0
# Some 200 bytes each: 1.7 MB a day.
LOOK_SECONDS: Final = 10
# Before one lost packet counts as a cut, the line is asked once more.
AGAIN_SECONDS: Final = 2
# Ends a connection with one packet, RST, instead of three: nothing was sent that could be lost (SO_LINGER, socket(7)).
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the line: up or down, None before anything is; and the time a connection took to open."""

    up: bool | None
    round_trip_seconds: float | None


UNKNOWN: Final = Look(None, None)


class Line:
    """Looks at the line and tells it on.

    One answer says that it is up; that it is down two looks without one say.

    Args:
        config: names the addresses to ask, and how often is measured.
        state_path: ``uplink.json``.
        names_directory: where dnsmasq reads the probes' names.
    """

    def __init__(self, config: Config, state_path: Path, names_directory: Path) -> None:
        self._config, self._state_path, self._names_directory = config, state_path, names_directory
        self._is_doubted = False
        self.last = UNKNOWN

    @property
    def seconds_to_next(self) -> int:
        """How long after the last look the next is due."""
        usual = min(LOOK_SECONDS, self._config.agent.interval_seconds)
        return min(AGAIN_SECONDS, usual) if self._is_doubted else usual

    def look(self, moment: Moment) -> Look:
        """Ask the addresses now; where nothing was known before, once more before the line is called down."""
        seconds = self._ask()
        if seconds is None and self.last.up is None:
            seconds = self._ask()
        if seconds is None and self.last.up and not self._is_doubted:
            self._is_doubted, self.last = True, Look(self.last.up, None)
            return self.last
        self._is_doubted, self.last = False, Look(seconds is not None, seconds)
        try:
            write_state(self._state_path, seconds is not None, moment)
        except OSError as error:
            # What is known is true all the same, and reported; the pages will say that nothing is known.
            _log.warning("portal and kiosk cannot be told how the line is: %s", error)
        lead_probes(self._names_directory, self._config, is_up=seconds is not None)
        return self.last

    def _ask(self) -> float | None:
        return round_trip_seconds(self._config.agent.targets)


def round_trip_seconds(targets: Iterable[str], timeout_seconds: float = CONNECT_TIMEOUT_SECONDS) -> float | None:
    """Open a connection to one ``address:port`` after the other; the first that opens is timed."""
    for target in targets:
        address, _, port = target.rpartition(":")
        began = time.monotonic()
        try:
            with socket.create_connection((address, int(port)), timeout=timeout_seconds) as connection:
                took = round(time.monotonic() - began, 6)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                return took
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
