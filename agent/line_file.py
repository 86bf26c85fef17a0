"""How what is known of the line reaches the box's other programs: ``uplink.json``, and names for dnsmasq."""

from __future__ import annotations

import datetime
import json
import logging
import os
import tempfile
from pathlib import Path

from appliance.core import probe_names as names
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.system import probe_names
from appliance.system.uplink_state import UplinkState, judge

_log = logging.getLogger(__name__)


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
