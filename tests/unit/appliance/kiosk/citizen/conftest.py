"""Residents in the register, some of them with a PIN, and somebody at the screen in the hall."""

import datetime
import html
import re
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.kiosk.citizen.access import open_pins
from appliance.kiosk.citizen.pins import Pins
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.person import draft
from tests.unit.appliance.kiosk.citizen.people import CLERK, MADE, PIN, WAYAN


@dataclass
class Hall:
    """The kiosk with its register and PINs, and a visitor."""

    visitor: Any
    world: Any
    pins: Pins
    ids: dict[str, int]

    def get(self, path: str) -> Any:
        return self.visitor.get(path)

    def send(self, path: str, form: dict[str, str], page: str = "") -> Any:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page or path).get_data(as_text=True))
        assert token is not None, path
        return self.visitor.post(path, {"csrf_token": token[1], **form})

    def enter(self, nik: str = WAYAN, pin: str = PIN) -> Any:
        return self.send("/masuk-warga", {"nik": nik, "pin": pin})

    def give(self, nik: str, pin: str, *, is_first: bool = False) -> None:
        self.pins.give(CLERK, self.ids[nik], nik, pin, int(self.world.now))
        if not is_first:
            with self.world.store.transaction() as db:
                db.execute("UPDATE pins SET must_change = 0 WHERE resident_id = ?", [self.ids[nik]])

    def set_status(self, nik: str, status: StatusDasar) -> None:
        open_register(self.world.kiosk()).set_status(CLERK, self.ids[nik], status, 1)

    def put_in_front(self, name: str, role: str) -> None:
        """Log somebody of the office in."""
        new = "kopi pagi di balai"
        password = self.world.add(name, role)
        self.send("/kantor/masuk", {"name": name, "password": password})
        self.send("/kantor/sandi", {"old": password, "new": new, "again": new})
        assert self.send("/kantor/masuk", {"name": name, "password": new}).status_code == 303


def words(response: Any) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


@pytest.fixture
def hall(visitor: Any, world: Any) -> Hall:
    kiosk = world.kiosk()
    register, today = open_register(kiosk), datetime.date(2026, 9, 21)
    rows = (
        (WAYAN, {"nama": "I Wayan Contoh", "sex": "1", "tanggallahir": "1990-08-17"}),
        (MADE, {"nama": "Ni Made Contoh", "sex": "2", "tanggallahir": "1985-03-12"}),
    )
    ids = {nik: register.add(CLERK, draft({"nik": nik, **row}, today)) for nik, row in rows}
    made = Hall(visitor, world, open_pins(kiosk), ids)
    made.give(WAYAN, PIN)
    return made
