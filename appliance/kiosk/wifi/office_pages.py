"""The office makes, renews or ends a resident's account for the Wi-Fi: for who cannot, or will not, at the screen."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.kiosk.actors import Look
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import current_actor, permission_required
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.nik import mask
from appliance.kiosk.residents.person import Resident, long_date, whole_address
from appliance.kiosk.services import current_kiosk
from appliance.kiosk.wifi import access
from appliance.kiosk.wifi.accounts import Account
from appliance.store.audit import SUBJECT_MAX

pages = Blueprint("wifi_office", __name__, url_prefix=f"{OFFICE_PREFIX}/wifi", template_folder="templates")
pages.before_request(refuse_open_air)


@pages.get(f"/<int(max={SUBJECT_MAX}):resident_id>")
@permission_required(Permission.RESET_PIN)
def one(resident_id: int) -> ResponseReturnValue:
    """Show whose account it is, to compare with who stands there."""
    return _page(_resident(resident_id))


@pages.post(f"/<int(max={SUBJECT_MAX}):resident_id>")
@permission_required(Permission.RESET_PIN)
def change(resident_id: int) -> ResponseReturnValue:
    """Make an account or give it a new PIN, which this answer alone shows; or end it."""
    resident, accounts = _resident(resident_id), access.current_accounts()
    if request.form.get("do") == "end":
        accounts.end(current_actor(), resident.id)
        return redirect(url_for("wifi_office.one", resident_id=resident.id), 303)
    if request.form.get("do") != "give":
        abort(400)
    if resident.status is not StatusDasar.HIDUP:
        return _page(resident, 409)
    if request.form.get("seen") != "yes":
        return _page(resident, 400, gettext("Periksa dulu kartunya, lalu centang."))
    slip = accounts.give(current_actor(), resident.id, access.wall_seconds(current_kiosk()))
    return render_template("wifi/office_slip.html", resident=resident, slip=slip)


def _resident(resident_id: int) -> Resident:
    if not access.has_accounts(current_kiosk()):
        abort(404)
    found = current_register().get(Look(current_actor(), "akun Wi-Fi"), resident_id)
    if found is None:
        abort(404)
    return found


def _page(resident: Resident, status: int = 200, problem: str = "") -> tuple[str, int]:
    held = access.current_accounts().of(resident.id)
    held = held if held is not None and held.is_open else None
    page = render_template(
        "wifi/office_one.html",
        resident=resident,
        masked=mask(resident.nik),
        born=long_date(resident.birth_date),
        address=whole_address(resident),
        held=held,
        since_text=_since(held),
        is_living=resident.status is StatusDasar.HIDUP,
        problem=problem,
    )
    return page, status


def _since(held: Account | None) -> str:
    if held is None:
        return str(gettext("belum ada"))
    if not held.since_seconds:
        return str(gettext("Akun ini berlaku"))
    zone = ZoneInfo(current_kiosk().config.village.timezone)
    day = datetime.datetime.fromtimestamp(held.since_seconds, zone).date()
    return str(gettext("sejak %(day)s", day=long_date(day)))
