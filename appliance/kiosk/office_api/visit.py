"""Whose token asks at this moment, and what it does written down with the token's name and its owner's."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import current_app, g

from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.tries import Tries
from appliance.kiosk.office_api import keys
from appliance.kiosk.office_api.keys import Key
from appliance.kiosk.office_api.pace import Pace
from appliance.kiosk.office_api.tokens import Token, Tokens
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.register import Register
from appliance.kiosk.services import Kiosk, current_kiosk
from appliance.store.audit import Audit
from appliance.store.database import Database

EXTENSION: Final = "kiosk_office_api"


@dataclass(slots=True)
class Visit:
    """One request of a token. ``key`` is set while something is done, and ``deed`` is what the audit calls that."""

    token: Token
    key: Key | None = None
    deed: str = ""

    @property
    def actor(self) -> Actor:
        """The token's owner, in whose name and with whose role everything is done."""
        return Actor(self.token.owner, self.token.role)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the API is given. ``tries`` counts tokens that nobody was given, ``pace`` the requests of each token."""

    tokens: Tokens
    register: Register
    desk: Desk
    tries: Tries
    pace: Pace


class TokenAudit(Audit):
    """The audit of what tokens do: each entry names the token, and with a deed its key is kept in one transaction."""

    def note_in(
        self,
        db: Database,
        actor_name: str,
        actor_role: str,
        what: str,
        subjects: Sequence[int] = (),
        *,
        detail: str = "",
    ) -> None:
        """As `Audit.note_in`, within a request of a token."""
        visit = current_visit()
        said = f"API {visit.token.name}: {detail}" if detail else f"API {visit.token.name}"
        super().note_in(db, actor_name, actor_role, what, subjects, detail=said)
        if visit.key is not None and what == visit.deed:
            keys.keep_in(db, visit.key, subjects[0], int(self.clock()))


def make_parts(kiosk: Kiosk) -> Parts:
    """The parts for an application whose register and desk are there already; call in its context."""
    audit = TokenAudit(kiosk.store, kiosk.clock)
    # It shares what the kiosk's register knows: names of 5,000 residents are not kept in memory twice.
    register = copy.copy(current_register())
    register.audit = audit
    desk = Desk(dataclasses.replace(current_desk().means, audit=audit, register=register))
    return Parts(Tokens(kiosk.store, Audit(kiosk.store, kiosk.clock)), register, desk, Tries(), Pace())


def parts() -> Parts:
    """The parts of the kiosk that is asked."""
    found: Parts = current_app.extensions[EXTENSION]
    return found


def current_visit() -> Visit:
    """The present request's; it has been let in."""
    found: Visit = g.office_api_visit
    return found


def let_in(token: Token) -> None:
    """Begin a visit."""
    g.office_api_visit = Visit(token)


def look(purpose: str) -> Look:
    """A look of the present token's owner."""
    return Look(current_visit().actor, purpose)


def now() -> int:
    """Wall time in whole seconds, as the box believes it."""
    return int(current_kiosk().clock())
