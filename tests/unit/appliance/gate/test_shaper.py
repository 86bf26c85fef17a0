"""When the shaper acts, and what it says of itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.core.config import Config, parse
from appliance.core.config.uplink import Shaper, Speed
from appliance.core.errors import OperationError
from appliance.gate.places import READY_FIRST, Places
from appliance.gate.protocol import Admit, Client, Limits
from appliance.gate.service import LocalGate
from appliance.gate.shaper import LineShaper
from appliance.gate.twin import TwinFirewall
from appliance.network import nftables
from appliance.network.shaper import HANDLE
from appliance.system.queues import Root

FULL = Path(__file__).parents[3] / "golden/rendered/full/hub.toml"


class Kernel:
    """Interfaces and what waits at them; counts what was done."""

    def __init__(self, *interfaces: str) -> None:
        self.indices = {name: number for number, name in enumerate(interfaces, start=2)}
        self.shaped: dict[str, int] = {}
        self.minors: dict[str, set[int]] = {}
        self.kinds: set[str] = set()
        self.batches: list[str] = []
        self.apart: set[str] = set()
        self.refusal = ""
        self.asked = 0

    def root(self, interface: str) -> Root | None:
        index = self.indices.get(interface)
        if index is None:
            return None
        stamp = self.shaped.get(interface)
        return Root(index, "", 0) if stamp is None else Root(index, "htb", HANDLE, stamp)

    def classes(self, interface: str) -> frozenset[int]:
        return frozenset(self.minors.get(interface, ()))

    def batch(self, lines: str) -> None:
        if self.refusal:
            raise OperationError(self.refusal)
        self.batches.append(lines)
        made = rf"qdisc replace dev (\S+) root handle {HANDLE:x}:(?: htb default \d+ r2q (\d+))?"
        for interface, stamp in re.findall(made, lines):
            self.shaped[interface], self.minors[interface] = int(stamp or 0), set()
        for interface, minor in re.findall(r"class add dev (\S+) .*classid de5a:([0-9a-f]+) ", lines):
            self.minors[interface].add(int(minor, 16))
        for interface in re.findall(r"qdisc del dev (\S+) root", lines):
            self.forget(interface)

    def passed_bytes(self, _: str) -> int | None:
        return None

    def has(self, kind: str) -> bool:
        self.asked += 1
        return kind in self.kinds

    def keep_apart(self, interface: str) -> None:
        self.apart.add(interface)

    def replug(self, interface: str) -> None:
        self.indices[interface] = max(self.indices.values()) + 1
        self.forget(interface)

    def forget(self, interface: str) -> None:
        self.shaped.pop(interface, None)
        self.minors.pop(interface, None)


class Empty:
    """Sets of nobody."""

    def all(self, _: str) -> list[object]:
        return []

    def change(self, _: object) -> None:
        return None


@pytest.fixture
def config() -> Config:
    config = parse(FULL.read_text(encoding="utf-8"))
    line = dataclasses.replace(config.uplink, download_kbit=20_000, upload_kbit=5_000, shaper=Shaper.HTB)
    return dataclasses.replace(config, uplink=line, speeds=(Speed("biasa", "Biasa", 4_000, 1_000),))


def cake(config: Config) -> Config:
    return dataclasses.replace(config, uplink=dataclasses.replace(config.uplink, shaper=Shaper.CAKE), speeds=())


Made = tuple[LineShaper, Kernel, Places, tuple[str, ...]]


@pytest.fixture
def made(config: Config) -> Made:
    return make(config)


def make(config: Config, prepare: Callable[[Kernel], None] = lambda _: None) -> Made:
    names = (*(network.interface for network in config.networks), config.uplink.interface)
    kernel = Kernel(*names)
    prepare(kernel)
    places = Places(Empty())  # type: ignore[arg-type] # the two methods that places use
    line = LineShaper(kernel, places)
    line.use(line.possible(config))
    return line, kernel, places, names


def test_every_interface_is_shaped_at_once_and_then_left_alone(made: Made) -> None:
    line, kernel, _, names = made
    assert kernel.shaped.keys() == set(names)
    done = len(kernel.batches)
    for _ in range(5):
        assert line.check() is False
    assert len(kernel.batches) == done
    assert (line.state().shaper, line.state().problem) == ("htb", "")


def test_an_interface_that_comes_back_is_shaped_again_and_no_other(made: Made) -> None:
    line, kernel, _, names = made
    done = len(kernel.batches)
    del kernel.indices[names[-1]]
    line.check()
    assert len(kernel.batches) == done
    kernel.indices[names[-1]] = 99
    kernel.forget(names[-1])
    line.check()
    assert len(kernel.batches) == done + 1
    assert names[-1] in kernel.shaped


def test_one_that_was_replugged_between_two_looks_is_shaped_again(made: Made) -> None:
    line, kernel, _, names = made
    kernel.replug(names[-1])
    line.check()
    assert names[-1] in kernel.shaped


def test_queues_that_somebody_removed_are_made_again(made: Made) -> None:
    line, kernel, _, names = made
    kernel.forget(names[0])
    line.check()
    assert names[0] in kernel.shaped


def test_the_same_configuration_again_drops_nothing(made: Made, config: Config) -> None:
    line, kernel, _, _ = made
    done = len(kernel.batches)
    line.use(line.possible(dataclasses.replace(config, kiosk=dataclasses.replace(config.kiosk))))
    assert len(kernel.batches) == done


def test_other_speeds_are_made_and_an_interface_that_is_given_up_is_freed(made: Made, config: Config) -> None:
    line, kernel, _, names = made
    kernel.indices["wwan0"] = 50
    other = dataclasses.replace(config, uplink=dataclasses.replace(config.uplink, interface="wwan0"))
    line.use(line.possible(other))
    assert names[-1] not in kernel.shaped
    assert "wwan0" in kernel.shaped


def test_a_refusal_is_said_once_told_to_who_asks_and_tried_again(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(kernel: Kernel) -> None:
        kernel.refusal = "tc: could not be started"

    line, kernel, _, names = make(config, refuse)
    line.check()
    line.check()
    assert line.state().shaper == "none"
    assert line.state().problem == "tc: could not be started"
    assert len([record for record in caplog.records if "not shared" in record.getMessage()]) == len(names)
    kernel.refusal = ""
    line.check()
    assert (line.state().shaper, line.state().problem) == ("htb", "")


def test_more_slots_are_made_ahead_of_need_on_every_interface(made: Made) -> None:
    line, kernel, places, names = made
    done = len(kernel.batches)
    crowd = [
        Admit(Client(f"10.20.{i // 250}.{i % 250 + 2}", f"02:00:00:00:{i // 256:02x}:{i % 256:02x}"), 60, Limits())
        for i in range(READY_FIRST // 2 + 1)
    ]
    places.changes(crowd)
    places.settled(crowd)
    assert line.check() is False, "nobody shares a slot: nobody has to move"
    assert len(kernel.batches) == done + 1
    assert places.ready()[""] == 2 * READY_FIRST
    assert f"dev {names[-1]} parent de5a:1 classid de5a:{0x1000 + READY_FIRST:x} " in kernel.batches[-1]
    kernel.replug(names[-1])
    line.check()
    assert f"classid de5a:{0x1000 + 2 * READY_FIRST - 1:x} " in kernel.batches[-1], "all that are in use"


def test_slots_that_could_not_be_made_are_not_given_away(made: Made) -> None:
    line, kernel, places, _ = made
    crowd = [Admit(Client(f"10.20.0.{i + 2}", f"02:00:00:00:00:{i:02x}"), 60, Limits()) for i in range(200)]
    places.changes(crowd)
    places.settled(crowd)
    kernel.refusal = "no memory"
    line.check()
    assert places.ready()[""] == READY_FIRST
    assert line.state().problem == "no memory"
    kernel.refusal = ""
    line.check()
    line.check()
    assert places.ready()[""] == 2 * READY_FIRST
    assert line.state().problem == ""


def test_cake_that_the_kernel_lacks_becomes_htb_and_is_said_loudly(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    line, kernel, places, names = make(cake(config))
    assert line.state().shaper == "htb"
    assert "uplink.shaper is cake" in line.state().problem
    assert any(record.levelname == "ERROR" for record in caplog.records)
    assert kernel.shaped.keys() == set(names)
    assert places.ready() == {"": READY_FIRST}
    assert line.possible(cake(config)).uplink.shaper is Shaper.HTB


def test_cake_is_used_where_the_kernel_has_it(config: Config) -> None:
    line, kernel, places, _ = make(cake(config), lambda kernel: kernel.kinds.add("cake"))
    assert (line.state().shaper, line.state().problem) == ("cake", "")
    assert "dual-srchost nat" in kernel.batches[-1]
    assert places.ready() == {}


def test_queues_by_flow_are_used_where_the_kernel_has_them_and_it_is_asked_once(config: Config) -> None:
    _, kernel, _, _ = make(config, lambda kernel: kernel.kinds.add("fq_codel"))
    assert all("fq_codel" in lines for lines in kernel.batches)
    assert kernel.asked == 1


@pytest.mark.parametrize(("kbit", "apart"), [(20_000, True), (1_000_000, False)])
def test_packets_are_kept_apart_where_the_line_is_slow(config: Config, kbit: int, apart: bool) -> None:
    line = dataclasses.replace(config.uplink, download_kbit=kbit, upload_kbit=kbit)
    _, kernel, _, names = make(dataclasses.replace(config, uplink=line))
    assert (kernel.apart == set(names)) is apart


def test_the_gate_says_that_it_keeps_hub_toml_where_cake_became_htb(config: Config) -> None:
    kernel, firewall = Kernel(), TwinFirewall()
    asked = cake(config)
    gate = LocalGate(firewall, asked, LineShaper(kernel, Places(Empty())))  # type: ignore[arg-type] # as above
    gate.use(asked)
    gate.check()
    status = gate.status()
    assert status.ruleset_fingerprint == nftables.fingerprint(asked) != firewall.fingerprint()
    assert nftables.CLASS_MAP in firewall.ruleset
    assert (status.shaper, "cake" in status.shaper_problem) == ("htb", True)
    firewall.load("somebody else's", "else")
    assert gate.status().ruleset_fingerprint == "else"
    gate.check()
    assert "cake" in gate.status().shaper_problem


def another_gate(config: Config, kernel: Kernel) -> tuple[LineShaper, Places]:
    places = Places(Empty())  # type: ignore[arg-type] # as above
    line = LineShaper(kernel, places)
    line.use(line.possible(config))
    return line, places


def test_a_gate_that_starts_again_takes_the_queues_as_they_are(made: Made, config: Config) -> None:
    line, kernel, places, _ = made
    places.grown("", 2 * READY_FIRST)
    for interface in (network.interface for network in config.resident_networks):
        kernel.minors[interface] |= set(range(0x1000, 0x1000 + 2 * READY_FIRST))
    kernel.minors[config.uplink.interface] |= set(range(0x1000, 0x1000 + 2 * READY_FIRST))
    done = len(kernel.batches)
    line, places = another_gate(config, kernel)
    assert len(kernel.batches) == done
    assert places.ready() == {"": 2 * READY_FIRST, "biasa": READY_FIRST}
    assert (line.check(), len(kernel.batches)) == (False, done)


def test_queues_of_another_configuration_or_half_made_ones_are_made_anew(made: Made, config: Config) -> None:
    _, kernel, _, names = made
    done = len(kernel.batches)
    slower = dataclasses.replace(config, uplink=dataclasses.replace(config.uplink, upload_kbit=4_000))
    another_gate(slower, kernel)
    assert len(kernel.batches) == done + 1, "download is as it was"
    assert f"dev {names[-1]} " in kernel.batches[-1]
    kernel.minors[names[0]].discard(0x1005)
    another_gate(slower, kernel)
    assert len(kernel.batches) == done + 2
    assert f"dev {names[0]} " in kernel.batches[-1]


def test_a_network_that_stays_alone_keeps_no_bound_of_the_time_when_there_were_two(made: Made, config: Config) -> None:
    """Nobody bounds one network alone: what the last look had left of its queue would stay for good."""
    line, kernel, _, names = made
    assert len(config.networks) > 1
    done = len(kernel.batches)
    line.use(dataclasses.replace(config, networks=config.networks[:1]))
    made_anew = [batch for batch in kernel.batches[done:] if "qdisc replace" in batch]
    assert [f"dev {names[0]} " in batch for batch in made_anew] == [True], "the uplink's queues are as they were"


def test_slots_that_only_the_uplink_has_are_made_on_the_bridges_too(made: Made, config: Config) -> None:
    _, kernel, _, names = made
    kernel.minors[names[-1]] |= set(range(0x1000, 0x1000 + 2 * READY_FIRST))
    _, places = another_gate(config, kernel)
    assert places.ready()[""] == 2 * READY_FIRST
    residents = config.resident_networks[0].interface
    assert 0x1000 + 2 * READY_FIRST - 1 in kernel.minors[residents]
