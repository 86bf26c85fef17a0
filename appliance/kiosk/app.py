"""Make the kiosk: the home page, and whatever services its folders hold."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flask import Flask, g, render_template, request
from flask_babel import gettext

import appliance.kiosk
from appliance.faces import languages, village
from appliance.faces.web import Face, install
from appliance.kiosk.cookies import Cookies
from appliance.kiosk.inside import OFFICE_PREFIX
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, current_kiosk, current_place, discover
from appliance.papers.printing import PrinterState
from appliance.store import keys
from appliance.store.database import Store, open_store
from appliance.store.vault import Vault

DATABASE: Final = "kiosk.db"
PERSONAL_KEY: Final = "personal.key"
PIN_PEPPER: Final = "pin.pepper"
PRACTICE_BAND: Final = "practice/band.html"
TRANSLATIONS: Final = Path(__file__).parent / "translations"
SECRET: Final = "cookie.secret"  # noqa: S105 - the name of a file


def services() -> tuple[Service, ...]:
    """The services this release holds."""
    return discover(appliance.kiosk)


def open_database(state_directory: Path, found: Sequence[Service]) -> Store:
    """Open the kiosk's database with the tables of all services. Raises `appliance.core.errors.StoreError`."""
    sets = [keys.MIGRATIONS, *(each for service in found for each in service.migrations)]
    return open_store(state_directory / DATABASE, sets)


def open_keys(state_directory: Path, store: Store) -> tuple[Vault, bytes]:
    """What seals personal data, and the pepper of PINs. Raises `StoreError` where one is missing or another's."""
    # The store is closed again: each thread that serves opens its own.
    with contextlib.closing(store):
        vault = Vault(keys.load(state_directory / PERSONAL_KEY, store))
        return vault, keys.load(state_directory / PIN_PEPPER, store)


def create_app(kiosk: Kiosk, found: Sequence[Service]) -> Flask:
    """Make the application.

    Args:
        kiosk: what services are given.
        found: the services, as `services` or `appliance.kiosk.services.discover` finds them.
    """
    app = Flask("kiosk", static_folder=None, root_path=str(Path(__file__).parent))
    face = Face(name=village.title(kiosk.config.village), part="Layanan desa")
    if kiosk.is_practice:
        face = dataclasses.replace(face, practice_band=PRACTICE_BAND, title_mark="LATIHAN · ")
    install(app, face, timezone=kiosk.config.village.timezone, catalogues=TRANSLATIONS, scripts=True)
    app.session_interface = Cookies()
    app.extensions["kiosk"] = kiosk
    app.extensions["kiosk_services"] = tuple(found)
    app.context_processor(_values)
    app.before_request(_office_in_indonesian)
    for service in found:
        service.register(app, kiosk)

    @app.get("/")
    def home() -> str:
        place = current_place()
        tiles = [tile for service in found for tile in service.tiles(kiosk, place)]
        # The standing screen is looked at, not reloaded.
        refresh_seconds = 60 if place is Place.HALL else 0
        return render_template("kiosk/home.html", tiles=tiles, refresh_seconds=refresh_seconds, printer=_printer(place))

    return app


def _printer(place: Place) -> PrinterState | None:
    """How the printer is; asked for at the screen beside which it stands."""
    return current_kiosk().printer.state() if place is Place.HALL else None


def _office_in_indonesian() -> None:
    """The office's own pages have no translations: half of one language and half of another helps nobody."""
    if request.path.startswith(f"{OFFICE_PREFIX}/"):
        g.language = languages.SOURCE


def _values() -> dict[str, object]:
    kiosk = current_kiosk()
    uplink = kiosk.uplink()
    unit = kiosk.config.village
    return {
        "config": kiosk.config,
        "place": current_place(),
        "uplink": uplink,
        "since": datetime.datetime.fromisoformat(uplink.since_wall) if uplink.since_wall else None,
        "kind_word": village.kind_word(unit),
        "office_word": village.office(unit),
        "area_above": gettext(
            "Kecamatan %(kecamatan)s, %(kabupaten)s, %(provinsi)s",
            kecamatan=unit.kecamatan,
            kabupaten=unit.kabupaten,
            provinsi=unit.provinsi,
        ),
    }
