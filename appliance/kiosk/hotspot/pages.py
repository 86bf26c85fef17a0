"""What the office's hotspot pages share: their address, who may open them, and what they say when nobody answers."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import GateError, GateRefused, HotspotRefused, HotspotUnavailable
from appliance.faces.charts import rate
from appliance.faces.login import current_account
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import RefusalCode, Request
from appliance.kiosk.hotspot import rules, store, words
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import turn_away_without
from appliance.kiosk.services import current_kiosk

_log = logging.getLogger(__name__)
A = TypeVar("A")
REFRESH_SECONDS: Final = 30
pages = Blueprint(
    "hotspot",
    __name__,
    url_prefix=f"{OFFICE_PREFIX}/hotspot",
    template_folder="templates",
    static_folder="static",
    static_url_path="/gaya",
)
pages.before_request(refuse_open_air)


@pages.before_request
def turn_away() -> ResponseReturnValue | None:
    """Let nobody in but who may manage the hotspot."""
    return turn_away_without(Permission.MANAGE_HOTSPOT)


def ask(question: Request[A]) -> A:
    """Ask the keeper. Raises `HotspotRefused` or `HotspotUnavailable`, which become a page."""
    return current_kiosk().hotspot.ask(question)


def by() -> str:
    """Who is logged in, for the list of actions."""
    account = current_account()
    if account is None:  # turn_away_without comes first
        abort(403)
    return account.name


def zone() -> ZoneInfo:
    """The village's own time."""
    return ZoneInfo(current_kiosk().config.village.timezone)


def now() -> datetime.datetime:
    """Local time."""
    return rules.local_time(current_kiosk().clock(), zone())


def network_title(name: str) -> str:
    """A network as people know it: by its name in the air."""
    return next((one.ssid for one in current_kiosk().config.networks if one.name == name), name)


def client_of_form() -> Client:
    """The device that a form names. It stands in the body: an address is kept in histories and logs."""
    try:
        return Client(request.form.get("address", ""), request.form.get("mac", ""))
    except GateRefused:
        abort(400)


def form_token() -> str:
    """The token of a form that counts once."""
    token = request.form.get("token", "")
    if not store.is_token(token):
        abort(400)
    return token


def page_number(most: int) -> int:
    """The page asked for, from 1; nonsense is the first."""
    return min(max(1, request.args.get("hal", 1, int)), most)


def gate_is_silent() -> bool:
    """Does the firewall not answer? What is shown is then the keeper's memory."""
    try:
        current_kiosk().gate.status()
    except GateError:
        return True
    return False


def back_to(endpoint: str, kind: str, text: str, **values: Any) -> ResponseReturnValue:
    """Lead back, with one sentence to read there."""
    flash(text, kind)
    return redirect(url_for(f"hotspot.{endpoint}", **values), 303)


def change(
    question: Request[A], endpoint: str, text: str | Callable[[], tuple[str, str]], **values: Any
) -> ResponseReturnValue:
    """Ask for a change, then lead to ``endpoint`` and say there ``text``, or what came of it, or why not."""
    try:
        ask(question)
    except HotspotRefused as error:
        _log.warning("the keeper refused %s: %s", type(question).__name__, error.code)
        return back_to(endpoint, *words.refusal(error), **values)
    told = ("good", text) if isinstance(text, str) else text()
    return back_to(endpoint, *told, **values)


@pages.errorhandler(HotspotUnavailable)
def silent(error: HotspotUnavailable) -> ResponseReturnValue:
    """Say that the keeper does not answer, and keep the menu: other pages may work."""
    _log.error("%s", error)
    if request.method == "POST":
        flash(
            gettext("Belum tentu yang tadi Anda minta terlaksana. Periksa setelah halaman ini pulih."),
            "warn",
        )
    response = make_response(render_template("hotspot/silent.html"), 503)
    response.headers["Retry-After"] = str(REFRESH_SECONDS)
    return response


@pages.errorhandler(HotspotRefused)
def refused(error: HotspotRefused) -> ResponseReturnValue:
    """Say that what was asked is not there, or not allowed."""
    _log.warning("the keeper refused: %s", error.code)
    status = {RefusalCode.NOT_FOUND: 404, RefusalCode.NOT_ONLINE: 404, RefusalCode.MALFORMED: 400}
    known = {code.value: number for code, number in status.items()}
    kind, text = words.refusal(error)
    return make_response(render_template("hotspot/refused.html", kind=kind, text=text), known.get(error.code, 503))


@pages.context_processor
def _values() -> dict[str, object]:
    return {
        "words": words,
        "rules": rules,
        "rate": rate,
        "network_title": network_title,
        "village_zone": zone(),
        "now_seconds": current_kiosk().clock(),
    }
