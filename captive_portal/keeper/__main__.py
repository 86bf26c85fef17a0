"""``python -m captive_portal.keeper``: keeps who is online and who may be the same, whatever happens to any process.

At its start it puts grants back and only then says that it is ready: the radio waits for it. From then on it compares
gate and grants every two seconds, mends what differs, counts what is used and ends what is over. It answers the office
over its socket. Nothing periodic of the portal lives anywhere else.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from appliance.core.errors import DesahubError
from appliance.gate.client import SOCKET_PATH as GATE_SOCKET_PATH
from appliance.gate.client import GateClient
from appliance.hotspot.client import SOCKET_PATH
from appliance.system.roots import REAL, Roots
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.heartbeat import Heartbeat
from appliance.unit.notify import notify
from appliance.unit.state import state_directory
from appliance.wifi.client import SOCKET_PATH as ACCOUNTS_PATH
from appliance.wifi.client import AccountsClient
from captive_portal import database, leases
from captive_portal.clock import kernel_clock
from captive_portal.grants import open_grants
from captive_portal.keeper import account_watch, office_socket
from captive_portal.keeper.account_watch import AccountWatch
from captive_portal.keeper.office import Office
from captive_portal.keeper.rounds import Keeper
from captive_portal.rules import Policy
from captive_portal.vouchers.keys import open_keys

ROUND_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 0.5
# A slow card may take some seconds for a commit.
ROUND_SECONDS_MAX: Final = 15.0
GATE_SECONDS: Final = 3.0
# So many rounds in a row that the database gave nothing for.
FAILURES_MAX: Final = 15
# Two of the office's questions at once are enough, and each thread has a connection to the database of its own.
_OFFICE_THREADS: Final = 2

log = logging.getLogger("desahub.keeper")


class Rounds:
    """Calls `Keeper.look` every two seconds, and at once when something is to be done now.

    Args:
        keeper: does the rounds.
        seconds: from the end of one round to the next.
    """

    def __init__(self, keeper: Keeper, seconds: float = ROUND_SECONDS) -> None:
        self._keeper, self._seconds = keeper, seconds
        self._heartbeat = Heartbeat(ROUND_SECONDS_MAX)
        self._loop = asyncio.get_running_loop()
        self._due, self._is_stopping, self._failures = asyncio.Event(), False, 0
        # One thread for all rounds: the database has one connection for each.
        self._thread = ThreadPoolExecutor(1, "rounds")

    def hurry(self) -> None:
        """Do a round now. Any thread may call it."""
        self._loop.call_soon_threadsafe(self._due.set)

    def stop(self) -> None:
        """Do no further round."""
        self._is_stopping = True
        self._due.set()

    async def run(self) -> None:
        """Do rounds until `stop`; say READY after the first in which the gate took part, and at the end write down."""
        async with self._heartbeat.beating():
            await self._until_stopped()
        notify("STOPPING=1")
        await self._loop.run_in_executor(self._thread, self._keeper.close)

    async def _until_stopped(self) -> None:
        is_ready, last = False, 0.0
        while not self._is_stopping:
            self._due.clear()
            began = time.clock_gettime(time.CLOCK_BOOTTIME)
            with self._heartbeat.work():
                took_part = await self._look(began - last if last else 0.0)
            if took_part and not is_ready:
                is_ready = True
                notify("READY=1")
            last = began
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._pause_seconds(took_part))

    def _pause_seconds(self, took_part: bool) -> float:
        """Until the next round: sooner after a gate that was silent, since those who joined meanwhile wait for it."""
        is_gate_silent = not took_part and not self._failures
        return min(AGAIN_SECONDS, self._seconds) if is_gate_silent else self._seconds

    async def _look(self, elapsed_seconds: float) -> bool:
        try:
            took_part = await self._loop.run_in_executor(self._thread, self._keeper.look, elapsed_seconds)
        except DesahubError as error:
            # The next round tries again; it is said once. A damaged database is found and set aside by a new start.
            if not self._failures:
                log.error("%s", error)
            self._failures += 1
            if self._failures >= FAILURES_MAX:
                raise
            return False
        self._failures = 0
        return took_part


async def _watch(look: Callable[[], None]) -> None:
    """Call ``look`` in a thread of its own every `account_watch.WATCH_SECONDS`, until cancelled."""
    thread = ThreadPoolExecutor(1, "accounts")
    while True:
        try:
            await asyncio.get_running_loop().run_in_executor(thread, look)
        except DesahubError as error:  # the rounds say the same of a database, and end the program where it lasts
            log.error("accounts: %s", error)
        await asyncio.sleep(account_watch.WATCH_SECONDS)


async def run(
    keeper: Keeper,
    office: Callable[[Callable[[], None]], Office],
    socket_path: Path,
    watch: Callable[[Callable[[], None]], AccountWatch] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        keeper: does the rounds.
        office: makes what answers the office, from what asks for a round now.
        socket_path: where it asks.
        watch: makes what looks after accounts, as ``office``; None where accounts are no way in.

    Raises:
        OperationError: the socket cannot be used.
        StoreError: the last checkpoint could not be written.
        Exception: looking after accounts broke, of which nobody would know else; rounds ended in order first.
    """
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_OFFICE_THREADS, "office"))
    rounds = Rounds(keeper)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, rounds.stop)
    answers = office_socket.server(office(rounds.hurry).answer, office_socket.permissions())
    watching = None if watch is None else asyncio.create_task(_watch(watch(rounds.hurry).look))
    if watching is not None:
        watching.add_done_callback(lambda _: rounds.stop())  # it has no end of its own
    try:
        async with answers.listening(socket_path):
            await rounds.run()
        if watching is not None and watching.done():
            watching.result()
    finally:
        if watching is not None:
            watching.cancel()


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m captive_portal.keeper", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="hub.toml, by default %(default)s")
    parser.add_argument("--state-directory", type=Path, help="where grants.db is; by default $STATE_DIRECTORY")
    parser.add_argument("--gate-socket", type=Path, default=GATE_SOCKET_PATH, help="by default %(default)s")
    parser.add_argument("--accounts-socket", type=Path, default=ACCOUNTS_PATH, help="by default %(default)s")
    parser.add_argument("--socket", type=Path, help="default: keeper.sock in $RUNTIME_DIRECTORY")
    parser.add_argument("--roots", type=Path, help="read /proc, /run and /var below this folder, for tests")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Keep until SIGTERM; 1 when it cannot start, with the reason on standard error."""
    options = arguments().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    roots = Roots.under(options.roots) if options.roots else REAL
    folder = os.environ.get("RUNTIME_DIRECTORY")
    socket_path = options.socket or (Path(folder) / "keeper.sock" if folder else SOCKET_PATH)
    try:
        config = read_config(options.config)
        state = state_directory(options.state_directory)
        grants = open_grants(state / database.NAME)
        gate = GateClient(options.gate_socket, timeout_seconds=GATE_SECONDS)
        clock, names = kernel_clock(roots), functools.partial(leases.names, roots=roots)
        keeper = Keeper(grants, gate, Policy.of(config), clock, history_days=config.portal.history_days, names=names)
        office = functools.partial(
            Office, grants=grants, config=config, keys=open_keys(state), clock=clock,
            picture=lambda: keeper.picture, names=names, gate=gate,
        )  # fmt: skip
        accounts = AccountsClient(options.accounts_socket)

        def watch(hurry: Callable[[], None]) -> AccountWatch:
            return AccountWatch(grants, accounts, gate, clock, hurry)

        watched = watch if config.has_accounts else None
        asyncio.run(run(keeper, lambda hurry: office(hurry=hurry), socket_path, watched))
        grants.store.close()
    except (DesahubError, OSError, UnicodeDecodeError) as error:
        log.error("keeper: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
