"""Who may ask the gate what. The asker is the uid the kernel names, unix(7) ``SO_PEERCRED``."""

from __future__ import annotations

import enum
import pwd
from collections.abc import Mapping
from typing import Any, Final

from appliance.gate.protocol import Admit, AdmitAll, AskClient, AskStatus, ListClients, Request, Revoke


class Role(enum.StrEnum):
    """What a local user is to the gate."""

    PORTAL = "portal"
    KIOSK = "kiosk"
    AGENT = "agent"
    ROOT = "root"


_ALL: Final[frozenset[type[Any]]] = frozenset({Admit, AdmitAll, Revoke, ListClients, AskClient, AskStatus})
MAY_ASK: Final[Mapping[Role, frozenset[type[Any]]]] = {
    Role.PORTAL: _ALL,
    Role.KIOSK: frozenset({AskStatus}),
    Role.AGENT: frozenset({AskStatus}),
    Role.ROOT: _ALL,
}
_USERS: Final[Mapping[str, Role]] = {
    "root": Role.ROOT,
    "desahub-portal": Role.PORTAL,
    "desahub-kiosk": Role.KIOSK,
    "desahub-agent": Role.AGENT,
}


def roles_of_users() -> dict[int, Role]:
    """The uids of this machine's users that have a role; users that do not exist have none."""
    found = {}
    for name, role in _USERS.items():
        try:
            found[pwd.getpwnam(name).pw_uid] = role
        except KeyError:
            continue
    return found


def may_ask(role: Role | None, request: Request) -> bool:
    """May a user with ``role`` (None: a user without one) ask this?"""
    return role is not None and type(request) in MAY_ASK[role]
