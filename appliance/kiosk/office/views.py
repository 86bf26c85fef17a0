"""The office's home. Login pages come from `appliance.faces.login`, under the same address."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import GateError
from appliance.faces import login, village
from appliance.gate.protocol import GateStatus
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office import rules, store
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile, current_kiosk, current_services

pages = Blueprint("office", __name__, url_prefix=OFFICE_PREFIX, template_folder="templates")
pages.before_request(refuse_open_air)


@pages.get("/")
@login.login_required()
def home() -> ResponseReturnValue:
    """Show who is here, how the box is, and what waits."""
    account = login.current_account()
    unit = current_kiosk().config.village
    title = rules.role_title(account.role, unit) if account is not None else ""
    tiles = [tile for service in current_services() for tile in service.office_tiles(current_kiosk())]
    return render_template("office/home.html", role_title=title, gate=_gate_status(), tiles=tiles)


def _gate_status() -> GateStatus | None:
    try:
        return current_kiosk().gate.status()
    except GateError:
        return None  # the page says so


def _register(app: Flask, kiosk: Kiosk) -> None:
    app.register_blueprint(pages)
    login.install(
        app,
        store.open_accounts(kiosk.store),
        secret=kiosk.secret,
        clock=kiosk.clock,
        home_endpoint="office.home",
        over_unix_socket=kiosk.over_unix_socket,
        url_prefix=OFFICE_PREFIX,
        guard=refuse_open_air,
    )


def _tiles(kiosk: Kiosk, place: Place) -> tuple[Tile, ...]:
    if not place.is_private:
        return ()
    unit = kiosk.config.village
    title = gettext("Masuk perangkat %(kind)s", kind=village.kind_word(unit).lower())
    text = gettext("Untuk petugas %(office)s, dengan kata sandi", office=village.office(unit).lower())
    return (Tile(url_for("office.home"), "key", title, text),)


SERVICE = Service("office", 90, _register, _tiles, store.MIGRATIONS)
