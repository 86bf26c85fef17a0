"""A day of a village as its hub would measure it: the reference record of ``docs/wire.md``, minute by minute.

The values change as they do in a village: a tide of people, counters that never grow by the same twice, a queue that
makes the answers slower, noise in every sensor. Nothing is rounded to please the encoding, and what seldom changes in
a village seldom changes here. The same seed gives the same day.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Final

from appliance.core.clock import WallQuality
from appliance.core.report import Number, Record

MINUTE_MS: Final = 60_000
_PAGE: Final = 4_096


def records(
    minutes: int, seed: int = 1, *, boot_id: str = "5f3c1a72904e4bd8a1c6e0d39b7f2468", wall_ms: int = 1_780_000_000_000
) -> Iterator[Record]:
    """Make a record of 40 samples for each minute, oldest first."""
    chance = random.Random(seed)
    village = _Village(chance)
    boottime_ms = chance.randrange(10**7, 10**9)
    sequence = 41_417 + boottime_ms // MINUTE_MS
    offset_ms = wall_ms - boottime_ms
    for minute in range(minutes):
        # The loop wakes some milliseconds late, never the same, and the time server's hand moves the wall clock a bit.
        at_ms = boottime_ms + minute * MINUTE_MS + int(chance.expovariate(1 / 6))
        offset_ms += chance.choice((0, 0, 0, 0, 0, 0, 0, 1, -1))
        samples = village.minute((wall_ms // MINUTE_MS + minute) % 1_440, at_ms)
        yield Record(boot_id, sequence + minute, at_ms, at_ms + offset_ms, WallQuality.NTP, samples)


class _Village:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._received = chance.randrange(10**9, 10**11)  # this boot is some days old
        self._sent = self._received // chance.randrange(8, 14)
        self._received_packets = self._received // chance.randrange(1_050, 1_280)
        self._sent_packets = int(self._received_packets * chance.uniform(0.45, 0.8))
        self._to_warga, self._from_warga = int(self._received * 0.98), int(self._sent * 0.97)
        self._logins, self._refusals = chance.randrange(300, 6_000), chance.randrange(300)
        self._memory_middle = self._memory = chance.randrange(60_000, 120_000) * _PAGE
        self._disk = chance.randrange(2_000_000, 7_000_000) * _PAGE
        self._load, self._temperature = 0.31, 51.5
        self._clients = 8.0

    def minute(self, of_day: int, boottime_ms: int) -> dict[str, Number | None]:
        """Let a minute of the day pass, and measure."""
        chance = self._chance
        # Two tides, after school and after the evening prayer; from one to five at night hardly anybody.
        hour = of_day / 60
        tide = 0.04 + math.exp(-(((hour - 15.5) / 2.6) ** 2)) * 0.6 + math.exp(-(((hour - 20) / 1.9) ** 2))
        self._clients += 0.15 * (48 * tide - self._clients) + chance.gauss(0, 0.9)
        clients = max(0, round(self._clients))
        down = int(clients * 310_000 * chance.lognormvariate(0, 0.7)) + chance.randrange(4_000, 60_000)
        up = int(down * chance.uniform(0.04, 0.2)) + chance.randrange(2_000, 20_000)
        busy = min(1.0, down * 8 / 60 / 20_000_000 * 3)
        peak = min(20_400, int(down * 8 / 60_000 * chance.uniform(1.3, 4.5)))
        peak_up = min(5_100, int(up * 8 / 60_000 * chance.uniform(1.3, 4.5)))
        received_packets = int(down / chance.uniform(1_050, 1_280)) + 40
        self._received += down
        self._sent += up
        self._received_packets += received_packets
        self._sent_packets += int(received_packets * chance.uniform(0.45, 0.8))
        self._to_warga += int(down * chance.uniform(0.985, 1.005))
        self._from_warga += int(up * chance.uniform(0.97, 1.0))
        new = sum(chance.random() < tide * 0.06 for _ in range(12))
        self._logins += new
        self._refusals += chance.random() < 0.02 * tide * 5
        self._memory += (
            chance.randrange(-220, 220) * _PAGE - (self._memory - self._memory_middle) // _PAGE // 40 * _PAGE
        )
        self._disk -= chance.randrange(0, 14) * _PAGE
        self._load = max(0.0, self._load * 0.6 + 0.4 * (0.12 + busy * 0.8) + chance.gauss(0, 0.05))
        self._temperature += 0.1 * (47 + 9 * busy + 4 * math.sin((hour - 9) / 24 * 2 * math.pi) - self._temperature)
        sensor = round((self._temperature + chance.gauss(0, 0.25)) / 0.487) * 0.487  # the steps of a Pi's sensor
        latency = [int(base + 40 * busy * chance.random() + chance.expovariate(1 / 2.5)) for base in (31, 44)]
        jitter = [int(chance.expovariate(1 / (2 + 8 * busy))) for _ in range(2)]
        loss = [chance.choice((0,) * 30 + (167,)) for _ in range(2)]
        return {
            "uptime_seconds": boottime_ms / 1000,
            "boots": 17,
            "uplink_state": 5,
            "uplink_up": 1,
            "uplink_has_link": 1,
            "uplink_has_address": 1,
            "uplink_has_gateway": 1,
            "uplink_latency_ms.t1": latency[0],
            "uplink_latency_ms.t2": latency[1],
            "uplink_jitter_ms.t1": jitter[0],
            "uplink_jitter_ms.t2": jitter[1],
            "uplink_loss_permille.t1": loss[0],
            "uplink_loss_permille.t2": loss[1],
            "dns_ms": int(latency[0] * chance.uniform(1.0, 1.4)),
            "http_ms": int(latency[1] * chance.uniform(2.1, 3.4)),
            "clients_online": clients,
            "logins": self._logins,
            "refusals": self._refusals,
            "gate_closed_by_default": 1,
            "load_one_minute": round(self._load, 2),
            "memory_available_bytes": self._memory,
            "disk_free_bytes": self._disk,
            "temperature_celsius": round(sensor, 3),
            "throttled": 0,
            "power_under_voltage": 0,
            "power_under_voltage_count": 3,
            "unit_failed_count": 0,
            "unit_restarts": 2,
            "configuration_matches": 1,
            "outbox_waiting_records": 5 + of_day % 60,
            "interface_received_bytes.uplink": self._received,
            "interface_sent_bytes.uplink": self._sent,
            "interface_received_packets.uplink": self._received_packets,
            "interface_sent_packets.uplink": self._sent_packets,
            "interface_received_peak_kbit.uplink": peak,
            "interface_sent_peak_kbit.uplink": peak_up,
            "interface_received_bytes.net_warga": self._from_warga,
            "interface_sent_bytes.net_warga": self._to_warga,
            "radio_busy_permille.net_warga": int(1000 * min(0.95, 0.06 + busy * 0.5 + chance.random() * 0.05)),
            "radio_stations.net_warga": clients + chance.randrange(0, 4),
        }
