"""The line of truth: is the uplink up, and since when? The agent writes it, portal and kiosk show it.

The file is JSON: ``{"up": true, "since_wall": "2026-01-01T00:00:00Z", "checked_boottime_ms": 123456}``.
What is unknown is said as unknown, never guessed.
"""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import dataclass
from pathlib import Path

from appliance.system.roots import REAL, Roots

STALE_AFTER_MS = 180_000
_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class UplinkState:
    """What the agent last found.

    ``up`` is None when nothing recent is known. ``since_wall`` is an ISO 8601 time with its zone: a label, since the
    clock of a hub may be wrong. ``checked_boottime_ms`` is CLOCK_BOOTTIME in milliseconds, 0 when unknown.
    """

    up: bool | None
    since_wall: str | None
    checked_boottime_ms: int


UNKNOWN = UplinkState(None, None, 0)


def parse(text: str) -> UplinkState:
    """Read the file's text.

    Raises:
        ValueError: it has another form.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or set(document) != {"up", "since_wall", "checked_boottime_ms"}:
        raise ValueError("the keys are up, since_wall and checked_boottime_ms")
    up, since, checked = document["up"], document["since_wall"], document["checked_boottime_ms"]
    if up is not None and type(up) is not bool:
        raise ValueError("up is true, false or null")
    if type(checked) is not int or checked < 0:
        raise ValueError("checked_boottime_ms is a whole number of milliseconds since boot")
    if since is not None:
        if not isinstance(since, str) or len(since) > 40:
            raise ValueError("since_wall is an ISO 8601 time or null")
        if datetime.datetime.fromisoformat(since).tzinfo is None:
            raise ValueError("since_wall names its time zone")
    return UplinkState(up, since, checked)


def judge(text: str, now_boottime_ms: int) -> UplinkState:
    """Read the text and forget what is stale, malformed, or from before this boot (checked in the future)."""
    try:
        state = parse(text)
    except (ValueError, RecursionError):
        return UNKNOWN
    if not 0 <= now_boottime_ms - state.checked_boottime_ms <= STALE_AFTER_MS:
        return UNKNOWN
    return state


def path(roots: Roots = REAL) -> Path:
    """Where the agent writes it."""
    return roots.run / "desahub-agent" / "uplink.json"


def boottime_ms() -> int:
    """CLOCK_BOOTTIME in milliseconds: goes on during sleep and is not moved by setting the clock."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def read(roots: Roots = REAL, now_boottime_ms: int | None = None) -> UplinkState:
    """Read the state as it is now; anything but a fresh, well-formed file is `UNKNOWN`."""
    now = boottime_ms() if now_boottime_ms is None else now_boottime_ms
    try:
        with path(roots).open("rb") as file:
            raw = file.read(_BYTES_MAX + 1)
    except OSError:
        return UNKNOWN
    if len(raw) > _BYTES_MAX:
        return UNKNOWN
    return judge(raw.decode("utf-8", "replace"), now)
