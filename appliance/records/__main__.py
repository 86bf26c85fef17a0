"""``python -m appliance.records``: listens to the kernel and writes sealed files. It needs CAP_NET_ADMIN to listen."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from appliance.core.clock import Moment
from appliance.core.errors import DesahubError
from appliance.records import keys
from appliance.records.conntrack import Listener
from appliance.records.recorder import Recorder
from appliance.records.shelf import Shelf
from appliance.system import neighbours
from appliance.system.clock import kernel_clock
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.notify import notify
from appliance.unit.state import state_directory

# At the end, what waits in the socket: as much as it holds (its memory is a few MB), and no longer than nothing comes.
DRAIN_MAX: Final = 20_000
DRAIN_SECONDS: Final = 0.02
PUBLIC_KEY: Final = Path("/etc/desahub/rendered/records.pub")


def main(arguments: Sequence[str] | None = None) -> int:
    """Record until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m appliance.records", description=__doc__)
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="(%(default)s)")
    parser.add_argument("--public-key", type=Path, default=PUBLIC_KEY, help="(%(default)s)")
    parser.add_argument("--state-directory", type=Path, help="where files go; by default $STATE_DIRECTORY")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        config = read_config(options.config)
        reader = keys.public(options.public_key.read_bytes(), str(options.public_key))
        shelf = Shelf(state_directory(options.state_directory), reader, config.records.keep_days)
        run(Recorder(config, shelf, neighbours.read), Listener(), kernel_clock())
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
    # What the kernel has told, and nobody has heard yet: one datagram for each connection.
    for _ in range(DRAIN_MAX):
        ended, lost = listener.hear(DRAIN_SECONDS)
        if not (ended or lost):
            break
        recorder.take(ended, now(), lost=lost)
    recorder.close(now())
    listener.close()


if __name__ == "__main__":
    sys.exit(main())
