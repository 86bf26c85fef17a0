"""The family filter with two million domains: memory, reloads under load, and answers, beside a plain dnsmasq.

Everything runs in one network namespace on loopback: a stand-in for the internet's DNS, the filter behind its caching
dnsmasq as they ship, and for the peer a dnsmasq with the same list as ``address=/name/`` lines.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.core.config import Config, parse
from appliance.core.dns_block import CACHE_PORT, FILTER_PORT
from appliance.dns_filter import message
from appliance.dns_filter.message import Type
from appliance.network import dnsmasq
from script.village.plan import REPOSITORY
from script.village.programs import VillageError, run, wait_until
from tests.bench import figures
from tests.bench.figures import Figure

DOMAINS = 2_000_000
SAMPLE = 40_000  # names asked before memory is read: ten for each page of the index
RELOADS = 5
ROUNDS = 3
ROUND_QUESTIONS = 3_000
_PAUSE_SECONDS = 0.005  # three askers with it: some 500 questions a second, ten times what one phone may ask
_PEER_PORT, _INTERNET_PORT = 5301, 5399
_MEMORY_LIMIT_MB = 60
_TRUE = "198.18.0.80"
Process = subprocess.Popen[bytes]


def main() -> int:
    """Run the bench."""
    _own_network()
    return figures.run("filter", _measure)


def _own_network() -> None:
    """Enter a network of its own: nothing here reaches, or is reached by, anything else. Source: unshare(2)."""
    clone_newnet = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(clone_newnet) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    run(["ip", "link", "set", "lo", "up"])


def names() -> Iterator[str]:
    """The list: names of the length and shape of real ones, the same at each run."""
    chance = random.Random(1)
    for number in range(DOMAINS):
        word = chance.choice(("judi", "slot", "togel", "gacor", "poker"))
        yield f"{word}{number:x}.{chance.getrandbits(18):x}.example"


def _measure(tell: Callable[[str], None]) -> list[Figure]:
    with TemporaryDirectory() as folder_name, contextlib.ExitStack() as stack:
        folder = Path(folder_name)
        tell(f"writing a list of {DOMAINS:,} domains")
        (folder / "list.txt").write_text("\n".join(names()) + "\n", encoding="ascii")
        sample = random.Random(2).sample((folder / "list.txt").read_text("ascii").split(), SAMPLE)
        config = _configure(folder)
        stack.enter_context(_internet(folder))
        tell("compiling it as the update does")
        update_seconds, update_megabytes = _update(folder)
        filter_, cache = _start_filter(folder, config, stack)
        tell(f"asking for {SAMPLE:,} of its names")
        _ask_all(CACHE_PORT, sample, expected=b"\xc0\0\0\x08")
        ours = _pss_megabytes(filter_) + _pss_megabytes(cache)
        found = list(_reloads(tell, folder, filter_, cache, sample))
        _ask_all(CACHE_PORT, sample, expected=b"\xc0\0\0\x08")
        after = _pss_megabytes(filter_) + _pss_megabytes(cache)
        tell("the peer: a plain dnsmasq with the same list")
        started = time.perf_counter()
        peer = _start_peer(folder, stack)
        peer_seconds = time.perf_counter() - started
        _ask_all(_PEER_PORT, sample, expected=None)
        theirs = _pss_megabytes(peer)
        limit = f"<= {_MEMORY_LIMIT_MB} MB"
        return [
            Figure("memory of filter and cache, PSS, whole list asked", ours, "MB", "plain dnsmasq", theirs, limit,
                   ours <= _MEMORY_LIMIT_MB),
            Figure(f"the same after {RELOADS} reloads", after, "MB", "plain dnsmasq", theirs, limit,
                   after <= _MEMORY_LIMIT_MB),
            *found,
            Figure("compiling 2 million domains", update_seconds, "s", "dnsmasq reading them", peer_seconds, "", None),
            Figure("memory of the update, peak", update_megabytes, "MB", "", None, "", None),
            *_speeds(tell, sample),
        ]  # fmt: skip


def _configure(folder: Path) -> Config:
    text = (REPOSITORY / "tests/golden/rendered/filter/hub.toml").read_text("utf-8")
    text = text.replace("https://lists.example.go.id/judi.txt", str(folder / "list.txt"))
    text = text.replace("upload_kbit = 5000", 'upload_kbit = 5000\ndns_servers = ["127.0.0.1"]')
    (folder / "hub.toml").write_text(text, encoding="utf-8")
    return parse(text)


@contextlib.contextmanager
def _internet(folder: Path) -> Iterator[None]:
    """Answer any name, as fast as dnsmasq can."""
    process = _dnsmasq(folder, "internet", [f"port={_INTERNET_PORT}", f"address=/#/{_TRUE}"])
    try:
        yield
    finally:
        _end(process)


def _dnsmasq(folder: Path, name: str, lines: Sequence[str]) -> Process:
    general = ["keep-in-foreground", "no-resolv", "no-hosts", "pid-file=", "user=root", "listen-address=127.0.0.1",
               "bind-interfaces"]  # fmt: skip
    (folder / f"{name}.conf").write_text("\n".join([*general, *lines]) + "\n", encoding="ascii")
    program = shutil.which("dnsmasq") or "/usr/sbin/dnsmasq"
    process = subprocess.Popen([program, "-C", str(folder / f"{name}.conf")], stderr=subprocess.DEVNULL)
    port = next(int(line.removeprefix("port=")) for line in lines if line.startswith("port="))
    wait_until(lambda: _answers(port), f"dnsmasq ({name})", seconds=60)
    return process


def _update(folder: Path) -> tuple[float, float]:
    """Run the update; its seconds and its peak in MB."""
    started = time.perf_counter()
    peak = _run_update(folder)
    return time.perf_counter() - started, peak


def _run_update(folder: Path) -> float:
    """Run the update to its end; returns its peak in MB, as the kernel counts it (VmHWM, proc(5))."""
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.dns_filter.update", "--config", str(folder / "hub.toml"),
         "--state-directory", str(folder), "--held", str(folder / "held.json")], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    peak = 0.0
    while process.poll() is None:
        with contextlib.suppress(OSError):  # it has just ended
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text("ascii"))
            peak = max(peak, int(found[1]) * 1024 / 1e6) if found else peak
        time.sleep(0.05)
    if process.returncode != 0:
        raise VillageError(f"the update ended with {process.returncode}")
    return peak


def _start_filter(folder: Path, config: Config, stack: contextlib.ExitStack) -> tuple[Process, Process]:
    filter_ = subprocess.Popen(
        [sys.executable, "-m", "appliance.dns_filter", "--config", str(folder / "hub.toml"),
         "--state-directory", str(folder), "--runtime-directory", str(folder),
         "--upstream-port", str(_INTERNET_PORT)], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(_end, filter_)
    wait_until(lambda: _answers(FILTER_PORT), "the filter")
    rendered = (dnsmasq.render_filtered(config) or "").splitlines()
    # As it ships, but for the place where it listens: there are no bridges here.
    kept = [
        line for line in rendered if not re.match(r"bind-dynamic|interface=|except-|interface-name|#|keep-|pid-", line)
    ]
    cache = _dnsmasq(folder, "cache", [line for line in kept if line not in ("no-resolv", "no-hosts")])
    stack.callback(_end, cache)
    return filter_, cache


def _start_peer(folder: Path, stack: contextlib.ExitStack) -> Process:
    with (
        (folder / "list.txt").open(encoding="ascii") as names_,
        (folder / "peer.lines").open("w", encoding="ascii") as to,
    ):
        to.writelines(f"address=/{name.rstrip()}/192.0.0.8\n" for name in names_)
    asks = f"server=127.0.0.1#{_INTERNET_PORT}"
    peer = _dnsmasq(folder, "peer", [f"port={_PEER_PORT}", asks, "cache-size=10000", f"conf-file={folder}/peer.lines"])
    stack.callback(_end, peer)
    return peer


def _reloads(
    tell: Callable[[str], None], folder: Path, filter_: Process, cache: Process, sample: Sequence[str]
) -> Iterator[Figure]:
    """Change the list and let both take it, again and again, while questions for blocked and new names go on."""
    lost, asked, times, peaks, over = [0], [0], [0.0], [0.0], threading.Event()

    def go_on(make: Callable[[int], str]) -> None:
        with _asker(CACHE_PORT) as asker:
            asker.settimeout(3)
            number = 0
            while not over.is_set():
                number += 1
                wire = message.ask(number & 0xFFFF, make(number).encode(), Type.A)
                started = time.perf_counter()
                asker.send(wire)
                try:
                    good = asker.recv(4096)[:2] == wire[:2]
                except TimeoutError:
                    good = False
                times.append((time.perf_counter() - started) * 1000)
                asked[0] += 1
                lost[0] += not good
                time.sleep(_PAUSE_SECONDS)

    def watch() -> None:
        while not over.wait(0.01):
            peaks[0] = max(peaks[0], _pss_megabytes(filter_) + _pss_megabytes(cache))

    makers = (lambda number: sample[number % SAMPLE], lambda number: f"n{number}.berita.test", lambda _: "berita.test")
    threads = [threading.Thread(target=go_on, args=(make,)) for make in makers]
    threads.append(threading.Thread(target=watch))
    for thread in threads:
        thread.start()
    try:
        for round_number in range(1, RELOADS + 1):
            tell(f"reload {round_number} of {RELOADS}, under load")
            with (folder / "list.txt").open("a", encoding="ascii") as file:
                file.write(f"baru{round_number}.example\n")
            before = json.loads((folder / "held.json").read_text("ascii"))["index"]
            _run_update(folder)
            if json.loads((folder / "held.json").read_text("ascii"))["index"] == before:
                raise VillageError("the filter did not take the new index")
            os.kill(cache.pid, signal.SIGHUP)
            _ask_all(CACHE_PORT, [f"baru{round_number}.example"], expected=b"\xc0\0\0\x08")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    if filter_.poll() is not None:
        raise VillageError("the filter ended")
    yield Figure(f"questions lost in {RELOADS} reloads, of {asked[0]:,}", lost[0], "", "", None, "= 0", lost[0] == 0)
    limit = f"<= {_MEMORY_LIMIT_MB} MB"
    holds = peaks[0] <= _MEMORY_LIMIT_MB
    yield Figure("memory while old and new index are there, peak", peaks[0], "MB", "", None, limit, holds)
    yield Figure("longest answer while reloading", max(times), "ms", "", None, "", None)


def _speeds(tell: Callable[[str], None], sample: Sequence[str]) -> Iterator[Figure]:
    """Questions answered one after another; each round has names that no cache knows."""
    kinds: tuple[tuple[str, Callable[[str, int, int], str]], ...] = (
        ("blocked names, not in the cache", lambda who, turn, number: f"{who}{turn}.{sample[number]}"),
        ("other names, not in the cache", lambda who, turn, number: f"{who}{turn}x{number}.berita.test"),
        ("names in the cache", lambda who, turn, number: "berita.test"),
    )
    for title, make in kinds:
        rates: dict[int, list[float]] = {CACHE_PORT: [], _PEER_PORT: []}
        for turn in range(ROUNDS):
            tell(f"{title}, round {turn + 1} of {ROUNDS}")
            for port, found in rates.items():
                wanted = [make(f"p{port}", turn, number) for number in range(ROUND_QUESTIONS)]
                started = time.perf_counter()
                _ask_all(port, wanted, expected=None)
                found.append(ROUND_QUESTIONS / (time.perf_counter() - started))
        ours, theirs = (sorted(found)[ROUNDS // 2] for found in rates.values())
        yield Figure(title, ours, "1/s", "plain dnsmasq", theirs, "", None)


@contextlib.contextmanager
def _asker(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(5)
        made.connect(("127.0.0.1", port))
        yield made


def _ask_all(port: int, wanted: Sequence[str], expected: bytes | None) -> None:
    with _asker(port) as asker:
        for number, name in enumerate(wanted):
            wire = message.ask(number & 0xFFFF, name.encode(), Type.A)
            asker.send(wire)
            answer = asker.recv(4096)
            found = [record.data for record in message.records(answer, Type.A)]
            if answer[:2] != wire[:2] or not found or (expected is not None and found != [expected]):
                raise VillageError(f"{name} on port {port} was answered with {answer!r}")


def _answers(port: int) -> bool:
    with _asker(port) as asker:
        asker.settimeout(0.5)
        try:
            asker.send(message.ask(1, b"siap.test", Type.A))
            return bool(asker.recv(4096))
        except OSError:
            return False


def _pss_megabytes(process: Process) -> float:
    text = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
    return sum(int(kilobytes) for kilobytes in re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)) * 1024 / 1e6


def _end(process: Process) -> None:
    process.terminate()
    process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
