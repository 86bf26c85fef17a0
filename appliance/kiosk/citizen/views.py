"""How residents' logins join the kiosk."""

from __future__ import annotations

from flask import Blueprint, Flask

from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile

pages = Blueprint("citizen", __name__, template_folder="templates")


def _register(app: Flask, _: Kiosk) -> None:
    app.register_blueprint(pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


SERVICE = Service("citizen", 30, _register, _tiles)
