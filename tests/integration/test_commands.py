"""From an order typed at the NOC to what the hub did, and back: real broker, real agent, the operator on its socket."""

from __future__ import annotations

import functools
import os
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.command_results import Reason, Status, decode_result
from appliance.core.commands import Command, FetchConfiguration, command_topic, result_topic, write
from appliance.operator import keys as hub_keys
from appliance.operator.server import Server
from appliance.operator.service import Operator
from appliance.system.clock import kernel_clock
from noc import cli
from noc.commands import cli as commanding
from noc.commands import keys, rules
from tests.integration.conftest import Bed, wait_for
from tests.integration.hub_client import HubClient
from tests.orders import HUB, OTHER_KEY, Box


class Standing:
    """A hub's operator on a machine in memory, with the kernel's clock and the key that ``command key`` wrote."""

    def __init__(self, bed: Bed) -> None:
        self.socket, self.boxes = bed.folder / "operator.sock", queue.Queue[Box]()
        bed.noc("command", "key", "--out", str(bed.folder / "noc.pub"))
        trusted = bed.folder / "noc-command.pub"
        bed.run("-m", "appliance.cli", "operator", "trust", str(bed.folder / "noc.pub"), "--to", str(trusted))
        self._key = hub_keys.read_key(trusted)
        self._folder, self._over = bed.folder, threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.socket))
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        self.box = self.boxes.get(timeout=10)

    def _work(self) -> None:
        assert self._key is not None
        box, clock = Box(self._folder), kernel_clock()

        def now():  # type: ignore[no-untyped-def]
            box.clock.moment = clock()
            box.clock.turn(wall_quality=WallQuality.NTP)
            return box.clock.moment

        box.operator = Operator(HUB, functools.partial(hub_keys.holds, self._key), box.book, box.machine, now)
        self.boxes.put(box)
        while not self._over.is_set():  # as systemd starts it again
            Server(self._listener, box.operator, [os.getuid()], idle_seconds=0.5).serve()

    def end(self) -> None:
        self._over.set()
        self._thread.join(30)
        self._listener.close()


@pytest.fixture
def hub(bed: Bed) -> Iterator[Standing]:
    bed.start_broker()
    bed.start_ingest()
    bed.enrol(HUB, bed.folder / "hub/identity")
    made = Standing(bed)
    yield made
    bed.end_all()
    made.end()


def order(bed: Bed, *words: str, life_seconds: int = 30) -> int:
    places = ["--directory", str(bed.folder / "etc"), "--state", str(bed.folder / "noc")]
    broker = ["--broker", "127.0.0.1", "--port", str(bed.port)]
    return cli.main(["command", *words, "--hub", HUB, "--life-seconds", str(life_seconds), *broker, *places])


def start_agent(bed: Bed, hub: Standing) -> None:
    bed.start_agent("--operator-socket", str(hub.socket))
    wait_for(lambda: "connected to the NOC" in bed.log("agent"), what="the agent's connection")


def a_payload(signer: str, bed: Bed) -> bytes:
    """A command that is good but for who signed it."""
    now = kernel_clock()()
    key = keys.read(bed.folder / "etc/commands/command.key") if signer == "noc" else OTHER_KEY
    return keys.signer(key)(
        write(Command(HUB, now.wall_ms, now.wall_ms, now.wall_ms + 60_000, "x", FetchConfiguration()))
    )


def test_an_order_is_done_and_told_at_both_ends(bed: Bed, hub: Standing, capsys: pytest.CaptureFixture[str]) -> None:
    start_agent(bed, hub)
    assert order(bed, "logs", "--unit", "desahub-gate.service", "--lines", "5") == 0
    assert hub.box.machine.log in capsys.readouterr().out
    assert order(bed, "restart", "--unit", "desahub-dns.service") == 0
    assert hub.box.machine.done == ["logs desahub-gate.service 5", "restart desahub-dns.service"]
    capsys.readouterr()
    places = ["--directory", str(bed.folder / "etc"), "--state", str(bed.folder / "noc")]
    assert cli.main(["command", "list", *places]) == 0
    newest, first = capsys.readouterr().out.splitlines()
    assert newest.split("\t")[2:] == [
        HUB, commanding._who(), '{"do":"restart","unit":"desahub-dns.service"}',
        "done desahub-dns.service was started anew",
    ]  # fmt: skip
    assert cli.main(["command", "show", first.split("\t")[0], *places]) == 0
    assert capsys.readouterr().out.strip() == hub.box.machine.log.strip()


def test_a_unit_that_is_not_on_the_list_cannot_even_be_ordered(bed: Bed, hub: Standing) -> None:
    assert order(bed, "restart", "--unit", "ssh.service") == 1


def test_forged_and_retained_commands_come_to_nothing_and_are_told(bed: Bed, hub: Standing) -> None:
    noc = HubClient(bed.port, bed.folder / "etc/commands", key="client")
    noc.hear(result_topic("+"))
    # Kept by the broker for whoever comes: it is the first thing that the agent hears.
    noc.client.publish(command_topic(HUB), a_payload("noc", bed), qos=1, retain=True)
    start_agent(bed, hub)
    assert decode_result(noc.heard.get(timeout=20)[1]).reason is Reason.RETAINED
    noc.say(command_topic(HUB), a_payload("somebody", bed))
    refused = decode_result(noc.heard.get(timeout=20)[1])
    assert (refused.status, refused.reason) == (Status.REFUSED, Reason.BAD_SIGNATURE)
    noc.say(command_topic(HUB), a_payload("noc", bed))
    assert decode_result(noc.heard.get(timeout=20)[1]).status is Status.DONE
    assert hub.box.machine.done == ["configuration"]
    noc.end()


def test_a_hub_orders_nothing_of_another_and_hears_its_own_alone(bed: Bed, tmp_path: Path) -> None:
    bed.start_broker()
    one, two = tmp_path / "one", tmp_path / "two"
    bed.enrol(HUB, one)
    bed.enrol("hub-dua2", two)
    first, second = HubClient(bed.port, one), HubClient(bed.port, two)
    noc, ingest = (HubClient(bed.port, bed.folder / "etc" / name, key="client") for name in ("commands", "ingest"))
    for topic in (command_topic("+"), command_topic("hub-dua2"), result_topic("+"), command_topic(HUB)):
        first.hear(topic)
    noc.hear(result_topic("+"))
    assert second.say(command_topic(HUB), b"forged") == "Not authorized"
    assert first.say(command_topic(HUB), b"to myself") == "Not authorized"
    assert first.say(result_topic("hub-dua2"), b"in your name") == "Not authorized"
    assert ingest.say(command_topic(HUB), b"not its business") == "Not authorized"
    assert noc.say(result_topic(HUB), b"not its business") == "Not authorized"
    assert second.say(result_topic("hub-dua2"), b"mine") == "Success"
    assert noc.say(command_topic("hub-dua2"), b"for two") == "Success"
    assert noc.say(command_topic(HUB), b"for one") == "Success"
    assert first.heard.get(timeout=10) == (command_topic(HUB), b"for one")
    assert noc.heard.get(timeout=10) == (result_topic("hub-dua2"), b"mine")
    for client in (first, second, noc, ingest):
        client.end()
    assert {first.heard.get() for _ in range(first.heard.qsize())} <= {(command_topic(HUB), b"for one")}


def test_a_broker_that_dies_in_the_middle_delays_an_order_and_doubles_nothing(
    bed: Bed, hub: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "RESEND_SECONDS", 2.0)
    start_agent(bed, hub)
    broker = bed.processes[0]
    killed = threading.Event()

    def cut() -> None:
        broker.kill()
        broker.wait(10)
        killed.set()

    # The unit is started anew, and on the answer's way the broker is gone.
    hub.box.machine.cut = cut
    back = threading.Thread(target=lambda: killed.wait(20) and bed.start_broker())
    back.start()
    assert order(bed, "restart", "--unit", "desahub-web.service", life_seconds=90) == 0
    back.join(20)
    assert hub.box.machine.done == ["restart desahub-web.service"]
