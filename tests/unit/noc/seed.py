"""A district of made-up hubs in every state, for tests and for looking at the pages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from appliance.core.clock import WallQuality
from appliance.core.report import Number, Record, Report, State, encode
from noc.store import reading
from noc.store.contract import Arrivals, ArrivedBatch, ArrivedRecord, ArrivedState, Hub, NocStore

NOW_MS = 1_780_000_000_000
BOOT = "0123456789abcdef" * 2
MINUTE_MS = 60_000


def samples(minute: int, **changes: Number | None) -> dict[str, Number | None]:
    wave = 2.2 + math.sin(minute / 130) + math.sin(minute / 17) / 3
    base: dict[str, Number | None] = {
        "uptime_seconds": minute * 60.0,
        "boots": 3,
        "interface_received_bytes.uplink": minute * 9_000_000 + int(wave * 4e8),
        "interface_sent_bytes.uplink": minute * 1_100_000 + int(wave * 5e7),
        "uplink_up": 1,
        "uplink_round_trip_seconds": 0.045 + 0.02 * wave,
        "clients_online": 12 + minute % 9,
        "gate_closed_by_default": 1,
        "collector_success.clients": 1,
        "load_one_minute": 0.4,
        "processors": 4,
        "memory_total_bytes": 1_000_000_000,
        "memory_available_bytes": 600_000_000,
        "disk_size_bytes": 32_000_000_000,
        "disk_free_bytes": 20_000_000_000,
        "outbox_waiting_records": 0,
        "outbox_dropped_records": 0,
    }
    return base | changes


def arrived(hub_id: str, minute: int, ago_ms: int, **changes: Number | None) -> ArrivedRecord:
    time_ms = NOW_MS - ago_ms
    record = Record(BOOT, minute, minute * MINUTE_MS, time_ms, WallQuality.NTP, samples(minute, **changes))
    return ArrivedRecord(hub_id, record, time_ms, time_ms)


def batch(*records: ArrivedRecord) -> ArrivedBatch:
    """Put records of one hub into the report in which they came with the last of them."""
    last = records[-1]
    report = Report(last.record.boot_id, last.record.boottime_ms, tuple(each.record for each in records))
    return reading.arrived(last.hub_id, encode(report), report, last.received_ms)


def batches(records: Sequence[ArrivedRecord], size: int = 60) -> list[ArrivedBatch]:
    """Put many records of one hub into reports of some size."""
    return [batch(*records[start : start + size]) for start in range(0, len(records), size)]


def born(hub_id: str, received_ms: int, *, online: bool = True, session: int = 1) -> ArrivedState:
    return ArrivedState(hub_id, State(BOOT, session, online, "0.1.0", "3f9a1c22b0de"), received_ms)


def seed(store: NocStore, hubs: int = 40, minutes: int = 1_440, step: int = 5) -> None:
    """Fill ``store``: every ninth hub has no contact, every eighth needs attention, some never spoke."""
    names = (
        "Sukamaju",
        "Karangasem",
        "Wonosari",
        "Tanjung Harapan",
        "Bukit Indah",
        "Muara Enim Ilir",
        "Cikadu",
        "Lubuk Batang",
    )
    for i in range(hubs):
        hub_id = f"hub-{i:04d}"
        store.add_hub(
            Hub(hub_id, f"{names[i % len(names)]} {i // len(names) + 1}", f"51.03.01.{2001 + i}", "Asia/Makassar")
        )
        if i % 13 == 5:
            continue
        silent = 200 * (i % 5 + 1) if i % 9 == 4 else 0
        changes: dict[str, Number | None] = {}
        if i % 8 == 2:
            changes = {"uplink_up": 0, "uplink_round_trip_seconds": None}
        if i % 11 == 7:
            changes = {"disk_free_bytes": 1_000_000_000, "clients_online": None, "collector_success.clients": 0}
        records = [
            arrived(hub_id, 5_000 + minute, (minutes - minute + silent) * MINUTE_MS, **changes)
            for minute in range(0, minutes + 1, step)
            if not 400 <= minute < 520 and not (i % 3 == 0 and 900 <= minute < 960)
        ]
        store.commit(Arrivals(batches(records), [born(hub_id, records[-1].received_ms)]))
    while store.project(1_000):
        pass
