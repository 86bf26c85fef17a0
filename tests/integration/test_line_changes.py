"""The line brings another address, or forgets a connection: the box comes back to the NOC by itself, and soon."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

import pytest

from agent import connection
from agent.publisher import Birth, Publisher, Rhythm
from appliance.core.config.reporting import Noc
from appliance.store.outbox import MemoryOutbox
from appliance.system.clock import kernel_clock
from tests.contract.conftest import own_network
from tests.integration.conftest import Bed, wait_for

__all__ = ["own_network"]
pytestmark = pytest.mark.root


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True, timeout=10)


def box_has(address: str) -> None:
    """From now on this box sends from here to the NOC, which is 127.0.0.1; what it had before is gone."""
    ip("address", "flush", "dev", "uplink")
    ip("address", "add", f"{address}/32", "dev", "uplink")
    ip("route", "replace", "local", "127.0.0.1", "dev", "lo", "table", "local", "src", address)


@pytest.fixture
def network(own_network: None) -> None:
    ip("link", "set", "lo", "up")
    ip("link", "add", "uplink", "type", "veth", "peer", "name", "provider")
    box_has("192.0.2.5")


@contextlib.contextmanager
def reporting(bed: Bed) -> Iterator[tuple[Publisher, MemoryOutbox]]:
    """A broker, and a box that is connected to it."""
    bed.start_broker()
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    now, outbox = kernel_clock(), MemoryOutbox(100)
    publisher = Publisher(
        Noc("127.0.0.1", bed.port), bed.folder / "hub/identity", Birth("hub-satu", "0", ""), outbox,
        rhythm=Rhythm(1, 1e6), now=now, wake=lambda: None,
    )  # fmt: skip
    publisher.start()
    try:
        wait_for(lambda: connections(bed) == 1 and publisher.round_trip() is not None, what="the connection")
        outbox.append(now(), {"a": 1})
        yield publisher, outbox
    finally:
        publisher.stop()


def connections(bed: Bed) -> int:
    return bed.log("broker").count("as hub-satu")


@pytest.mark.usefixtures("network")
def test_another_address_brings_another_connection_at_once(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    with reporting(bed) as (publisher, _):
        for count, address in enumerate(("192.0.2.6", "192.0.2.7", "192.0.2.8"), 2):
            box_has(address)
            # Three times within seconds: this is no copied card, which would wait for a quarter of an hour.
            wait_for(lambda: connections(bed) == count, 20, f"a connection from {address}")  # noqa: B023 - is called here
            wait_for(lambda: publisher.round_trip() is not None, what="the box to know of it")
            assert f"from {address}:" in bed.log("broker")
    assert "got another address" in caplog.text
    assert "copy" not in caplog.text


@pytest.mark.usefixtures("network")
def test_a_connection_that_the_provider_forgot_is_made_anew(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "UNANSWERED_MS_MAX", 2_000)
    with reporting(bed) as (publisher, _):
        port = publisher._client.socket().getsockname()[1]  # type: ignore[union-attr] # it is connected
        rules = "add table ip forgot\nadd chain ip forgot out { type filter hook output priority 0; }\n" + "".join(
            f"add rule ip forgot out tcp {side} {port} drop\n" for side in ("sport", "dport")
        )
        subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True, timeout=10)
        publisher.turn()
        wait_for(lambda: connections(bed) == 2, 20, "another connection")
