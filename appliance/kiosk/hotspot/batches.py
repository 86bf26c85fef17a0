"""What a clerk may choose when making vouchers. Pure: the form's text in, a wish or its problems out."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.hotspot.protocol import BATCH_COUNT_MAX, DEVICES_MAX, TITLE_LENGTH_MAX

DAY_SECONDS: Final = 86_400
SHEET_VOUCHERS: Final = 24
DURATIONS_SECONDS: Final = tuple(
    hours * 3_600 for hours in (1, 2, 3, 6, 12, 24, 2 * 24, 3 * 24, 7 * 24, 14 * 24, 30 * 24)
)
QUOTAS_MEGABYTES: Final = (0, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
VALID_DAYS: Final = (7, 14, 30, 90, 180, 365)


class Problem(enum.StrEnum):
    """What is wrong with a field."""

    TITLE = "title"
    COUNT = "count"
    CHOICE = "choice"
    UNKNOWN_SPEED = "unknown_speed"  # the keeper does not know it: the configuration was changed and not applied


@dataclass(frozen=True, slots=True)
class Wish:
    """What a batch is to be; field names are the form's."""

    title: str
    count: int = SHEET_VOUCHERS
    devices: int = 1
    duration_seconds: int = DAY_SECONDS
    quota_megabytes: int = 0
    speed: str = ""
    valid_days: int = 90


# Each by a key that stands in the address; their titles are in `words`.
PRESETS: Final[Mapping[str, Wish]] = {
    "sehari": Wish(""),
    "sejam": Wish("", duration_seconds=3_600),
    "seminggu": Wish("", duration_seconds=7 * DAY_SECONDS),
    "keluarga": Wish("", duration_seconds=7 * DAY_SECONDS, devices=4),
    "hemat": Wish("", duration_seconds=DAY_SECONDS, quota_megabytes=500),
}
FIRST_PRESET: Final = "sehari"


@dataclass(frozen=True, slots=True)
class Read:
    """A form that was read: ``wish`` is whole where there are no problems; else a wrong field has its default."""

    wish: Wish
    problems: Mapping[str, Problem]


def read(form: Mapping[str, str], speeds: Collection[str]) -> Read:
    """Read the form. Any text may come; nothing raises.

    Args:
        form: field names and texts, as the browser sent them.
        speeds: the names of ``[[speeds]]``.
    """
    problems: dict[str, Problem] = {}
    title = " ".join(form.get("title", "").split())
    if not (0 < len(title) <= TITLE_LENGTH_MAX and title.isprintable()):
        problems["title"] = Problem.TITLE
        title = ""
    values: dict[str, int] = {}
    count = _number(form.get("count", ""))
    if count is not None and 1 <= count <= BATCH_COUNT_MAX:
        values["count"] = count
    else:
        problems["count"] = Problem.COUNT
    for name, allowed in (
        ("devices", range(1, DEVICES_MAX + 1)),
        ("duration_seconds", DURATIONS_SECONDS),
        ("quota_megabytes", QUOTAS_MEGABYTES),
        ("valid_days", VALID_DAYS),
    ):
        chosen = _number(form.get(name, ""))
        if chosen is not None and chosen in allowed:
            values[name] = chosen
        else:
            problems[name] = Problem.CHOICE
    speed = form.get("speed", "")
    if speed and speed not in speeds:
        problems["speed"], speed = Problem.CHOICE, ""
    return Read(Wish(title=title, speed=speed, **values), problems)


def _number(text: str) -> int | None:
    # Not int() alone: it takes "1_0" and Arabic digits, and a million digits take long.
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip(), re.ASCII) else None
