"""The made-up fleet as an application: seeded once, copied for each test that asks for it."""

from __future__ import annotations

import contextlib
import datetime
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from noc import setup
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.store.sqlite import SqliteNocStore, open_noc_store
from noc.web import create_app
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web import staff
from tests.unit.noc.web.fleet import seed_fleet
from tests.unit.noc.web.visiting import Visit, logged_in

AGE_SECONDS = 7  # since the watch judged the fleet


@dataclass(slots=True)
class FleetApp:
    """An application on the made-up fleet; ``now_ms`` is its clock."""

    app: Flask
    places: setup.Places
    store: SqliteNocStore
    book: SqliteFleetBook
    now_ms: int = NOW_MS + AGE_SECONDS * 1000

    def visitor(self, role: str = "operator", *areas: str) -> FlaskClient:
        """Somebody who has logged in, bound to areas."""
        return staff.log_in(self.app, self.places, role, *areas, name=f"{role}{len(areas)}")


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a NOC with the made-up fleet."""
    folder = tmp_path_factory.mktemp("fleet")
    places = setup.Places(folder / "etc", folder / "var")
    setup.initialise(places, ["localhost"], datetime.datetime.now(datetime.UTC))
    store = open_noc_store(places.store)
    with contextlib.closing(store), contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        seed_fleet(store, book)
    return folder


@pytest.fixture
def fleet_app(seeded: Path, tmp_path: Path) -> Iterator[FleetApp]:
    """An application on a copy of it."""
    folder = tmp_path / "noc"
    shutil.copytree(seeded, folder)
    places = setup.Places(folder / "etc", folder / "var")
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(contextlib.closing(open_noc_store(places.store)))
        book = stack.enter_context(contextlib.closing(open_fleet_book(places.fleet_book)))
        holder: list[FleetApp] = []
        app = create_app(places, store, book, clock=_clock(holder))
        holder.append(FleetApp(app, places, store, book))
        yield holder[0]


def _clock(holder: list[FleetApp]) -> Callable[[], float]:
    return lambda: holder[0].now_ms / 1000 if holder else NOW_MS / 1000


@pytest.fixture
def viewer(fleet_app: FleetApp) -> Visit:
    """Looks, and changes nothing."""
    return logged_in(fleet_app, "viewer")


@pytest.fixture
def operator(fleet_app: FleetApp) -> Visit:
    """Takes care of the whole country."""
    return logged_in(fleet_app, "operator")


@pytest.fixture
def district(fleet_app: FleetApp) -> Visit:
    """Takes care of Badung alone."""
    return logged_in(fleet_app, "operator", "51.03")


@pytest.fixture
def admin(fleet_app: FleetApp) -> Visit:
    """May do everything."""
    return logged_in(fleet_app, "admin")
