"""Who was connected: by day, or found by a part of a name or a MAC; and what the office did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from appliance.core.errors import HotspotRefused
from appliance.hotspot.protocol import History, ListActions, ListHistory, PastSession
from appliance.kiosk.hotspot import rules
from appliance.kiosk.hotspot.pages import ask, page_number, pages
from appliance.kiosk.services import current_kiosk

FOUND_MAX: Final = 200
# A month of Lebaran; each page is one question to the keeper, of a few milliseconds.
LOOKED_AT_PAGES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. ``is_whole``: every kept connection was looked at."""

    sessions: tuple[PastSession, ...]
    is_whole: bool


@pages.get("/riwayat")
def history() -> ResponseReturnValue:
    """Show the connections of a day."""
    day = request.args.get("hari", "")
    try:
        question = ListHistory(day, page_number(10_000) - 1)
    except HotspotRefused:
        abort(404)
    return render_template("hotspot/history.html", history=ask(question), found=None, text="", keep_days=_keep_days())


@pages.post("/riwayat/cari")
def find_history() -> ResponseReturnValue:
    """Find in all days. By POST: a name or a MAC does not belong into an address."""
    text = request.form.get("text", "").strip()[: rules.FIND_LENGTH_MAX]
    first = ask(ListHistory("", 0))
    found = _find(text, first) if text else None
    return render_template("hotspot/history.html", history=first, found=found, text=text, keep_days=_keep_days())


@pages.get("/catatan")
def actions() -> ResponseReturnValue:
    """Show what the office did."""
    return render_template("hotspot/actions.html", listed=ask(ListActions(page_number(10_000) - 1)))


def _find(text: str, first: History) -> Found:
    found: list[PastSession] = []
    looked_at = 0
    for day in first.days:
        page, count = 0, 1
        while page < count:
            if looked_at == LOOKED_AT_PAGES_MAX:
                return Found(tuple(found), is_whole=False)
            part = ask(ListHistory(day, page))
            looked_at, page, count = looked_at + 1, page + 1, part.page_count
            found += [one for one in part.sessions if rules.matches(text, one.client, one.host_name, one.voucher)]
            if len(found) > FOUND_MAX:
                return Found(tuple(found[:FOUND_MAX]), is_whole=False)
    return Found(tuple(found), is_whole=True)


def _keep_days() -> int:
    return current_kiosk().config.portal.history_days
