"""The registry of sample names and of their labels, which travel as numbers: pure data.

A number is given once and for ever; a release adds to the end. A name that is not here travels as text, so that a new
collector needs no entry: it only costs some bytes more until it has one. ``docs/wire.md`` prints both tables, and a
test holds it to this module.
"""

from __future__ import annotations

import math
import re
from typing import Final

_SAMPLE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}(\.[a-z0-9][a-z0-9_]{0,15})?")
_BASE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,15}")

# Those that a box always has together stand together, first those that seldom change: their numbers then differ by one,
# and what repeats from report to report is in one piece.
_NAMES: Final = (
    "boots", "boot_reason",
    "uplink_state", "uplink_up", "uplink_has_link", "uplink_has_address", "uplink_has_gateway",
    "gate_closed_by_default", "configuration_matches",
    "processors", "memory_total_bytes", "disk_size_bytes",
    "filesystem_read_only", "disk_error_count", "disk_life_used_permille",
    "throttled", "power_under_voltage", "power_under_voltage_count", "power_on_battery", "power_source_known",
    "unit_failed_count", "unit_restarts", "outbox_dropped_records", "outbox_thinned_records",
    "uptime_seconds", "outbox_waiting_records", "disk_free_bytes", "memory_available_bytes", "agent_memory_bytes",
    "load_one_minute", "temperature_celsius", "clients_online", "logins", "refusals",
    "dns_ms", "http_ms", "clock_offset_ms", "probe_bytes", "uplink_round_trip_seconds",
    "uplink_loss_permille", "uplink_latency_ms", "uplink_jitter_ms",
    "interface_received_bytes", "interface_sent_bytes", "interface_received_packets", "interface_sent_packets",
    "interface_received_peak_kbit", "interface_sent_peak_kbit",
    "radio_channel", "radio_busy_permille", "radio_noise_dbm", "radio_stations",
    "unit_state", "collector_success", "collector_duration_seconds",
    "speed_test_download_kbit", "speed_test_upload_kbit", "speed_test_bytes",
    "event",
)  # fmt: skip
_LABELS: Final = (
    "uplink", "t1", "t2", "t3", "t4",
    "clients", "disk", "interfaces", "load", "memory", "outbox", "temperature", "uplink_link", "uptime",
    "boot", "uplink_down", "uplink_up", "power_lost",
    "power", "radio", "units", "clock", "configuration", "probes", "system",
    "uplink_half_open", "power_back", "under_voltage",
)  # fmt: skip
# How finely a box tells what it measures: digits below are noise that a satellite link would be paid for.
_STEPS: Final = {
    "uptime_seconds": 1,
    "interface_received_bytes": 2**10,
    "interface_sent_bytes": 2**10,
    "memory_available_bytes": 2**20,
    "agent_memory_bytes": 2**16,
    "disk_free_bytes": 2**20,
}
_DECIMALS: Final = {
    "temperature_celsius": 1,
    "load_one_minute": 2,
    "uplink_round_trip_seconds": 3,
    "collector_duration_seconds": 2,
}

NAMES: Final = dict(enumerate(_NAMES, 1))
LABELS: Final = dict(enumerate(_LABELS, 1))
NUMBER_OF_NAME: Final = {name: number for number, name in NAMES.items()}
NUMBER_OF_LABEL: Final = {label: number for number, label in LABELS.items()}


def told(name: str, value: float | None) -> int | float | None:
    """Round what was measured to what is told of it: down to whole steps, so that a counter never runs ahead."""
    base = name.partition(".")[0]
    if value is None:
        return None
    if step := _STEPS.get(base):
        return math.floor(value / step) * step if isinstance(value, float) else value - value % step
    if isinstance(value, float) and base in _DECIMALS:
        return round(value, _DECIMALS[base])
    return value


def is_sample_name(text: str) -> bool:
    """Say whether ``text`` may name a sample: ``interface_received_bytes`` or, with a label, ``….uplink``."""
    return _SAMPLE_NAME.fullmatch(text) is not None


def is_base_name(text: str) -> bool:
    """Say whether ``text`` is a sample's name without a label."""
    return _BASE_NAME.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Say whether ``text`` may stand behind the dot."""
    return _LABEL.fullmatch(text) is not None


def is_event(name: str) -> bool:
    """Say whether a sample makes its record an event: it is sent at once, and never thinned away."""
    return name.startswith("event.")
