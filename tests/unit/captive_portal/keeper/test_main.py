"""The keeper's process: ready after the gate took part, one round at a time, exact at its end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.core.errors import StoreError
from appliance.gate.client import GateClient
from appliance.gate.protocol import Client
from captive_portal.clock import kernel_clock
from captive_portal.grants import open_grants
from captive_portal.keeper import __main__ as module
from captive_portal.keeper.__main__ import FAILURES_MAX, Rounds, main
from captive_portal.rules import Device, Policy, decide

REPOSITORY = Path(__file__).resolve().parents[4]
PHONE = Client("10.20.0.7", "02:00:00:00:00:01")


class Looks:
    """Stands in for `rounds.Keeper`: notes each look, and answers as told."""

    def __init__(self, answer: Callable[[int], bool]) -> None:
        self.elapsed: list[float] = []
        self.is_closed = False
        self._answer = answer

    def look(self, elapsed_seconds: float) -> bool:
        self.elapsed.append(elapsed_seconds)
        return self._answer(len(self.elapsed))

    def close(self) -> None:
        self.is_closed = True


def _run(looks: Looks, until: int, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.001) -> list[str]:
    """Do rounds until so many looks were taken; return what systemd was told."""
    told: list[str] = []
    monkeypatch.setattr(module, "notify", told.append)

    async def go() -> None:
        keeper: Any = looks
        rounds = Rounds(keeper, seconds)
        task = asyncio.create_task(rounds.run())
        async with asyncio.timeout(10):
            while len(looks.elapsed) < until and not task.done():
                rounds.hurry()
                await asyncio.sleep(0.001)
        rounds.stop()
        await task

    asyncio.run(go())
    return told


def test_it_is_ready_once_the_gate_took_part_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(Looks(lambda _: False), 5, monkeypatch) == ["STOPPING=1"]
    looks = Looks(lambda number: number >= 3)
    told = _run(looks, 5, monkeypatch)
    assert told == ["READY=1", "STOPPING=1"] and looks.is_closed


def test_a_silent_gate_is_asked_again_soon_and_a_database_that_fails_is_not() -> None:
    async def pauses() -> list[float]:
        keeper: Any = Looks(lambda _: True)
        rounds = Rounds(keeper, 2.0)
        found = [rounds._pause_seconds(True), rounds._pause_seconds(False)]
        rounds._failures = 1
        return [*found, rounds._pause_seconds(False)]

    assert asyncio.run(pauses()) == [2.0, 0.5, 2.0]


def test_a_hurry_does_not_wait_for_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(lambda _: True)
    began = time.monotonic()
    _run(looks, 3, monkeypatch, seconds=60)
    assert time.monotonic() - began < 10 and looks.elapsed[0] == 0 < looks.elapsed[1]


def test_a_database_that_gives_nothing_is_left_to_a_new_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(number: int) -> bool:
        raise StoreError("cannot be used as a database")

    looks = Looks(fail)
    with pytest.raises(StoreError):
        _run(looks, FAILURES_MAX + 5, monkeypatch)
    assert len(looks.elapsed) == FAILURES_MAX and caplog.text.count("cannot be used") == 1


def test_where_accounts_cannot_be_looked_after_the_keeper_writes_down_and_begins_anew(tmp_path: Path) -> None:
    class Broken:
        def look(self) -> None:
            raise RuntimeError("a fault of ours")

    looks: Any = Looks(lambda _: True)
    unused: Any = SimpleNamespace(answer=None)
    watch: Any = Broken()

    async def go() -> None:
        async with asyncio.timeout(60):
            await module.run(looks, lambda _: unused, tmp_path / "keeper.sock", lambda _: watch)

    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(go())
    assert looks.is_closed


def test_what_is_wrong_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(["--config", str(tmp_path / "none.toml")]) == 1
    assert "none.toml" in caplog.text


@pytest.fixture
def gate(world: Any, tmp_path: Path) -> Iterator[Path]:
    """The gate's own process with a firewall in memory."""
    config, path = tmp_path / "hub.toml", tmp_path / "gate.sock"
    from tests.portal import HUB_TOML

    config.write_text(HUB_TOML)
    allowed = f"{os.getuid()}=portal"
    argv = ["-m", "appliance.gate", "--twin", "--config", str(config), "--socket", str(path), "--allow-uid", allowed]
    process = subprocess.Popen([sys.executable, *argv], cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    try:
        _until(path.exists)
        yield path
    finally:
        process.terminate()
        process.wait(10)


def _until(holds: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_process_puts_back_says_ready_mends_and_notes_at_sigterm(world: Any, gate: Path, tmp_path: Path) -> None:
    clock, client = kernel_clock(), GateClient(gate)
    grants = open_grants(tmp_path / "grants.db")
    decision = decide(Policy.of(world.config), Device(PHONE.address, PHONE.mac, PHONE.mac), clock())
    grants.keep(decision, clock())
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(20)
    listener.bind(str(tmp_path / "notify"))
    process = subprocess.Popen(
        [sys.executable, "-m", "captive_portal.keeper", "--config", str(tmp_path / "hub.toml"),
         "--state-directory", str(tmp_path), "--gate-socket", str(gate), "--socket", str(tmp_path / "keeper.sock")],
        cwd=REPOSITORY, env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
    )  # fmt: skip
    try:
        told = [listener.recv(99)]
        while told[-1] == b"WATCHDOG=1":  # it lives before it is ready
            told.append(listener.recv(99))
        assert told[-1] == b"READY=1" and len(told) > 1
        assert [one.client for one in client.clients()] == [PHONE], "ready means: everybody is back"
        client.revoke(PHONE)
        _until(lambda: client.admitted(PHONE) is not None, seconds=5)
        grants.take_back(PHONE, clock())
        _until(lambda: client.admitted(PHONE) is None, seconds=5)
        grants.keep(decision, clock())
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        with grants.store.reading() as db:
            noted = db.execute("SELECT boot_seconds FROM checkpoints").fetchall()
        assert len(noted) == 1 and 0 <= clock().boot_seconds - noted[0][0] <= 3
    finally:
        process.kill()
        process.wait(10)
        listener.close()
        grants.store.close()
