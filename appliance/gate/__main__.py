"""The gate: the one privileged resident process of the hub. It needs CAP_NET_ADMIN and nothing else.

It renders the firewall itself from the root-owned ``hub.toml``. When it ends, however it ends, the kernel keeps the
rules it has: closed by default.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Final

from appliance.core import config as hub
from appliance.core.errors import ConfigError, DesahubError
from appliance.gate.client import SOCKET_PATH
from appliance.gate.daemon import server
from appliance.gate.elements import Elements
from appliance.gate.kernel import KernelFirewall
from appliance.gate.libnftables import Nftables
from appliance.gate.permissions import Role, roles_of_users
from appliance.gate.pins import KernelPins
from appliance.gate.places import Places
from appliance.gate.protocol import Answer, Request
from appliance.gate.service import LocalGate
from appliance.gate.shaper import CHECK_SECONDS, KernelQueues, LineShaper
from appliance.gate.twin import TwinFirewall
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.heartbeat import Heartbeat
from appliance.unit.local_socket import LineServer
from appliance.unit.notify import notify

log = logging.getLogger("desahub.gate")
# A look may wait for a reload that makes all queues anew.
LOOK_SECONDS_MAX: Final = 20.0


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m appliance.gate", description=__doc__)
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, metavar="FILE")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="default: gate.sock in $RUNTIME_DIRECTORY")
    parser.add_argument("--twin", action="store_true", help="a firewall in memory: nothing real is opened or closed")
    parser.add_argument(
        "--allow-uid", type=_allowed, action="append", default=[], metavar="UID=ROLE",
        help=f"give a uid a role, besides the users of the hub: {', '.join(Role)}",
    )  # fmt: skip
    return parser


def _allowed(text: str) -> tuple[int, Role]:
    uid, _, role = text.partition("=")
    if not uid.isdecimal() or role not in list(Role):
        raise argparse.ArgumentTypeError(f"{text!r} is not UID=ROLE with ROLE one of {', '.join(Role)}")
    return int(uid), Role(role)


def reload(gate: LocalGate, path: Path) -> bool:
    """Read the configuration again; with any problem all stays as it is, and each one is logged."""
    try:
        changed = gate.use(read_config(path))
    except ConfigError as error:
        for problem in error.problems:
            log.error("%s: %s", path, problem)
        log.error("nothing was changed: correct the file, then reload")
        return False
    except DesahubError as error:
        log.error("nothing was changed: %s", error)
        return False
    log.info("firewall %s", "replaced; devices that were admitted stay so" if changed else "is the same as before")
    return True


def kernel_gate(config: hub.Config) -> LocalGate:
    """The gate of this network namespace. Raises `OperationError` where the kernel cannot be asked."""
    elements = Elements()
    places = Places(elements)
    firewall = KernelFirewall(Nftables(), elements, places)
    return LocalGate(firewall, config, LineShaper(KernelQueues(), places), KernelPins())


def look_after(gate: LocalGate) -> None:
    """Put right what the kernel has lost; what goes wrong is tried again with the next look."""
    try:
        gate.check()
    except DesahubError as error:
        log.error("%s", error)


async def run(gate: LocalGate, listener: LineServer[Request, Answer], socket_path: Path, config_path: Path) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    reloads: set[asyncio.Task[bool]] = set()

    def start_reload() -> None:
        task = loop.create_task(asyncio.to_thread(reload, gate, config_path))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, start_reload)
    heartbeat = Heartbeat(LOOK_SECONDS_MAX)
    async with listener.listening(socket_path), heartbeat.beating():
        notify("READY=1")
        while not stop.is_set():
            with heartbeat.work():
                await asyncio.to_thread(look_after, gate)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), CHECK_SECONDS)
        notify("STOPPING=1")


def main(argv: list[str] | None = None) -> int:
    """Run the gate; 1 when it cannot start, with the reason on standard error."""
    chosen = arguments().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    folder = os.environ.get("RUNTIME_DIRECTORY")
    socket_path = chosen.socket or (Path(folder) / "gate.sock" if folder else SOCKET_PATH)
    try:
        config = read_config(chosen.config)
        gate = LocalGate(TwinFirewall(), config) if chosen.twin else kernel_gate(config)
        changed = gate.use(config)
        log.info("firewall %s", "put in force" if changed else "was in force already")
        listener = server(gate, roles_of_users() | dict(chosen.allow_uid))
        asyncio.run(run(gate, listener, socket_path, chosen.config))
    except DesahubError as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
