"""From the kernel's bytes to sealed lines, and from the shelf to the bin."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import signal
import struct
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import Moment, WallQuality
from appliance.core.config import parse as parse_config
from appliance.core.errors import OperationError
from appliance.records import __main__ as records
from appliance.records import conntrack, rules, sealed
from appliance.records.conntrack import Ended
from appliance.records.macs import Macs
from appliance.records.recorder import Recorder
from appliance.records.shelf import HOUR_MS, Shelf
from appliance.system.neighbours import Neighbour
from appliance.system.netlink import attribute, nested

CONFIG = parse_config((Path(__file__).parents[3] / "golden/rendered/full/hub.toml").read_text("utf-8"))
KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
BEGAN_MS = 1_790_000_000_000
PHONE, MAC, FAR = "10.20.0.50", "02:00:00:00:00:01", "203.0.113.5"
ADDRESS = ipaddress.IPv4Address
ONE = Ended(
    6, ADDRESS(PHONE), 40_000, ADDRESS(FAR), 443, ADDRESS(FAR), 1_200, 48_000, BEGAN_MS * 10**6,
    (BEGAN_MS + 90_500) * 10**6,
)  # fmt: skip


def at(boot_ms: int, quality: WallQuality = WallQuality.NTP) -> Moment:
    return Moment("a" * 32, boot_ms, BEGAN_MS + 90_500 + boot_ms, quality)


def kernel_bytes(one: Ended) -> bytes:
    def side(kind: int, source: ADDRESS, source_port: int, destination: ADDRESS, port: int) -> bytes:
        ip = nested(1, attribute(1, source.packed), attribute(2, destination.packed))
        ports = (attribute(2, struct.pack(">H", source_port)), attribute(3, struct.pack(">H", port)))
        return nested(kind, ip, nested(2, attribute(1, bytes([one.protocol])), *ports))

    def count(kind: int, number: int | None) -> bytes:
        if number is None:
            return b""
        return nested(kind, attribute(1, struct.pack(">Q", 9)), attribute(2, struct.pack(">Q", number)))

    assert one.began_ns is not None
    assert one.ended_ns is not None
    return b"\2\0\0\0" + b"".join([
        side(1, one.source, one.source_port, one.destination, one.destination_port),
        side(2, one.answerer, one.destination_port, ADDRESS("192.0.2.10"), one.source_port),
        count(9, one.sent_bytes), count(10, one.received_bytes),
        nested(20, attribute(1, struct.pack(">Q", one.began_ns)), attribute(2, struct.pack(">Q", one.ended_ns))),
    ])  # fmt: skip


def test_the_kernels_message_is_read() -> None:
    for one in (ONE, dataclasses.replace(ONE, sent_bytes=None, received_bytes=None)):
        assert conntrack.parse(kernel_bytes(one)) == one


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 10_000))
def test_no_message_is_too_odd(junk: bytes, where: int) -> None:
    whole = kernel_bytes(ONE)
    for data in (junk, whole[: where % len(whole)], whole[: where % len(whole)] + junk, b"\2\0\0\0" + junk):
        found = conntrack.parse(data)
        assert found is None or isinstance(found, Ended)


@pytest.mark.parametrize(
    ("changed", "is_recorded"),
    [
        ({}, True),
        ({"source": ADDRESS("10.30.0.50")}, False),  # the office
        ({"source": ADDRESS("192.0.2.10")}, False),  # the box itself
        ({"destination": ADDRESS("10.20.0.1")}, False),  # the portal
        ({"answerer": ADDRESS("10.20.0.1")}, False),  # led to the portal before login, or to the box's DNS
        ({"destination": ADDRESS("224.0.0.251")}, False),
        ({"sent_bytes": 0, "received_bytes": 0}, False),
        ({"protocol": 17, "received_bytes": 0}, True),
        ({"sent_bytes": None, "received_bytes": None}, True),  # a kernel that does not count
    ],
)
def test_only_what_residents_reach_outside_is_recorded(changed: dict[str, Any], is_recorded: bool) -> None:
    assert rules.is_recorded(CONFIG, dataclasses.replace(ONE, **changed)) is is_recorded


def test_a_line_says_what_the_law_asks_and_nothing_more() -> None:
    assert json.loads(rules.line(ONE, MAC, BEGAN_MS, WallQuality.NTP)) == {
        "began": "2026-09-21T14:13:20Z", "clock": "ntp", "seconds": 90.5, "mac": MAC, "source": PHONE,
        "source_port": 40_000, "destination": FAR, "destination_port": 443, "protocol": "tcp", "sent_bytes": 1_200,
        "received_bytes": 48_000,
    }  # fmt: skip


def test_a_clock_that_was_set_back_gives_no_duration() -> None:
    back = dataclasses.replace(ONE, ended_ns=(BEGAN_MS - 5_000) * 10**6)
    assert json.loads(rules.line(back, None, BEGAN_MS, WallQuality.UNKNOWN))["seconds"] is None
    without = dataclasses.replace(ONE, began_ns=None, ended_ns=None)
    assert json.loads(rules.line(without, None, BEGAN_MS, WallQuality.NTP))["began"] == "2026-09-21T14:13:20Z"


def test_a_connection_belongs_to_who_had_the_address_when_it_began() -> None:
    macs = Macs()
    macs.see([Neighbour(PHONE, "02:00:00:00:00:01", "br")], 1_000)
    macs.see([], 2_000)
    macs.see([Neighbour(PHONE, "02:00:00:00:00:02", "br")], 9_000)
    assert macs.of(PHONE, 500) == macs.of(PHONE, 8_999) == "02:00:00:00:00:01"
    assert macs.of(PHONE, 9_000) == "02:00:00:00:00:02"
    assert macs.of("10.20.0.51", 9_000) is None
    for number in range(20):
        macs.see([Neighbour(PHONE, f"02:00:00:00:01:{number:02x}", "br")], 10_000 + number)
    assert macs.of(PHONE, 500) is None, "forgotten, and not guessed"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, KEY.public_key(), 30)


def recorder(shelf: Shelf) -> Recorder:
    return Recorder(CONFIG, shelf, lambda: [Neighbour(PHONE, MAC, "br-warga")])


def lines(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        content = b"".join(sealed.read(file, KEY, sealed.Reading()))
    return [json.loads(line) for line in content.decode().splitlines()]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_lines_wait_some_seconds_and_a_file_an_hour(tmp_path: Path, shelf: Shelf) -> None:
    made = recorder(shelf)
    made.take([ONE], at(0))
    made.tend(at(4_999))
    assert files(tmp_path) == []
    made.tend(at(5_000))
    [path] = files(tmp_path)
    assert [(one["mac"], one["destination"]) for one in lines(path)] == [(MAC, FAR)], "readable while it is open"
    assert path.stat().st_mode & 0o777 == 0o600
    made.take([ONE], at(6_000))
    made.tend(at(5_000 + HOUR_MS - 1))
    assert len(lines(path)) == 2
    made.tend(at(5_000 + HOUR_MS))
    made.take([ONE, ONE], at(5_000 + HOUR_MS))
    made.close(at(5_000 + HOUR_MS))
    assert [len(lines(one)) for one in files(tmp_path)] == [2, 2]
    reading = sealed.Reading()
    with path.open("rb") as file:
        list(sealed.read(file, KEY, reading))
    assert reading.is_whole


def test_what_was_lost_is_said_and_office_talk_is_not_kept(tmp_path: Path, shelf: Shelf) -> None:
    made = recorder(shelf)
    made.take([dataclasses.replace(ONE, source=ADDRESS("10.30.0.9"))], at(0), lost=True)
    made.close(at(1))
    [path] = files(tmp_path)
    assert [set(one) for one in lines(path)] == [{"lost_before", "clock"}]


def test_a_full_disk_loses_records_not_the_recorder(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recorder(shelf)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(sealed.Writer, "_put", full)
        made.take([ONE], at(0))
        made.tend(at(6_000))
    made.take([ONE], at(7_000))
    made.close(at(7_000))
    found = [one for path in files(tmp_path) if path.stat().st_size for one in lines(path)]
    assert ["lost_before" in one for one in found] == [True, False]


def test_a_neighbour_table_that_cannot_be_read_stops_nothing(tmp_path: Path, shelf: Shelf) -> None:
    def none() -> list[Neighbour]:
        raise OperationError("/proc/net/arp: cannot be read")

    made = Recorder(CONFIG, shelf, none)
    made.take([ONE], at(0))
    made.close(at(1))
    assert lines(files(tmp_path)[0])[0]["mac"] is None


def _left(folder: Path, begun: Moment) -> Path:
    before = set(folder.iterdir())
    shelf = Shelf(folder, KEY.public_key(), 30)
    shelf.write("{}\n", begun)
    shelf.close()
    [path] = set(folder.iterdir()) - before
    return path


DAY_MS = 86_400_000


def test_files_are_dropped_after_their_days(tmp_path: Path, shelf: Shelf) -> None:
    old, young = _left(tmp_path, at(0)), _left(tmp_path, at(5 * DAY_MS))
    assert shelf.drop_old(at(30 * DAY_MS)) == []
    assert shelf.drop_old(at(31 * DAY_MS, WallQuality.UNKNOWN)) == [], "nobody knows whether it is time"
    assert shelf.drop_old(at(31 * DAY_MS, WallQuality.RTC)) == [old]
    assert files(tmp_path) == [young]


def test_a_file_of_an_unknown_time_counts_from_when_it_was_first_seen(tmp_path: Path, shelf: Shelf) -> None:
    _left(tmp_path, at(0, WallQuality.UNKNOWN))
    assert shelf.drop_old(at(100 * DAY_MS)) == []
    [path] = files(tmp_path)
    assert ".seen" in path.name
    assert shelf.drop_old(at(130 * DAY_MS - 1_000)) == []
    assert shelf.drop_old(at(131 * DAY_MS)) == [path]


def test_the_open_file_is_never_dropped_and_a_better_clock_begins_a_new_one(tmp_path: Path, shelf: Shelf) -> None:
    shelf.write("{}\n", at(0, WallQuality.UNKNOWN))
    assert shelf.drop_old(at(400 * DAY_MS)) == []
    [path] = files(tmp_path)
    assert ".seen" not in path.name
    shelf.tend(at(1_000, WallQuality.NTP))
    shelf.write("{}\n", at(2_000, WallQuality.NTP))
    shelf.close()
    assert len(files(tmp_path)) == 2


def test_what_waits_in_the_socket_at_the_end_is_heard_too() -> None:
    """The kernel tells of each connection in a datagram of its own; the order to end comes between two of them."""
    news = [([dataclasses.replace(ONE, destination_port=port)], False) for port in (443, 80, 993)]
    taken: list[int] = []

    class Ears:
        def hear(self, seconds: float) -> tuple[list[Ended], bool]:
            assert seconds > 0
            if len(news) == 3:
                os.kill(os.getpid(), signal.SIGTERM)
            return news.pop(0) if news else ([], False)

        def close(self) -> None: ...

    class Hand:
        def take(self, ended: list[Ended], *_: object, **__: object) -> None:
            taken.extend(one.destination_port for one in ended)

        def tend(self, *_: object) -> None: ...

        close = tend

    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        records.run(cast(Recorder, Hand()), cast(conntrack.Listener, Ears()), lambda: at(0))
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert taken == [443, 80, 993]
