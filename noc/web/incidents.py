"""Incidents: the list, and for each one page from the cause to whom to call, with what people do about it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.alarms import deeds
from noc.fleet_book.contract import IncidentHub, IncidentLine, IncidentQuery, PartQuery
from noc.papers import dispatch_csv, words
from noc.rules.affected import Part
from noc.rules.alert_state import ChannelState, Deed, Silence
from noc.rules.groups import GroupKind
from noc.rules.problems import Problem
from noc.web import growth, incident_words, silencing, times
from noc.web.access import Right, may, require, scope, who
from noc.web.ages import judged
from noc.web.deed_words import incident_deed_words
from noc.web.parts import blueprint, parts

ROWS_PER_PAGE: Final = 25
DAYS: Final = (7, 30, 90)
NOTE_LENGTH_MAX: Final = 500
DEEDS_MAX: Final = 50
OPEN_MAX: Final = 75
DISPATCH_HUBS_MAX: Final = 10_000
ZONE: Final = "Asia/Jakarta"
AREA_KINDS: Final = (GroupKind.DISTRICT, GroupKind.REGENCY, GroupKind.PROVINCE)

pages = blueprint("incidents", __name__)


@pages.get("/insiden")
@require(Right.LOOK)
def index() -> ResponseReturnValue:
    """List what is open, those nobody takes care of first, the oldest on top; below, what has ended."""
    book, now_ms = parts().book, parts().now_ms()
    ended = _ended_query(now_ms)
    found, total = book.incident_lines(ended)
    count = max(1, math.ceil(total / ROWS_PER_PAGE))
    if page_number() > count:
        found, total = book.incident_lines(replace(ended, offset=(count - 1) * ROWS_PER_PAGE))
    opened, open_total = book.incident_lines(IncidentQuery(scope(), is_open=True, limit=OPEN_MAX))
    return render_template(
        "noc/incidents.html",
        opened=opened,
        open_total=open_total,
        waiting=sum(not each.acknowledged_by for each in opened),
        ended=found,
        total=total,
        page_number=min(page_number(), count),
        pages_count=count,
        asked={key: value for key, value in request.args.items() if key in ("masalah", "area", "hari") and value},
        days=DAYS,
        day_options=[(str(days), gettext("%(days)d hari", days=days)) for days in DAYS],
        problem_options=[("", gettext("Semua")), *sorted(incident_words.problem_words().items(), key=lambda p: p[1])],
        judged=judged(),
        failing_channels=_failing_channels(),
        refresh=60,
        **_shown(now_ms),
    )


@pages.get("/insiden/<int:number>")
@require(Right.LOOK)
def incident(number: int) -> ResponseReturnValue:
    """Show one incident."""
    return _incident_page(find(number))


@pages.post("/insiden/<int:number>/terima")
@require(Right.ACT)
def acknowledge(number: int) -> ResponseReturnValue:
    """Take care of an incident, in the account's own name."""
    line = find(number)
    note = " ".join(request.form.get("note", "").split())
    if len(note) > NOTE_LENGTH_MAX:
        problem = gettext("Catatan terlalu panjang: paling banyak %(count)d huruf.", count=NOTE_LENGTH_MAX)
        return _incident_page(line, problems={"note": problem}, note=note), 400
    if not note.isprintable():
        problem = gettext("Ada huruf kendali yang tidak bisa disimpan.")
        return _incident_page(line, problems={"note": problem}, note=note), 400
    refuse_beyond(line)
    try:
        deed = Deed(parts().now_ms(), who(), "acknowledge", str(number), note)
        parts().book.acknowledge(number, deed, line.group)
        flash(gettext("Tercatat: insiden ini ditangani %(name)s.", name=who()), "good")
    except KeyError:
        line = find(number)
        if line.ended_ms is None:  # it became another group's just now
            problem = gettext("Insiden ini baru saja berubah. Periksa lagi, lalu ulangi.")
            return _incident_page(line, problems={"note": problem}, note=note), 409
        flash(gettext("Insiden ini sudah berakhir; tidak ada yang perlu ditangani lagi."), "warn")
    return redirect(url_for("incidents.incident", number=number), 303)


@pages.post("/insiden/<int:number>/senyap")
@require(Right.ACT)
def silence(number: int) -> ResponseReturnValue:
    """Keep messages about the group of this incident back until an end, for a reason."""
    line = find(number)
    refuse_beyond(line)
    wish = silencing.read(request.form, parts().now_ms(), _zone_of(line))
    if wish.problems:
        return _incident_page(line, problems=wish.problems, wish=wish), 400
    problem = line.problem if wish.only_this else None
    made = Silence(line.group, wish.until_ms, who(), wish.why, problem)
    subject = deeds.subject(made)
    parts().book.put_silence(made, Deed(parts().now_ms(), who(), "silence", subject, wish.why))
    flash(gettext("Pesan ditahan sampai %(end)s.", end=times.exact(wish.until_ms, _zone_of(line))), "good")
    return redirect(url_for("incidents.incident", number=number), 303)


@pages.post("/insiden/<int:number>/bicara")
@require(Right.ACT)
def lift(number: int) -> ResponseReturnValue:
    """End the silences of this incident's group before their time."""
    line = find(number)
    refuse_beyond(line)
    for each in silencing.of(line, parts().book.silences(parts().now_ms())):
        with contextlib.suppress(KeyError):  # somebody else was faster
            parts().book.lift(each, Deed(parts().now_ms(), who(), "lift", deeds.subject(each)))
    flash(gettext("Pesan tentang insiden ini dikirim lagi."), "good")
    return redirect(url_for("incidents.incident", number=number), 303)


@pages.get("/insiden/<int:number>/kirim.csv")
@require(Right.ACT)
def dispatch(number: int) -> ResponseReturnValue:
    """Write the list that a team takes along. It names people: who took it, and how much, stays in the audit."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        abort(403)  # a link elsewhere must not write deeds in the name of who follows it
    line = find(number)
    wanted = (Part.DARK, Part.UNKNOWN) if request.args.get("tidak-diketahui") == "ya" else (Part.DARK,)
    book, now_ms, zone = parts().book, parts().now_ms(), _zone_of(line)
    chosen = set(request.args.getlist("hub")) if request.args.get("pilih") == "tanda" else None
    if chosen is not None and not chosen:
        problem = gettext("Belum ada hub yang ditandai. Tandai di tabel, atau pilih semuanya.")
        return _incident_page(line, problems={"dispatch": problem}), 400
    hubs = [
        (part, hub)
        for part in wanted
        for hub in book.incident_hubs_of(PartQuery(number, part, now_ms, scope(), limit=DISPATCH_HUBS_MAX))
        if chosen is None or hub.row.card.hub_id in chosen
    ]
    by_district = request.args.get("kelompok") == "kecamatan"
    text = dispatch_csv.write(
        hubs,
        parts={key: str(word) for key, word in incident_words.part_words(line.problem).items()},
        since=lambda hub: _since_text(hub, zone),
        area_name=book.area_name,
        by_district=by_district,
    )
    book.write_deed(Deed(now_ms, who(), "dispatch", str(number), f"{len(hubs)} hub"))
    response: Response = make_response(text)
    response.content_type = "text/csv; charset=utf-8"
    name = f"insiden-{number}-{times.field(now_ms, zone).replace(':', '')}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@pages.get("/insiden/<int:number>/perkembangan.svg")
@require(Right.LOOK)
def chart(number: int) -> ResponseReturnValue:
    """Draw how an incident grew and shrank."""
    line = find(number)
    if not is_whole(line):
        abort(404)
    drawn = growth.draw(
        parts().book.incident_sizes(number), _zone_of(line), narrow=request.args.get("lebar") == "sempit"
    )
    response: Response = make_response(drawn)
    response.content_type = "image/svg+xml"
    return response


def find(number: int) -> IncidentLine:
    """The incident, as far as this account sees it; what lies wholly outside is not there."""
    line = parts().book.incident_line(number, scope()) if number < 2**63 else None
    if line is None:
        abort(404)
    return line


def is_whole(line: IncidentLine) -> bool:
    """Say whether this account sees all of an incident, and of whatever may still join it."""
    return decides(line) and (line.seen == line.everyone or not scope().areas)


def decides(line: IncidentLine) -> bool:
    """Say whether an incident is this account's to decide on: by its group, not by the hubs that it has today.

    A silence holds for every hub of the group, and hubs join an incident after somebody took care of it.
    """
    seen, group = scope(), line.group
    if not seen.areas:
        return True
    if line.problem is Problem.NOC_DEAF:
        return False
    if group.kind in AREA_KINDS:
        return seen.sees(group.name)
    card = parts().book.card(group.name) if group.kind is GroupKind.HUB else None
    return card is not None and seen.sees(card.kode_wilayah)


def refuse_beyond(line: IncidentLine) -> None:
    """What an account does must not reach hubs that it does not see."""
    if not decides(line):
        abort(403)


def page_number() -> int:
    """The page of the list that the address asks for, from 1."""
    return max(1, min(request.args.get("hal", 1, int), 100_000))


def area_words(line: IncidentLine) -> str:
    """Whose incident it is, by name."""
    return incident_words.group_text(line.group, name_of)


def name_of(name: str) -> str:
    """The name of an area or hub, "" where nobody wrote one down."""
    book = parts().book
    if name[:1].isdigit():
        return book.area_name(name)
    card = book.card(name)
    return card.name if card is not None else ""


def _failing_channels() -> list[ChannelState]:
    """The ways by which alarms do not leave now. They are the NOC's, not those of an account of some areas."""
    return [] if scope().areas else [each for each in parts().book.channels() if each.failing_since_ms is not None]


def _shown(now_ms: int) -> dict[str, Any]:
    return {
        "now_ms": now_ms,
        "problem_words": incident_words.problem_words(),
        "group_text": area_words,
        "moment": lambda time_ms, zone=ZONE: times.moment(time_ms, now_ms, zone),
        "exact": times.exact,
    }


def _ended_query(now_ms: int) -> IncidentQuery:
    wanted, area = request.args.get("masalah", ""), request.args.get("area", "").strip()[:13]
    days = request.args.get("hari", DAYS[1], int)
    return IncidentQuery(
        scope(),
        is_open=False,
        area=area,
        problem=Problem(wanted) if wanted in set(Problem) else None,
        from_ms=now_ms - (days if days in DAYS else DAYS[1]) * 86_400_000,
        offset=(page_number() - 1) * ROWS_PER_PAGE,
        limit=ROWS_PER_PAGE,
    )


def _incident_page(
    line: IncidentLine, *, problems: Mapping[str, str] | None = None, note: str = "", wish: silencing.Wish | None = None
) -> str:
    book, now_ms, zone = parts().book, parts().now_ms(), _zone_of(line)
    counts = book.incident_parts(line.number, scope(), now_ms)
    shown = _part_asked()
    page_count = max(1, math.ceil(counts[shown].hubs / ROWS_PER_PAGE))
    number = min(page_number(), page_count)
    hubs = book.incident_hubs_of(
        PartQuery(line.number, shown, now_ms, scope(), (number - 1) * ROWS_PER_PAGE, ROWS_PER_PAGE)
    )
    sizes = book.incident_sizes(line.number) if is_whole(line) else ()
    causes = book.incident_causes(line.number, scope())
    return render_template(
        "noc/incident.html",
        line=line,
        zone=zone,
        counts=counts,
        looks=incident_words.PART_LOOKS,
        part_words=incident_words.part_words(line.problem),
        shown=shown,
        hubs=hubs,
        page_number=number,
        pages_count=page_count,
        since=lambda hub: _since_text(hub, zone),
        whole=is_whole(line),
        decides=decides(line),
        shared=incident_words.shared_text(line.group),
        causes=[(incident_words.cause_text(c), c.hubs) for c in causes if c.condition is not None],
        unexplained=sum(c.hubs for c in causes if c.condition is None),
        growth=growth.chart(sizes),
        sizes=sizes,
        widths=growth.WIDTHS,
        height=growth.HEIGHT,
        silences=silencing.of(line, book.silences(now_ms)),
        deeds=_done(line),
        me=who(),
        zone_word=words.zone(zone),
        deed_words=incident_deed_words(),
        judged_ms=book.judged_ms(),
        problems=problems or {},
        note=note,
        wish=wish or silencing.Wish.first(now_ms, zone),
        ends=silencing.ends(now_ms, zone),
        may_act=may(Right.ACT),
        **_shown(now_ms),
    )


def tel(phone: str) -> str:
    """The address that dials: digits, and a plus in front. Source: RFC 3966."""
    digits = "".join(each for each in phone if each.isascii() and each.isdigit())
    return f"tel:{'+' if phone.strip().startswith('+') else ''}{digits}"


def _part_asked() -> Part:
    asked = request.args.get("bagian", "")
    return Part(asked) if asked in set(Part) else Part.DARK


def _done(line: IncidentLine) -> list[Deed]:
    """What was done about an incident, the latest first; silences stand under the name of its group."""
    subjects = {str(line.number), f"{line.group.kind} {line.group.name}"}
    subjects.add(f"{line.group.kind} {line.group.name} {line.problem}")
    known = incident_deed_words()
    found = [
        deed
        for subject in subjects
        for deed in parts().book.deeds(DEEDS_MAX, subject)
        if deed.what in known and deed.at_ms >= line.since_ms
    ]
    return sorted(found, key=lambda deed: -deed.at_ms)[:DEEDS_MAX]


def _since_text(hub: IncidentHub, zone: str) -> str:
    since_ms = hub.row.standing.since_ms
    return "" if since_ms is None else times.exact(since_ms, zone)


def _zone_of(line: IncidentLine) -> str:
    """The zone in which an incident is told: that of its hubs, which is the one of its first."""
    return line.timezone or ZONE
