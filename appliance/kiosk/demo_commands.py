"""``desahub demo-data``: a made-up village in an empty register, for training and trials."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from appliance.faces.secret import load_or_make
from appliance.gate.client import GateClient
from appliance.hotspot.client import HotspotClient
from appliance.kiosk import demo
from appliance.kiosk.app import SECRET, open_database, open_keys, services
from appliance.kiosk.commands import STATE_DIRECTORY, as_owner_of
from appliance.kiosk.services import Kiosk
from appliance.system import uplink_state
from appliance.unit.config import APPLIED_PATH, read_config


def register(subparsers: Any) -> None:
    """Add ``demo-data`` to ``desahub``; it sets ``run``, a function of the parsed options to an exit status."""
    command = subparsers.add_parser(
        "demo-data", help="fill an empty register with made-up residents and letters, to train and to try"
    )
    command.add_argument("--residents", type=int, default=400, metavar="N", help="1 to 20000, by default %(default)s")
    command.add_argument("--letters", type=int, default=60, metavar="N", help="0 to 2000, by default %(default)s")
    command.add_argument("--seed", type=int, default=1, metavar="N", help="the same gives the same people")
    command.add_argument("--config", type=Path, default=APPLIED_PATH, help="hub.toml, by default %(default)s")
    command.add_argument(
        "--state-directory", type=Path, default=STATE_DIRECTORY, help="where kiosk.db is, by default %(default)s"
    )
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if not (1 <= options.residents <= 20_000 and 0 <= options.letters <= 2_000):
        sys.stderr.write("demo-data: --residents is from 1 to 20000, --letters from 0 to 2000\n")
        return 2
    config = read_config(options.config)
    with as_owner_of(options.state_directory):
        folder = options.state_directory
        store = open_database(folder, services())
        try:
            vault, pepper = open_keys(folder, store)
            kiosk = Kiosk(
                config=config, store=store, gate=GateClient(), hotspot=HotspotClient(), uplink=uplink_state.read,
                clock=time.time, secret=load_or_make(folder / SECRET), vault=vault, pepper=pepper,
                over_unix_socket=True,
            )  # fmt: skip
            made = demo.fill(kiosk, options.residents, options.letters, options.seed)
        finally:
            store.close()
    sys.stdout.write(_told(made))
    return 0


def _told(made: demo.Made) -> str:
    lines = [f"{made.residents} made-up residents and {made.letters} letters are in the register."]
    lines += [f"One-time password for {name}: {password}" for name, password in made.passwords.items()]
    lines += [f"NIK {nik}  PIN {pin}, to be changed at the first login" for nik, pin in made.pins]
    return "\n".join([*lines, ""])
