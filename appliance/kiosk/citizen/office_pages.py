"""The office gives a resident a PIN: the first one, or a new one for who forgot theirs."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.kiosk.actors import Look
from appliance.kiosk.citizen import access, rules
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import current_actor, permission_required
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.nik import mask
from appliance.kiosk.residents.person import Resident, long_date, whole_address
from appliance.kiosk.services import current_kiosk

pages = Blueprint("citizen_office", __name__, url_prefix=f"{OFFICE_PREFIX}/pin", template_folder="templates")
pages.before_request(refuse_open_air)


@pages.route("/", methods=["GET", "POST"], strict_slashes=False)
@permission_required(Permission.RESET_PIN)
def find() -> ResponseReturnValue:
    """Find whose PIN it is, by the NIK on the card that lies on the desk; sent in a form, since addresses are kept."""
    problem = ""
    if request.method == "POST":
        nik = rules.digits_of(request.form.get("nik", ""))
        found = current_register().find_nik(Look(current_actor(), "PIN"), nik) if rules.is_nik(nik) else None
        if found is not None:
            return redirect(url_for("citizen_office.one", resident_id=found.id), 303)
        problem = gettext("Tidak ada warga dengan NIK itu. Periksa 16 angkanya, atau cari lewat nama di daftar warga.")
    return render_template("citizen/office_find.html", problem=problem), 404 if problem else 200


@pages.get("/<int:resident_id>")
@permission_required(Permission.RESET_PIN)
def one(resident_id: int) -> ResponseReturnValue:
    """Show whose PIN would be given, to compare with who stands there."""
    return _page(_resident(resident_id))


@pages.post("/<int:resident_id>")
@permission_required(Permission.RESET_PIN)
def give(resident_id: int) -> ResponseReturnValue:
    """Give a PIN, which this answer alone shows; or take it away."""
    resident, kiosk = _resident(resident_id), current_kiosk()
    pins, actor = access.current_pins(), current_actor()
    if request.form.get("do") == "take_away":
        pins.take_away(actor, resident.id)
        return redirect(url_for("citizen_office.one", resident_id=resident.id), 303)
    if request.form.get("do") != "give":
        abort(400)
    if resident.status is not StatusDasar.HIDUP:
        return _page(resident, 409)
    if request.form.get("seen") != "yes":
        return _page(resident, 400, gettext("Periksa dulu kartunya, lalu centang."))
    pin = rules.make_pin(resident.birth_date, resident.nik)
    pins.give(actor, resident.id, resident.nik, pin, int(kiosk.clock()))
    return render_template("citizen/office_slip.html", resident=resident, pin=f"{pin[:3]} {pin[3:]}")


def _resident(resident_id: int) -> Resident:
    found = current_register().get(Look(current_actor(), "PIN"), resident_id)
    if found is None:
        abort(404)
    return found


def _page(resident: Resident, status: int = 200, problem: str = "") -> tuple[str, int]:
    since = access.current_pins().since_seconds(resident.id)
    zone = ZoneInfo(current_kiosk().config.village.timezone)
    day = datetime.datetime.fromtimestamp(since, zone).date() if since is not None else None
    page = render_template(
        "citizen/office_one.html",
        resident=resident,
        masked=mask(resident.nik),
        born=long_date(resident.birth_date),
        address=whole_address(resident),
        since=since,
        since_text=gettext("sejak %(day)s", day=long_date(day)) if day else gettext("belum ada"),
        is_living=resident.status is StatusDasar.HIDUP,
        problem=problem,
    )
    return page, status
