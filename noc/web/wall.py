"""The wall: three numbers and a map, for a screen that nobody touches. No names of people, nothing to press."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

from flask import Blueprint, Flask, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import errors
from appliance.faces.formats import number
from appliance.faces.login import turn_away
from noc.fleet_book.contract import AreaLine, IncidentLine, IncidentQuery, Scope
from noc.rules.alert_state import Deed
from noc.rules.problems import Problem
from noc.web import incident_words, times
from noc.web.access import Right, require, visitor, who
from noc.web.ages import judged
from noc.web.incidents import area_words
from noc.web.listing import is_area
from noc.web.map import Tile, archipelago, tile
from noc.web.parts import parts
from noc.web.wall_pass import LINK_SECONDS, SCREEN_SECONDS, Passes

REFRESH_SECONDS: Final = 15
ZONE: Final = "Asia/Jakarta"
_COOKIE: Final = "dinding"
_EXTENSION: Final = "noc_wall"

pages = Blueprint("wall", __name__, template_folder="templates")


def install(app: Flask, key: Path) -> None:
    """Tell the wall where the key of its screens is; it is made at the first start."""
    app.extensions[_EXTENSION] = Passes(key)


@pages.get("/dinding")
def show() -> ResponseReturnValue:
    """Show the wall to an account, or to a screen that was let in."""
    scope = _scope()
    if scope is None:
        return turn_away() or errors.page(403)
    book, now_ms = parts().book, parts().now_ms()
    lines = book.areas(scope, _top(scope))
    (first, *_), count = _open(scope)
    deaf, _ = book.incident_lines(IncidentQuery(is_open=True, problem=Problem.NOC_DEAF))
    waiting = first if first is not None and not first.acknowledged_by else None
    response = make_response(
        render_template(
            "noc/wall.html",
            refresh=REFRESH_SECONDS,
            judged=judged(),
            cut_off=large(sum(each.residents_cut_off for each in lines)),
            incidents=count,
            waiting=waiting,
            waiting_text=None if waiting is None else _text(waiting),
            waiting_seconds=0 if waiting is None else (now_ms - waiting.since_ms) / 1000,
            deaf=[(area_words(each), times.moment(each.since_ms, now_ms, ZONE)) for each in deaf],
            tiles=_tiles(scope, lines),
            is_archipelago=not _top(scope),
            now=times.exact(now_ms, ZONE),
            place=", ".join(book.area_name(area) or area for area in scope.areas) or "Indonesia",
        )
    )
    response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


@pages.get("/dinding/layar")
@require(Right.ADMIN)
def screens() -> ResponseReturnValue:
    """Say how a screen is let in, and make a link for one."""
    return render_template("noc/wall_screens.html", link="", area="", problems={}, minutes=LINK_SECONDS // 60)


@pages.post("/dinding/layar")
@require(Right.ADMIN)
def let_in() -> ResponseReturnValue:
    """Make a link that lets a screen in for a quarter of an hour."""
    area = request.form.get("area", "").strip()[:13]
    if not is_area(area) or area.count(".") > 2 or (area and parts().book.area(Scope(), area) is None):
        problems = {"area": gettext("Tulis kode wilayah yang ada hubnya, seperti 51 atau 51.03; kosong untuk semua.")}
        page = render_template("noc/wall_screens.html", link="", area=area, problems=problems, minutes=0)
        return page, 400
    token = _passes().link([area] if area else [], parts().clock())
    parts().book.write_deed(Deed(parts().now_ms(), who(), "wall_link", area or "Indonesia"))
    link = url_for("wall.open_screen", token=token, _external=True)
    return render_template("noc/wall_screens.html", link=link, area=area, problems={}, minutes=LINK_SECONDS // 60)


@pages.post("/dinding/layar/cabut")
@require(Right.ADMIN)
def shut_out() -> ResponseReturnValue:
    """Shut every screen out; accounts are not touched."""
    _passes().shut_out()
    parts().book.write_deed(Deed(parts().now_ms(), who(), "wall_shut_out", "semua layar"))
    flash(gettext("Semua layar dicabut. Buat tautan baru untuk yang masih dipakai."), "good")
    return redirect(url_for("wall.screens"), 303)


@pages.get("/dinding/buka/<token>")
def open_screen(token: str) -> ResponseReturnValue:
    """Let a screen in that opens an admin's link in time."""
    found = _passes().opened(token, parts().clock())
    if found is None:
        return errors.page(
            403, gettext("Tautan layar ini tidak berlaku"), gettext("Minta tautan baru kepada admin NOC."), "LAYAR"
        )
    response = make_response(redirect(url_for("wall.show"), 303))
    is_https = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(
        _cookie_name(), _passes().cookie(found, parts().clock()),
        max_age=SCREEN_SECONDS, httponly=True, secure=is_https, samesite="Lax", path="/",
    )  # fmt: skip
    return response


def large(count: int) -> str:
    """``845120`` -> ``845.120``; what has more digits than a wall has room for is said in millions."""
    if count < 1_000_000:
        return number(count)
    return str(gettext("%(count)s juta", count=number(round(count / 1_000_000, 2 if count < 100_000_000 else 0))))


def _scope() -> Scope | None:
    found = visitor()
    if found is not None:
        return found.scope if Right.LOOK in found.rights else None
    screen = _passes().of_cookie(request.cookies.get(_cookie_name(), ""), parts().clock())
    return None if screen is None else Scope(screen.areas)


def _top(scope: Scope) -> str:
    """The area whose parts are the tiles: the only one of a district's wall, else the country."""
    return scope.areas[0] if len(scope.areas) == 1 else ""


def _tiles(scope: Scope, lines: Sequence[AreaLine]) -> tuple[Tile, ...]:
    return tuple(tile(each) for each in lines) if _top(scope) else archipelago(lines)


def _open(scope: Scope) -> tuple[tuple[IncidentLine | None, ...], int]:
    found, count = parts().book.incident_lines(IncidentQuery(scope, is_open=True, limit=1))
    return found or (None,), count


def _text(line: IncidentLine) -> str:
    return f"{incident_words.problem_words()[line.problem]}: {area_words(line)}"


def _passes() -> Passes:
    return cast(Passes, current_app.extensions[_EXTENSION])


def _cookie_name() -> str:
    return f"__Host-{_COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else _COOKIE
