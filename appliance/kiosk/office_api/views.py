"""How the API for the office's own tools joins the kiosk."""

from __future__ import annotations

from flask import Flask, url_for
from flask_babel import gettext

from appliance.faces.login import current_account
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import is_permitted
from appliance.kiosk.office_api import door, pages, tables
from appliance.kiosk.office_api.addresses import OPERATIONS
from appliance.kiosk.office_api.visit import EXTENSION, make_parts, parts
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile


def _register(app: Flask, kiosk: Kiosk) -> None:
    # After residents and letters, whose register and desk it works with.
    with app.app_context():
        app.extensions[EXTENSION] = make_parts(kiosk)
    app.register_blueprint(pages.pages)
    door.install(app, OPERATIONS)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


def _office_tiles(_: Kiosk) -> tuple[Tile, ...]:
    account = current_account()
    if account is None:
        return ()
    own = parts().tokens.all(door.today(), account.name)
    if not own and not is_permitted(Permission.MANAGE_PEOPLE):
        return ()
    waits = any(token.waits for token in own)
    text = gettext("Ada token menunggu Anda ambil") if waits else gettext("Untuk lembar kerja, OpenSID dan skrip")
    return (Tile(url_for("office_tools.tokens"), "key", gettext("Alat dan token"), text),)


SERVICE = Service("office_api", 97, _register, _tiles, (tables.MIGRATIONS,), _office_tiles)
