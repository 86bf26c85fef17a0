"""Make the kiosk: the home page, and whatever services its folders hold."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flask import Flask, render_template
from flask_babel import gettext

import appliance.kiosk
from appliance.faces import village
from appliance.faces.web import Face, install
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, current_kiosk, current_place, discover
from appliance.store.database import Store, open_store

DATABASE: Final = "kiosk.db"
PERSONAL_KEY: Final = "personal.key"
SECRET: Final = "cookie.secret"  # noqa: S105 - the name of a file


def services() -> tuple[Service, ...]:
    """The services this release holds."""
    return discover(appliance.kiosk)


def open_database(state_directory: Path, found: Sequence[Service]) -> Store:
    """Open the kiosk's database with the tables of all services. Raises `appliance.core.errors.StoreError`."""
    return open_store(state_directory / DATABASE, [each for service in found for each in service.migrations])


def create_app(kiosk: Kiosk, found: Sequence[Service]) -> Flask:
    """Make the application.

    Args:
        kiosk: what services are given.
        found: the services, as `services` or `appliance.kiosk.services.discover` finds them.
    """
    app = Flask("kiosk", static_folder=None, root_path=str(Path(__file__).parent))
    face = Face(name=village.title(kiosk.config.village), part="Layanan desa")
    install(app, face, timezone=kiosk.config.village.timezone, catalogues=Path(__file__).parent / "translations")
    app.extensions["kiosk"] = kiosk
    app.extensions["kiosk_services"] = tuple(found)
    app.context_processor(_values)
    for service in found:
        service.register(app, kiosk)

    @app.get("/")
    def home() -> str:
        place = current_place()
        tiles = [tile for service in found for tile in service.tiles(kiosk, place)]
        # The standing screen is looked at, not reloaded.
        return render_template("kiosk/home.html", tiles=tiles, refresh_seconds=60 if place is Place.HALL else 0)

    return app


def _values() -> dict[str, object]:
    kiosk = current_kiosk()
    uplink = kiosk.uplink()
    unit = kiosk.config.village
    return {
        "config": kiosk.config,
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
