"""Who may say and hear what, judged by what is delivered: a SUBACK is no proof of access."""

from __future__ import annotations

import datetime
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from agent import identity as box
from noc import enrol
from tests.integration.conftest import Bed, wait_for
from tests.integration.hub_client import HubClient


def identities(bed: Bed) -> tuple[Path, Path]:
    made = bed.folder / "one", bed.folder / "two"
    for name, folder in zip(("hub-satu", "hub-dua2"), made, strict=True):
        bed.enrol(name, folder)
    return made


def test_a_hub_has_its_own_topics_and_no_others(bed: Bed) -> None:
    bed.start_broker()
    one_identity, two_identity = identities(bed)
    ingest = HubClient(bed.port, bed.folder / "etc/ingest", key="client")
    one = HubClient(bed.port, one_identity, wanted_id="hub-dua2")  # the broker takes the certificate's name
    two = HubClient(bed.port, two_identity)
    ingest.hear("desahub/1/+/report")
    ingest.hear("desahub/1/+/letter-marks")
    for topic in (
        "desahub/1/hub-dua2/report",
        "desahub/1/hub-dua2/letter-marks",
        "desahub/1/hub-dua2/state",
        "desahub/1/hub-dua2/ack",
        "#",
        "$SYS/#",
    ):
        one.hear(topic)
    one.hear("desahub/1/hub-satu/ack")
    two.hear("desahub/1/hub-dua2/ack")

    assert one.say("desahub/1/hub-satu/report", b"mine") == "Success"
    assert one.say("desahub/1/hub-dua2/report", b"forged") == "Not authorized"
    assert one.say("desahub/1/hub-satu/ack", b"to myself") == "Not authorized"
    assert one.say("desahub/1/hub-satu/letter-marks", b"my letters") == "Success"
    assert one.say("desahub/1/hub-dua2/letter-marks", b"forged") == "Not authorized"
    assert two.say("desahub/1/hub-dua2/report", b"theirs") == "Success"
    assert ingest.say("desahub/1/hub-dua2/ack", b"for two") == "Success"
    assert ingest.say("desahub/1/hub-satu/ack", b"for one") == "Success"
    assert ingest.say("desahub/1/hub-satu/report", b"not its business") == "Not authorized"

    assert [ingest.heard.get(timeout=10)[1] for _ in range(3)] == [b"mine", b"my letters", b"theirs"]
    assert two.heard.get(timeout=10) == ("desahub/1/hub-dua2/ack", b"for two")
    # "for one" was sent last: whatever else were to come to one has come before it. It may come once a subscription.
    assert one.heard.get(timeout=10) == ("desahub/1/hub-satu/ack", b"for one")
    for client in (one, two, ingest):
        client.end()
    assert {one.heard.get() for _ in range(one.heard.qsize())} <= {("desahub/1/hub-satu/ack", b"for one")}
    assert two.heard.empty()
    assert ingest.heard.empty()


def test_a_hub_hears_its_own_commands_and_answers_only_for_itself(bed: Bed) -> None:
    bed.start_broker()
    one_identity, two_identity = identities(bed)
    one, two = HubClient(bed.port, one_identity), HubClient(bed.port, two_identity)
    commands = HubClient(bed.port, bed.folder / "etc/commands", key="client")
    ingest = HubClient(bed.port, bed.folder / "etc/ingest", key="client")
    for topic in ("desahub/1/hub-satu/command", "desahub/1/hub-dua2/command", "desahub/1/+/command", "#"):
        one.hear(topic)
    one.hear("desahub/1/+/command-result")
    two.hear("desahub/1/hub-dua2/command")
    for topic in ("desahub/1/+/command-result", "desahub/1/+/report", "desahub/1/+/command"):
        commands.hear(topic)
    for topic in ("desahub/1/+/command", "desahub/1/+/command-result", "desahub/1/+/report"):
        ingest.hear(topic)

    assert commands.say("desahub/1/hub-dua2/command", b"for two") == "Success"
    assert commands.say("desahub/1/hub-satu/command", b"for one") == "Success"
    assert one.say("desahub/1/hub-dua2/command", b"forged") == "Not authorized"
    assert one.say("desahub/1/hub-satu/command", b"to myself") == "Not authorized"
    assert ingest.say("desahub/1/hub-satu/command", b"not its business") == "Not authorized"
    assert commands.say("desahub/1/hub-satu/ack", b"not its business") == "Not authorized"
    assert commands.say("desahub/1/hub-satu/command-result", b"not its business") == "Not authorized"
    assert one.say("desahub/1/hub-dua2/command-result", b"forged") == "Not authorized"
    assert one.say("desahub/1/hub-satu/command-result", b"done by one") == "Success"
    assert two.say("desahub/1/hub-dua2/command-result", b"done by two") == "Success"
    assert two.say("desahub/1/hub-dua2/report", b"a report") == "Success"

    assert [commands.heard.get(timeout=10)[1] for _ in range(2)] == [b"done by one", b"done by two"]
    assert two.heard.get(timeout=10) == ("desahub/1/hub-dua2/command", b"for two")
    assert one.heard.get(timeout=10) == ("desahub/1/hub-satu/command", b"for one")
    assert ingest.heard.get(timeout=10) == ("desahub/1/hub-dua2/report", b"a report")
    for client in (one, two, commands, ingest):
        client.end()
    # A message may come once for each subscription that holds it; nothing else has come.
    assert {one.heard.get() for _ in range(one.heard.qsize())} <= {("desahub/1/hub-satu/command", b"for one")}
    assert two.heard.empty()
    assert commands.heard.empty()
    assert ingest.heard.empty()


def test_each_ingest_worker_has_a_name_of_its_own(bed: Bed) -> None:
    bed.noc("init", "--broker-host", "127.0.0.1", "--ingest-workers", "3")
    bed.start_broker()
    (hub_identity, _) = identities(bed)
    workers = [
        HubClient(bed.port, bed.folder / f"etc/{name}", key="client") for name in ("ingest", "ingest-2", "ingest-3")
    ]
    for worker in workers:
        worker.hear("$share/ingest/desahub/1/+/report")
    hub = HubClient(bed.port, hub_identity)
    for number in range(9):
        assert hub.say("desahub/1/hub-satu/report", b"%d" % number) == "Success"
    wait_for(lambda: sum(worker.heard.qsize() for worker in workers) == 9, what="nine reports")
    assert all(worker.heard.qsize() for worker in workers), "one of them was thrown out by another"
    for client in (hub, *workers):
        client.end()


def foreign_identity(folder: Path) -> Path:
    """A certificate of the same name, from an authority of somebody else."""
    now = datetime.datetime.now(datetime.UTC)
    authority = enrol.open_authority(folder / "authority", now)
    _, certificate = enrol.sign_request(authority, box.request(folder, "hub-satu"), lambda _: True, now)
    box.install(folder, "hub-satu", certificate, authority.certificate_pem)
    return folder


@pytest.mark.parametrize("stranger", ["without", "of another authority", "signed by itself"])
def test_nobody_comes_in_without_a_certificate_of_this_authority(bed: Bed, tmp_path: Path, stranger: str) -> None:
    bed.start_broker()
    context = ssl.create_default_context(cafile=str(bed.folder / "etc/authority/ca.crt"))
    if stranger == "of another authority":
        folder = foreign_identity(tmp_path / "foreign")
        context.load_cert_chain(folder / "hub.crt", folder / "hub.key")
    elif stranger == "signed by itself":
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", str(tmp_path / "own.key"), "-out", str(tmp_path / "own.crt"), "-subj", "/CN=hub-satu"],
            check=True, capture_output=True, timeout=20,
        )  # fmt: skip
        context.load_cert_chain(tmp_path / "own.crt", tmp_path / "own.key")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(("127.0.0.1", bed.port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="127.0.0.1") as wrapped,
    ):
        wrapped.sendall(bytes.fromhex("101000044d5154540502003c000003616263"))
        assert wrapped.recv(10) == b"", "the broker answered a stranger"
        raise ConnectionError("closed without a word")
