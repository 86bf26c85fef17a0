"""From a record to what the line's history needs of it: pure.

A month of records is 43,200 looks that hardly differ; `noc.rules.history` keeps what differs.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.core.report import Number

INTERVAL_MS: Final = 60_000
# Half the contracted speed is slow; less is what residents call broken (docs/adr/0037).
USABLE_PERMILLE: Final = 500
LOSS_UNUSABLE_PERMILLE: Final = 300
_CHANGES: Final = ("event.uplink_down", "event.uplink_up", "event.uplink_half_open")
_TARGETS: Final = ("t1", "t2", "t3", "t4")


class Link(enum.IntEnum):
    """How far the uplink goes. The first six are `uplink_state` as it travels."""

    NO_LINK = 0
    NO_ADDRESS = 1
    NO_GATEWAY = 2
    NO_INTERNET = 3
    CAPTIVE = 4
    UP = 5
    DOWN = 6  # an event said that it is down, and nothing more
    UNTOLD = 7  # the box looked and could not tell, or did not look


class BootReason(enum.IntEnum):
    """Why a boot began, as `boot_reason` travels."""

    UNKNOWN = 0
    CLEAN = 1
    UNCLEAN = 2
    ASKED = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a hub is read.

    Attributes:
        interval_ms: how often it makes a record (``agent.interval_seconds`` of its configuration).
        download_kbit: contracted speed; 0 where there is no contract, and then no speed is too low.
        upload_kbit: the same towards the internet.
    """

    interval_ms: int = INTERVAL_MS
    download_kbit: int = 0
    upload_kbit: int = 0

    @property
    def hold_ms(self) -> int:
        """Two records in a row that lie further apart than this say nothing about what lay between: nobody looked."""
        return 2 * self.interval_ms

    @property
    def silence_ms(self) -> int:
        """After its last record a box that still ran would have made the next within this time."""
        return self.interval_ms + 5_000


@dataclass(frozen=True, slots=True)
class Look:
    """What one record says of line and power.

    Attributes:
        link: None where an event's record has no word about the line: it is as it was.
        is_change: the line changed at this very moment; until then it was as before. It may lie before the record that
            was made last: a doubt comes true some seconds later.
        is_lossy: every target that was asked lost too much, in the interval that ends here.
        is_slow: a speed test missed the contract, or met it; None without a test.
        on_battery: the box has no mains, or has; None where it has no word about it.
        under_voltage: the supply is too weak, or not; None likewise.
    """

    link: Link | None
    is_change: bool = False
    is_lossy: bool = False
    is_slow: bool | None = None
    on_battery: bool | None = None
    under_voltage: bool | None = None


def read(samples: Mapping[str, Number | None], terms: Terms) -> Look:
    """Take from a record's samples what is said of line and power."""
    return Look(
        link=_link(samples),
        is_change=any(name in samples for name in _CHANGES),
        is_lossy=_is_lossy(samples),
        is_slow=_is_slow(samples, terms),
        on_battery=_on_battery(samples),
        under_voltage=_flag(samples, "power_under_voltage"),
    )


def _flag(samples: Mapping[str, Number | None], name: str) -> bool | None:
    value = samples.get(name)
    return None if value is None else value == 1


def _on_battery(samples: Mapping[str, Number | None]) -> bool | None:
    if "event.power_lost" in samples or "event.power_back" in samples:
        return "event.power_lost" in samples
    return _flag(samples, "power_on_battery")


def _link(samples: Mapping[str, Number | None]) -> Link | None:
    state = samples.get("uplink_state")
    if state is not None and state in range(6):
        return Link(int(state))
    if "event.uplink_up" in samples or ("uplink_state" not in samples and samples.get("uplink_up") == 1):
        return Link.UP
    if "event.uplink_down" in samples or ("uplink_state" not in samples and samples.get("uplink_up") == 0):
        return _kind_of_down(samples)
    is_mere_event = "uplink_state" not in samples and any(name.startswith("event.") for name in samples)
    return None if is_mere_event else Link.UNTOLD


def _kind_of_down(samples: Mapping[str, Number | None]) -> Link:
    steps = (
        ("uplink_has_link", Link.NO_LINK),
        ("uplink_has_address", Link.NO_ADDRESS),
        ("uplink_has_gateway", Link.NO_GATEWAY),
    )
    for name, link in steps:
        if samples.get(name) == 0:
            return link
    return Link.NO_INTERNET if samples.get("uplink_has_gateway") == 1 else Link.DOWN


def _is_lossy(samples: Mapping[str, Number | None]) -> bool:
    losses = [loss for each in _TARGETS if (loss := samples.get(f"uplink_loss_permille.{each}")) is not None]
    return bool(losses) and min(losses) >= LOSS_UNUSABLE_PERMILLE


def _is_slow(samples: Mapping[str, Number | None], terms: Terms) -> bool | None:
    """Judge a speed test. What the line carried in that minute counts too: residents may have used it meanwhile."""
    found = []
    for test, peak, contracted in (
        ("speed_test_download_kbit", "interface_received_peak_kbit.uplink", terms.download_kbit),
        ("speed_test_upload_kbit", "interface_sent_peak_kbit.uplink", terms.upload_kbit),
    ):
        measured = samples.get(test)
        if measured is not None and contracted > 0:
            found.append(1000 * max(measured, samples.get(peak) or 0) < USABLE_PERMILLE * contracted)
    return any(found) if found else None
