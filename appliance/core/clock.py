"""Moments as a box without a clock battery knows them: pure, nothing here asks a clock.

Durations come from CLOCK_BOOTTIME (it counts through suspend and never jumps), identity from the boot id and a
sequence; wall time is a label whose quality is told with it.

Source: clock_gettime(2), random(4) for ``/proc/sys/kernel/random/boot_id``.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

_BOOT_ID = re.compile("[0-9a-f]{32}")


class WallQuality(enum.IntEnum):
    """How far wall time can be believed. The numbers are part of the report's schema."""

    UNKNOWN = 0  # nothing ever set it in this boot
    RTC = 1  # a battery-backed clock set it
    NTP = 2  # a time server set it


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of all clocks. ``boot_id`` is 32 hexadecimal digits, times are in milliseconds."""

    boot_id: str
    boottime_ms: int
    wall_ms: int
    wall_quality: WallQuality


def parse_boot_id(text: str) -> str:
    """Bring a boot id to 32 lower-case hexadecimal digits; the kernel writes it with hyphens.

    Raises:
        ValueError: the text is no boot id.
    """
    found = text.strip().replace("-", "").lower()
    if not _BOOT_ID.fullmatch(found):
        raise ValueError(f"{text[:60]!r} is not a boot id of 32 hexadecimal digits")
    return found
