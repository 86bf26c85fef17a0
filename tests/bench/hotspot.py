"""The hotspot against its peers: redirects, logins one by one and all at once, memory, and the crowd at a feast."""

from __future__ import annotations

import re
import select
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from script.village import plan, village
from script.village.programs import VillageError, run, start, wait_until
from tests.bench import cost, crowd, figures, load, opennds, slow_disk, visitors
from tests.bench.figures import Figure

PHONES = 250
ONE_BY_ONE = 20
PEER_PHONES = 25
ROUNDS = 5
CROWD_ROUNDS = 3
SECONDS_EACH = 3
FLOOD_LOGINS = 60
REQUESTS = 100_000
_PEER_PORT = 8099
_ECHO_PORT = crowd.ECHO_PORT
_TABLE = ("inet", "desahub")


def main() -> int:
    """Run the bench."""
    return figures.run("hotspot", _measure)


def _measure(tell: Callable[[str], None]) -> list[Figure]:
    if village.running_pid() is not None:
        raise VillageError("a village is up; the bench brings its own. Stop it: sudo script/server --stop")
    peer = _opennds(tell)
    with village.alone():
        made = village.Village(plan.phones(PHONES))
        try:
            made.up(tell)
            found = []
            for figure in _in_the_village(made, tell, peer):
                tell(f"  {figure.name}: {figure.value:,.1f} {figure.unit}")
                found.append(figure)
            return found
        finally:
            made.down()


def _in_the_village(made: village.Village, tell: Callable[[str], None], peer: _Peer) -> Iterator[Figure]:
    yield _idle_memory()
    yield from _redirects(tell, peer)
    yield from _first_packets(made, tell)
    yield from _crowd(made, tell, peer)
    yield _flood(made, tell)
    yield from visitors.measure(tell)
    yield from _hundred_thousand(tell)


@dataclass(frozen=True, slots=True)
class _Peer:
    """What openNDS did on this machine a moment ago."""

    redirects_per_second: float
    one_login_seconds: float
    crowd_seconds: float
    processes_per_login: float


def _opennds(tell: Callable[[str], None]) -> _Peer:
    tell(f"openNDS: redirects at 50 connections, one login, {PEER_PHONES} logins at once")
    with opennds.running(PEER_PHONES + 1) as phones:
        namespaces = [phone.namespace for phone in phones]
        login, address = crowd.opennds_login, opennds.WEB_ADDRESS
        one = crowd.go_online(namespaces[:1], opennds.NET, address, login, streams=4)
        before = cost.process_starts()
        many = crowd.go_online(namespaces[1:], opennds.NET, address, login, streams=4)
        starts = (cost.process_starts() - before) / PEER_PHONES
    with opennds.running(1) as phones:
        rate = _requests_a_second(phones[0].namespace, f"http://{address}/generate_204", 50, may_fail=True)
    return _Peer(rate, one.all_online_seconds, many.all_online_seconds, starts)


def _idle_memory() -> Figure:
    """All our processes after the village came up, before anything is asked of it."""
    value = sum(cost.memory_megabytes().values())
    return Figure("memory, idle, all hub processes (PSS)", value, "MB", "none", None, "<= 160 MB", value <= 160)


def _redirects(tell: Callable[[str], None], peer: _Peer) -> Iterator[Figure]:
    with _bare_nginx():
        for connections in (50, 100, 250):
            ours, peers = [], []
            for round_number in range(1, ROUNDS + 1):
                tell(f"redirects, {connections} connections, round {round_number} of {ROUNDS}")
                ours.append(_requests_a_second("desa-phone-1", f"http://{plan.WEB_ADDRESS}/generate_204", connections))
                peers.append(
                    _requests_a_second("desa-phone-1", f"http://{plan.HUB_ADDRESS}:{_PEER_PORT}/", connections)
                )
            yield figures.at_least_ratio(
                f"probe redirects, {connections} connections", "1/s", ours, "bare nginx return 302", peers, 0.8
            )
            if connections == 50:
                value = statistics.median(ours)
                yield Figure(
                    "probe redirects, 50 connections", value, "1/s", "openNDS", peer.redirects_per_second, "", None
                )


@contextmanager
def _bare_nginx() -> Iterator[None]:
    """Run the peer in the hub's namespace: one server, one line; the firewall lets its port in for the while."""
    rule = ["iifname", plan.BRIDGE, "tcp", "dport", str(_PEER_PORT), "accept"]
    nft = ["ip", "netns", "exec", plan.HUB, "nft"]
    with TemporaryDirectory() as folder:
        configuration = f"""worker_processes auto; daemon off; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 4096; }}
http {{ access_log off; server {{ listen {plan.HUB_ADDRESS}:{_PEER_PORT}; return 302 http://{plan.PORTAL_HOST}/; }} }}
"""
        (Path(folder) / "nginx.conf").write_text(configuration, encoding="ascii")
        said = run([*nft, "--echo", "--handle", "insert", "rule", *_TABLE, "input", *rule])
        peer = start(["ip", "netns", "exec", plan.HUB, "nginx", "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"])
        try:
            wait_until(lambda: _listens(plan.HUB_ADDRESS, _PEER_PORT), "the bare nginx")
            yield
        finally:
            peer.terminate()
            peer.wait()
            handle = re.search(r"# handle (\d+)", said)
            if handle:
                run([*nft, "delete", "rule", *_TABLE, "input", "handle", handle[1]])


def _listens(address: str, port: int) -> bool:
    try:
        with load.connection("desa-phone-1", (address, port), timeout_seconds=1):
            return True
    except OSError:
        return False


def _requests_a_second(namespace: str, url: str, connections: int, *, may_fail: bool = False) -> float:
    said = run(
        ["ip", "netns", "exec", namespace, "wrk", "-t", "1", "-c", str(connections), "-d", f"{SECONDS_EACH}s",
         "-H", "User-Agent: Dalvik", url],
        timeout_seconds=SECONDS_EACH + 30,
    )  # fmt: skip
    # wrk counts 3xx as good; whatever else it names is an error of the one that is measured.
    errors = re.search(r"(Non-2xx or 3xx responses|Socket errors): (.*)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if (errors and not may_fail) or not rate:
        raise VillageError(f"{url}: {said}")
    return float(rate[1])


def _first_packets(made: village.Village, tell: Callable[[str], None]) -> list[Figure]:
    tell(f"accept to first packet, {ONE_BY_ONE} phones one after another, {ROUNDS} rounds; then one nft process each")
    receiver = load.socket_in(plan.NET, socket.SOCK_DGRAM)
    receiver.bind((plan.WEB_ADDRESS, _ECHO_PORT))
    ours = [_accept(phone, receiver) for _ in range(ROUNDS) for phone in made.phones[:ONE_BY_ONE]]
    peers = [_bare_admission(phone, receiver) for _ in range(ROUNDS) for phone in made.phones[:ONE_BY_ONE]]
    receiver.close()
    value = figures.p95(ours)
    peer = "one nft process, no portal"
    return [
        Figure("accept to first packet, p95", value, "ms", peer, figures.p95(peers), "<= 50 ms", value <= 50),
    ]


def _accept(phone: plan.Phone, receiver: socket.socket) -> float:
    """Accept as this phone; return milliseconds from the tap to its first packet on the internet's side."""
    head = f"Host: {plan.PORTAL_HOST}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with load.connection(phone.namespace, (plan.HUB_ADDRESS, 80)) as http:
        elapsed = _until_first_packet(
            phone, receiver, lambda: http.sendall(f"POST /sambung HTTP/1.1\r\n{head}".encode())
        )
        answer = http.recv(4096)
    if b" 303 " not in answer:
        raise VillageError(f"{phone.namespace}: accepting was answered with {answer[:200]!r}")
    _log_out(phone)
    return elapsed


def _log_out(phone: plan.Phone) -> None:
    head = f"Host: {plan.PORTAL_HOST}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with load.connection(phone.namespace, (plan.HUB_ADDRESS, 80)) as http:
        answer = load.ask(http, f"POST /keluar HTTP/1.1\r\n{head}".encode())
    if b" 303 " not in answer:
        raise VillageError(f"{phone.namespace}: logging out was answered with {answer[:200]!r}")


def _crowd(made: village.Village, tell: Callable[[str], None], peer: _Peer) -> Iterator[Figure]:
    """All phones at the same moment, from the probe to the first packet outside."""
    namespaces = [phone.namespace for phone in made.phones]
    seconds, processor, starts = [], [], []
    for round_number in range(1, CROWD_ROUNDS + 1):
        tell(f"{PHONES} phones log in at once, round {round_number} of {CROWD_ROUNDS}")
        cpu, processes = cost.processor_seconds(), cost.hub_process_starts(made.hub)
        outcome = crowd.go_online(namespaces, plan.NET, plan.WEB_ADDRESS, crowd.village_login)
        seconds.append(outcome.all_online_seconds)
        processor.append((cost.processor_seconds() - cpu) / PHONES * 1000)
        starts.append((cost.hub_process_starts(made.hub) - processes) / PHONES)
        for phone in made.phones:
            _log_out(phone)
    value = statistics.median(seconds)
    name, other = f"{PHONES} phones at once, all online", f"openNDS, {PEER_PHONES} phones"
    holds = value <= 2 and value * 10 <= peer.crowd_seconds
    yield Figure(name, value, "s", other, peer.crowd_seconds, "<= 2 s, ratio <= 0.1", holds)
    value = statistics.median(processor)
    yield Figure("processor time a login, all hub processes", value, "ms", "none", None, "<= 15 ms", value <= 15)
    # The hub's timers start processes too, and so does this counting: what counts is that no login starts one.
    value = statistics.median(starts)
    yield Figure("processes started a login", value, "", "openNDS", peer.processes_per_login, "< 0.5", value < 0.5)
    tell(f"{PHONES} phones log in at once, each fsync takes 20 ms more")
    with slow_disk.slow_fsync(made.hub, 20):
        value = crowd.go_online(namespaces, plan.NET, plan.WEB_ADDRESS, crowd.village_login).all_online_seconds
        for phone in made.phones:
            _log_out(phone)
    name = f"{PHONES} phones at once, 20 ms added to each fsync"
    yield Figure(name, value, "s", "none", None, "<= 3 s", value <= 3)


def _flood(made: village.Village, tell: Callable[[str], None]) -> Figure:
    """Logins one after another while one device keeps 250 connections busy with redirects."""
    tell(f"{FLOOD_LOGINS} logins during a flood of 250 connections")
    flood = start(
        ["ip", "netns", "exec", made.phones[0].namespace, "wrk", "-t", "1", "-c", "250", "-d", "300s",
         f"http://{plan.WEB_ADDRESS}/generate_204"]
    )  # fmt: skip
    try:
        time.sleep(1)  # wrk opens its connections; the logins are measured while all of them are busy
        milliseconds = []
        for phone in made.phones[1 : FLOOD_LOGINS + 1]:
            outcome = crowd.go_online([phone.namespace], plan.NET, plan.WEB_ADDRESS, crowd.village_login)
            milliseconds.append(outcome.all_online_seconds * 1000)
        if flood.poll() is not None:
            raise VillageError("the flood ended before the logins did")
    finally:
        flood.kill()
        flood.wait()
    for phone in made.phones[1 : FLOOD_LOGINS + 1]:
        _log_out(phone)
    value = figures.p95(milliseconds)
    return Figure("login during a flood of redirects, p95", value, "ms", "none", None, "<= 500 ms", value <= 500)


def _hundred_thousand(tell: Callable[[str], None]) -> Iterator[Figure]:
    """Memory after 100,000 redirects and portal pages in turn, and whether it goes on growing while as many follow."""
    batches, sizes = 10, []
    for batch in range(1, 2 * batches + 1):
        tell(f"{REQUESTS:,} requests, part {batch} of {batches}{', to see a trend' if batch > batches else ''}")
        for url in (f"http://{plan.WEB_ADDRESS}/generate_204", f"http://{plan.PORTAL_HOST}/"):
            _requests("desa-phone-1", url, REQUESTS // batches // 2)
        sizes.append(sum(cost.memory_megabytes().values()))
    value = sizes[batches - 1]
    name = f"memory after {REQUESTS:,} requests (PSS)"
    yield Figure(name, value, "MB", "none", None, "<= 200 MB", value <= 200)
    trend = figures.trend(sizes[batches // 2 :]) * batches
    name = f"memory that each further {REQUESTS:,} add"
    yield Figure(name, trend, "MB", "none", None, "<= 1 MB", trend <= 1)


def _bare_admission(phone: plan.Phone, receiver: socket.socket) -> float:
    """Do the least that lets a phone through: one nft process that adds one rule."""
    nft = ["ip", "netns", "exec", plan.HUB, "nft"]
    said: list[str] = []
    rule = ["iifname", plan.BRIDGE, "ether", "saddr", phone.mac, "accept"]

    def admit() -> None:
        said.append(run([*nft, "--echo", "--handle", "insert", "rule", *_TABLE, "forward", *rule]))

    try:
        return _until_first_packet(phone, receiver, admit)
    finally:
        handle = re.search(r"# handle (\d+)", said[0])
        if handle:
            run([*nft, "delete", "rule", *_TABLE, "forward", "handle", handle[1]])


def _until_first_packet(phone: plan.Phone, receiver: socket.socket, open_the_way: Callable[[], None]) -> float:
    token = phone.namespace.encode()
    with load.socket_in(phone.namespace, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"too early", (plan.WEB_ADDRESS, _ECHO_PORT))
        if select.select([receiver], [], [], 0.02)[0]:
            raise VillageError(f"{phone.namespace}: a packet passed before accepting: {receiver.recv(100)!r}")
        started = time.perf_counter()
        open_the_way()
        while time.perf_counter() - started < 10:
            sender.sendto(token, (plan.WEB_ADDRESS, _ECHO_PORT))
            if select.select([receiver], [], [], 0.0005)[0] and receiver.recv(100) == token:
                elapsed = (time.perf_counter() - started) * 1000
                break
        else:
            raise VillageError(f"{phone.namespace}: no packet came through within 10 s")
    while select.select([receiver], [], [], 0.01)[0]:
        receiver.recv(100)
    return elapsed


def _requests(namespace: str, url: str, count: int) -> None:
    """Ask at least ``count`` times over 10 connections: the web front grants a device 24, those that end included."""
    asked = 0
    while asked < count:
        said = run(["ip", "netns", "exec", namespace, "wrk", "-t", "1", "-c", "10", "-d", "10s", url])
        done = re.search(r"(\d+) requests in", said)
        if done is None or re.search(r"Non-2xx or 3xx responses|Socket errors", said):
            raise VillageError(f"{url}: {said}")
        asked += int(done[1])


if __name__ == "__main__":
    sys.exit(main())
