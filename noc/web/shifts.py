"""The handover: what a shift leaves to the next one. A note is never changed; a later one follows it."""

from __future__ import annotations

from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.fleet_book.contract import IncidentLine, IncidentQuery, Note
from noc.rules.alert_state import Deed
from noc.web import incident_words, times
from noc.web.access import Right, may, require, scope, who
from noc.web.incidents import area_words
from noc.web.parts import blueprint, parts

TEXT_LENGTH_MAX: Final = 4_000
NOTES_SHOWN: Final = 15
LINES_MAX: Final = 15
FIRST_MS: Final = 12 * 3_600_000  # before the first note of all: what ended in a shift's time
ZONE: Final = "Asia/Jakarta"

pages = blueprint("shifts", __name__)


@pages.get("/serah-terima")
@require(Right.LOOK)
def index() -> ResponseReturnValue:
    """List the notes, the latest first, above them the form with what there is to hand over."""
    return _page(draft() if may(Right.ACT) else "")


@pages.post("/serah-terima")
@require(Right.ACT)
def write() -> ResponseReturnValue:
    """Leave a note."""
    text = "\n".join(line.rstrip() for line in request.form.get("text", "").strip().splitlines())
    problem = _problem(text)
    if problem:
        return _page(text, problem), 400
    book, now_ms = parts().book, parts().now_ms()
    last = next(iter(book.notes(1, scope())), None)
    if last is not None and (last.by, last.text) == (who(), text):
        flash(gettext("Catatan ini sudah tersimpan tadi."), "warn")
    else:
        note = Note(0, now_ms, who(), text, scope().areas)
        book.put_note(note, Deed(now_ms, who(), "note", "shift"))
        flash(gettext("Catatan serah terima tersimpan."), "good")
    return redirect(url_for("shifts.index"), 303)


def draft() -> str:
    """What there is to hand over: open incidents and who has them, and what ended since the last note."""
    book, now_ms = parts().book, parts().now_ms()
    last = next(iter(book.notes(1, scope())), None)
    since_ms = last.at_ms if last is not None else now_ms - FIRST_MS
    opened, count = book.incident_lines(IncidentQuery(scope(), is_open=True, limit=LINES_MAX))
    ended, ended_count = book.incident_lines(IncidentQuery(scope(), is_open=False, from_ms=since_ms, limit=LINES_MAX))
    said = [gettext("TERBUKA (%(count)d)", count=count), *(_line(each) for each in opened)]
    said += _rest(count - len(opened))
    said += [
        "",
        gettext("BERAKHIR sejak %(moment)s (%(count)d)", moment=times.exact(since_ms, ZONE), count=ended_count),
    ]
    said += [*(_line(each) for each in ended), *_rest(ended_count - len(ended))]
    running = [each for each in book.windows(now_ms, now_ms + FIRST_MS, "", scope()) if each.window.end_ms > now_ms]
    if running:
        said += ["", gettext("PEMELIHARAAN 12 jam ke depan (%(count)d)", count=len(running))]
        said += [
            f"- {each.hub_id or each.area}: {each.why}, {times.exact(each.window.start_ms, ZONE)}"
            for each in running[:LINES_MAX]
        ]
        said += _rest(len(running) - LINES_MAX)
    return "\n".join([*said, "", gettext("CATATAN"), ""])


def _line(each: IncidentLine) -> str:
    problem = incident_words.problem_words()[each.problem]
    by = each.acknowledged_by
    care = gettext("ditangani %(name)s", name=by) if by else gettext("BELUM DITANGANI")
    still = gettext("%(count)d hub", count=each.seen if each.ended_ms is not None else each.hubs)
    return f"- #{each.number} {problem}: {area_words(each)}, {still}, {times.exact(each.since_ms, ZONE)}, {care}"


def _rest(count: int) -> list[str]:
    return [gettext("- dan %(count)d lagi", count=count)] if count > 0 else []


def _problem(text: str) -> str:
    said: object = ""
    if not text:
        said = gettext("Catatan masih kosong.")
    elif len(text) > TEXT_LENGTH_MAX:
        most, length = TEXT_LENGTH_MAX, len(text)
        said = gettext("Terlalu panjang: %(length)d huruf, paling banyak %(most)d.", length=length, most=most)
    elif not text.replace("\n", " ").replace("\t", " ").isprintable():
        said = gettext("Ada huruf kendali yang tidak bisa disimpan. Hapus, lalu simpan lagi.")
    return str(said)


def _page(text: str, problem: str = "") -> str:
    return render_template(
        "noc/shifts.html",
        text=text,
        problems={"text": problem} if problem else {},
        notes=parts().book.notes(NOTES_SHOWN, scope()),
        exact=lambda time_ms: times.exact(time_ms, ZONE),
        may_act=may(Right.ACT),
        me=who(),
    )
