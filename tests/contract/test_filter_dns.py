"""The filter's process behind its real dnsmasq and firewall, with an internet that misbehaves."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.core.config import parse
from appliance.core.dns_block import CACHE_PORT, FILTER_PORT
from appliance.dns_filter import index, message
from appliance.dns_filter.message import Code, Type
from appliance.network import dnsmasq, nftables
from tests.contract.small_village import HUB, HUB_TOML, INTERNET, SmallVillage, run, small_village, wait_until

pytestmark = pytest.mark.root
SECOND = "198.18.0.2"
BLOCKED, TRUE, FORGED, SAFE = "192.0.0.8", "198.18.0.80", "198.18.0.66", "198.18.0.38"
TOML = (
    HUB_TOML.replace(f'["{INTERNET}"]', f'["{INTERNET}", "{SECOND}"]')
    + 'filter = true\n[filter]\nblocked_domains = ["slot.example"]\n'
)
LISTED = [b"judi.example", *(f"n{number}.togel.example".encode() for number in range(20_000))]


class Internet:
    """Two DNS servers on port 53, UDP and TCP. What they do depends on the name's first label; see `_answers`."""

    def __init__(self, village: SmallVillage) -> None:
        self.asked: list[tuple[str, str, bytes, int]] = []
        self.silent: set[str] = set()
        self._over = threading.Event()
        self._threads = []
        for server in (INTERNET, SECOND):
            udp = village.socket_in(village.internet, socket.SOCK_DGRAM)
            tcp = village.socket_in(village.internet)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            for one in (udp, tcp):
                one.settimeout(0.1)
                one.bind((server, 53))
            tcp.listen()
            self._threads += [
                threading.Thread(target=self._serve_udp, args=(server, udp)),
                threading.Thread(target=self._serve_tcp, args=(server, tcp)),
            ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)

    def _serve_udp(self, server: str, udp: socket.socket) -> None:
        with udp:
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    wire, sender = udp.recvfrom(4096)
                    for answer in self._answers(server, "udp", wire, sender[1]):
                        udp.sendto(answer, sender)

    def _serve_tcp(self, server: str, tcp: socket.socket) -> None:
        with tcp:
            while not self._over.is_set():
                try:
                    connection, sender = tcp.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.settimeout(2)
                    wire = connection.recv(4096)[2:]
                    for answer in self._answers(server, "tcp", wire, sender[1]):
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answers(self, server: str, way: str, wire: bytes, port: int) -> Iterator[bytes]:
        query = message.parse_query(wire)
        self.asked.append((server, way, query.name, port))
        what = query.name.partition(b".")[0]
        if server in self.silent or (what == b"diam" and server == INTERNET) or what == b"bisu":
            return
        true = self._with(query, TRUE)
        if query.name == b"forcesafesearch.google.com":
            true = self._with(query, SAFE)
        if (what == b"gagal" and server == INTERNET) or what == b"rusak":
            yield message.respond(query, Code.SERVER_FAILURE)
        elif what == b"palsu":
            forged = self._with(query, FORGED)
            yield message.with_id(forged, query.id ^ 1)
            other = message.parse_query(message.ask(query.id, b"lain.example", Type.A))
            yield self._with(other, FORGED)
            yield b"\0" * 5
            yield wire
            yield true
        elif what == b"besar" and way == "udp":
            yield true[:2] + bytes([true[2] | 2]) + message.respond(query, Code.NO_ERROR)[3:]
        elif what == b"besar":
            yield self._with(query, *(f"198.18.1.{number}" for number in range(1, 200)))
        elif what == b"rebind":
            yield self._with(query, "10.20.0.1")
        else:
            yield true

    @staticmethod
    def _with(query: message.Query, *addresses: str) -> bytes:
        head = message.respond(query, Code.NO_ERROR)
        if query.type != Type.A:
            return head
        records = b"".join(b"\xc0\x0c" + struct.pack("!2HIH", 1, 1, 60, 4) + socket.inet_aton(one) for one in addresses)
        return head[:6] + struct.pack("!H", len(addresses)) + head[8:] + records


class Box:
    """A hub with the filter as it ships, but for its users and units."""

    def __init__(self, village: SmallVillage, folder: Path, net: Internet) -> None:
        self.village, self.net, self.folder = village, net, folder
        self.pid = 0

    def ask(self, name: str, kind: int = Type.A, *, server: str = HUB, seconds: float = 12) -> bytes:
        """The answer to the phone's question over UDP."""
        with self.village.socket_in(self.village.phone, socket.SOCK_DGRAM) as asker:
            asker.settimeout(seconds)
            asker.sendto(message.ask(7, name.encode(), kind), (server, 53))
            return asker.recv(65_535)

    def ask_tcp(self, name: str) -> bytes:
        """The same over TCP."""
        wire = message.ask(7, name.encode(), Type.A)
        with self.village.socket_in(self.village.phone) as asker:
            asker.settimeout(8)
            asker.connect((HUB, 53))
            asker.sendall(struct.pack("!H", len(wire)) + wire)
            with asker.makefile("rb") as file:
                return file.read(struct.unpack("!H", file.read(2))[0])

    def addresses(self, name: str, *, server: str = HUB) -> list[str]:
        return [socket.inet_ntoa(one.data) for one in message.records(self.ask(name, server=server), Type.A)]

    def write_index(self, *names: bytes) -> None:
        builder = index.Builder()
        for name in names:
            builder.add(name)
        index.write(self.folder / "index", builder.runs())

    def reload(self) -> None:
        """Let the filter take a new index, and the cache forget, as the update does."""
        wanted = index.open_index(self.folder / "index").digest.hex()
        os.kill(self.pid, signal.SIGHUP)
        wait_until(lambda: wanted in (self.folder / "held.json").read_text(), "the filter to hold the new index")
        os.kill(self.cache.pid, signal.SIGHUP)

    cache: subprocess.Popen[bytes]


@pytest.fixture
def box(own_network: None, tmp_path: Path) -> Iterator[Box]:
    with small_village(tmp_path) as village, contextlib.ExitStack() as stack:
        config = parse(TOML)
        run("ip", "address", "add", f"{SECOND}/24", "dev", "eth0", inside=village.internet)
        run("ip", "link", "set", "lo", "up")
        village.give_address()
        run("nft", "-f", "-", text=nftables.render(config))
        net = Internet(village)
        stack.callback(net.close)
        made = Box(village, tmp_path, net)
        made.write_index(*LISTED)
        (tmp_path / "hub.toml").write_text(TOML)
        (tmp_path / "filtered-dns.conf").write_text(f"{dnsmasq.render_filtered(config)}user=root\n")
        log = stack.enter_context((tmp_path / "filter.log").open("wb"))
        filter_ = stack.enter_context(subprocess.Popen(
            [sys.executable, "-m", "appliance.dns_filter", "--config", str(tmp_path / "hub.toml"),
             "--state-directory", str(tmp_path), "--runtime-directory", str(tmp_path)], stderr=log
        ))  # fmt: skip
        stack.callback(filter_.terminate)
        made.pid = filter_.pid
        program = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
        made.cache = stack.enter_context(
            subprocess.Popen([program, "-C", str(tmp_path / "filtered-dns.conf")], stderr=log)
        )
        stack.callback(made.cache.terminate)
        wait_until(lambda: _is_bound(CACHE_PORT) and _is_bound(FILTER_PORT), "filter and cache")
        yield made


def _is_bound(port: int) -> bool:
    return f":{port:04X} " in Path("/proc/thread-self/net/udp").read_text()


@pytest.mark.parametrize(
    "name", ["judi.example", "www.judi.example", "JUDI.example", "a.b.slot.example", "n7.togel.example"]
)
def test_blocked_names_lead_to_the_page_and_nobody_outside_hears_of_them(box: Box, name: str) -> None:
    assert box.addresses(name) == [BLOCKED]
    for kind in (Type.AAAA, Type.HTTPS, Type.SVCB, 15, 16):
        answer = box.ask(name, kind)
        assert (message.code(answer), answer[6:8]) == (Code.NO_ERROR, b"\0\0")
    assert not box.net.asked


@pytest.mark.parametrize("server", [HUB, INTERNET, "8.8.8.8"])
def test_other_names_are_asked_outside_once_wherever_the_phone_asks(box: Box, server: str) -> None:
    assert box.addresses("berita.example", server=server) == [TRUE]
    assert box.addresses("berita.example", server=server) == [TRUE]
    assert [name for _, _, name, _ in box.net.asked] == [b"berita.example"]


def test_the_boxs_own_names_need_no_filter(box: Box) -> None:
    os.kill(box.pid, signal.SIGSTOP)
    try:
        assert box.addresses("masuk.desa.internal") == box.addresses("layanan.desa.internal") == [HUB]
    finally:
        os.kill(box.pid, signal.SIGCONT)
    assert not box.net.asked


def test_safe_search_and_canaries(box: Box) -> None:
    answer = box.ask("www.google.co.id")
    assert [socket.inet_ntoa(one.data) for one in message.records(answer, Type.A)] == [SAFE]
    assert message.records(answer, Type.CNAME)[0].data == b"\x0fforcesafesearch\x06google\x03com\0"
    assert message.records(box.ask("www.google.co.id", Type.HTTPS), Type.HTTPS) == ()
    for canary in ("use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"):
        assert message.code(box.ask(canary)) == Code.NO_SUCH_NAME


@pytest.mark.parametrize("name", ["diam.example", "gagal.example"])
def test_a_silent_or_failing_server_is_followed_by_the_next(box: Box, name: str) -> None:
    assert box.addresses(name) == [TRUE]
    assert box.net.asked[-1][0] == SECOND


def test_a_server_that_was_silent_is_asked_last_from_then_on(box: Box) -> None:
    box.net.silent = {INTERNET}
    assert box.addresses("satu.example") == [TRUE]
    for number in range(5):
        assert box.addresses(f"lagi{number}.example") == [TRUE]
    assert {server for server, _, name, _ in box.net.asked if name.startswith(b"lagi")} == {SECOND}
    box.net.silent = {SECOND}
    assert box.addresses("dua.example") == [TRUE]


def test_when_all_fail_the_phone_is_told_so(box: Box) -> None:
    assert message.code(box.ask("rusak.example")) == Code.SERVER_FAILURE
    assert message.code(box.ask("bisu.example")) == Code.SERVER_FAILURE
    assert box.addresses("berita.example") == [TRUE]


def test_forgeries_are_not_believed(box: Box) -> None:
    assert box.addresses("palsu.example") == [TRUE]


def test_each_question_leaves_from_a_port_of_its_own(box: Box) -> None:
    for number in range(20):
        box.addresses(f"p{number}.example")
    ports = [port for _, _, _, port in box.net.asked]
    assert len(set(ports)) > 15
    assert sorted(ports) != ports


def test_what_does_not_fit_comes_whole_over_tcp(box: Box) -> None:
    assert message.is_truncated(box.ask("besar.example"))
    assert len(message.records(box.ask_tcp("besar.example"), Type.A)) == 199
    assert [socket.inet_ntoa(one.data) for one in message.records(box.ask_tcp("judi.example"), Type.A)] == [BLOCKED]


def test_the_internet_does_not_point_into_the_village(box: Box) -> None:
    assert box.addresses("rebind.example") == []


def test_nonsense_to_the_filter_is_answered_or_dropped_and_harms_nobody(box: Box) -> None:
    good = message.ask(7, b"berita.example", Type.A)
    nonsense = [
        b"", b"x", b"\0" * 12, b"\xff" * 512, good[:20], good[:4] + b"\0\x09" + good[6:],
        good[:2] + b"\x81" + good[3:], good + b"\0" * 600, good[:12] + b"\xc0\x0c" * 40, os.urandom(1000),
        good[:-2] + b"\0\3",
    ]  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for wire in nonsense:
            asker.sendto(wire, ("127.0.0.1", FILTER_PORT))
    for wire in (b"\0", b"\0\0", b"\xff\xff" + b"x" * 100, struct.pack("!H", 5) + b"abcde"):
        with socket.create_connection(("127.0.0.1", FILTER_PORT), timeout=2) as stream:
            stream.sendall(wire)
    assert box.addresses("berita.example") == [TRUE]
    assert "Traceback" not in (box.folder / "filter.log").read_text()


def test_a_conversation_with_the_other_dns_ends_when_the_filter_begins(box: Box) -> None:
    """The firewall redirects new flows only: one that keeps its port must not go on unfiltered."""
    free = parse(TOML.replace("filter = true\n", ""))
    run("nft", "-f", "-", text=nftables.render(free))
    box.village.dnsmasq(dnsmasq.render(free))
    wire = message.ask(9, b"judi.example", Type.A)
    with box.village.socket_in(box.village.phone, socket.SOCK_DGRAM) as asker:
        asker.settimeout(2)
        asker.connect((HUB, 53))
        asker.send(wire)
        assert [record.data for record in message.records(asker.recv(4096), Type.A)] == [socket.inet_aton(TRUE)]
        run("nft", "-f", "-", text=nftables.render(parse(TOML)))
        asker.send(wire)
        with pytest.raises(TimeoutError):
            asker.recv(4096)
    assert box.addresses("judi.example") == [BLOCKED]


def test_reloading_under_load_drops_no_question_and_then_all_say_the_new(box: Box) -> None:
    lost: list[str] = []
    asked = [0]
    over = threading.Event()

    def go_on(prefix: str, make: Callable[[int], str]) -> None:
        number = 0
        with box.village.socket_in(box.village.phone, socket.SOCK_DGRAM) as asker:
            asker.settimeout(3)
            asker.connect((HUB, 53))
            while not over.is_set():
                number += 1
                name = f"{prefix}{make(number)}"
                wire = message.ask(number & 0xFFFF, name.encode(), Type.A)
                asker.sendall(wire)
                try:
                    answer = asker.recv(4096)
                except TimeoutError:
                    lost.append(name)
                    continue
                asked[0] += 1
                if answer[:2] != wire[:2] or message.code(answer) != Code.NO_ERROR:
                    lost.append(name)
                time.sleep(0.025)  # below the firewall's 50 a second for one device, both threads together

    threads = [
        threading.Thread(target=go_on, args=("", lambda number: f"baru{number}.example")),
        threading.Thread(target=go_on, args=("", lambda number: f"n{number % 20_000}.togel.example")),
    ]
    for thread in threads:
        thread.start()
    try:
        for round_number in range(6):
            box.write_index(*LISTED, f"b{round_number}.example".encode())
            box.reload()
            assert box.addresses(f"b{round_number}.example") == [BLOCKED]
    finally:
        over.set()
        for thread in threads:
            thread.join(10)
    assert asked[0] > 20
    assert lost == []


def test_a_damaged_index_or_configuration_leaves_the_filter_as_it_is(box: Box) -> None:
    # Replaced as the update replaces it: the mapped file itself is never written to.
    (box.folder / "new").write_bytes(b"nonsense")
    (box.folder / "new").rename(box.folder / "index")
    (box.folder / "hub.toml").write_text("nonsense")
    os.kill(box.pid, signal.SIGHUP)
    wait_until(lambda: "hub.toml" in (box.folder / "filter.log").read_text(), "the refusal")
    (box.folder / "hub.toml").write_text(TOML)
    os.kill(box.pid, signal.SIGHUP)
    wait_until(lambda: "is damaged" in (box.folder / "filter.log").read_text(), "the refusal")
    assert box.addresses("judi.example") == [BLOCKED]
    assert json.loads((box.folder / "held.json").read_text())["domains"] == len(LISTED)
    assert re.search(r"nothing was changed", (box.folder / "filter.log").read_text())
