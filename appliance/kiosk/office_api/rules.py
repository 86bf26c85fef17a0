"""What a token may do, how long, and how often it may ask. Pure."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from appliance.kiosk.office.rules import Permission, may

DAYS_MAX: Final = 366
DAYS_USUAL: Final = 90
TOKENS_MAX: Final = 20  # of one account, those that have ended left out
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{1,39}", re.ASCII)
BURST: Final = 60
REQUESTS_PER_SECOND: Final = 5.0


class Scope(enum.StrEnum):
    """What a token is for; never more than its owner's role may at that moment."""

    RESIDENTS_READ = "residents.read"
    RESIDENTS_WRITE = "residents.write"
    LETTERS_READ = "letters.read"
    LETTERS_PROCESS = "letters.process"
    AGGREGATES = "aggregates"


# One of them is enough. What a step of a letter asks beyond that the letters' own rules say.
_NEEDS: Final[Mapping[Scope, tuple[Permission, ...]]] = MappingProxyType(
    {
        Scope.RESIDENTS_READ: (Permission.SEE_RESIDENTS,),
        Scope.RESIDENTS_WRITE: (Permission.CHANGE_RESIDENTS,),
        Scope.LETTERS_READ: (Permission.PROCESS_LETTERS, Permission.APPROVE_LETTERS),
        Scope.LETTERS_PROCESS: (Permission.PROCESS_LETTERS, Permission.APPROVE_LETTERS),
        Scope.AGGREGATES: (Permission.SEE_AGGREGATES,),
    }
)


def scopes_of(role: str) -> frozenset[Scope]:
    """All that tokens of a role may be for."""
    return frozenset(scope for scope in Scope if any(may(role, permission) for permission in _NEEDS[scope]))


def read_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """The scopes that are named; what is none is left out."""
    return frozenset(Scope(word) for word in words if word in set(Scope))


class Wrong(enum.StrEnum):
    """Why a token is not made."""

    NAME = "name"
    OWNER = "owner"  # nobody, or somebody whose accounts the maker does not manage
    SCOPE = "scope"  # the owner's role has not so much
    END = "end"
    TOO_MANY = "too_many"


class TokenRefused(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """A token that cannot be made or handed out; nothing has changed."""

    def __init__(self, wrong: Wrong) -> None:
        self.wrong = wrong
        super().__init__(wrong.value)


class Standing(enum.StrEnum):
    """What is to be said of a token that somebody shows."""

    GOOD = "good"
    REVOKED = "revoked"
    EXPIRED = "expired"
    CLOSED = "closed"  # the account is shut, or waits for a new password or a telephone
    TAKE_AGAIN = "take_again"  # password or telephone changed since: whoever has it now shows that with a login


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to be, before it is."""

    owner: str
    name: str
    scopes: frozenset[Scope]
    ends_on: datetime.date

    def require_fit(self, role: str, today: datetime.date) -> None:
        """Raise `TokenRefused` where an account of ``role`` can have no such token."""
        if not NAME.fullmatch(self.name):
            raise TokenRefused(Wrong.NAME)
        if not self.scopes <= scopes_of(role):
            raise TokenRefused(Wrong.SCOPE)
        if not today <= self.ends_on <= today + datetime.timedelta(days=DAYS_MAX):
            raise TokenRefused(Wrong.END)
