"""How the air is: channel, how busy it is, noise, and who is there; asked of ``iw``, which needs no privilege for it.

Source: iw(8); the kernel's include/uapi/linux/nl80211.h (``NL80211_ATTR_SURVEY_INFO``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.network.hostapd import air_interface
from appliance.system.processes import run

_TIMEOUT_SECONDS: Final = 5.0
_CHANNEL: Final = re.compile(r"^\s*channel (\d{1,3}) \((\d{3,6}) MHz\)", re.MULTILINE | re.ASCII)
_SURVEY_LINE: Final = re.compile(r"\s+(frequency|noise|channel active time|channel busy time):\s+(-?\d{1,18})\b(.*)")


@dataclass(frozen=True, slots=True)
class Survey:
    """What the driver has counted on the channel in use since it began; None for what it does not count."""

    frequency_mhz: int
    noise_dbm: int | None
    active_ms: int | None
    busy_ms: int | None


@dataclass(frozen=True, slots=True)
class Air:
    """One interface in the air."""

    channel: int | None
    survey: Survey | None
    stations: int


def interfaces(config: Config) -> dict[str, str]:
    """The networks that are in the air of this box, and their interfaces there."""
    if config.radio is None:
        return {}
    return {network.name: air_interface(config, network) for network in config.networks}


def parse_channel(info: str) -> int | None:
    """Read the channel from ``iw dev X info``; None while the interface has none."""
    found = _CHANNEL.search(info)
    return int(found[1]) if found else None


def parse_survey(dump: str) -> Survey | None:
    """Read the channel in use from ``iw dev X survey dump``; None where the driver does not say which it is."""
    return next((found for block in dump.split("Survey data from")[1:] if (found := _survey(block))), None)


def parse_stations(dump: str) -> int:
    """Count the devices in ``iw dev X station dump``."""
    return sum(1 for _ in re.finditer(r"^Station (?:[0-9a-f]{2}:){5}[0-9a-f]{2} ", dump, re.MULTILINE))


def busy_permille(before: Survey | None, now: Survey) -> int | None:
    """How much of the time between two surveys of one channel the air was in use; None where it cannot be said."""
    if now.active_ms is None or now.busy_ms is None:
        return None
    if before is None or before.frequency_mhz != now.frequency_mhz:
        return None
    if before.active_ms is None or before.busy_ms is None:
        return None
    active, busy = now.active_ms - before.active_ms, now.busy_ms - before.busy_ms
    # Counters that began anew: the next two surveys tell.
    return busy * 1000 // active if active > 0 and 0 <= busy <= active else None


def look(interface: str) -> Air:
    """Ask ``iw``.

    Raises:
        OperationError: it is missing, or does not know the interface.
    """
    info = _iw(interface, "info")
    try:
        survey = parse_survey(_iw(interface, "survey", "dump"))
    except OperationError:
        survey = None  # many drivers take no survey
    return Air(parse_channel(info), survey, parse_stations(_iw(interface, "station", "dump")))


def _iw(interface: str, *words: str) -> str:
    return run(["iw", "dev", interface, *words], timeout_seconds=_TIMEOUT_SECONDS).output


def _lines(block: str) -> Iterator[tuple[str, int, str]]:
    for line in block.splitlines():
        if found := _SURVEY_LINE.fullmatch(line):
            yield found[1], int(found[2]), found[3]


def _survey(block: str) -> Survey | None:
    values: dict[str, int] = {}
    in_use = False
    for name, value, rest in _lines(block):
        values[name] = value
        in_use = in_use or (name == "frequency" and "[in use]" in rest)
    if not in_use:
        return None
    return Survey(
        values["frequency"], values.get("noise"), values.get("channel active time"), values.get("channel busy time")
    )
