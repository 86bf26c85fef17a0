"""The verdict on one letter. No login, no cookie, no script, and nothing of it in any log."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.letter_marks import digest_of
from appliance.faces import errors
from noc import fleet
from noc.letter_check import rules, words
from noc.letter_check.pace import Pace
from noc.letter_check.rules import Verdict
from noc.letter_check.words import Fact
from noc.papers.words import moment, zone
from noc.store.contract import HubFacts, KeptMark, NocStore

EXTENSION: Final = "letter_check"
_PROXY: Final = frozenset({"127.0.0.1", "::1"})
pages = Blueprint("letter_check", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True)
class Means:
    """What the pages are given."""

    store: NocStore
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    pace: Pace


@pages.get("/")
def front() -> ResponseReturnValue:
    """Say what this address is for."""
    english = (
        "Point a telephone's camera at the QR code of the letter. The page it opens says whether the letter is valid."
    )
    return render_template("letter_check/front.html", english=english)


@pages.get("/<token>")
def check(token: str) -> ResponseReturnValue:
    """Judge the letter whose QR code was read. What is no token gets the answer of one that nobody gave out."""
    means = _means()
    seconds = means.pace.wait_seconds(_asker(), means.monotonic())
    if seconds:
        response = errors.page(429)
        response.headers["Retry-After"] = str(seconds)
        return response
    kept = means.store.letter(digest_of(token)) if rules.is_token(token) else None
    if kept is None:
        return _shown(rules.judge(token, None, datetime.date.min))
    (facts,) = means.store.facts(kept.hub_id)
    now_ms = int(means.clock() * 1000)
    today = datetime.datetime.fromtimestamp(now_ms / 1000, ZoneInfo(facts.hub.timezone)).date()
    return _shown(rules.judge(token, kept.mark, today), kept, facts, now_ms)


def _shown(
    verdict: Verdict, kept: KeptMark | None = None, facts: HubFacts | None = None, now_ms: int = 0
) -> ResponseReturnValue:
    known, away, away_english = [], "", ""
    if kept is not None and facts is not None:
        as_of_ms = _as_of_ms(kept, facts, now_ms)
        as_of = _exact(as_of_ms, facts.hub.timezone)
        known = _known(verdict, kept, facts, as_of)
        if verdict is Verdict.VALID and _is_away(facts, as_of_ms, now_ms):
            away = gettext("Desa ini belum memberi kabar sejak %(moment)s", moment=as_of)
            away_english = (
                f"This village has not reported since {as_of}. What it declared void after that still shows as it was."
            )
    text = render_template(
        "letter_check/checked.html", words=words.OF[verdict], facts=known, away=away, away_english=away_english,
        away_detail=gettext("Kalau surat dibatalkan sesudah itu, di sini belum terlihat. Tanyakan kepada kantornya."),
    )  # fmt: skip
    return make_response(text, 200 if kept is not None else 404)


def _known(verdict: Verdict, kept: KeptMark, facts: HubFacts, as_of: str) -> list[Fact]:
    mark, last = kept.mark, rules.last_day(kept.mark)
    found = [
        Fact(gettext("Jenis surat"), "Kind of letter", mark.title),
        Fact(gettext("Tanggal surat"), "Date", words.day(mark.date)),
        Fact(gettext("Diterbitkan oleh"), "Issued by", f"{facts.hub.name} ({facts.hub.kode_wilayah})"),
    ]
    if last is not None:
        found.insert(2, Fact(gettext("Berlaku sampai"), "Valid until", words.day(last)))
    if verdict is not Verdict.VOID:
        manner = words.manner(is_electronic=mark.is_electronic)
        found.append(Fact(gettext("Cara tanda tangan"), words.manner_english(is_electronic=mark.is_electronic), manner))
    return [*found, Fact(gettext("Menurut kabar terakhir dari desa"), "As last reported by the village", as_of)]


def _as_of_ms(kept: KeptMark, facts: HubFacts, now_ms: int) -> int:
    """Until when the village was heard: what it did with its letters after that is not known here."""
    return min(now_ms, max(kept.received_ms, facts.last_contact_ms or 0))


def _is_away(facts: HubFacts, as_of_ms: int, now_ms: int) -> bool:
    state = fleet.judge(facts, now_ms).state
    # Of a hub that never reported, or in a way that this release cannot read, the marks are all that was heard.
    is_silent = state is fleet.HubState.NEVER and now_ms - as_of_ms > fleet.CONTACT_LOST_MS
    return is_silent or state is fleet.HubState.NO_CONTACT


def _exact(time_ms: int, timezone: str) -> str:
    """``3 Agu 2026 14.05 WITA``."""
    return f"{moment(time_ms, timezone).rpartition('.')[0]} {zone(timezone)}"


def _asker() -> str:
    """Whom to count a question for: what the proxy on this machine says, else the connection's address."""
    address = request.remote_addr or ""
    return request.headers.get("X-Real-IP", address) if address in _PROXY else address


def _means() -> Means:
    return cast(Means, current_app.extensions[EXTENSION])
