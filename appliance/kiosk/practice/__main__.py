"""``python -m appliance.kiosk.practice``: the composition point of the practice mode.

Nothing here reaches what is real: the printer is a twin, nobody signs by certificate, the gate and the portal's keeper
do not know this process's user, the state is a folder of its own, and every paper is watermarked.
"""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from flask import Flask

from appliance.core.config import Config
from appliance.core.errors import DesahubError
from appliance.faces.secret import load_or_make
from appliance.gate.client import GateClient
from appliance.hotspot.client import HotspotClient
from appliance.kiosk import demo
from appliance.kiosk.app import SECRET, create_app, open_database, open_keys, services
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.practice import book
from appliance.kiosk.services import Kiosk, Service
from appliance.papers.twin_printer import TwinPrinter
from appliance.system import uplink_state
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.serve import serve
from appliance.unit.state import state_directory

RESIDENTS: Final = 150
LETTERS: Final = 40
THREADS: Final = 4
IDLE_SECONDS: Final = 900.0
# Real devices and vouchers are no matter for training.
_LEFT_OUT: Final = frozenset({"hotspot"})
_SHEETS: Final = 1_000_000


def practice_services() -> tuple[Service, ...]:
    """The services to train with."""
    return tuple(service for service in services() if service.name not in _LEFT_OUT)


def make(config: Config, folder: Path, *, over_unix_socket: bool, end: Callable[[], None]) -> Flask:
    """The application, over a village that is made up first where there is none.

    Args:
        config: the real village's: letterhead, officials' titles and numbers look as at work.
        folder: the practice mode's own state.
        over_unix_socket: as `Kiosk`.
        end: ends the process, so that the next visitor finds a new village.

    Raises:
        DesahubError: it cannot be made.
    """
    people = book.read(folder)
    if people is None:
        book.clear(folder)
    found = practice_services()
    store = open_database(folder, found)
    vault, pepper = open_keys(folder, store)
    kiosk = Kiosk(
        config=config, store=store, gate=GateClient(), hotspot=HotspotClient(), uplink=uplink_state.read,
        clock=time.time, secret=load_or_make(folder / SECRET), vault=vault, pepper=pepper,
        over_unix_socket=over_unix_socket, is_practice=True, printer=TwinPrinter(sheets=_SHEETS),
        ticket_printer=TwinPrinter(sheets=_SHEETS, takes_pdf=False),
    )  # fmt: skip
    if people is None:
        people = _make_up(kiosk)
        book.write(folder, people)
    store.close()  # what made the village up has written its last here
    app = create_app(kiosk, found)
    app.extensions[book.EXTENSION] = book.Practice(people, functools.partial(_begin_anew, folder, end))
    return app


def _make_up(kiosk: Kiosk) -> tuple[tuple[str, str], ...]:
    made = demo.fill(kiosk, RESIDENTS, LETTERS, seed=int(kiosk.clock()))
    accounts, now = open_accounts(kiosk.store, kiosk.hashing), int(kiosk.clock())
    for name, password in made.passwords.items():
        accounts.change_password(name, password, book.PASSWORD, "", now)
    return made.pins


def _begin_anew(folder: Path, end: Callable[[], None]) -> None:
    book.ask_anew(folder)
    end()


def _end() -> None:
    """End this program once its answer is given; systemd starts it again for the next visitor."""
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until nobody has come for a while, or SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m appliance.kiosk.practice", description="The practice mode.")
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="hub.toml, by default %(default)s")
    parser.add_argument("--bind", help="127.0.0.1:PORT or unix:/PATH, where systemd gives no socket")
    parser.add_argument("--state-directory", type=Path, help="its own folder; by default $STATE_DIRECTORY")
    parser.add_argument(
        "--idle-seconds", type=float, default=IDLE_SECONDS, help="end after this, by default %(default)s"
    )
    options = parser.parse_args(arguments)
    over_unix_socket = options.bind is None or options.bind.startswith("unix:")
    try:
        config, folder = read_config(options.config), state_directory(options.state_directory)
        app = make(config, folder, over_unix_socket=over_unix_socket, end=_end)
        serve(app, *([options.bind] if options.bind else []), threads=THREADS, idle_seconds=options.idle_seconds)
    except (DesahubError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"practice: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
