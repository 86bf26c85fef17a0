"""What ends a running connection, TCP and UDP, within two seconds: leaving, a lease that runs out, a quota used up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from appliance.core.config import Config
from appliance.gate.elements import Change, Elements, Put
from appliance.gate.kernel import KernelFirewall
from appliance.gate.libnftables import Nftables
from appliance.gate.protocol import Client, Limits, Quota
from appliance.gate.service import LocalGate
from tests.contract.wires import INTERNET, NEIGHBOUR, PHONE, Village, until, village_on_wires

pytestmark = pytest.mark.root
WITHIN_SECONDS = 2.0
_UDP_PORT = 4_000
_BEGUN_BYTES = 3_000
_ON_ITS_WAY_BYTES = 4_000


@dataclass
class Talk:
    """A conversation that goes on by itself: when something last came back, and how much went through.

    Once it has begun it waits for ``go``: the fast one must not use up a quota before the other has had a word.
    """

    kind: str
    speak: Callable[[], int]
    go: threading.Event
    last_answer: float = 0.0
    answered_bytes: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._stop.is_set():
            if self.answered_bytes > _BEGUN_BYTES:
                self.go.wait()
            try:
                self.answered_bytes += self.speak()
                self.last_answer = time.monotonic()
            except TimeoutError:
                continue
            except OSError:
                self._stop.wait(0.02)

    def stop(self) -> None:
        self._stop.set()
        self.go.set()


@pytest.fixture
def village(own_network: None) -> Iterator[Village]:
    with village_on_wires() as made:
        yield made


@pytest.fixture
def gate(village: Village, config: Config) -> LocalGate:
    made = LocalGate(KernelFirewall(Nftables()), config)
    made.use(config)
    return made


@contextlib.contextmanager
def talks(village: Village, size: int = 1_000) -> Iterator[tuple[Talk, Talk]]:
    """A TCP and a UDP conversation of the phone with the internet, which have begun."""
    with ExitStack() as stack:
        tcp = stack.enter_context(village.socket_in(village.phone))
        tcp.connect((INTERNET, 443))
        tcp.settimeout(0.1)
        mirror = stack.enter_context(village.socket_in(village.internet, socket.SOCK_DGRAM))
        mirror.bind((INTERNET, _UDP_PORT))
        udp = stack.enter_context(village.socket_in(village.phone, socket.SOCK_DGRAM))
        udp.connect((INTERNET, _UDP_PORT))
        udp.settimeout(0.1)

        def speak_tcp() -> int:
            tcp.send(b"t" * size)
            return len(tcp.recv(65_536))

        def speak_udp() -> int:
            udp.send(b"u" * size)
            return len(udp.recv(65_536))

        def reflect() -> int:
            data, whence = mirror.recvfrom(65_536)
            return mirror.sendto(data, whence)

        go, at_once = threading.Event(), threading.Event()
        at_once.set()
        made = Talk("tcp", speak_tcp, go), Talk("udp", speak_udp, go)
        every = [*made, Talk("mirror", reflect, at_once)]
        threads = [threading.Thread(target=one.run) for one in every]
        for thread in threads:
            thread.start()
        try:
            assert until(lambda: all(one.answered_bytes > _BEGUN_BYTES for one in made)), (
                f"they did not begin: {[(one.kind, one.answered_bytes) for one in made]}"
            )
            go.set()
            yield made
        finally:
            for one in every:
                one.stop()
            for thread in threads:
                thread.join(5)


def silent_since(two: tuple[Talk, Talk], when: float) -> None:
    """Both are silent, and were within two seconds of ``when``; one packet may have been on its way."""
    deadline = when + WITHIN_SECONDS
    while time.monotonic() < deadline + 1:
        time.sleep(0.05)
    late = {one.kind: one.last_answer - when for one in two if one.last_answer > deadline}
    assert not late, f"still talking after {late} seconds"


def test_leaving_cuts_both(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600)
    with talks(village) as two:
        gate.revoke(PHONE)
        silent_since(two, time.monotonic())


def test_a_lease_that_runs_out_cuts_both(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600)
    with talks(village) as two:
        gate.admit(PHONE, 2)
        silent_since(two, time.monotonic() + 2)
    assert gate.clients() == ()


class NotedElements(Elements):
    """Remembers with how many bytes the last transaction that put clients there let their counters begin."""

    begun_bytes = 0

    def change(self, changes: Sequence[Change]) -> None:
        super().change(changes)
        self.begun_bytes = sum(one.element.byte_count or 0 for one in changes if isinstance(one, Put))


@pytest.mark.parametrize("left_bytes", [0, 200_000])
def test_a_quota_that_is_used_up_cuts_both_at_once(village: Village, config: Config, left_bytes: int) -> None:
    elements = NotedElements()
    gate = LocalGate(KernelFirewall(Nftables(), elements), config)
    gate.use(config)
    gate.admit(PHONE, 600)
    with talks(village) as two:
        gate.admit(PHONE, 600, Limits("", Quota(3, left_bytes)))
        assert until(lambda: (one := gate.admitted(PHONE)) is not None and one.quota_left_bytes == 0)
        silent_since(two, time.monotonic())
        [after] = gate.clients()
    assert after.quota_left_bytes == 0
    # The counters begin anew in the transaction that brings the quota: how much passed before it is the machine's.
    assert elements.begun_bytes > _BEGUN_BYTES
    used = after.sent_bytes + after.received_bytes - elements.begun_bytes
    # A packet of each that was on its way, and the one that found no room, make the difference.
    assert left_bytes * 0.99 - _ON_ITS_WAY_BYTES <= used <= left_bytes + _ON_ITS_WAY_BYTES


def test_a_quota_is_exact_to_one_per_cent(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600, Limits("", Quota(3, 500_000)))
    with talks(village):
        assert until(lambda: (one := gate.admitted(PHONE)) is not None and one.quota_left_bytes == 0)
        [one] = gate.clients()
    assert 495_000 <= one.sent_bytes + one.received_bytes <= 500_000


def test_two_devices_use_one_quota_up_together(village: Village, gate: LocalGate) -> None:
    limits = Limits("", Quota(3, 100_000))
    for client in (PHONE, NEIGHBOUR):
        gate.admit(client, 600, limits)
    assert village.reaches(INTERNET, 443, village.neighbour) == "internet"
    with talks(village):
        assert until(lambda: gate.clients()[0].quota_left_bytes == 0)
    assert [one.quota_left_bytes for one in gate.clients()] == [0, 0]
    assert village.reaches(INTERNET, 443, village.neighbour) == "TimeoutError"


def test_who_has_used_up_the_quota_is_led_to_the_portal_and_back_out_with_a_new_one(
    village: Village, gate: LocalGate
) -> None:
    gate.admit(PHONE, 600, Limits("", Quota(3, 2_000)))
    assert village.reaches(INTERNET, 80) == "internet"
    with talks_until_cut(village, gate):
        assert until(lambda: village.reaches(INTERNET, 80) == "redirect")
    gate.admit(PHONE, 600, Limits("", Quota(3, 2_000_000)))
    assert village.reaches(INTERNET, 80) == "internet"


@contextlib.contextmanager
def talks_until_cut(village: Village, gate: LocalGate) -> Iterator[None]:
    with village.socket_in(village.phone) as connection:
        connection.connect((INTERNET, 443))
        with contextlib.suppress(TimeoutError):
            for _ in range(50):
                connection.send(b"x" * 1_000)
                connection.recv(65_536)
        one = gate.admitted(PHONE)
        assert one is not None and one.quota_left_bytes == 0
        yield


def test_packets_tell_who_is_silent(village: Village, gate: LocalGate) -> None:
    for client in (PHONE, NEIGHBOUR):
        gate.admit(client, 600)
    idle: dict[Client, int] = {}

    def is_neighbour_idle() -> bool:
        idle.update((one.client, one.idle_seconds) for one in gate.clients())
        return idle[NEIGHBOUR] >= 2

    with talks(village):
        assert until(is_neighbour_idle)
    assert idle == {PHONE: 0, NEIGHBOUR: 2}


def test_a_stranger_with_ones_address_uses_up_nothing(village: Village, gate: LocalGate) -> None:
    other = Client(PHONE.address, "02:00:00:00:00:09")
    gate.admit(other, 600, Limits("", Quota(3, 50_000)))
    for _ in range(3):
        assert village.reaches(INTERNET, 443) == "TimeoutError"
    [one] = gate.clients()
    assert (one.sent_bytes, one.quota_left_bytes) == (0, 50_000)


def test_quota_and_use_go_on_over_new_rules_in_the_middle_of_a_conversation(village: Village, gate: LocalGate) -> None:
    gate.admit(PHONE, 600, Limits("", Quota(3, 50_000_000)))
    with talks(village) as two:
        before = gate.admitted(PHONE)
        gate._firewall.load("# other rules\n" + _rules(gate), "0" * 64)
        after = gate.admitted(PHONE)
        passed = two[0].answered_bytes
        assert until(lambda: two[0].answered_bytes > passed)
    assert before is not None and after is not None
    assert before.quota_left_bytes is not None and after.quota_left_bytes is not None
    assert after.quota_left_bytes <= before.quota_left_bytes
    assert after.sent_bytes >= before.sent_bytes


def _rules(gate: LocalGate) -> str:
    from appliance.network import nftables

    return nftables.render(gate._config)
