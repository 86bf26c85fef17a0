"""From an inventory to a connected hub and out again: real service, real broker, real TLS."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import identity
from tests.integration.conftest import Bed, free_port, wait_for
from tests.integration.hub_client import HubClient

SHUT_OUT_SECONDS = 60.0
TAKEN = ("Success", "No matching subscribers")


class Enrolment:
    """The service, and what systemd does beside it: a new list is a reload of the broker."""

    def __init__(self, bed: Bed) -> None:
        self.bed, self.port = bed, free_port()
        self.broker = bed.start_broker()
        bed.start(
            "enrolment", sys.executable, "-m", "noc.enrolment", "--directory", str(bed.folder / "etc"),
            "--state", str(bed.folder / "noc"), "--bind-address", "127.0.0.1", "--port", str(self.port),
            "--broker", f"localhost:{bed.port}",
        )  # fmt: skip
        wait_for(self._is_listening, what="the enrolment service's port")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._reload)
        self._thread.start()

    def _is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _reload(self) -> None:
        path = self.bed.folder / "noc-enrolment/revoked.pem"
        seen = path.stat().st_ino
        while not self._stopping.wait(0.1):
            if path.stat().st_ino != seen:
                seen = path.stat().st_ino
                self.broker.send_signal(signal.SIGHUP)

    def end(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def claim(self, hub_id: str) -> Path:
        """Add a hub and let its box claim itself, with the code as an operator reads it out."""
        said = self.bed.noc(
            "hub", "add", "--hub-id", hub_id, "--name", hub_id.title(), "--kode-wilayah", "51.03.01.2001"
        )
        return self.use(hub_id, code_in(said))

    def use(self, hub_id: str, code: str) -> Path:
        state = self.bed.folder / hub_id
        state.mkdir(exist_ok=True)
        (state / "code").write_text(code)
        done = self.run_box("claim", hub_id, "--codes", str(state / "code"))
        assert done.returncode == 0, done.stderr
        return state / "identity"

    def run_box(self, what: str, hub_id: str, *more: str) -> subprocess.CompletedProcess[str]:
        config = self.bed.folder / f"{hub_id}.toml"
        text = (self.bed.folder / "hub.toml").read_text().replace('id = "hub-satu"', f'id = "{hub_id}"')
        config.write_text(f"{text}enrolment_port = {self.port}\n")
        return subprocess.run(
            [sys.executable, "-m", "agent.enrolment", what, "--config", str(config),
             "--state", str(self.bed.folder / hub_id), *more],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def standing(self, hub_id: str) -> str:
        lines = self.bed.noc("hub", "list").splitlines()
        return next(line.split("\t")[-1] for line in lines if line.startswith(hub_id))


def code_in(said: str) -> str:
    found = re.search(r"(?:[0-9A-Z]{5}-){4}[0-9A-Z]{5}", said)
    assert found is not None, said
    return found[0]


@pytest.fixture
def enrolment(bed: Bed) -> Iterator[Enrolment]:
    made = Enrolment(bed)
    yield made
    made.end()


def is_let_in(bed: Bed, folder: Path, session: ssl.SSLSession | None = None) -> bool:
    """Connect as a hub, with the session of an earlier connection where one is given."""
    context = ssl.create_default_context(cafile=str(bed.folder / "etc/authority/ca.crt"))
    context.load_cert_chain(folder / "hub.crt", folder / "hub.key")
    return _connect(bed, context, session)[0]


def _connect(bed: Bed, context: ssl.SSLContext, session: ssl.SSLSession | None) -> tuple[bool, ssl.SSLSession | None]:
    try:
        with (
            socket.create_connection(("127.0.0.1", bed.port), timeout=10) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as wrapped,
        ):
            wrapped.sendall(bytes.fromhex("100d00044d515454050200" + "3c000000"))
            answer = wrapped.recv(4)
            return answer[:1] == b"\x20" and answer[3:] == b"\x00", wrapped.session
    except (ssl.SSLError, ConnectionError):
        return False, None


def test_a_claimed_hub_connects_and_a_revoked_one_is_thrown_out_and_stays_out(bed: Bed, enrolment: Enrolment) -> None:
    one_identity, two_identity = enrolment.claim("hub-satu"), enrolment.claim("hub-dua2")
    assert enrolment.standing("hub-satu").startswith("until ")
    assert (bed.folder / "hub-satu/code").exists()
    one, two = HubClient(bed.port, one_identity), HubClient(bed.port, two_identity)
    ends: queue.Queue[str] = queue.Queue()
    one.client.on_disconnect = lambda *_: ends.put("hub-satu")
    two.client.on_disconnect = lambda *_: ends.put("hub-dua2")
    assert one.say("desahub/1/hub-satu/report", b"before") in TAKEN
    context = ssl.create_default_context(cafile=str(bed.folder / "etc/authority/ca.crt"))
    context.load_cert_chain(one_identity / "hub.crt", one_identity / "hub.key")

    began = time.monotonic()
    bed.noc("hub", "revoke", "hub-satu", "--why", "kartu dicuri")
    assert ends.get(timeout=SHUT_OUT_SECONDS) == "hub-satu"
    wait_for(lambda: not is_let_in(bed, one_identity), SHUT_OUT_SECONDS, "the broker's refusal")
    assert time.monotonic() - began < SHUT_OUT_SECONDS
    one.end()
    for _ in range(3):
        assert not is_let_in(bed, one_identity)
    assert two.say("desahub/1/hub-dua2/report", b"not concerned") in TAKEN
    assert ends.empty(), "the others were not disturbed"
    assert enrolment.standing("hub-satu") == "revoked"
    wait_for(lambda: "revoked at the broker" in bed.log("enrolment"), what="the end of the revocation")

    code = code_in(bed.noc("hub", "claim", "hub-satu"))
    (one_identity / "hub.crt").unlink()
    assert is_let_in(bed, enrolment.use("hub-satu", code))
    two.end()


def test_a_session_that_was_resumed_does_not_let_a_revoked_hub_back_in(bed: Bed, enrolment: Enrolment) -> None:
    folder = enrolment.claim("hub-satu")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(bed.folder / "etc/authority/ca.crt"))
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(folder / "hub.crt", folder / "hub.key")
        is_in, session = _connect(bed, context, None)
        assert is_in
        assert _connect(bed, context, session)[0], "the session itself is good"
        bed.noc("hub", "revoke", "hub-satu", "--why", "kartu dicuri")
        wait_for(lambda: not is_let_in(bed, folder), SHUT_OUT_SECONDS, "the broker's refusal")
        assert not _connect(bed, context, session)[0], f"{version.name}: the old session opened the door"
        (folder / "hub.crt").unlink()
        enrolment.use("hub-satu", code_in(bed.noc("hub", "claim", "hub-satu")))


def test_two_revocations_in_one_second_and_a_restart_between_lose_nothing(bed: Bed, enrolment: Enrolment) -> None:
    folders = [enrolment.claim(f"hub-{number}") for number in range(3)]
    bed.noc("hub", "revoke", "hub-0", "--why", "satu")
    bed.noc("hub", "revoke", "hub-1", "--why", "dua")
    wait_for(lambda: not is_let_in(bed, folders[0]) and not is_let_in(bed, folders[1]), SHUT_OUT_SECONDS, "both")
    assert is_let_in(bed, folders[2])
    service = bed.processes[-1]
    service.kill()
    service.wait(10)
    bed.noc("hub", "revoke", "hub-2", "--why", "tiga")
    assert is_let_in(bed, folders[2]), "nobody carries it out"
    enrolment.end()
    bed.end(enrolment.broker)
    again = Enrolment(bed)
    try:
        wait_for(lambda: not is_let_in(bed, folders[2]), SHUT_OUT_SECONDS, "the third")
        assert not is_let_in(bed, folders[0])
    finally:
        again.end()


def test_the_service_without_authority_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "noc.enrolment", "--directory", str(tmp_path), "--state", str(tmp_path / "state")],
        capture_output=True, text=True, timeout=30, check=False, env={**os.environ, "NOTIFY_SOCKET": ""},
    )  # fmt: skip
    assert done.returncode == 1
    assert "run desahub-noc init first" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_claimed_box_is_left_alone_and_a_fresh_certificate_is_not_renewed(bed: Bed, enrolment: Enrolment) -> None:
    folder = enrolment.claim("hub-satu")
    before = identity.certificate(folder)
    assert enrolment.run_box("claim", "hub-satu").returncode == 0
    assert enrolment.run_box("renew", "hub-satu").returncode == 0
    assert identity.certificate(folder) == before
