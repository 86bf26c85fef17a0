"""A NOC and a hub's agent on loopback: real mosquitto, real TLS, real processes, each ended by its pid."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(holds: Callable[[], bool], seconds: float = 20.0, what: str = "the condition") -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.05)


class Bed:
    """The folders of one NOC and one hub, and their processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    def noc(self, *arguments: str) -> str:
        places = ["--directory", str(self.folder / "etc"), "--state", str(self.folder / "noc")]
        return self.run("-m", "noc.cli", *arguments, *places)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, *argv: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=REPOSITORY, stdout=log, stderr=log, env={**os.environ, "NOTIFY_SOCKET": ""}
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def start_broker(self) -> subprocess.Popen[bytes]:
        process = self.start("broker", "mosquitto", "-c", str(self.folder / "etc/broker/mosquitto.conf"))
        wait_for(self.is_listening, what="the broker's port")
        return process

    def is_listening(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def start_ingest(self, *more: str) -> subprocess.Popen[bytes]:
        """Start it, and wait until it hears: what is said before its first subscription nobody keeps.

        Unless ``more`` says otherwise it acknowledges all at once.
        """
        before = self.log("ingest").count("listening") if (self.folder / "ingest.log").exists() else 0
        process = self.start(
            "ingest", sys.executable, "-m", "noc.ingest", "--host", "127.0.0.1", "--port", str(self.port),
            "--identity", str(self.folder / "etc/ingest"), "--store", str(self.folder / "noc/noc.db"),
            *(more or ("--acknowledge-seconds", "0")),
        )  # fmt: skip
        wait_for(lambda: self.log("ingest").count("listening") > before, what="the ingest's subscription")
        return process

    def start_agent(self, *more: str) -> subprocess.Popen[bytes]:
        return self.start(
            "agent", sys.executable, "-m", "agent", "--config", str(self.folder / "hub.toml"),
            "--state", str(self.folder / "hub"), "--runtime", str(self.folder / "run"),
            "--names", str(self.folder / "names"),
            "--gate-socket", str(self.folder / "no-gate.sock"), *more,
        )  # fmt: skip

    def kept(self, hub_id: str = "hub-satu") -> list[int]:
        """The sequences of the records that the NOC keeps of a hub."""
        from noc.store.sqlite import open_noc_store_reading

        with contextlib.closing(open_noc_store_reading(self.folder / "noc/noc.db")) as store:
            return [each.record.sequence for each in store.records(hub_id, 0, 2**62)]

    def end(self, process: subprocess.Popen[bytes]) -> int:
        process.terminate()
        return process.wait(15)

    def end_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait(10)

    def enrol(self, hub_id: str, identity: Path) -> None:
        """Put a hub into the inventory and give ``identity`` its key and certificates."""
        import datetime

        from agent import identity as box
        from noc import enrol
        from noc.store.contract import Hub
        from noc.store.sqlite import open_noc_store

        store = open_noc_store(self.folder / "noc/noc.db")
        store.add_hub(Hub(hub_id, hub_id.title(), "51.03.01.2001"))
        store.close()
        now = datetime.datetime.now(datetime.UTC)
        authority = enrol.open_authority(self.folder / "etc/authority", now)
        _, certificate = enrol.sign_request(authority, box.request(identity, hub_id), lambda _: True, now)
        box.install(identity, hub_id, certificate, authority.certificate_pem)


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.noc(
        "init", "--broker-host", "localhost", "127.0.0.1", "--bind-address", "127.0.0.1", "--port", str(made.port)
    )  # fmt: skip
    if os.geteuid() == 0:
        # As root mosquitto would become another user, who may not enter this test's folder.
        with (tmp_path / "etc/broker/mosquitto.conf").open("a") as file:
            file.write("user root\n")
    for name in ("hub", "run"):
        (tmp_path / name).mkdir()
    target = free_port()
    (tmp_path / "hub.toml").write_text(
        f"""
[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
[hub]
id = "hub-satu"
[uplink]
interface = "desa-none"
download_kbit = 20000
upload_kbit = 5000
[[networks]]
name = "warga"
kind = "resident"
interface = "br-none"
address = "10.20.0.1/20"
ssid = "Desa"
[agent]
interval_seconds = 1
batch_seconds = 1
targets = ["127.0.0.1:{target}", "127.0.0.1:{made.port}"]
[noc]
host = "127.0.0.1"
port = {made.port}
"""
    )
    yield made
    made.end_all()
