"""A hub measures its line against the NOC: real processes, real TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import speed_test
from appliance.core.errors import OperationError
from appliance.core.speed import heard, say
from tests.integration.conftest import Bed, free_port, wait_for
from tests.unit.agent.around import TOML


class SpeedBed:
    """A NOC with its speed server, and a hub with an identity."""

    def __init__(self, bed: Bed) -> None:
        self.bed, self.speed_port = bed, free_port()
        self.state = bed.folder / "hub"
        self.config = bed.folder / "hub.toml"
        self.write_config(20)

    def write_config(self, megabytes: int) -> None:
        noc = f'[noc]\nhost = "127.0.0.1"\nspeed_test_port = {self.speed_port}\n'
        text = TOML.replace("[agent]\n", f"[agent]\nspeed_test_megabytes = {megabytes}\n")
        self.config.write_text(text + noc, "utf-8")

    def start(self, *more: str) -> None:
        self.bed.start(
            "speed", sys.executable, "-m", "noc.speed", "--directory", str(self.bed.folder / "etc"),
            "--state", str(self.bed.folder / "noc"), "--port", str(self.speed_port), *more,
        )  # fmt: skip
        wait_for(self.is_listening, what="the speed server's port")

    def is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.speed_port), timeout=1).close()
        except OSError:
            return False
        return True

    def measure(self, megabytes: int) -> tuple[int, dict[str, object]]:
        status = speed_test.main(
            [
                "--megabytes",
                str(megabytes),
                "--config",
                str(self.config),
                "--state",
                str(self.state),
                "--result",
                str(self.state),
            ]
        )
        return status, json.loads((self.state / speed_test.RESULT).read_text("utf-8"))

    def ask(self, context: ssl.SSLContext, wish: dict[str, object]) -> bytes:
        raw = socket.create_connection(("127.0.0.1", self.speed_port), timeout=10)
        with context.wrap_socket(raw, server_hostname="localhost") as connection:
            connection.sendall(say(wish))
            return connection.recv(512)

    def context(self, folder: Path, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        return context


@pytest.fixture
def speed(bed: Bed) -> Iterator[SpeedBed]:
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    yield SpeedBed(bed)


def test_both_ways_are_measured_within_the_budget(speed: SpeedBed) -> None:
    speed.start()
    status, said = speed.measure(8)
    assert status == 0, said
    assert isinstance(said["download_kbit"], int) and said["download_kbit"] > 1_000
    assert isinstance(said["upload_kbit"], int) and said["upload_kbit"] > 1_000
    assert said["bytes"] == 8_000_000
    assert speed.measure(8)[0] == 0
    status, said = speed.measure(8)
    assert status == 1
    assert "20 MB in 30 days" in str(said["error"])
    speed.write_config(0)
    assert speed.measure(1)[0] == 1


def test_a_noc_that_is_not_there_is_said_so_and_costs_nothing(speed: SpeedBed) -> None:
    status, said = speed.measure(8)
    assert status == 1
    assert "refused" in str(said["error"])
    assert not (speed.state / speed_test.LEDGER).exists()


def test_only_hubs_of_this_noc_are_served(speed: SpeedBed) -> None:
    speed.start()
    other = speed.context(speed.bed.folder / "etc/ingest", "client")
    assert b"error" in speed.ask(other, {"do": "download", "bytes": 100})
    nobody = ssl.create_default_context(cafile=str(speed.bed.folder / "etc/ingest/ca.crt"))
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        assert speed.ask(nobody, {"do": "download", "bytes": 100}) == b""


@pytest.mark.parametrize(
    "wish",
    [
        {"do": "download"}, {"do": "download", "bytes": 10**12}, {"do": "download", "bytes": -1}, {"do": "rm"},
        {"do": "upload", "bytes": 1}, {"do": "download", "bytes": True}, {"x": "y" * 400},
    ],
)  # fmt: skip
def test_a_wish_that_is_none_is_refused_with_what_is_allowed(speed: SpeedBed, wish: dict[str, object]) -> None:
    speed.start()
    said = heard(speed.ask(speed.context(speed.state / "identity", "hub"), wish))
    assert "allowed" in str(said["error"]) or "object" in str(said["error"])


def test_too_many_at_once_are_told_to_come_later(speed: SpeedBed) -> None:
    speed.start("--tests-max", "1")
    context = speed.context(speed.state / "identity", "hub")
    raw = socket.create_connection(("127.0.0.1", speed.speed_port), timeout=10)
    with context.wrap_socket(raw, server_hostname="localhost") as first:
        first.sendall(say({"do": "upload"}))
        assert heard(first.recv(512)) == {"go": True}
        with pytest.raises(OperationError, match="try again"):
            speed_test.download(("localhost", speed.speed_port), context, 1_000)
        assert speed.measure(8)[0] == 1
    assert not (speed.state / speed_test.LEDGER).exists(), "what did not begin costs nothing"


def test_whoever_only_connects_takes_no_place(speed: SpeedBed) -> None:
    speed.start("--tests-max", "1")
    context = speed.context(speed.state / "identity", "hub")
    with contextlib.ExitStack() as open_ones:
        for _ in range(6):
            raw = socket.create_connection(("127.0.0.1", speed.speed_port), timeout=10)
            open_ones.enter_context(context.wrap_socket(raw, server_hostname="localhost"))
        assert speed_test.download(("localhost", speed.speed_port), context, 1_000).total == 1_000


def test_a_revoked_hub_is_not_served(speed: SpeedBed, revoke: Callable[[], None]) -> None:
    revoke()
    speed.start()
    context = speed.context(speed.state / "identity", "hub")
    with pytest.raises((ssl.SSLError, OperationError, ConnectionError)):
        speed_test.download(("localhost", speed.speed_port), context, 1_000)


@pytest.fixture
def revoke(speed: SpeedBed) -> Callable[[], None]:
    """Put the hub's certificate onto the list that the broker and the speed server read."""

    def do() -> None:
        import datetime

        from cryptography import x509

        from noc import enrol

        now = datetime.datetime.now(datetime.UTC)
        authority = enrol.open_authority(speed.bed.folder / "etc/authority", now, make=False)
        serial = x509.load_pem_x509_certificate((speed.state / "identity/hub.crt").read_bytes()).serial_number
        (speed.bed.folder / "noc-enrolment/revoked.pem").write_bytes(enrol.revocation_list(authority, [serial], now))

    return do
