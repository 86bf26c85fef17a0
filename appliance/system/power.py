"""What the box knows of its own power: the firmware's word on voltage, and the state of a UPS.

Source: the Raspberry Pi documentation of ``vcgencmd get_throttled`` (its bits), the Linux driver ``raspberrypi-hwmon``
(``rpi_volt``), and Documentation/ABI/testing/sysfs-class-power.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.system.roots import REAL, Roots

UNDER_VOLTAGE_NOW: Final = 1 << 0
UNDER_VOLTAGE_EVER: Final = 1 << 16
_FIRMWARE: Final = "devices/platform/soc/soc:firmware/get_throttled"
_HEX: Final = re.compile(r"(0x)?[0-9a-f]{1,8}")


@dataclass(frozen=True, slots=True)
class Power:
    """What is known of the power; None where the box has nothing that measures it.

    ``throttled`` is the firmware's word as it is; ``was_under_voltage`` tells of this whole boot.
    """

    under_voltage: bool | None
    was_under_voltage: bool | None
    on_battery: bool | None
    throttled: int | None


@dataclass(frozen=True, slots=True)
class Supply:
    """One of ``/sys/class/power_supply``; ``online`` and ``status`` are None where it does not tell."""

    kind: str
    online: bool | None
    status: str | None


def parse_throttled(text: str) -> int:
    """Read the firmware's hexadecimal word.

    Raises:
        ValueError: it is none.
    """
    word = text.strip().lower()
    if not _HEX.fullmatch(word):
        raise ValueError(f"get_throttled holds no hexadecimal number of 32 bits: {word[:40]!r}")
    return int(word, 16)


def judge_supplies(supplies: list[Supply]) -> bool | None:
    """Does the box run from its battery? None where no supply tells."""
    stores = [each for each in supplies if each.kind in ("Battery", "UPS")]
    mains = [each.online for each in supplies if each.kind == "Mains" and each.online is not None]
    if mains and stores:
        return not any(mains)
    known = [each.status for each in stores if each.status is not None and each.status != "Unknown"]
    return any(status == "Discharging" for status in known) if known else None


def read(roots: Roots = REAL) -> Power:
    """Read what is there.

    Raises:
        OSError, ValueError: a file that is there cannot be read, or holds something else.
    """
    firmware, alarm = roots.sys / _FIRMWARE, _alarm(roots)
    throttled = parse_throttled(firmware.read_text("ascii", "replace")) if firmware.exists() else None
    now = bool(throttled & UNDER_VOLTAGE_NOW) if throttled is not None else None
    return Power(
        under_voltage=alarm if now is None else now or bool(alarm),
        was_under_voltage=bool(throttled & UNDER_VOLTAGE_EVER) if throttled is not None else None,
        on_battery=judge_supplies([_supply(folder) for folder in _children(roots.sys / "class/power_supply")]),
        throttled=throttled,
    )


def _alarm(roots: Roots) -> bool | None:
    for sensor in _children(roots.sys / "class/hwmon"):
        if _text(sensor / "name") == "rpi_volt":
            text = (sensor / "in0_lcrit_alarm").read_text("ascii", "replace").strip()
            if text not in ("0", "1"):
                raise ValueError(f"in0_lcrit_alarm holds neither 0 nor 1: {text[:40]!r}")
            return text == "1"
    return None


def _supply(folder: Path) -> Supply:
    # The battery of a mouse says nothing of the box.
    kind = "" if _text(folder / "scope") == "Device" else _text(folder / "type") or ""
    online = _text(folder / "online")
    return Supply(kind, None if online is None else online != "0", _text(folder / "status"))


def _text(path: Path) -> str | None:
    # A supply that is being unplugged answers ENODEV; so does one that cannot tell.
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return None


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
