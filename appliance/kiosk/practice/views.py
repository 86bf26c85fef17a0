"""The practice mode's own page; and in the real office the way there."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Flask, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.kiosk.inside import PRACTICE_PAGE, refuse_open_air
from appliance.kiosk.office import rules
from appliance.kiosk.office.rules import Role
from appliance.kiosk.places import Place
from appliance.kiosk.practice import book
from appliance.kiosk.services import Kiosk, Service, Tile, current_kiosk, current_place

# While a village is made up nobody answers; a page asks again after this.
_AGAIN_SECONDS: Final = 8
# The accounts that `appliance.kiosk.demo` makes.
_ACCOUNTS: Final = (("operator", Role.OPERATOR), ("sekretaris", Role.SEKRETARIS), ("kepala", Role.KEPALA_DESA))

pages = Blueprint("practice", __name__, url_prefix=PRACTICE_PAGE, template_folder="templates")


@pages.get("")
def explain() -> ResponseReturnValue:
    """Say with which accounts and PINs to train, and lead out again."""
    return _page()


@pages.post("")
def begin_anew() -> ResponseReturnValue:
    """Throw the village away and make another one up."""
    if "yakin" not in request.form:
        return _page(gettext("Beri tanda dulu bahwa semua boleh dihapus.")), 400
    _practice().begin_anew()
    return render_template("practice/anew.html", seconds=_AGAIN_SECONDS)


def _page(problem: str = "") -> str:
    config = current_kiosk().config
    return render_template(
        "practice/explain.html",
        accounts=[(name, rules.role_title(role, config.village)) for name, role in _ACCOUNTS],
        password=book.PASSWORD,
        people=_practice().people,
        real=f"http://{config.kiosk.host}/",
        problem=problem,
    )


def _practice() -> book.Practice:
    found: book.Practice = current_app.extensions[book.EXTENSION]
    return found


def _register(app: Flask, kiosk: Kiosk) -> None:
    if kiosk.is_practice:
        app.before_request(refuse_open_air)
        app.register_blueprint(pages)
        app.jinja_env.globals["practice_page"] = PRACTICE_PAGE


def _tiles(kiosk: Kiosk, _: Place) -> tuple[Tile, ...]:
    if not kiosk.is_practice:
        return ()
    text = gettext("Akun, NIK, dan PIN untuk mencoba")
    return (Tile(url_for("practice.explain"), "school", gettext("Cara berlatih"), text),)


def _office_tiles(kiosk: Kiosk) -> tuple[Tile, ...]:
    """The way into the practice mode, where its address is answered: in the office's networks."""
    if kiosk.is_practice or current_place() is not Place.OFFICE or not kiosk.config.office_networks:
        return ()
    text = gettext("Desa tiruan dengan warga buatan; suratnya bertanda LATIHAN")
    href = f"http://{kiosk.config.kiosk.practice_host}{PRACTICE_PAGE}"
    return (Tile(href, "school", gettext("Mode latihan"), text),)


SERVICE = Service("practice", 95, _register, _tiles, (), _office_tiles)
