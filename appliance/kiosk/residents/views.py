"""How the register joins the kiosk. The pages are in the modules beside."""

from __future__ import annotations

from typing import Final

from flask import Flask, url_for
from flask_babel import gettext

from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import is_permitted
from appliance.kiosk.places import Place
from appliance.kiosk.residents import import_pages, office_pages, tables
from appliance.kiosk.residents.access import EXTENSION, open_register
from appliance.kiosk.services import Kiosk, Service, Tile

# Imported for the pages they add to the blueprint.
PAGES: Final = (office_pages, import_pages)


def _register(app: Flask, kiosk: Kiosk) -> None:
    app.extensions[EXTENSION] = open_register(kiosk)
    app.register_blueprint(office_pages.pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()  # residents have their letters


def _office_tiles(_: Kiosk) -> tuple[Tile, ...]:
    if is_permitted(Permission.SEE_RESIDENTS):
        text = gettext("Cari, ubah, impor dari OpenSID")
        return (Tile(url_for("residents.home"), "people", gettext("Data warga"), text),)
    if is_permitted(Permission.SEE_AGGREGATES):
        return (Tile(url_for("residents.totals"), "people", gettext("Jumlah warga"), gettext("Angka tanpa nama")),)
    return ()


SERVICE = Service("residents", 40, _register, _tiles, (tables.MIGRATIONS,), _office_tiles)
