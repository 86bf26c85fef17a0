"""Who does something, and why somebody's data are looked at. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RESIDENT_ROLE: Final = "warga"


@dataclass(frozen=True, slots=True)
class Actor:
    """An account of the office by its name and role, or a resident in a session of their own."""

    name: str
    role: str


# Whose session it is stands in the entry's subject; a name here would say it twice.
RESIDENT: Final = Actor(RESIDENT_ROLE, RESIDENT_ROLE)


@dataclass(frozen=True, slots=True)
class Look:
    """A look at personal data: who, and for what. Whatever reads such data takes one, and writes it down."""

    actor: Actor
    purpose: str
