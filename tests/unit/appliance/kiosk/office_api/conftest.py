"""An office with tokens of every role, two residents, and letters; and tools that ask with them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from appliance.core import config as hub_config
from appliance.gate.twin import TwinGate
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk.actors import Actor
from appliance.kiosk.app import create_app, open_database, services
from appliance.kiosk.letters import current
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.paper import Signing
from appliance.kiosk.letters.tries import Tries
from appliance.kiosk.office.rules import Role
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.office_api import door
from appliance.kiosk.office_api.pace import Pace
from appliance.kiosk.office_api.rules import Grant, Scope, scopes_of
from appliance.kiosk.office_api.tokens import Tokens
from appliance.kiosk.office_api.visit import EXTENSION, Parts
from appliance.kiosk.residents import person
from appliance.kiosk.residents.access import open_register
from appliance.store.audit import Audit, Entry
from tests.unit.appliance.kiosk.conftest import CHEAP, HUB_TOML, World
from tests.unit.appliance.kiosk.office.conftest import desk  # noqa: F401 - a fixture
from tests.unit.appliance.kiosk.residents.people import AYU, MADE

V1 = door.PREFIX
PLAIN = "keterangan-penghasilan"
INCOME = {"pekerjaan_sekarang": "petani", "penghasilan": "1500000", "tanggungan": "2", "keperluan": "beasiswa"}
OPERATOR, HEAD = Actor("ani.operator", "operator"), Actor("ani.kepala-desa", "kepala_desa")
# Takes requests at the counter: of a resident's own, only some wait at once.
COUNTER = Actor("rani.loket", "operator")
ALL = frozenset(Scope)


@dataclass
class Tool:
    """A program that asks with a token, through nginx from a place."""

    app: Flask
    secret: str
    place: str = "office"
    keys: Any = field(default_factory=lambda: itertools.count(1))

    def get(self, path: str, **headers: str) -> Any:
        return self.app.test_client().get(f"{V1}{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any = None, *, key: str = "", seen: int = 0, tag: str = "") -> Any:
        headers = {"If-Match": tag} if tag else {}
        headers["Idempotency-Key"] = key or f"kunci-{next(self.keys):08d}"
        if seen:
            headers["If-Match"] = f'"{seen}"'
        return self.app.test_client().post(f"{V1}{path}", json=body, headers=self._headers(headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        own = {"X-Desa-Place": self.place, "X-Real-IP": "10.21.0.9", "Authorization": f"Bearer {self.secret}"}
        return {**own, **more}


class Office:
    """The kiosk with its register and desk, and tokens for whoever needs one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app = create_app(world.kiosk(), services())
        self.loosen()
        self.desk: Desk = current.make_desk(world.kiosk())
        register = open_register(world.kiosk())
        today = register.today()
        self.made = register.add(OPERATOR, person.draft(MADE, today))
        self.ayu = register.add(OPERATOR, person.draft(AYU, today))
        self.official = self.desk.officials_book.add(HEAD, Signing("I Made Contoh", "Perbekel"), account=HEAD.name)
        self.tokens = Tokens(world.store, Audit(world.store, lambda: world.now))
        self.count = itertools.count(1)

    @property
    def today(self) -> Any:
        return open_register(self.world.kiosk()).today()

    def loosen(self, *, pace: Pace | None = None, tries: Tries | None = None) -> None:
        """Let tools ask as fast as a test does."""
        found: Parts = self.app.extensions[EXTENSION]
        self.app.extensions[EXTENSION] = dataclasses.replace(
            found, pace=pace or Pace(10**6, 10.0**6), tries=tries or found.tries
        )

    def account(self, role: str) -> Actor:
        """An account that has a password of its own; made once for each role."""
        name = f"ani.{role.replace('_', '-')}"
        accounts = open_accounts(self.world.store, CHEAP)
        if name not in {each.name for each in accounts.all()}:
            first = accounts.add(name, role, int(self.world.now))
            accounts.change_password(name, first, "kopi pagi di balai", "10.21.0.9", int(self.world.now))
        return Actor(name, role)

    def tool(self, role: str = "operator", scopes: frozenset[Scope] = ALL, *, name: str = "Excel desa") -> Tool:
        """A tool with a token of an account of this role: for these scopes, as far as the role has them."""
        owner, maker = self.account(role), self.account(Role.KEPALA_DESA)
        number = self.number(owner, maker, scopes & scopes_of(role), name)
        return Tool(self.app, self.tokens.take(owner, number, int(self.world.now), self.today))

    def number(self, owner: Actor, maker: Actor, scopes: frozenset[Scope], name: str = "Excel desa") -> int:
        return self.tokens.grant(maker, Grant(owner.name, name, scopes, self.today), int(self.world.now), self.today)

    def letter(self, *, actor: Actor = COUNTER, verified: bool = False, approved: bool = False) -> Letter:
        """A letter about Made."""
        receipt = self.desk.submit(
            actor, f"key-{next(self.count):018d}", PLAIN, answers=Answers({}), resident_id=self.made
        )
        if verified or approved:
            self.desk.verify(OPERATOR, receipt.letter_id, 1)
        if approved:
            self.desk.approve(HEAD, receipt.letter_id, self.official, 2)
        return self.seen(receipt.letter_id)

    def seen(self, letter_id: int) -> Letter:
        with self.world.store.reading() as db:
            return self.desk.reader.letter(db, letter_id)

    def trail(self) -> tuple[Entry, ...]:
        return Audit(self.world.store, lambda: self.world.now).latest(100)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office for tests that leave nothing behind which others would see."""
    config = hub_config.parse(HUB_TOML)
    store = open_database(tmp_path_factory.mktemp("office"), services())
    yield Office(World(config, store, TwinGate(config), TwinHotspot()))
    store.close()
