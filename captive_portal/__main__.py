"""``python -m captive_portal``: the composition point. It opens store, gate and neighbour table, and serves."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.core.errors import DesahubError
from appliance.faces.web import warm
from appliance.gate.client import SOCKET_PATH, GateClient
from appliance.system import neighbours, uplink_state
from appliance.system.roots import REAL, Roots
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.serve import serve
from appliance.unit.state import state_directory
from appliance.unit.turns import Turns
from appliance.wifi.client import SOCKET_PATH as ACCOUNTS_PATH
from appliance.wifi.client import AccountsClient
from captive_portal import database, leases
from captive_portal.accounts import Accounts
from captive_portal.clock import kernel_clock
from captive_portal.grants import open_grants
from captive_portal.views import create_app
from captive_portal.vouchers.keys import open_keys
from captive_portal.vouchers.redeeming import Vouchers

GATE_SECONDS: Final = 3.0
# Who waits for the disk waits together with all others that do: a crowd needs fewer, larger commits (ADR 0019, 0057).
THREADS: Final = 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m captive_portal", description="The page residents meet first.")
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="hub.toml, by default %(default)s")
    parser.add_argument("--bind", help="127.0.0.1:PORT or unix:/PATH, where systemd gives no socket")
    parser.add_argument("--state-directory", type=Path, help="where grants.db is; by default $STATE_DIRECTORY")
    parser.add_argument("--gate-socket", type=Path, default=SOCKET_PATH, help="by default %(default)s")
    parser.add_argument("--accounts-socket", type=Path, default=ACCOUNTS_PATH, help="by default %(default)s")
    parser.add_argument("--roots", type=Path, help="read /proc, /run and /var below this folder, for tests")
    options = parser.parse_args(arguments)
    roots = Roots.under(options.roots) if options.roots else REAL
    try:
        config = read_config(options.config)
        state = state_directory(options.state_directory)
        turns = Turns()
        grants = open_grants(state / database.NAME, turns.aside, lambda: turns)
        app = create_app(
            config,
            grants=grants,
            vouchers=Vouchers(grants, config, open_keys(state)),
            accounts=Accounts(grants, config, AccountsClient(options.accounts_socket, aside=turns.aside)),
            # Sooner than nginx gives up on a page (5 s): a gate that hangs is then told as what it is.
            gate=GateClient(
                options.gate_socket, timeout_seconds=GATE_SECONDS, aside=turns.aside, gathered=lambda: turns
            ),
            mac_of=neighbours.finder(roots),
            leased_mac_of=functools.partial(leases.mac_of, roots=roots),
            uplink=functools.partial(uplink_state.read, roots),
            clock=kernel_clock(roots),
            over_unix_socket=options.bind is None or options.bind.startswith("unix:"),
        )
        warm(app)
        serve(app, *([options.bind] if options.bind else []), threads=THREADS, turns=turns)
    except (DesahubError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"portal: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
