"""Residents see, make, renew and end their own account for the Wi-Fi, on their personal pages."""

from __future__ import annotations

import datetime
from typing import Final

from flask import Blueprint, Flask, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, gettext

from appliance.core.config.networks import Access
from appliance.core.errors import HotspotError, HotspotRefused
from appliance.faces import formats
from appliance.hotspot.protocol import AskTravel, MakeTravelCode, RefusalCode, Travel, TravelCode, TravelState
from appliance.kiosk.actors import RESIDENT
from appliance.kiosk.citizen.session import current_resident_id, resident_required
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile, came_by_tls, current_kiosk
from appliance.kiosk.wifi import access, office_pages, store
from appliance.kiosk.wifi.accounts import Account

_MEGABYTE: Final = 1_000_000

pages = Blueprint("wifi", __name__, template_folder="templates")


@pages.get("/wifi")
@resident_required
def own() -> ResponseReturnValue:
    """Show a resident their account."""
    return _page(_resident_id())


@pages.post("/wifi")
@resident_required
def change() -> ResponseReturnValue:
    """Make an account or renew its PIN, which this answer alone shows; end it; or give a code for other villages."""
    resident_id, kiosk, accounts = _resident_id(), current_kiosk(), access.current_accounts()
    do = request.form.get("do", "")
    if do == "make":
        slip = accounts.give(RESIDENT, resident_id, access.wall_seconds(kiosk))
        return render_template("wifi/slip.html", slip=slip, networks=networks(kiosk))
    if do == "end":
        accounts.end(RESIDENT, resident_id)
        return redirect(url_for("wifi.own"), 303)
    if do != "travel":
        abort(400)
    return _travel(resident_id)


def networks(kiosk: Kiosk) -> tuple[str, ...]:
    """The names in the air of the networks that let residents in by an account."""
    return tuple(network.ssid for network in kiosk.config.resident_networks if Access.ACCOUNT in network.access)


def _resident_id() -> int:
    resident_id = current_resident_id()
    if resident_id is None or not access.has_accounts(current_kiosk()):
        abort(404)
    return resident_id


def _travel(resident_id: int) -> ResponseReturnValue:
    held = access.current_accounts().of(resident_id)
    if held is None or not held.is_open:
        return _page(resident_id, 409, gettext("Buat akun Wi-Fi dulu."))
    try:
        code = current_kiosk().hotspot.ask(MakeTravelCode(held.reference, RESIDENT.name))
    except HotspotError as error:
        if isinstance(error, HotspotRefused) and error.code == RefusalCode.NOT_NOW:
            return _page(resident_id, 409)  # the page says since when and until when
        return _page(resident_id, 503, gettext("Kode belum bisa dibuat. Coba lagi sebentar."))
    return render_template("wifi/travel.html", code=code, worth=_worth(code))


def _page(resident_id: int, status: int = 200, problem: str = "") -> ResponseReturnValue:
    kiosk, held = current_kiosk(), access.current_accounts().of(resident_id)
    travel = _standing(held)
    return (
        render_template(
            "wifi/own.html",
            held=held if held is not None and held.is_open else None,
            terms=kiosk.config.account_terms,
            daily_bytes=kiosk.config.account_terms.daily_megabytes * _MEGABYTE,
            networks=networks(kiosk),
            may_travel=travel is not None and travel.state is TravelState.OFFERED,
            next_code=_day(travel.next_day) if travel is not None and travel.next_day else "",
            problem=problem,
        ),
        status,
    )


def _standing(held: Account | None) -> Travel | None:
    """Whether there is a code for other villages; None where nobody can say, and without an account."""
    if held is None or not held.is_open:
        return None
    try:
        return current_kiosk().hotspot.ask(AskTravel(held.reference))
    except HotspotError:
        return None


def _worth(code: TravelCode) -> tuple[tuple[str, str], ...]:
    size = formats.size(code.megabytes * _MEGABYTE) if code.megabytes else ""
    return (
        (gettext("Waktu"), formats.duration(code.minutes * 60)),
        (gettext("Data"), size),
        (gettext("Mulai dipakai paling lambat"), _day(code.last_day)),
    )


def _day(text: str) -> str:
    return str(format_date(datetime.date.fromisoformat(text), "long"))


def _register(app: Flask, kiosk: Kiosk) -> None:
    app.extensions[access.EXTENSION] = access.open_accounts(kiosk)
    app.register_blueprint(pages)
    app.register_blueprint(office_pages.pages)


def _tiles(kiosk: Kiosk, place: Place) -> tuple[Tile, ...]:
    if not access.has_accounts(kiosk) or not (place.is_private or came_by_tls()):
        return ()
    text = gettext("Nama dan PIN untuk internet desa")
    return (Tile(url_for("wifi.own"), "wifi", gettext("Akun Wi-Fi saya"), text),)


SERVICE = Service("wifi", 35, _register, _tiles, (store.MIGRATIONS,))
