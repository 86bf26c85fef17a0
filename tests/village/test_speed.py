"""The line is shared by the shipped gate in its sandbox, and comes back with the modem; classes hold and change."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest

from appliance.gate.protocol import Limits
from script.village import plan
from script.village.programs import run, succeeds, wait_until
from script.village.village import Village
from script.village.walk import Walk
from tests.bench import line as lines
from tests.bench.line import (
    HUB,
    Line,
    Servers,
    arrived,
    download,
    echoes_lost,
    flood,
    hub_toml,
    round_trips,
    together,
    upload,
)

pytestmark = [pytest.mark.root, pytest.mark.village]

_BACK_SECONDS = 5.0


def in_hub(*argv: str) -> str:
    return run(["ip", "netns", "exec", plan.HUB, *argv])


def is_shaped(interface: str, namespace: str = plan.HUB) -> bool:
    command = ["ip", "netns", "exec", namespace, "tc", "qdisc", "show", "dev", interface]
    return succeeds(command) and "qdisc htb de5a: root" in run(command)


def classes_of(namespace: str) -> dict[str, str]:
    """Address to class, as the kernel has it."""
    said = run(["ip", "netns", "exec", namespace, "nft", "list", "map", "inet", "desahub", "client_class"])
    return dict(re.findall(r"(\d+\.\d+\.\d+\.\d+) : (de5a:[0-9a-f]+)", said))


def address_of(village: Village, number: int) -> str:
    said = village.phone(number, "ip", "-4", "-o", "address", "show", "dev", "eth0")
    found = re.search(r"inet ([\d.]+)/", said)
    assert found, said
    return found[1]


def test_the_shipped_unit_shares_the_line_at_bridge_and_uplink(village: Village) -> None:
    wait_until(lambda: is_shaped(plan.BRIDGE) and is_shaped("eth0"), "the gate to share the line", seconds=10)
    journal = village.hub.inside(["journalctl", "-u", "desahub-gate", "--no-pager"])
    assert "htb shares the line" in journal
    assert "is not shared" not in journal


def test_a_login_takes_a_class_and_its_packets_wait_there(village: Village) -> None:
    wait_until(lambda: is_shaped(plan.BRIDGE), "the gate to share the line", seconds=10)
    address = address_of(village, 1)
    Walk(village, 1).accept()
    wait_until(lambda: address in classes_of(plan.HUB), "a class for phone 1", seconds=5)
    mine = classes_of(plan.HUB)[address]
    village.phone(1, "curl", "-sf", "-o", "/dev/null", f"http://{plan.WEB_ADDRESS}/")
    for interface in (plan.BRIDGE, "eth0"):
        shown = in_hub("tc", "-s", "class", "show", "dev", interface, "classid", mine)
        sent = re.search(r"Sent (\d+) bytes", shown)
        assert sent, shown
        assert int(sent[1]) > 200


def test_a_modem_that_is_plugged_in_again_has_its_queues_within_5_s(village: Village) -> None:
    wait_until(lambda: is_shaped("eth0"), "the gate to share the line", seconds=10)
    run(["ip", "-n", plan.NET, "link", "delete", "hub0"])
    assert not is_shaped("eth0")
    lay = f"""link add hub0 type veth peer name eth0 netns {plan.HUB}
address add {plan.UPLINK_GATEWAY}/24 dev hub0
link set hub0 up
"""
    run(["ip", "-n", plan.NET, "-batch", "-"], text=lay)
    wait_until(lambda: is_shaped("eth0"), "the queues of the uplink that came back", seconds=_BACK_SECONDS)
    # The other tests want an uplink: the provider's DHCP must see its new cable.
    village.net.inside(["systemctl", "restart", "internet-names.service"])
    outside = ["ip", "netns", "exec", plan.HUB, "busybox", "ping", "-c", "1", "-W", "1", plan.WEB_ADDRESS]
    wait_until(lambda: succeeds(outside), "the uplink's address", seconds=60)
    # It is another address: the connection to the NOC that was made from the old one must not be waited for.
    assert Walk(village).settled()


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line of 10 Mbit/s with the real gate, three phones, all admitted; phone 1 in the class of 4 Mbit/s."""
    with lines.line(tmp_path_factory.mktemp("line"), 3, 10_000) as made:
        for phone in made.phones:
            made.gate.admit(phone.client, 3_600, Limits("biasa" if phone.number == 1 else ""))
        yield made


@pytest.fixture
def servers(line: Line) -> Iterator[Servers]:
    assert line
    with Servers() as made:
        yield made


def mbit(count: float, seconds: float) -> float:
    return count * 8 / seconds / 1e6


@pytest.mark.usefixtures("servers")
def test_a_class_bounds_a_download_from_the_first_second(line: Line) -> None:
    assert 3 < mbit(download(line.phones[0].namespace, 3), 3) < 4.4
    assert mbit(download(line.phones[1].namespace, 3), 3) > 6, "who has no class has the line"


@pytest.mark.usefixtures("servers")
def test_nobody_is_counted_what_the_queue_dropped(line: Line) -> None:
    phone = line.phones[0]

    def received() -> int:
        return next(one.received_bytes for one in line.gate.clients() if one.client == phone.client)

    def dropped() -> int:
        shown = run(["ip", "netns", "exec", HUB, "tc", "-s", "qdisc", "show", "dev", "br-warga"])
        return sum(map(int, re.findall(r"dropped (\d+)", shown)))

    counted, came, lost = received(), arrived(phone.namespace), dropped()
    # Streams that begin together overrun the queue before they know the speed.
    got = download(phone.namespace, 3, 8)
    assert dropped() - lost > 50, "the test wants drops"
    in_queue = ["ip", "netns", "exec", HUB, "tc", "-s", "class", "show", "dev", "br-warga", "classid", "de5a:1400"]
    wait_until(lambda: "backlog 0b 0p" in run(in_queue), "the queue to run empty", seconds=10)
    counted, came = received() - counted, arrived(phone.namespace) - came
    assert counted > got
    assert abs(counted - came) <= came / 100


def test_a_class_bounds_an_upload(line: Line, servers: Servers) -> None:
    assert 3 < mbit(upload(line.phones[0].namespace, 3, servers), 3) < 4.4


def test_a_flood_upwards_leaves_the_others_their_part(line: Line, servers: Servers) -> None:
    sent: list[int] = []
    trips: list[float] = []
    flooding, other, light = (phone.namespace for phone in (line.phones[1], line.phones[2], line.phones[0]))
    together(
        [
            lambda: flood(flooding, 4, 30e6 / 8),
            lambda: sent.append(upload(other, 4, servers)),
            lambda: trips.extend(round_trips(light, 4)),
        ]
    )
    assert mbit(sent[0], 4) > 3
    assert sorted(trips)[len(trips) // 2] < 60


def test_what_the_box_itself_says_to_residents_goes_around_the_classes(line: Line) -> None:
    def direct() -> int:
        shown = run(["ip", "netns", "exec", HUB, "tc", "-s", "qdisc", "show", "dev", "br-warga"])
        found = re.search(r"direct_packets_stat (\d+)", shown)
        assert found, shown
        return int(found[1])

    before = direct()
    run(["ip", "netns", "exec", line.phones[2].namespace, "busybox", "ping", "-c", "10", "-i", "0.1", "10.20.0.1"])
    assert direct() >= before + 10


def _classes_shown(interface: str) -> str:
    return run(["ip", "netns", "exec", HUB, "tc", "-s", "class", "show", "dev", interface])


@pytest.mark.usefixtures("servers")
def test_another_speed_after_a_reload_holds_for_who_is_online(line: Line) -> None:
    before = line.gate.clients()
    slower = hub_toml(line.line_kbit).replace("download_kbit = 4000", "download_kbit = 1500")
    line.reload(slower)
    held = ["ip", "netns", "exec", HUB, "tc", "class", "show", "dev", "br-warga", "classid", "de5a:1400"]
    wait_until(lambda: "ceil 1500Kbit" in run(held), "the new speed", seconds=10)
    assert {one.client for one in line.gate.clients()} == {one.client for one in before}
    assert mbit(download(line.phones[0].namespace, 3), 3) < 1.65
    line.reload(hub_toml(line.line_kbit))
    wait_until(lambda: "ceil 4Mbit" in run(held), "the old speed", seconds=10)


def queues_of(interface: str) -> str:
    """The leaves, with the numbers that the kernel gives them: others where they were made anew."""
    shown = run(["ip", "netns", "exec", HUB, "tc", "qdisc", "show", "dev", interface])
    return "\n".join(line for line in shown.splitlines() if " parent de5a:" in line)


@pytest.mark.usefixtures("servers")
def test_a_gate_that_starts_again_or_reads_its_configuration_again_loses_no_packet(line: Line) -> None:
    # More slots than a gate begins with: the next one is to know of them.
    crowd = [lines.client(number) for number in range(300, 440)]
    for one in crowd:
        line.gate.admit(one, 3_600)
    wait_until(lambda: "parent de5a:11ff " in queues_of("eth0"), "more slots", seconds=10)
    before = [queues_of(interface) for interface in ("br-warga", "eth0")]
    lost: list[int] = []
    streaming = threading.Thread(target=lambda: lost.append(echoes_lost(line.phones[0].namespace, 6)))
    streaming.start()
    line.stop_gate()
    line.start_gate()
    line.reload(hub_toml(line.line_kbit).replace("Sukamaju", "Sukamakmur"))
    wait_until(lambda: line.gate.status().shaper == "htb", "the gate to share the line", seconds=10)
    streaming.join()
    for one in crowd:
        line.gate.revoke(one)
    assert [queues_of(interface) for interface in ("br-warga", "eth0")] == before
    assert lost == [0]


@pytest.mark.usefixtures("servers")
def test_another_upload_speed_drops_nothing_that_comes_down(line: Line) -> None:
    below, up = queues_of("br-warga"), queues_of("eth0")
    line.reload(hub_toml(line.line_kbit).replace("upload_kbit = 10000", "upload_kbit = 9000"))
    wait_until(lambda: queues_of("eth0") != up and is_shaped("eth0", HUB), "the new upload speed", seconds=10)
    assert queues_of("br-warga") == below
    line.reload(hub_toml(line.line_kbit))
    wait_until(lambda: "limit 125000b" in queues_of("eth0"), "the old upload speed", seconds=10)


def test_a_gate_that_starts_again_knows_who_has_which_class(line: Line) -> None:
    before = classes_of(HUB)
    assert len(before) == len(line.phones)
    line.stop_gate()
    assert classes_of(HUB) == before
    line.start_gate()
    assert classes_of(HUB) == before
    line.gate.revoke(line.phones[1].client)
    assert classes_of(HUB) == {
        address: name for address, name in before.items() if address != line.phones[1].client.address
    }
    line.gate.admit(line.phones[1].client, 3_600)


def test_a_speed_that_is_taken_away_leaves_its_clients_online_with_their_share(line: Line) -> None:
    text = hub_toml(line.line_kbit)
    line.reload(re.sub(r"\[\[speeds\]\].*?(?=\[\[networks)", "", text, flags=re.DOTALL))
    mine = line.phones[0].client.address
    wait_until(lambda: classes_of(HUB)[mine].startswith("de5a:10"), "a place in the fair share", seconds=10)
    assert {one.client for one in line.gate.clients()} == {phone.client for phone in line.phones}
    line.reload(text)
    wait_until(lambda: classes_of(HUB)[mine].startswith("de5a:14"), "its class again", seconds=10)


def test_queues_that_somebody_takes_away_come_back(line: Line) -> None:
    line.tc("qdisc", "delete", "dev", "br-warga", "root")
    wait_until(lambda: is_shaped("br-warga", HUB), "the bridge's queues", seconds=_BACK_SECONDS)
    assert line.gate.status().shaper == "htb"


def test_logins_touch_no_queue_and_give_each_client_a_class_of_its_own(line: Line) -> None:
    shown = _without_counts(_classes_shown("eth0"))
    for number in range(10, 60):
        line.gate.admit(lines.client(number), 60, Limits("biasa"))
    assert _without_counts(_classes_shown("eth0")) == shown
    assert len(set(classes_of(HUB).values())) == len(classes_of(HUB))


def _without_counts(shown: str) -> list[str]:
    return sorted(re.findall(r"^class htb \S+ .*$", shown, flags=re.MULTILINE))
