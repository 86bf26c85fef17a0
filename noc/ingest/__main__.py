"""``python -m noc.ingest``: the process of desahub-noc-ingest.service."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import DesahubError
from appliance.unit.notify import notify
from noc.ingest import worker
from noc.ingest.link import BrokerLink
from noc.store.sqlite import open_noc_store

_log = logging.getLogger("noc.ingest")
KEEP_DAYS_MIN = 8  # the pages draw charts of seven days
KEEP_DAYS_MAX = 3_650


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; 1 when the store or the identity cannot be used, 3 when the connection's thread died."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        store = open_noc_store(options.store)
        link = BrokerLink(options.host, options.port, options.identity)
    except (DesahubError, OSError) as error:
        _log.error("%s", error)
        return 1
    link.start()
    notify("READY=1")
    died = threading.Event()

    def alive() -> None:
        if link.is_alive():
            notify("WATCHDOG=1")
        else:
            died.set()
            stopping.set()

    worker.run(link, store, stopping, alive, keep_days=options.keep_days)
    notify("STOPPING=1")
    link.stop()
    store.close()
    if died.is_set():
        _log.error("the thread of the broker's connection died; leaving so that systemd starts afresh")
        return 3
    return 0


def _days(text: str) -> int:
    if not text.isdecimal() or not KEEP_DAYS_MIN <= int(text) <= KEEP_DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole days from {KEEP_DAYS_MIN} to {KEEP_DAYS_MAX}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-noc").split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m noc.ingest", description="From the broker to the store.")
    parser.add_argument("--host", default="localhost", help="the broker, by a name of its certificate")
    parser.add_argument("--port", type=int, default=8883, help="the broker's port")
    parser.add_argument(
        "--identity",
        type=Path,
        default=Path("/etc/desahub-noc/ingest"),
        help="folder with client.key, client.crt and ca.crt",
    )
    parser.add_argument("--store", type=Path, default=state / "noc.db", help="the NOC's database")
    parser.add_argument(
        "--keep-days", type=_days, default=14, metavar="DAYS", help="delete records after this (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
