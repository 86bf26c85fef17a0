"""Which resident asks, and whether anything personal may be shown here at all.

``@resident_required`` stands before a view that shows somebody's own data; `current_resident_id` says whose.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, ParamSpec, cast

from flask import current_app, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from appliance.faces import login
from appliance.kiosk.citizen.sessions import Sessions, Visit, Where
from appliance.kiosk.places import Place
from appliance.kiosk.services import came_by_tls, current_kiosk, current_place, tls_is_offered
from appliance.store import brake

P = ParamSpec("P")
LIVING: Final = "desahub_citizen_living"  # the extension that says whether a resident may have a session
_KEY: Final = "citizen"
_WHERE: Final = "citizen_where"
_WHERE_LENGTH_MAX: Final = 500


def personal_problem() -> ResponseReturnValue | None:
    """Answer in a page's place where personal data may not travel; None elsewhere. Fits ``before_request``.

    They may at the hall's own screen, in the office's encrypted network, and by TLS with a certificate that phones
    trust. In the residents' open air everybody near could read along.
    """
    if came_by_tls() or current_place().is_private:
        return None
    secure = f"https://{current_kiosk().config.kiosk.host}{url_for('citizen.log_in')}" if tls_is_offered() else ""
    return make_response(render_template("citizen/why_not_here.html", secure=secure), 403)


def where_now() -> Where:
    """At what kind of screen the present request is made."""
    return Where.HALL if current_place() is Place.HALL and not came_by_tls() else Where.PHONE


def current_resident_id() -> int | None:
    """The resident who is logged in with a PIN of their own; None for others, and where nothing personal is shown."""
    visit = current_visit()
    return visit.resident_id if visit is not None and not visit.must_change else None


def current_visit() -> Visit | None:
    """The present session, also one that waits for a new PIN; asked of the store once a request."""
    if "citizen_visit" not in g:
        g.citizen_visit = None if personal_problem() is not None else _visit()
    return cast("Visit | None", g.citizen_visit)


def resident_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Let a view be seen by a resident who is logged in; others log in first and come back to it."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        answer = personal_problem()
        if answer is not None:
            return answer
        visit = current_visit()
        if visit is None or visit.must_change:
            remember_where()
            return redirect(url_for("citizen.change" if visit else "citizen.log_in"), 303)
        return view(*args, **kwargs)

    return guarded


def remember_where() -> None:
    """Note the page that was asked for, to come back to it: in the cookie, which is signed, not in an address.

    After a form, what was noted before stays.
    """
    path = request.full_path.rstrip("?")
    if request.method in ("GET", "HEAD") and path.isprintable() and not path.startswith("//"):
        session[_WHERE] = path if len(path) <= _WHERE_LENGTH_MAX else ""


def where_to_go() -> str:
    """The page that was noted, or the front page."""
    return session.pop(_WHERE, "") or url_for("home")


def go_back() -> ResponseReturnValue:
    """Lead to the page that was noted, or to the front page."""
    return redirect(where_to_go(), 303)


def begin(token: str) -> None:
    """Put a session that has just begun into the cookie. Nothing from before it stays, but the page to come back to.

    An officer who was logged in at the same screen is logged out.
    """
    where, officer = session.get(_WHERE, ""), login.session_token()
    if officer:
        login.parts().accounts.log_out(officer)
    session.clear()
    session[_KEY] = token
    if where:
        session[_WHERE] = where
    g.pop("citizen_visit", None)
    g.pop("account", None)


def end() -> None:
    """End the session of this browser, here and in the store."""
    token = _token()
    session.clear()
    g.pop("citizen_visit", None)
    if token:
        Sessions(current_kiosk().store).end(token)


def has_ended() -> bool:
    """Did this browser have a session that is over by now?"""
    return bool(_token()) and personal_problem() is None and current_visit() is None


def session_digest() -> str:
    """By which what belongs to this session is kept, beside it in the store; "" without one."""
    return brake.digest(_token()) if current_visit() is not None else ""


def _token() -> str:
    token = session.get(_KEY)
    return token if isinstance(token, str) else ""


def _visit() -> Visit | None:
    token = _token()
    if not token:
        return None
    kiosk = current_kiosk()
    visit = Sessions(kiosk.store).of(token, where_now(), int(kiosk.clock()))
    is_living = cast("Callable[[int], bool]", current_app.extensions[LIVING])
    # Who died or moved away since has no session either.
    return visit if visit is not None and is_living(visit.resident_id) else None
