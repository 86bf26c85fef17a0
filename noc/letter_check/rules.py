"""What can be said of a letter to whoever holds it: pure, it neither asks a clock nor touches a store."""

from __future__ import annotations

import datetime
import enum
import re
from typing import Final

from appliance.core.letter_marks import Mark

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_PRACTICE: Final = "LATIHAN-"  # as appliance.kiosk.letters.codes begins tokens that are made for training


class Verdict(enum.StrEnum):
    """The answer to "is this letter true?"."""

    VALID = "valid"
    VOID = "void"
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # also before it is signed: no hub tells of it until then
    PRACTICE = "practice"


def is_token(text: str) -> bool:
    """Has it the form of what stands in a letter's QR code?"""
    return _TOKEN.fullmatch(text) is not None


def judge(token: str, mark: Mark | None, today: datetime.date) -> Verdict:
    """Judge a letter. ``today`` is the day where the village is; on its last day a letter still holds."""
    if mark is None:
        return Verdict.PRACTICE if is_token(token) and token.startswith(_PRACTICE) else Verdict.UNKNOWN
    if mark.is_void:
        return Verdict.VOID
    last = last_day(mark)
    return Verdict.EXPIRED if last is not None and last < today else Verdict.VALID


def last_day(mark: Mark) -> datetime.date | None:
    """The last day on which it holds, None where it does not end."""
    return None if mark.valid_days is None else mark.date + datetime.timedelta(days=mark.valid_days)
