"""The hotspot's pages for the office, under one address; see the modules beside for each."""

from __future__ import annotations

from typing import Final

from flask import Flask, url_for
from flask_babel import gettext

from appliance.kiosk.hotspot import devices, history, store, usage, vouchers
from appliance.kiosk.hotspot.pages import pages
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import is_permitted
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile

# Imported for the pages they add to the blueprint.
PAGES: Final = (devices, history, usage, vouchers)


def _register(app: Flask, _: Kiosk) -> None:
    app.register_blueprint(pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()  # residents have the portal


def _office_tiles(_: Kiosk) -> tuple[Tile, ...]:
    if not is_permitted(Permission.MANAGE_HOTSPOT):
        return ()
    return (
        Tile(
            url_for("hotspot.online"),
            "wifi",
            gettext("Hotspot warga"),
            gettext("Perangkat tersambung, voucher, pemakaian"),
        ),
    )


SERVICE = Service("hotspot", 20, _register, _tiles, (store.MIGRATIONS,), _office_tiles)
