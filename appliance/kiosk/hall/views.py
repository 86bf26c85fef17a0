"""What the standing screen needs besides the services: staying, ending, ringing, and its voice."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Flask, abort, current_app, redirect, render_template, request, send_from_directory, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel.speaklater import LazyString
from werkzeug.exceptions import HTTPException

from appliance.core.errors import StoreError
from appliance.faces import languages, login
from appliance.kiosk.citizen import session as citizen
from appliance.kiosk.hall import prompts, rules, store
from appliance.kiosk.hall.rules import IDLE_SECONDS, WARN_SECONDS
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile, current_kiosk, current_place

pages = Blueprint(
    "hall",
    __name__,
    url_prefix="/layar",
    template_folder="templates",
    static_folder="static",
    static_url_path="/berkas",
)
office_pages = Blueprint("hall_office", __name__, url_prefix=OFFICE_PREFIX, template_folder="templates")
office_pages.before_request(refuse_open_air)
_PROMPTS: Final = "desahub_prompts"
# What asks by itself, and keeps no session alive.
_UNSEEN: Final = ("hall.still_here", "hall.sound")


@pages.get("/masih")
def still_here() -> ResponseReturnValue:
    """Ask whether somebody is still there: where no script counts, pages lead here. It keeps no session alive."""
    where = _page(request.args.get("dari", ""))
    return render_template("hall/still.html", where=where, seconds=WARN_SECONDS)


@pages.post("/masih")
def stay() -> ResponseReturnValue:
    """Somebody is still there: the script says so while people type."""
    citizen.current_visit()  # who asks has used it
    return "", 204


@pages.post("/tutup")
def end() -> ResponseReturnValue:
    """End what was begun, and show the waiting screen."""
    citizen.end()
    return redirect(url_for("home"), 303)


@pages.post("/panggil")
def ring() -> ResponseReturnValue:
    """Ring for an officer."""
    where = _page(request.form.get("dari", ""))
    if current_place() is Place.HALL:
        store.Calls(current_kiosk().store).ring(where, int(current_kiosk().clock()))
    return redirect(url_for("hall.rung", dari=where), 303)


@pages.get("/panggil")
def rung() -> ResponseReturnValue:
    """Say that an officer comes, or how to reach one from elsewhere; and lead back."""
    return render_template("hall/rung.html", where=_page(request.args.get("dari", "")))


@pages.get("/suara/<name>")
def sound(name: str) -> ResponseReturnValue:
    """A spoken text. Its name stands for its content."""
    if not name.endswith(".mp3"):
        abort(404)
    answer = send_from_directory(_folder(), name, mimetype="audio/mpeg", max_age=31_536_000)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@office_pages.get("/panggilan")
@login.login_required()
def calls() -> ResponseReturnValue:
    """Show the bell to the office."""
    call = store.Calls(current_kiosk().store).waiting(int(current_kiosk().clock()))
    called_at = datetime.datetime.fromtimestamp(call.called_at, datetime.UTC) if call else None
    return render_template("hall/calls.html", call=call, called_at=called_at)


@office_pages.post("/panggilan/<int(max=9007199254740991):call_id>")
@login.login_required()
def answer(call_id: int) -> ResponseReturnValue:
    """Somebody of the office goes there."""
    account = login.current_account()
    if account is None:
        abort(403)
    store.Calls(current_kiosk().store).answer(call_id, account.name, int(current_kiosk().clock()))
    return redirect(url_for("hall_office.calls"), 303)


def spoken(text: str | LazyString) -> str:
    """The address of the sound that says ``text``; "" where there is none. For templates: ``spoken(_("…"))``."""
    return _address(str(text), str(text))


def spoken_message(message: str) -> str:
    """As `spoken`, for a message in Indonesian that the page shows translated."""
    return _address(gettext(message), message)  # the catalogues know it from where it is written


def _address(text: str, source: str) -> str:
    name = prompts.found(_folder(), languages.current().code, text, source)
    return url_for("hall.sound", name=name) if name else ""


def _folder() -> Path:
    folder: Path = current_app.extensions[_PROMPTS]
    return folder


def _page(path: str) -> str:
    """``path`` where it is one of our pages, else the front page."""
    found = rules.safe_path(path)
    try:
        current_app.url_map.bind("").match(found, "GET")
    except HTTPException:
        return "/"
    return found


def _close_what_ended() -> ResponseReturnValue | None:
    """Show the waiting screen in place of any page, where the session of the person before was left standing."""
    name = request.endpoint or ""
    if current_place() is not Place.HALL or name in _UNSEEN or name.endswith("static"):
        return None
    try:
        if not citizen.has_ended():
            return None
        citizen.end()
    except StoreError:
        return None  # on a disk that fails nothing personal is shown either; what needs no disk goes on
    return None if name == "home" else redirect(url_for("home"), 303)


def _values() -> dict[str, Any]:
    return {
        "spoken": spoken,
        "spoken_message": spoken_message,
        "idle_seconds": IDLE_SECONDS if current_place() is Place.HALL else 0,
        "warn_seconds": WARN_SECONDS,
        "here": _here(),
    }


def _here() -> str:
    """The page that a bell tells of. Whoever knows the token of a letter reads its verdict: it is kept nowhere."""
    rule = request.url_rule
    return "/" if rule is None or "token" in rule.arguments else request.path


def _register(app: Flask, _: Kiosk) -> None:
    app.extensions[_PROMPTS] = prompts.FOLDER
    app.register_blueprint(pages)
    app.register_blueprint(office_pages)
    app.context_processor(_values)
    app.before_request(_close_what_ended)
    # After the office, which brings the guard of forms.
    # Their only effect is an end: it must come about also where the form's mark is gone with the session.
    for view in (stay, end):
        app.extensions["csrf"].exempt(view)


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


def _office_tiles(kiosk: Kiosk) -> tuple[Tile, ...]:
    call = store.Calls(kiosk.store).waiting(int(kiosk.clock()))
    if call is None:
        return ()
    title, text = gettext("Warga memanggil petugas"), gettext("Di layar balai")
    return (Tile(url_for("hall_office.calls"), "bell", title, text),)


SERVICE = Service("hall", 95, _register, _tiles, (store.MIGRATIONS,), _office_tiles)
