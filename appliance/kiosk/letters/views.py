"""How letters join the kiosk. The pages are in the modules beside."""

from __future__ import annotations

from flask import Flask

from appliance.kiosk.letters import check_pages, current, office_pages, resident_pages, tables
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile


def _register(app: Flask, kiosk: Kiosk) -> None:
    current.install(app, kiosk)
    for module in (resident_pages, office_pages, check_pages):
        app.register_blueprint(module.pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


SERVICE = Service("letters", 5, _register, _tiles, (tables.MIGRATIONS,))
