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
from noc.enrol import INGEST_WORKERS_MAX
from noc.ingest import worker
from noc.ingest.acknowledging import EVERY_SECONDS
from noc.ingest.house import House
from noc.ingest.link import BrokerLink
from noc.setup import Places
from noc.store.sqlite import open_noc_store

_log = logging.getLogger("noc.ingest")
KEEP_DAYS_MIN = 8  # the pages draw charts of seven days
KEEP_DAYS_MAX = 3_650


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; 1 when the store or the identity cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        store = open_noc_store(options.store)
        link = BrokerLink(options.host, options.port, _identity(options), options.worker)
    except (DesahubError, OSError) as error:
        _log.error("%s", error)
        return 1
    notify("READY=1")
    house = House(store, options.keep_days) if options.worker == 1 else None
    worker.run(
        link, store, stopping, lambda: notify("WATCHDOG=1"), house, acknowledge_seconds=options.acknowledge_seconds
    )
    notify("STOPPING=1")
    link.close()
    store.close()
    return 0


def _days(text: str) -> int:
    if not text.isdecimal() or not KEEP_DAYS_MIN <= int(text) <= KEEP_DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole days from {KEEP_DAYS_MIN} to {KEEP_DAYS_MAX}")
    return int(text)


def _identity(options: argparse.Namespace) -> Path:
    given: Path | None = options.identity
    return given or Places().ingest(options.worker)


def _seconds(text: str) -> float:
    # A hub sends again what it was not told within 75 minutes.
    if not text.isdecimal() or int(text) > EVERY_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole seconds from 0 to {EVERY_SECONDS:.0f}")
    return float(text)


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-noc").split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m noc.ingest", description="From the broker to the store.")
    parser.add_argument("--host", default="localhost", help="the broker, by a name of its certificate")
    parser.add_argument("--port", type=int, default=8883, help="the broker's port")
    parser.add_argument(
        "--identity",
        type=Path,
        help="folder with client.key, client.crt and ca.crt (/etc/desahub-noc/ingest, …/ingest-2 of the second worker)",
    )
    parser.add_argument(
        "--worker",
        type=int,
        choices=range(1, INGEST_WORKERS_MAX + 1),
        default=1,
        metavar="NUMBER",
        help="which of several workers; the first, which must be there, also makes facts and hours (%(default)s)",
    )
    parser.add_argument("--store", type=Path, default=state / "noc.db", help="the NOC's database")
    parser.add_argument(
        "--keep-days", type=_days, default=14, metavar="DAYS", help="delete batches after this (%(default)s)"
    )
    parser.add_argument(
        "--acknowledge-seconds", type=_seconds, default=EVERY_SECONDS, metavar="SECONDS",
        help="tell a hub whose records flow what is committed after this (%(default)s); 0 is at once, for its bytes",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
