"""Bytes and packets on the uplink and on each network, and the busiest ten seconds since the last record.

The counters go on without a break while the agent runs, whatever the kernel's own do (`agent.counting`): whoever reads
them takes differences, and a new boot id says that they began anew.
"""

from __future__ import annotations

from typing import Final

from agent.collectors import Around, Samples
from agent.counting import Reading, Running
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.system import counters
from appliance.system.counters import Counters
from appliance.system.roots import Roots

# What no interface of such a box exceeds: 10 Gbit/s and its smallest packets.
_BYTES_A_SECOND_MAX: Final = 1_250_000_000
_PACKETS_A_SECOND_MAX: Final = 15_000_000
_BYTES_OF_A_GIGABIT: Final = 125_000_000
_LINE_MARGIN: Final = 4
_KINDS: Final = ("received_bytes", "received_packets", "sent_bytes", "sent_packets")


class _Role:
    """One interface's four counters."""

    def __init__(self, line_bytes_a_second: int) -> None:
        self.running = {
            kind: Running(
                a_second_max=_BYTES_A_SECOND_MAX if kind.endswith("bytes") else _PACKETS_A_SECOND_MAX,
                # No packet is smaller than 40 bytes.
                wrap_a_second_max=line_bytes_a_second if kind.endswith("bytes") else line_bytes_a_second // 40,
            )
            for kind in _KINDS
        }

    def take(self, found: Counters | None, boottime_ms: int) -> None:
        for kind, running in self.running.items():
            if found is None:
                running.lose()
            else:
                running.take(Reading(getattr(found, kind), boottime_ms))


class Interfaces:
    """The counters by role: ``uplink`` and ``net_NAME``."""

    def __init__(self) -> None:
        self._roles: dict[str, _Role] = {}
        self._glanced_ms: int | None = None

    def __call__(self, around: Around) -> Samples:
        """Tell counters and peaks. An interface that is missing is None. Raises OSError."""
        # A record that is due soon after a glance has its counters; a peak of less than ten seconds would be none.
        found = counters.read(around.roots)
        if self._glanced_ms is None or around.moment.boottime_ms - self._glanced_ms >= 9_000:
            self._take(found, around.config, around.moment)
        samples: dict[str, int | None] = {}
        for role, interface in _interfaces(around.config).items():
            running = self._roles[role].running if interface in found else {}
            for kind in _KINDS:
                samples[f"interface_{kind}.{role}"] = running[kind].total if running else None
            for way in ("received", "sent"):
                peak = running[f"{way}_bytes"].end_peak() if running else None
                samples[f"interface_{way}_peak_kbit.{role}"] = None if peak is None else peak * 8 // 1000
        return samples

    def glance(self, config: Config, roots: Roots, moment: Moment) -> Samples:
        """Read the counters for the peak; nothing that happens here is an event. Raises OSError."""
        self._take(counters.read(roots), config, moment)
        return {}

    def _take(self, found: dict[str, Counters], config: Config, moment: Moment) -> None:
        self._glanced_ms = moment.boottime_ms
        for role, interface in _interfaces(config).items():
            if role not in self._roles:
                self._roles[role] = _Role(_line_bytes_a_second(role, config))
            self._roles[role].take(found.get(interface), moment.boottime_ms)


def make() -> Interfaces:
    """Begin to count."""
    return Interfaces()


def _interfaces(config: Config) -> dict[str, str]:
    return {"uplink": config.uplink.interface} | {
        f"net_{network.name}": network.interface for network in config.networks
    }


def _line_bytes_a_second(role: str, config: Config) -> int:
    if role != "uplink":
        return _BYTES_OF_A_GIGABIT
    return max(config.uplink.download_kbit, config.uplink.upload_kbit) * 1000 // 8 * _LINE_MARGIN
