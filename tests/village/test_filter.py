"""The family filter with its units as they ship: in its network, at its hours, and nowhere else."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from collections.abc import Callable, Iterator

import pytest

from script.village import phones, plan
from script.village.programs import VillageError, run, succeeds, wait_until
from script.village.village import Village
from tests.village.cut_line import cut_line

pytestmark = [pytest.mark.root, pytest.mark.village]

CHILD = plan.Phone(201)
BLOCKED = "192.0.0.8"
UPDATE = "desahub-filter-update.service"
_WITA = datetime.timezone(datetime.timedelta(hours=8))  # of the village's hub.toml
HUB_TOML = "/etc/desahub/hub.toml"


def _child(*argv: str) -> str:
    return run(["ip", "netns", "exec", CHILD.namespace, *argv], timeout_seconds=30)


def _curl(*argv: str) -> str:
    """What the child's phone gets: the body, the status and curl's own exit, whatever it is."""
    line = 'curl -s --max-time 5 -w "\n%{http_code}" "$@"; echo " $?"'
    return _child("sh", "-c", line, "sh", *argv)


def _ask(name: str, server: str = plan.FAMILY_ADDRESS, kind: str = "a", namespace: str = CHILD.namespace) -> list[str]:
    """Addresses (or other names) that a phone is told, the last ones of nslookup's answer."""
    command = ["ip", "netns", "exec", namespace, "busybox", "nslookup", f"-type={kind}", name, server]
    said = run(["sh", "-c", '"$@"; true', "sh", *command])
    return re.findall(
        r"^(?:Address|Name|.*canonical name =|.*mail addr =)[: ]\s*(\S+)$", said.partition("\n\n")[2], re.M
    )


def _addresses(name: str, server: str = plan.FAMILY_ADDRESS) -> set[str]:
    return {found for found in _ask(name, server) if re.fullmatch(r"[\d.]+", found)}


def _lists_are_loaded(village: Village) -> bool:
    said = village.hub.inside(["sh", "-c", "cat /run/desahub-filter/held.json || true"])
    return bool(said) and json.loads(said)["domains"] >= 2


@pytest.fixture(scope="module")
def family(village: Village) -> Iterator[Village]:
    """A phone in the filtered network, and the list on the box."""
    run(["ip", "netns", "add", CHILD.namespace])
    clients = []
    try:
        run(["ip", "link", "add", CHILD.port, "netns", plan.HUB, "type", "veth", "peer", "name", "eth0",
             "address", CHILD.mac, "netns", CHILD.namespace])  # fmt: skip
        run(["ip", "-n", plan.HUB, "link", "set", CHILD.port, "master", plan.FAMILY_BRIDGE, "up"])
        run(["ip", "-n", CHILD.namespace, "link", "set", "lo", "up"])
        run(["ip", "-n", CHILD.namespace, "link", "set", "eth0", "up"])
        clients = phones.join([CHILD])
        # One that fails is tried again by its unit after a while: a start that waits would wait for that.
        village.hub.inside(["systemctl", "start", "--no-block", UPDATE])
        wait_until(lambda: _lists_are_loaded(village), "the lists to be loaded", seconds=100)
        yield village
    finally:
        for client in clients:
            client.kill()
            client.wait()
        run(["ip", "netns", "delete", CHILD.namespace])
        run(["sh", "-c", f"rm -rf /etc/netns/{CHILD.namespace}"])


@pytest.fixture
def online(family: Village) -> Iterator[Village]:
    """The same with the child's phone let through."""
    head = ["curl", "-s", "-o", "/dev/null", "--max-time", "5", "-X", "POST", "-d", ""]
    _child(*head, f"http://{plan.PORTAL_HOST}/sambung")
    wait_until(lambda: "the internet: berita.example" in _curl("http://berita.example/"), "the child to be online")
    yield family
    _child(*head, f"http://{plan.PORTAL_HOST}/keluar")


def _admitted(command: list[str]) -> bool:
    return succeeds(["ip", "netns", "exec", CHILD.namespace, *command])


@pytest.mark.parametrize(
    "name", ["judi.example", "www.judi.example", "slot.example", "a.b.togel.example", "dns.google"]
)
def test_a_blocked_domain_and_what_is_below_it_lead_to_the_page_before_login(family: Village, name: str) -> None:
    assert _addresses(name) == {BLOCKED}
    body, _, end = _curl(f"http://{name}/x?<script>=1").rpartition("\n403 0")
    assert "Situs ini ditutup di jaringan ini" in body, end
    assert name not in body
    assert "script" not in body
    assert plan.KIOSK_HOST in body


def test_after_login_what_is_allowed_works_and_what_is_blocked_does_not(online: Village) -> None:
    assert "the internet: berita.example" in _curl("http://berita.example/")
    assert "the internet: baik.judi.example" in _curl("http://baik.judi.example/"), "allowed_domains win"
    assert "ditutup" in _curl("http://judi.example/")
    # Refused at once, so that a browser does not wait: 7 is curl's "failed to connect".
    started = datetime.datetime.now(datetime.UTC)
    assert _curl("https://judi.example/").endswith("000 7\n")
    assert (datetime.datetime.now(datetime.UTC) - started).total_seconds() < 2


def test_login_window_and_probes_work_as_in_the_other_network(family: Village) -> None:
    said = _child("curl", "-si", "--max-time", "5", "http://captive.apple.com/hotspot-detect.html")
    assert "302" in said.partition("\n")[0]
    assert plan.PORTAL_HOST in said
    assert _addresses(plan.PORTAL_HOST) == _addresses(plan.KIOSK_HOST) == {plan.FAMILY_ADDRESS}


def test_while_the_line_is_down_the_login_window_opens_too(family: Village) -> None:
    probe = ["curl", "-s", "--max-time", "3", "http://captive.apple.com/hotspot-detect.html"]
    with cut_line(family):
        wait_until(lambda: _addresses("captive.apple.com") == {plan.FAMILY_ADDRESS}, "the box's address", seconds=5)
        assert _child(*probe, "-o", "/dev/null", "-w", "%{redirect_url}") == f"http://{plan.PORTAL_HOST}/"
        assert "Internet desa sedang putus" in _child(*probe, "-L")
    wait_until(lambda: _addresses("captive.apple.com") == {plan.WEB_ADDRESS}, "the true address", seconds=5)


@pytest.mark.parametrize("server", ["8.8.8.8", "1.1.1.1", plan.WEB_ADDRESS])
def test_questions_to_elsewhere_are_answered_by_the_filter(online: Village, server: str) -> None:
    assert _addresses("judi.example", server) == {BLOCKED}
    assert _addresses("berita.example", server) == {plan.WEB_ADDRESS}


def test_search_is_safe_and_canaries_say_that_there_is_a_filter(family: Village) -> None:
    assert _addresses("www.google.co.id") == {plan.SAFE_SEARCH_ADDRESS}
    assert not _addresses("use-application-dns.net")
    assert not _addresses("mask.icloud.com")


@pytest.mark.parametrize(
    ("address", "port"),
    [("1.1.1.1", 443), ("8.8.8.8", 443), ("45.90.28.7", 443), ("8.8.8.8", 853), (plan.WEB_ADDRESS, 853)],
)
def test_encrypted_dns_is_refused_at_once(online: Village, address: str, port: int) -> None:
    said = _curl(f"https://{address}:{port}/dns-query")
    assert said.endswith("000 7\n"), said
    assert not _curl(f"http://{plan.WEB_ADDRESS}:8123/").endswith("000 7\n"), "other ports are not"


def test_the_other_network_is_not_filtered(family: Village) -> None:
    said = run(
        ["ip", "netns", "exec", "desa-phone-1", "busybox", "nslookup", "-type=a", "judi.example", plan.HUB_ADDRESS]
    )
    assert BLOCKED not in said
    assert plan.WEB_ADDRESS in said


@contextlib.contextmanager
def _configured(village: Village, old: str, new: str) -> Iterator[None]:
    before = village.hub.inside(["cat", HUB_TOML])
    assert old in before
    village.hub.inside(["sh", "-euc", f"cat >{HUB_TOML}; desahub apply"], text=before.replace(old, new))
    try:
        yield
    finally:
        village.hub.inside(["sh", "-euc", f"cat >{HUB_TOML}; desahub apply"], text=before)


def _by_day(*, holds_now: bool) -> str:
    """Today, or every day but today, in the village's own time."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    today = datetime.datetime.now(_WITA).weekday()
    wanted = [day for number, day in enumerate(days) if (number == today) is holds_now]
    return "filter_hours = [{}]".format(", ".join(f'"{day} 00:00-24:00"' for day in wanted))


def _by_hour(*, holds_now: bool) -> str:
    """An hour before now to an hour after it, or the day's other 22; one of the two runs over midnight somewhere."""
    now = datetime.datetime.now(_WITA)
    ends = [f"{now + datetime.timedelta(hours=hours):%H:%M}" for hours in (-1, 1)]
    first, last = ends if holds_now else reversed(ends)
    return f'filter_hours = ["mon-sun {first}-{last}"]'


@pytest.mark.parametrize("holds_now", [True, False])
@pytest.mark.parametrize("write", [_by_day, _by_hour])
def test_the_schedule_is_the_villages_own_time(family: Village, write: Callable[..., str], holds_now: bool) -> None:
    expected = {BLOCKED} if holds_now else {plan.WEB_ADDRESS}
    with _configured(family, "filter = true", f"filter = true\n{write(holds_now=holds_now)}"):
        wait_until(lambda: _addresses("judi.example", "8.8.8.8") == expected, "the schedule to hold", seconds=10)
        assert _addresses("judi.example") == expected
    wait_until(lambda: _addresses("judi.example") == {BLOCKED}, "the filter to hold always again", seconds=10)


def test_without_a_filtered_network_nothing_of_it_runs(family: Village) -> None:
    units = ["desahub-filter.service", "desahub-filtered-dns.service", "desahub-filter-update.timer",
             "desahub-filter-update.path"]  # fmt: skip
    with _configured(family, "filter = true", "filter = false"):
        states = family.hub.inside(["sh", "-c", 'systemctl is-active "$@"; true', "sh", *units]).split()
        assert states == ["inactive"] * 4
        assert _addresses("judi.example") == {plan.WEB_ADDRESS}
        assert "5300" not in family.hub.inside(["nft", "list", "table", "inet", "desahub"])
    family.hub.wait_active(*units)
    wait_until(lambda: _addresses("judi.example") == {BLOCKED}, "the filter to hold again", seconds=10)


def test_a_killed_filter_comes_back_and_the_boxs_own_names_answer_meanwhile(family: Village) -> None:
    pid = family.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", "desahub-filter.service"]).strip()
    family.hub.inside(["kill", "-9", pid])
    assert _addresses(plan.PORTAL_HOST) == {plan.FAMILY_ADDRESS}
    family.hub.wait_active("desahub-filter.service", seconds=10)
    wait_until(lambda: _addresses("baru.judi.example") == {BLOCKED}, "the filter to answer again", seconds=10)


def test_a_new_list_is_taken_while_questions_go_on_and_the_cache_forgets(family: Village) -> None:
    family.net.inside(["cp", "/srv/internet/lists/judi.txt", "/srv/internet/lists/before.txt"])
    assert _addresses("baru.example") == {plan.WEB_ADDRESS}
    try:
        # Another size: nginx's ETag is made of time and size, and the time may be within the same second.
        family.net.inside(["sh", "-euc", "echo baru.example >>/srv/internet/lists/judi.txt"])
        asking = (
            "i=0; lost=0; while [ ! -e /tmp/enough ] && [ $i -lt 400 ]; do i=$((i+1)); "
            f"busybox nslookup -type=a n$i.berita.example {plan.FAMILY_ADDRESS} >/dev/null 2>&1 || lost=$((lost+1)); "
            "done; echo $i $lost"
        )
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: run(["rm", "-f", "/tmp/enough"]))
            updating = f"systemctl start {UPDATE}; systemctl start {UPDATE}"
            into = f"nsenter --target {family.hub.leader} --mount --uts --ipc --net --pid --cgroup"
            said = run(
                ["sh", "-c", f"(ip netns exec {CHILD.namespace} sh -c '{asking}') & "
                 f"{into} sh -c '{updating}'; touch /tmp/enough; wait"],
                timeout_seconds=200,
            )  # fmt: skip
        asked, lost = map(int, said.split())
        assert asked > 5
        assert lost == 0
        assert _addresses("baru.example") == {BLOCKED}
    finally:
        family.net.inside(["mv", "/srv/internet/lists/before.txt", "/srv/internet/lists/judi.txt"])
        family.hub.inside(["systemctl", "start", UPDATE])


def test_a_source_that_gives_a_page_instead_of_a_list_changes_nothing(family: Village) -> None:
    wrong = f"http://{plan.LISTS_HOST}/judi.txt", "http://berita.example/"
    with _configured(family, *wrong):
        with pytest.raises(VillageError):
            family.hub.inside(["systemctl", "start", UPDATE])
        state = json.loads(family.hub.inside(["cat", "/var/lib/desahub-filter/state.json"]))
        assert "is no list of domains" in state["lists"][0]["error"]
        assert state["domains"] == 2
        assert _addresses("judi.example") == {BLOCKED}
    family.hub.inside(["systemctl", "start", UPDATE])
