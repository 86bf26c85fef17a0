"""``python -m appliance.records``: listens to the kernel and writes sealed files. It needs CAP_NET_ADMIN to listen."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from appliance.core import config as hub
from appliance.core.clock import Moment, parse_boot_id
from appliance.core.errors import DesahubError
from appliance.records import keys
from appliance.records.conntrack import Listener
from appliance.records.recorder import Recorder
from appliance.records.shelf import Shelf
from appliance.system import neighbours
from appliance.system.clock import wall_quality
from appliance.system.roots import REAL, Roots
from appliance.unit.notify import notify
from appliance.unit.state import state_directory

CONFIG: Final = Path("/etc/desahub/rendered/hub.toml")
PUBLIC_KEY: Final = Path("/etc/desahub/rendered/records.pub")


def clock(roots: Roots = REAL) -> Callable[[], Moment]:
    """Make a clock that reads all at once. Raises `OSError` or `ValueError` when the kernel tells no boot id."""
    boot_id = parse_boot_id((roots.proc / "sys/kernel/random/boot_id").read_text("ascii"))

    def now() -> Moment:
        boottime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
        return Moment(boot_id, boottime_ms, max(0, time.time_ns() // 1_000_000), wall_quality(roots))

    return now


def main(arguments: Sequence[str] | None = None) -> int:
    """Record until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m appliance.records", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG, help="(%(default)s)")
    parser.add_argument("--public-key", type=Path, default=PUBLIC_KEY, help="(%(default)s)")
    parser.add_argument("--state-directory", type=Path, help="where files go; by default $STATE_DIRECTORY")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        config = hub.parse(options.config.read_text("utf-8"))
        reader = keys.public(options.public_key.read_bytes(), str(options.public_key))
        shelf = Shelf(state_directory(options.state_directory), reader, config.records.keep_days)
        run(Recorder(config, shelf, neighbours.read), Listener(), clock())
    except (DesahubError, OSError, ValueError) as error:
        sys.stderr.write(f"records: {error}\n")
        return 1
    return 0


def run(recorder: Recorder, listener: Listener, now: Callable[[], Moment]) -> None:
    """Listen until SIGTERM or SIGINT, then write everything."""
    is_over = False

    def end(*_: object) -> None:
        nonlocal is_over
        is_over = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    notify("READY=1")
    while not is_over:
        ended, lost = listener.hear(1.0)
        recorder.take(ended, now(), lost=lost)
        recorder.tend(now())
        notify("WATCHDOG=1")
    notify("STOPPING=1")
    recorder.close(now())
    listener.close()


if __name__ == "__main__":
    sys.exit(main())
