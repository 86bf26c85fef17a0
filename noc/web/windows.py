"""Maintenance windows: plan one for a hub or an area in its own time, see what is planned, end one early."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.fleet_book.checks import is_area
from noc.fleet_book.contract import KeptWindow, Order, Query
from noc.papers import words
from noc.rules import planned
from noc.rules.alert_state import Deed
from noc.rules.planned import Flaw
from noc.rules.states import Window
from noc.web import times
from noc.web.access import Right, may, require, scope, who
from noc.web.incidents import name_of, page_number
from noc.web.parts import blueprint, parts

WHY_LENGTH_MAX: Final = 200
ROWS_PER_PAGE: Final = 100
PAST_SHOWN: Final = 50
PAST_MS: Final = 30 * 86_400_000
TARGET_LENGTH_MAX: Final = 40
ZONE: Final = "Asia/Jakarta"

pages = blueprint("windows", __name__)


@dataclass(frozen=True, slots=True)
class Target:
    """A hub, or all hubs of an area, and in which time zone it lives."""

    key: str
    name: str
    code: str
    hub_id: str
    area: str
    timezone: str
    hubs: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form said."""

    start: str
    end: str
    why: str


@pages.get("/pemeliharaan")
@require(Right.LOOK)
def index() -> ResponseReturnValue:
    """List what is planned, with a form once it is known for what."""
    asked = request.args.get("untuk", "").strip()[:TARGET_LENGTH_MAX]
    target = _target(asked) if asked else None
    problems = {} if target is not None or not asked else {"untuk": _unknown(asked)}
    return _page(target, problems=problems, asked=asked), 404 if problems else 200


@pages.post("/pemeliharaan")
@require(Right.ACT)
def plan() -> ResponseReturnValue:
    """Plan a window, or say what is wrong with it."""
    asked = request.form.get("untuk", "").strip()[:TARGET_LENGTH_MAX]
    target = _target(asked)
    wish = Wish(
        request.form.get("start", "").strip()[:32],
        request.form.get("end", "").strip()[:32],
        " ".join(request.form.get("why", "").split())[: WHY_LENGTH_MAX + 50],
    )
    if target is None:
        return _page(None, problems={"untuk": _unknown(asked)}, asked=asked), 400
    window, problems = _read(target, wish)
    if window is None or problems:
        return _page(target, problems=problems, wish=wish, asked=asked), 400
    now_ms = parts().now_ms()
    kept = KeptWindow(0, target.area, target.hub_id, window, who(), wish.why)
    parts().book.put_window(kept, Deed(now_ms, who(), "window", target.key, wish.why))
    flash(gettext("Tercatat: pemeliharaan %(name)s, %(count)d hub.", name=target.name, count=target.hubs), "good")
    return redirect(url_for("windows.index"), 303)


@pages.post("/pemeliharaan/<int:window_id>/akhiri")
@require(Right.ACT)
def end(window_id: int) -> ResponseReturnValue:
    """End a window that runs now, or drop one that is to come."""
    now_ms = parts().now_ms()
    found = next((each for each in _windows(now_ms) if each.window_id == window_id), None)
    target = _target(found.hub_id or found.area) if found is not None else None
    if found is None or target is None:
        abort(404)
    if found.window.end_ms <= now_ms:
        flash(gettext("Jadwal itu sudah berakhir sendiri."), "warn")
        return redirect(url_for("windows.index"), 303)
    has_begun = found.window.start_ms < now_ms
    try:
        parts().book.end_window(window_id, now_ms, Deed(now_ms, who(), "end_window", target.key, str(window_id)))
    except KeyError:
        abort(404)  # somebody else was faster
    text = gettext("Pemeliharaan diakhiri sekarang.") if has_begun else gettext("Jadwal dibatalkan.")
    flash(text, "good")
    return redirect(url_for("windows.index"), 303)


def _target(asked: str) -> Target | None:
    """The hub or area that a text names, as far as this account sees all of it."""
    book = parts().book
    if is_area(asked):
        found = book.find(Query(scope(), area=asked, order=Order.AREA, limit=1))
        if not scope().sees(asked) or not found.rows:
            return None
        name = book.area_name(asked)
        card = found.rows[0].card
        shown = f"{name} ({asked})" if name else asked
        return Target(asked, shown, asked, "", asked, card.timezone, found.total)
    hub = book.card(asked) if asked else None
    if hub is None or not scope().sees(hub.kode_wilayah):
        return None
    return Target(hub.hub_id, f"{hub.name} ({hub.hub_id})", hub.kode_wilayah, hub.hub_id, "", hub.timezone, 1)


def _unknown(asked: str) -> str:
    said = gettext(
        '"%(text)s" bukan hub atau wilayah yang Anda lihat. Tulis id hub seperti hub-7k2m9q, atau kode seperti 51.03.',
        text=asked[:TARGET_LENGTH_MAX],
    )
    return str(said)


def _read(target: Target, wish: Wish) -> tuple[Window | None, dict[str, str]]:
    problems: dict[str, str] = {}
    start_ms, end_ms = (times.read_field(text, target.timezone) for text in (wish.start, wish.end))
    for name, time_ms in (("start", start_ms), ("end", end_ms)):
        if time_ms is None:
            problems[name] = gettext("Tulis tanggal dan jam seperti 2026-08-17T14:00.")
    if not wish.why:
        problems["why"] = gettext("Tulis pekerjaannya: waktu ini tidak dihitung sebagai gangguan.")
    elif len(wish.why) > WHY_LENGTH_MAX:
        problems["why"] = gettext("Terlalu panjang: paling banyak %(count)d huruf.", count=WHY_LENGTH_MAX)
    elif not wish.why.isprintable():
        problems["why"] = gettext("Ada huruf kendali yang tidak bisa disimpan.")
    if start_ms is None or end_ms is None:
        return None, problems
    window, now_ms = Window(start_ms, end_ms), parts().now_ms()
    flaw = planned.flaw(window, now_ms)
    if flaw is not None:
        field, text = _flaw_text(flaw, now_ms, target.timezone)
        problems[field] = text
    elif (other := _overlap(target, window)) is not None:
        problems["start"] = gettext(
            "Bertabrakan dengan jadwal %(name)s, %(start)s sampai %(end)s, oleh %(by)s.",
            name=name_of(other.hub_id or other.area) or other.hub_id or other.area,
            start=times.exact(other.window.start_ms, target.timezone),
            end=times.exact(other.window.end_ms, target.timezone),
            by=other.by,
        )
    return window, problems


def _flaw_text(flaw: Flaw, now_ms: int, timezone: str) -> tuple[str, str]:
    now = times.exact(now_ms, timezone)
    found: Mapping[Flaw, tuple[str, str]] = {
        Flaw.ENDS_BEFORE_BEGIN: ("end", gettext("Selesainya harus sesudah mulainya.")),
        Flaw.OVER: ("end", gettext("Sudah lewat: sekarang %(now)s.", now=now)),
        Flaw.BEGAN: (
            "start",
            gettext("Mulainya sudah lewat lebih dari 15 menit (sekarang %(now)s). Yang sudah terjadi tidak bisa"
                    " dijadwalkan.", now=now),
        ),
        Flaw.TOO_FAR: ("start", gettext("Terlalu jauh: paling lama setahun ke depan.")),
        Flaw.TOO_SHORT: ("end", gettext("Terlalu pendek: sedikitnya 5 menit.")),
        Flaw.TOO_LONG: ("end", gettext("Terlalu panjang: paling lama 14 hari.")),
    }  # fmt: skip
    return found[flaw]


def _overlap(target: Target, window: Window) -> KeptWindow | None:
    """A window that holds for some of the same hubs at the same time. Whose it is matters, seen or not."""
    book = parts().book
    for other in book.windows(window.start_ms, window.end_ms):
        card = book.card(other.hub_id) if other.hub_id else None
        village = card.kode_wilayah if card is not None else ""
        if planned.meets(window, other.window) and planned.concerns(
            target.code, target.hub_id, other.area, other.hub_id, village
        ):
            return other
    return None


def _windows(now_ms: int) -> tuple[KeptWindow, ...]:
    return parts().book.windows(now_ms - PAST_MS, now_ms + planned.AHEAD_MS_MAX + planned.LENGTH_MS_MAX, "", scope())


def _page(target: Target | None, *, problems: Mapping[str, str], wish: Wish | None = None, asked: str = "") -> str:
    now_ms = parts().now_ms()
    found = sorted(_windows(now_ms), key=lambda each: each.window.start_ms)
    planned_now = [each for each in found if each.window.end_ms > now_ms]
    over = [each for each in reversed(found) if each.window.end_ms <= now_ms]
    count = max(1, math.ceil(len(planned_now) / ROWS_PER_PAGE))
    number = min(page_number(), count)
    page = planned_now[(number - 1) * ROWS_PER_PAGE : number * ROWS_PER_PAGE]
    target_of = functools.cache(_target)  # many windows are of the same area
    zone = target.timezone if target is not None else ZONE
    return render_template(
        "noc/windows.html",
        target=target,
        asked=asked,
        wish=wish or Wish("", "", ""),
        problems=problems,
        zone_word=words.zone(zone),
        running=[_shown(each, target_of) for each in page if each.window.start_ms <= now_ms],
        coming=[_shown(each, target_of) for each in page if each.window.start_ms > now_ms],
        past=[_shown(each, target_of) for each in over[:PAST_SHOWN]],
        past_count=len(over),
        page_number=number,
        pages_count=count,
        may_act=may(Right.ACT),
    )


def _shown(each: KeptWindow, target_of: Callable[[str], Target | None]) -> dict[str, Any]:
    """A window with its target's name and its times in the target's own zone."""
    target = target_of(each.hub_id or each.area)
    zone = target.timezone if target is not None else ZONE
    return {
        "window": each,
        "name": target.name if target is not None else each.hub_id or each.area,
        "hubs": target.hubs if target is not None else None,
        "start": times.exact(each.window.start_ms, zone),
        "end": times.exact(each.window.end_ms, zone),
        "seconds": (each.window.end_ms - each.window.start_ms) / 1000,
        "is_mine": target is not None,
    }
