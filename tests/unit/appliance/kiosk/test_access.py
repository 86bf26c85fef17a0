"""Every route of the kiosk, asked for by everybody from everywhere: who gets in, who is led to which login, who is
refused; and nobody's page is found by another's number.

The expectations are in `access_table`, written down apart from the code: a new route fails here until it stands there.
"""

from __future__ import annotations

import dataclasses
import datetime
import io
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, session
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from appliance.core import config as hub_config
from appliance.gate.twin import TwinGate
from appliance.hotspot.protocol import MakeBatch
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk.actors import RESIDENT, Actor
from appliance.kiosk.app import create_app, open_database, services
from appliance.kiosk.citizen.access import open_pins
from appliance.kiosk.citizen.sessions import Sessions, Where
from appliance.kiosk.cookies import Cookies
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.paper import Signing
from appliance.kiosk.office.rules import Role
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.imports import Imports
from appliance.kiosk.residents.person import draft
from appliance.kiosk.residents.workbook import read_workbook
from appliance.papers.twin_printer import TwinPrinter
from appliance.papers.twin_signer import TwinSigner
from appliance.store import brake
from tests.unit.appliance.kiosk.access_table import BEFORE_ALL_ELSE, ENDING, SEKRETARIS, TABLE, WITHOUT_MARK, Row, Whom
from tests.unit.appliance.kiosk.conftest import ACCOUNTS_TOML, CHEAP, HUB_TOML, World

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
CLERK, HEAD = Actor("siti", "operator"), Actor("ibu.kepala", "kepala_desa")
SLUG: Final = "keterangan-penghasilan"
ANNA, BELA = "5103011708900001", "5103015203850002"
ANNA_NAME, BELA_NAME = "Anna Pemilik", "Bela Tetangga"
# Where one asks from: as nginx says it.
PLACES: Final = {
    "hall": {"X-Desa-Place": "hall", "X-Real-IP": "127.0.0.1"},
    "office": {"X-Desa-Place": "office", "X-Real-IP": "10.21.0.9"},
    "air": {"X-Desa-Place": "resident", "X-Real-IP": "10.20.0.9"},
    "tls": {"X-Desa-Place": "resident", "X-Real-IP": "10.20.0.9", "X-Desa-TLS": "yes"},
}
INSIDE: Final = frozenset({"hall", "office"})
PRIVATE: Final = INSIDE | {"tls"}
# Roles are told apart in the office; elsewhere one of them stands for all.
VISITS: Final = (
    *(("office", role.value) for role in Role),
    *((place, who) for place in ("hall", "air", "tls") for who in ("operator", "kader")),
    *((place, who) for place in PLACES for who in ("nobody", "anna")),
)
_FILES: Final = {
    "/faces/": "tokens.css",
    "/layar/berkas/": "touch.js",
    "/masuk-warga/berkas/": "pad.js",
    "/kantor/hotspot/gaya/": "hotspot.css",
    "/kantor/surat/gaya/": "office-letters.css",
    "/kantor/warga/gaya/": "residents.css",
}
HOW = (
    "\n\nA route that nobody wrote down: add it to TABLE in tests/unit/appliance/kiosk/access_table.py with whom it is "
    "for (a Whom, or the roles of the office). Where its address names a new kind of object, make one of Bela's, which "
    "Anna must not see, in Village below, and name it in Village.objects."
)


@dataclass
class Village:
    """A kiosk with two residents who each have all that a resident can have, and one account of each role."""

    world: World
    app: Flask
    objects: dict[str, dict[str, str]]
    ids: dict[str, int]
    held: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        place: str,
        who: str,
        *,
        is_marked: bool = True,
        form: Mapping[str, str] = NOTHING,
        query: Mapping[str, str] = NOTHING,
    ) -> TestResponse:
        """Ask as somebody from somewhere; ``is_marked``: with the mark that only our own form has."""
        cookie, mark = self._held(who, place)
        client = self.app.test_client(use_cookies=False)
        data = {**form, **({"csrf_token": mark} if is_marked else {})} if method == "POST" else None
        headers = {**PLACES[place], "Cookie": cookie}
        return client.open(path, method=method, headers=headers, data=data, query_string=query, buffered=True)

    def begin_anew(self) -> None:
        """Log everybody in again: some forms end sessions."""
        self.held.clear()

    def _held(self, who: str, place: str) -> tuple[str, str]:
        """The cookie of somebody who is logged in, and the mark of their forms."""
        if (who, place) not in self.held:
            where = Where.HALL if place == "hall" else Where.PHONE
            values = {} if who == "nobody" else {"citizen" if who in self.ids else "token": self._begin(who, where)}
            with self.app.test_request_context(headers=PLACES[place]):
                mark = generate_csrf()
                values["csrf_token"] = session["csrf_token"]
                cookies = Cookies()
                signer = cookies.get_signing_serializer(self.app)
                assert signer is not None
                name = cookies.get_cookie_name(self.app)
            self.held[who, place] = f"{name}={signer.dumps(values)}", mark
        return self.held[who, place]

    def _begin(self, who: str, where: Where) -> str:
        now, store = int(self.world.now), self.world.store
        if who in self.ids:
            with store.transaction() as db:
                return Sessions(store).begin(db, self.ids[who], where, now)
        with store.transaction() as db:
            token = f"{who}-{secrets.token_hex(8)}"
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", [brake.digest(token), who, now, now])
        return token

    def path(self, row: Row, whose: str) -> str:
        """The row's address, with the objects of somebody in it."""

        def put(found: re.Match[str]) -> str:
            name = found[1]
            if "resident_id" in name or name == "id_":
                return str(self.ids[whose])
            return self.objects[whose].get(name, self.objects["all"].get(name, ""))

        filled = re.sub(r"<(?:[^<>:]+(?:\([^)]*\))?:)?([a-z_]+)>", put, row.path)
        return f"{filled}{_FILES[filled]}" if filled in _FILES else filled


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    config = hub_config.parse(HUB_TOML + ACCOUNTS_TOML)
    store = open_database(tmp_path_factory.mktemp("access"), services())
    world = World(config, store, TwinGate(config), TwinHotspot())
    zone = ZoneInfo(config.village.timezone)
    world.hotspot = TwinHotspot([speed.name for speed in config.speeds], lambda: int(world.now), zone)
    twins = {"printer": TwinPrinter(), "ticket_printer": TwinPrinter(takes_pdf=False), "signer": TwinSigner()}
    kiosk = dataclasses.replace(world.kiosk(), **twins)  # type: ignore[arg-type]
    for role in Role:
        open_accounts(store, CHEAP).add(role.value, role.value, int(world.now))
    with store.transaction() as db:
        db.execute("UPDATE accounts SET must_change = 0")
    made = Village(world, create_app(kiosk, services()), {}, {})
    register, desk = open_register(kiosk), make_desk(kiosk)
    today = datetime.date(2026, 9, 21)
    for who, nik, name in (("anna", ANNA, ANNA_NAME), ("bela", BELA, BELA_NAME)):
        row = {"nik": nik, "nama": name, "sex": "2", "tanggallahir": "1985-03-12"}
        made.ids[who] = register.add(CLERK, draft(row, today))
        open_pins(kiosk).give(CLERK, made.ids[who], nik, "482913", int(world.now))
    with store.transaction() as db:
        db.execute("UPDATE pins SET must_change = 0")
    official = desk.officials_book.add(HEAD, Signing("I Made Contoh", "Perbekel"), account="kepala_desa")
    for who in ("anna", "bela"):
        receipt = desk.submit(RESIDENT, f"{who}-{'k' * 20}", SLUG, answers=Answers({}), resident_id=made.ids[who])
        desk.verify(CLERK, receipt.letter_id, 1)
        desk.approve(HEAD, receipt.letter_id, official, 2)
        letter = desk.own(made.ids[who], receipt.letter_id)
        made.objects[who] = {"letter_id": str(letter.id), "token": letter.token}
    header, rows = read_workbook(io.BytesIO(f"nik;nama\n{BELA};{BELA_NAME} Baru\n".encode()), today)
    batch = world.hotspot.ask(MakeBatch("Acara", 3, 1, 3_600, 100, "", 30, "ani"))
    made.objects["all"] = {
        "import_id": str(Imports(register).make(CLERK, header, rows)),
        "official_id": str(official),
        "slug": SLUG,
        "name": "operator",
        "kind": SLUG,
        "call_id": "1",
        "which": "unduh",
        "batch_id": str(batch.batch.id),
        "serial": "1",
        "filename": "",
    }
    yield made
    store.close()


def _routes(app: Flask) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_stands_in_the_table_once(village: Village) -> None:
    written = [row.name for row in TABLE]
    assert len(written) == len(set(written))
    unknown, gone = _routes(village.app) - set(written), set(written) - _routes(village.app)
    assert not unknown, f"{sorted(unknown)}{HOW}"
    assert not gone, f"in access_table.TABLE, and no route any more: {sorted(gone)}"


def _text(answer: TestResponse) -> str:
    return answer.get_data().decode("utf-8", "replace")


def _verdict(answer: TestResponse) -> str:
    """What came of it: "in", or how somebody was turned away."""
    text, led_to = _text(answer), answer.headers.get("Location", "") if answer.status_code == 303 else ""
    if led_to in ("/kantor/masuk", "/kantor/masuk/kode", "/kantor/masuk/telepon"):
        return "office login"
    if led_to == "/masuk-warga":
        return "resident login"
    if answer.status_code in (401, 403) and answer.mimetype == "application/problem+json":
        return "no token"
    for code, word in (("403 KANTOR", "air"), ("403 PERAN", "role")):
        if answer.status_code == 403 and code in text:
            return word
    if answer.status_code == 403 and "Data pribadi belum bisa dibuka" in text:
        return "why not here"
    return "in"


def _expected(row: Row, place: str, who: str) -> str:
    is_officer = who not in ("nobody", "anna", "bela")
    if row.whom is Whom.EVERYBODY:
        return "in"
    if row.whom is Whom.TOKEN:
        return "no token"
    if row.whom in (Whom.RESIDENT_DOOR, Whom.RESIDENT, Whom.OWNER):
        if place not in PRIVATE:
            return "why not here"
        return "in" if row.whom is Whom.RESIDENT_DOOR or (not is_officer and who != "nobody") else "resident login"
    if place not in INSIDE:
        return "air"
    if row.whom is Whom.OFFICE_DOOR:
        return "in"
    if not is_officer:
        return "office login"
    return "in" if row.whom is Whom.ACCOUNT or who in row.whom else "role"


def _named(rows: Iterable[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", tuple(rows), ids=lambda row: row.name)


@_named(TABLE)
def test_who_gets_in(village: Village, row: Row) -> None:
    for place, who in VISITS:
        answer = village.ask(row.method, village.path(row, "anna"), place, who)
        said = f"{row.name} for {who} in {place}: {answer.status_code}"
        assert answer.status_code < 500, said
        found, expected = _verdict(answer), _expected(row, place, who)
        # What stands round the login leads there by itself.
        assert found == expected or (row.whom is Whom.OFFICE_DOOR and found == "office login"), said
        if not row.path.endswith("<path:filename>"):
            assert answer.headers["Cache-Control"] == "no-store", said
        if who == "nobody" or expected != "in":
            assert not any(each in _text(answer) for each in (ANNA, BELA, ANNA_NAME, BELA_NAME)), said
        if who == "anna":
            assert not any(each in _text(answer) for each in (BELA, BELA_NAME)), said
        if row.name in ENDING:
            village.begin_anew()


@_named(row for row in TABLE if row.whom is Whom.OWNER)
def test_what_is_somebody_elses_is_not_there(village: Village, row: Row) -> None:
    before = _letters(village)
    for place in sorted(PRIVATE):
        answer = village.ask(row.method, village.path(row, "bela"), place, "anna")
        assert answer.status_code == 404, f"{row.name} in {place}: {answer.status_code}"
        assert BELA_NAME not in _text(answer) and BELA not in _text(answer)
        assert (
            village.ask("GET", f"/surat/saya/{village.objects['bela']['letter_id']}", place, "bela").status_code == 200
        )
    assert _letters(village) == before


@_named(row for row in TABLE if row.method == "POST" and row.whom is not Whom.TOKEN and row.name not in WITHOUT_MARK)
def test_a_form_without_its_mark_does_nothing(village: Village, row: Row) -> None:
    """Another site's form is refused, for whoever may: it has the cookie, and not the mark."""
    for place, who in VISITS:
        if place not in ("hall", "tls") and _expected(row, place, who) == "in":
            answer = village.ask("POST", village.path(row, "anna"), place, who, is_marked=False)
            # A form of the login's second step is not even looked at where the first was not taken.
            is_led_away = row.whom is Whom.OFFICE_DOOR and answer.status_code == 303
            assert is_led_away or (answer.status_code == 400 and "400 FORMULIR" in _text(answer)), (
                f"{who}: {answer.status}"
            )


@_named(row for row in TABLE if "<int" in row.path)
@pytest.mark.parametrize("number", [0, 2**53, 2**63, 10**30])
def test_a_number_that_nothing_has_is_not_found(village: Village, row: Row, number: int) -> None:
    path = re.sub(r"/\d+(?=/|$)", f"/{number}", village.path(row, "anna"))
    who = "anna" if row.whom is Whom.OWNER else SEKRETARIS
    answer = village.ask(row.method, path, "office", who)
    assert answer.status_code < 500, answer.status_code


@_named(
    row
    for row in TABLE
    if row.whom not in (Whom.EVERYBODY, Whom.OFFICE_DOOR, Whom.RESIDENT_DOOR, Whom.TOKEN)
    and row.path not in BEFORE_ALL_ELSE
)
def test_who_must_change_the_first_password_or_pin_does_that_first(village: Village, row: Row) -> None:
    is_office = row.path.startswith("/kantor")
    with village.world.store.transaction() as db:
        db.execute("UPDATE accounts SET must_change = 1")
        db.execute("UPDATE pins SET must_change = 1")
    try:
        answer = village.ask(row.method, village.path(row, "anna"), "office", SEKRETARIS if is_office else "anna")
    finally:
        with village.world.store.transaction() as db:
            db.execute("UPDATE accounts SET must_change = 0")
            db.execute("UPDATE pins SET must_change = 0")
    assert answer.status_code == 303, answer.status_code
    assert answer.headers["Location"] == ("/kantor/sandi" if is_office else "/pin")


def _letters(village: Village) -> list[tuple[Any, ...]]:
    with village.world.store.reading() as db:
        return db.execute("SELECT id, state, version FROM letters ORDER BY id").fetchall()
