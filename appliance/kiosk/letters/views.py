"""How letters join the kiosk. The pages are in the modules beside."""

from __future__ import annotations

from flask import Flask, url_for
from flask_babel import gettext

from appliance.kiosk.letters import (
    check_pages,
    counter_pages,
    current,
    forms,
    marks,
    office_access,
    office_pages,
    office_steps,
    officials_pages,
    printing_pages,
    prints,
    resident_letters,
    resident_pages,
    tables,
    tracking_pages,
)
from appliance.kiosk.letters.flow import WORK_STATES
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import is_permitted
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile


def _register(app: Flask, kiosk: Kiosk) -> None:
    current.install(app, kiosk)
    for module in (
        resident_pages,
        resident_letters,
        tracking_pages,
        check_pages,
        office_pages,
        office_steps,
        printing_pages,
        counter_pages,
        officials_pages,
    ):
        app.register_blueprint(module.pages)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return (
        Tile(url_for("letters.kinds"), "letter", gettext("Surat"), gettext("Minta surat ke kantor")),
        Tile(
            url_for("letters_track.track"), "search", gettext("Lacak surat"), gettext("Dengan kode dari tanda terima")
        ),
        Tile(
            url_for("letters_check.ask"), "check", gettext("Periksa surat"), gettext("Asli atau tidak, sah atau batal")
        ),
    )


def _office_tiles(_: Kiosk) -> tuple[Tile, ...]:
    tiles: list[Tile] = []
    if office_access.may_open():
        standing = current.current_desk().standing()
        count = sum(letters for (_, state), letters in standing.items() if state in WORK_STATES)
        text = gettext("%(count)d perlu dikerjakan", count=count) if count else gettext("Tidak ada yang menunggu")
        tiles.append(Tile(url_for("letters_office.queue"), "letter", gettext("Antrean surat"), text))
    if is_permitted(Permission.PROCESS_LETTERS):
        title, text = gettext("Buat surat"), gettext("Untuk warga yang datang ke loket")
        tiles.append(Tile(url_for("letters_counter.begin"), "edit", title, text))
    return tuple(tiles)


SERVICE = Service(
    "letters",
    5,
    _register,
    _tiles,
    (tables.MIGRATIONS, forms.MIGRATIONS, prints.MIGRATIONS, marks.MIGRATIONS),
    _office_tiles,
)
