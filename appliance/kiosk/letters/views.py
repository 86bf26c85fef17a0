"""How letters join the kiosk. The pages are in the modules beside."""

from __future__ import annotations

from flask import Flask, url_for
from flask_babel import gettext

from appliance.kiosk.letters import (
    check_pages,
    current,
    forms,
    office_pages,
    printing_pages,
    prints,
    resident_letters,
    resident_pages,
    tables,
    tracking_pages,
)
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile


def _register(app: Flask, kiosk: Kiosk) -> None:
    current.install(app, kiosk)
    for module in (resident_pages, resident_letters, tracking_pages, office_pages, check_pages, printing_pages):
        app.register_blueprint(module.pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return (
        Tile(url_for("letters.kinds"), "letter", gettext("Surat"), gettext("Minta surat ke kantor")),
        Tile(
            url_for("letters_track.track"), "search", gettext("Lacak surat"), gettext("Dengan kode dari tanda terima")
        ),
    )


SERVICE = Service("letters", 5, _register, _tiles, (tables.MIGRATIONS, forms.MIGRATIONS, prints.MIGRATIONS))
