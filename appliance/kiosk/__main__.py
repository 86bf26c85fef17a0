"""``python -m appliance.kiosk``: the composition point. Opens the database, makes the services and serves them."""

from __future__ import annotations

import argparse
import functools
import pwd
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from appliance.core.clock import WallQuality
from appliance.core.errors import DesahubError, OperationError
from appliance.faces.secret import load_or_make
from appliance.gate.client import SOCKET_PATH, GateClient
from appliance.hotspot import client as hotspot_client
from appliance.hotspot.client import HotspotClient
from appliance.kiosk.app import SECRET, create_app, open_database, open_keys, services
from appliance.kiosk.letters import marks_door
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.services import Kiosk
from appliance.kiosk.wifi import door as wifi_door
from appliance.kiosk.wifi.access import open_accounts
from appliance.kiosk.wifi.checks import BootSecond, Checks
from appliance.kiosk.wifi.door import Door
from appliance.papers import cups
from appliance.papers.printing import NO_PRINTER, Printer
from appliance.papers.signer_client import SignerClient
from appliance.papers.signing import NO_SIGNER
from appliance.store.database import Store
from appliance.system import uplink_state
from appliance.system.clock import kernel_clock, wall_quality
from appliance.system.roots import REAL, Roots
from appliance.unit import sockets
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.serve import serve
from appliance.unit.state import state_directory

# Nine may be logging in, one hashing and eight waiting (`appliance.store.slow_hash`); the rest is for everybody else.
THREADS: Final = 12


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m appliance.kiosk", description="The village's local services.")
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="hub.toml, by default %(default)s")
    parser.add_argument("--bind", help="127.0.0.1:PORT or unix:/PATH, where systemd gives no socket")
    parser.add_argument("--state-directory", type=Path, help="where kiosk.db is; by default $STATE_DIRECTORY")
    parser.add_argument("--gate-socket", type=Path, default=SOCKET_PATH, help="by default %(default)s")
    parser.add_argument(
        "--hotspot-socket", type=Path, default=hotspot_client.SOCKET_PATH, help="by default %(default)s"
    )
    parser.add_argument("--roots", type=Path, help="read /run and /sys below this folder, for tests")
    options = parser.parse_args(arguments)
    roots = Roots.under(options.roots) if options.roots else REAL
    try:
        config = read_config(options.config)
        folder = state_directory(options.state_directory)
        found = services()
        store = open_database(folder, found)
        vault, pepper = open_keys(folder, store)
        kiosk = Kiosk(
            config=config,
            store=store,
            gate=GateClient(options.gate_socket),
            hotspot=HotspotClient(options.hotspot_socket),
            uplink=functools.partial(uplink_state.read, roots),
            clock=time.time,
            clock_is_known=lambda: wall_quality(roots) is not WallQuality.UNKNOWN,
            secret=load_or_make(folder / SECRET),
            vault=vault,
            pepper=pepper,
            over_unix_socket=options.bind is None or options.bind.startswith("unix:"),
            printer=_printer(config.printer.queue if config.printer else "", cups.PDF),
            ticket_printer=_printer(config.printer.ticket_queue if config.printer else "", cups.RAW),
            signer=SignerClient() if config.signature is not None else NO_SIGNER,
        )
        # Taken in any case: gunicorn would serve pages on every socket that is left.
        marks, accounts = sockets.take(marks_door.SOCKET_NAME), sockets.take(wifi_door.SOCKET_NAME)
        beside = [_tell_of_letters(marks, store)] if marks is not None else []
        if accounts is not None and config.has_accounts:
            beside.append(_check_accounts(accounts, kiosk, roots))
        serve(
            create_app(kiosk, found),
            *([options.bind] if options.bind else []),
            threads=THREADS,
            beside=lambda: [begin() for begin in beside],
        )
    except (DesahubError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"kiosk: {error}\n")
        return 1
    return 0


def _tell_of_letters(listener: socket.socket, store: Store) -> Callable[[], object]:
    """What answers the agent at its socket, for the worker to begin. Raises `OperationError`."""
    return functools.partial(marks_door.answer_forever, listener, store, _uid(marks_door.ASKER))


def _check_accounts(listener: socket.socket, kiosk: Kiosk, roots: Roots) -> Callable[[], object]:
    """What answers the portal at its socket, for the worker to begin. Raises `OperationError`."""
    read = kernel_clock(roots)
    checks = Checks(open_accounts(kiosk), open_register(kiosk).is_living, lambda: BootSecond.of(read()))
    return Door(listener, checks, (_uid(wifi_door.ASKER),)).open


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise OperationError(f"no user {name} on this machine; systemd-sysusers makes it") from None


def _printer(queue: str, document_format: str) -> Printer:
    return cups.CupsPrinter(queue, document_format) if queue else NO_PRINTER


if __name__ == "__main__":
    sys.exit(main())
