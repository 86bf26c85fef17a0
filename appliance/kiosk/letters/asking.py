"""Who may ask for which kind of letter. Pure."""

from __future__ import annotations

import datetime
import enum

from appliance.kiosk.letters.kinds import Kind, Who
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.person import Resident


class Hindrance(enum.StrEnum):
    """Why somebody may not ask."""

    NOT_HERE = "not_here"  # moved away, gone, or no longer alive
    TOO_YOUNG = "too_young"
    NOT_HEAD_OF_FAMILY = "not_head_of_family"


def hindrance(kind: Kind, resident: Resident, today: datetime.date) -> Hindrance | None:
    """Say what hinders a resident; None where nothing does. Whose birth is not in the register is not held back."""
    if kind.who is Who.ANYBODY:
        return None
    if resident.status is not StatusDasar.HIDUP:
        return Hindrance.NOT_HERE
    age = resident.age(today)
    if age is not None and age < kind.min_age:
        return Hindrance.TOO_YOUNG
    if kind.who is Who.HEAD_OF_FAMILY and not resident.is_head:
        return Hindrance.NOT_HEAD_OF_FAMILY
    return None
