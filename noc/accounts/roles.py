"""What each role may do. Pure; the pages' doors are in `noc.web.access`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Right(enum.StrEnum):
    """What a page asks of its visitor."""

    LOOK = "look"
    ACT = "act"  # acknowledge, silence, maintenance windows, visits, notes
    MANAGE = "manage"  # cards, contacts, commands, imports
    ADMIN = "admin"  # accounts, audit


class Role(enum.StrEnum):
    """What an account is. One that is bound to areas (a district's) is a viewer or an operator of these."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


RIGHTS: Final[Mapping[str, frozenset[Right]]] = {
    Role.VIEWER: frozenset({Right.LOOK}),
    Role.OPERATOR: frozenset({Right.LOOK, Right.ACT}),
    Role.ADMIN: frozenset(Right),
}


def rights_of(role: str) -> frozenset[Right]:
    """Say what a role may do; one that nobody knows may nothing."""
    return RIGHTS.get(role, frozenset())
