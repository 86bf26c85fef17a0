"""``python -m noc.watch``: the process of desahub-noc-watch.service."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.core.errors import DesahubError
from appliance.unit.notify import notify
from noc.alarms.step import AlarmDesk
from noc.fleet_book.sqlite import open_fleet_book
from noc.places import DIRECTORY, STATE_DIRECTORY, Places
from noc.portal_certificates.spool import Spool
from noc.rules.reading import INTERVAL_MS
from noc.store.opening import add_database_option, open_store_for
from noc.watch.turn import Plan, Watch

_log = logging.getLogger("noc.watch")
TURN_SECONDS: Final = 10.0
TURN_SECONDS_MAX: Final = 30.0  # no contact is shown within 450 s, and a unit that is silent for a minute is restarted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; 1 when a store cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    places = Places(options.directory, options.state)
    try:
        store = open_store_for(places, options.database_url, reading=True)
        book = open_fleet_book(places.fleet_book)
        plan = Plan(options.turn_seconds, options.interval_seconds * 1000)
        desk = AlarmDesk(options.alarms or places.alarms)
        watch = Watch(store, book, desk, plan, alive=_alive, ending=Spool(places.portal_requests, places.portal).ending)
    except (DesahubError, OSError) as error:
        _log.error("%s", error)
        return 1
    notify("READY=1")
    run(watch, options.turn_seconds, stopping)
    notify("STOPPING=1")
    desk.close()
    book.close()
    store.close()
    return 0


def run(watch: Watch, turn_seconds: float, stopping: threading.Event) -> None:
    """Turn until ``stopping``, each turn so long after the one before."""
    while not stopping.is_set():
        began = time.monotonic()
        watch.turn()
        _alive()
        stopping.wait(max(0.0, began + turn_seconds - time.monotonic()))


def _alive() -> None:
    notify("WATCHDOG=1")


def _seconds(text: str) -> float:
    if not text.isdecimal() or not 1 <= int(text) <= TURN_SECONDS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole seconds from 1 to {TURN_SECONDS_MAX:.0f}")
    return float(text)


def _interval(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3_600:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole seconds from 1 to 3600")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", str(STATE_DIRECTORY)).split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m noc.watch", description="Judges hubs, and keeps the fleet book.")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="folder of configuration (%(default)s)")
    parser.add_argument("--state", type=Path, default=state, help="folder with noc.db and fleet.db (%(default)s)")
    add_database_option(parser, "the NOC's store in PostgreSQL, instead of noc.db")
    parser.add_argument("--alarms", type=Path, metavar="FILE", help="who is told of alarms (alarms.toml there)")
    parser.add_argument(
        "--turn-seconds", type=_seconds, default=TURN_SECONDS, metavar="SECONDS", help="how often (%(default)s)"
    )
    parser.add_argument(
        "--interval-seconds", type=_interval, default=INTERVAL_MS // 1000, metavar="SECONDS",
        help="how often the hubs measure, agent.interval_seconds of their hub.toml (%(default)s)",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
