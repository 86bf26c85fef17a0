"""Two pages: about the village, and about its internet."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template, url_for
from flask_babel import gettext

from appliance.faces import village
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile, current_kiosk
from appliance.kiosk.village import rules

pages = Blueprint("village", __name__, template_folder="templates")


@pages.get("/desa")
def about() -> str:
    """Show the village's own data."""
    density = rules.people_per_square_kilometre(current_kiosk().config.village)
    return render_template("village/about.html", density=density)


@pages.get("/internet")
def internet() -> str:
    """Show the state of the internet, and how to get online."""
    return render_template("village/internet.html")


def _register(app: Flask, _: Kiosk) -> None:
    app.register_blueprint(pages)


def _tiles(kiosk: Kiosk, _: Place) -> tuple[Tile, ...]:
    kind = village.kind_word(kiosk.config.village).lower()
    return (
        Tile(
            url_for("village.about"),
            "people",
            gettext("Tentang %(kind)s", kind=kind),
            gettext("Penduduk, luas wilayah, pemerintahan"),
        ),
        Tile(
            url_for("village.internet"),
            "wifi",
            gettext("Internet %(kind)s", kind=kind),
            gettext("Cara menyambung dan keadaannya sekarang"),
        ),
    )


SERVICE = Service("village", 10, _register, _tiles)
