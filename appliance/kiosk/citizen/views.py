"""How residents' logins join the kiosk."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template
from flask.typing import ResponseReturnValue

from appliance.kiosk.citizen import session, store
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile

pages = Blueprint("citizen", __name__, template_folder="templates")


@pages.route("/masuk-warga", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Ask for NIK and PIN."""
    return session.personal_problem() or render_template("citizen/why_not_here.html", secure="")


@pages.route("/pin", methods=["GET", "POST"])
def change() -> ResponseReturnValue:
    """Let a resident choose another PIN."""
    return session.personal_problem() or render_template("citizen/why_not_here.html", secure="")


def _register(app: Flask, _: Kiosk) -> None:
    app.register_blueprint(pages)
    app.extensions[session.LIVING] = lambda _resident_id: True


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


SERVICE = Service("citizen", 30, _register, _tiles, (store.MIGRATIONS,))
