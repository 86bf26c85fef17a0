"""How the register joins the kiosk. The pages are in the modules beside."""

from __future__ import annotations

from flask import Flask

from appliance.kiosk.places import Place
from appliance.kiosk.residents import tables
from appliance.kiosk.residents.access import EXTENSION, open_register
from appliance.kiosk.residents.office_pages import pages
from appliance.kiosk.services import Kiosk, Service, Tile


def _register(app: Flask, kiosk: Kiosk) -> None:
    app.extensions[EXTENSION] = open_register(kiosk)
    app.register_blueprint(pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


SERVICE = Service("residents", 40, _register, _tiles, (tables.MIGRATIONS,))
