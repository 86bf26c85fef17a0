"""What the API answers: each view reads its parameters, asks the fleet book or the store, and writes plain JSON."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import abort, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from noc import fleet
from noc.fleet import HubState
from noc.fleet_book.contract import Card, IncidentQuery, Order, PartQuery, Query
from noc.rules.affected import Part
from noc.rules.problems import Problem
from noc.rules.sla import Month
from noc.web import api_answers as write
from noc.web import api_parameters as allowed
from noc.web.access import scope
from noc.web.api_parameters import Parameter, ParameterError
from noc.web.parts import facts_of, parts

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
SPAN_MS_MAX: Final = {"records": DAY_MS, "hours": 31 * DAY_MS}
OUTAGES_SPAN_MS_MAX: Final = {"hub": 93 * DAY_MS, "area": 7 * DAY_MS}  # of 850 villages a week is 10,000 lines
DAYS_MAX: Final = 366
COUNTRY: Final = "id"  # in an address, where no code can stand


def hubs() -> ResponseReturnValue:
    """List hubs, as the page does."""
    asked = _read(allowed.HUBS)
    states = () if asked["state"] is None else (HubState(asked["state"]),)
    problem = None if asked["problem"] is None else Problem(asked["problem"])
    found = parts().book.find(
        Query(
            scope(), asked["area"], states, problem, asked["provider"], asked["q"].strip(), Order(asked["order"]),
            asked["offset"], asked["limit"],
        )
    )  # fmt: skip
    return jsonify(
        **_page(found.total, asked),
        states={state.value: found.states.get(state, 0) for state in HubState},
        judged_ms=parts().book.judged_ms(),
        hubs=[write.row(row) for row in found.rows],
    )


def hub(hub_id: str) -> ResponseReturnValue:
    """Tell one hub: what people know, how it is at this moment, and what it said last."""
    _read(())
    card = _card(hub_id)
    facts = facts_of(hub_id) or abort(404)
    standing = parts().book.standing(hub_id)
    return jsonify(write.hub(card, standing, fleet.judge(facts, parts().now_ms())))


def hub_now(hub_id: str) -> ResponseReturnValue:
    """Tell one hub from what it said alone, also before the watch has seen it."""
    found = facts_of(hub_id)
    if found is None or not scope().sees(found.hub.kode_wilayah):
        abort(404, "there is no such hub")
    return jsonify(write.now(fleet.judge(found, parts().now_ms())))


def hub_series(hub_id: str) -> ResponseReturnValue:
    """Tell samples of a hub over time."""
    asked = _read(allowed.SERIES)
    if asked["samples"] is None:
        raise ParameterError(f"samples: is needed; {allowed.SERIES[1].about}")
    from_ms, to_ms = _span(asked, SPAN_MS_MAX[asked["kind"]])
    card, names = _card(hub_id), tuple(dict.fromkeys(asked["samples"].split(",")))
    said: dict[str, Any] = {"hub_id": card.hub_id, "from_ms": from_ms, "to_ms": to_ms}
    if asked["kind"] == "hours":
        found = parts().store.hours(hub_id, from_ms, to_ms)
        return jsonify(**said, hours=[write.hour(each, names) for each in found])
    records = parts().store.records(hub_id, from_ms, to_ms)
    return jsonify(**said, records=[write.record(each, names) for each in records])


def hub_days(hub_id: str) -> ResponseReturnValue:
    """Tell how days of a hub were, in its own time zone."""
    from_day, to_day = _days(_read(allowed.DAYS))
    card = _card(hub_id)
    found = parts().book.days(scope(), "", from_day, to_day, card.hub_id)
    return jsonify(hub_id=card.hub_id, timezone=card.timezone, days=[write.day(each) for each in found])


def hub_outages(hub_id: str) -> ResponseReturnValue:
    """List what was down at a hub."""
    return _outages("", _card(hub_id).hub_id)


def hub_sla(hub_id: str, month: str) -> ResponseReturnValue:
    """Tell a month of a hub, in every version that was made of it."""
    _read(())
    card, wanted = _card(hub_id), _month(month)
    versions = parts().book.all_versions(card.hub_id, str(wanted))
    said = [write.version(each) for each in versions]
    return jsonify(hub_id=card.hub_id, timezone=card.timezone, month=str(wanted), versions=said)


def areas() -> ResponseReturnValue:
    """List the areas within another."""
    parent = _read(allowed.AREAS)["parent"]
    return jsonify(parent=parent, areas=[write.area(each) for each in parts().book.areas(scope(), parent)])


def area(code: str) -> ResponseReturnValue:
    """Tell how the hubs of an area are."""
    _read(())
    return jsonify(write.area(parts().book.area(scope(), _code(code)) or abort(404)))


def area_days(code: str) -> ResponseReturnValue:
    """Tell how days were in an area, all its hubs added up."""
    from_day, to_day = _days(_read(allowed.DAYS))
    found = parts().book.area_days(scope(), _code(code), from_day, to_day)
    return jsonify(code=_code(code), days=[write.area_sum(each) for each in found])


def area_outages(code: str) -> ResponseReturnValue:
    """List what was down in a kabupaten or kecamatan."""
    wanted = _code(code)
    if "." not in wanted:
        raise ParameterError("code: outages are listed of a kabupaten or kecamatan, such as 51.03, or of a hub")
    return _outages(wanted, "")


def area_sla(code: str, month: str) -> ResponseReturnValue:
    """Tell a month of the areas within another, the hubs of each added up."""
    _read(())
    wanted = _month(month)
    found = parts().book.month_sums(scope(), _code(code), str(wanted))
    return jsonify(code=_code(code), month=str(wanted), areas=[write.month_sum(each) for each in found])


def incidents() -> ResponseReturnValue:
    """List incidents."""
    asked = _read(allowed.INCIDENTS)
    problem = None if asked["problem"] is None else Problem(asked["problem"])
    lines, total = parts().book.incident_lines(
        IncidentQuery(
            scope(), is_open=asked["open"] == "true", area=asked["area"], problem=problem, offset=asked["offset"],
            limit=asked["limit"],
        )
    )  # fmt: skip
    return jsonify(**_page(total, asked), incidents=[write.incident(each) for each in lines])


def incident(number: int) -> ResponseReturnValue:
    """Tell one incident: how many hubs are dark, unknown and back add up to all it ever had within the scope."""
    _read(())
    line = parts().book.incident_line(_number(number), scope())
    if line is None:
        abort(404)
    counts = parts().book.incident_parts(number, scope(), parts().now_ms())
    said = {
        part.value: {"hubs": counts[part].hubs, "residents": counts[part].residents} for part in Part if part in counts
    }
    return jsonify(**write.incident(line), parts=said)


def incident_hubs(number: int) -> ResponseReturnValue:
    """List the hubs of one part of an incident, those with most residents first. Contacts are on the page alone."""
    asked = _read(allowed.INCIDENT_HUBS)
    line = parts().book.incident_line(_number(number), scope())
    if line is None:
        abort(404)
    part = Part(asked["part"])
    counts = parts().book.incident_parts(number, scope(), parts().now_ms())
    found = parts().book.incident_hubs_of(
        PartQuery(number, part, parts().now_ms(), scope(), asked["offset"], asked["limit"])
    )
    total = counts[part].hubs if part in counts else 0
    return jsonify(**_page(total, asked), part=part.value, hubs=[write.row(each.row) for each in found])


VIEWS: Final[Mapping[str, Callable[..., ResponseReturnValue]]] = {
    "/hubs": hubs,
    "/hubs/<hub_id>": hub,
    "/hubs/<hub_id>/series": hub_series,
    "/hubs/<hub_id>/days": hub_days,
    "/hubs/<hub_id>/outages": hub_outages,
    "/hubs/<hub_id>/sla/<month>": hub_sla,
    "/areas": areas,
    "/areas/<code>": area,
    "/areas/<code>/days": area_days,
    "/areas/<code>/outages": area_outages,
    "/areas/<code>/sla/<month>": area_sla,
    "/incidents": incidents,
    "/incidents/<int:number>": incident,
    "/incidents/<int:number>/hubs": incident_hubs,
}


def _read(table: tuple[Parameter, ...]) -> Mapping[str, Any]:
    return allowed.read(table, request.args)


def _page(total: int, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Say where in a list this answer is, and the address of the next one."""
    following = asked["offset"] + asked["limit"]
    onward = {**request.args, "offset": following, "limit": asked["limit"]}
    is_last = following >= total or following > allowed.OFFSET_MAX
    here = {**(request.view_args or {}), **onward}
    following_url = None if is_last or request.endpoint is None else url_for(request.endpoint, **here)
    return {"total": total, "offset": asked["offset"], "limit": asked["limit"], "next": following_url}


def _card(hub_id: str) -> Card:
    card = parts().book.card(hub_id)
    if card is None or not scope().sees(card.kode_wilayah):
        abort(404, "there is no such hub")
    return card


def _code(code: str) -> str:
    """The code of an area that who asks may see something of; "" for the country."""
    wanted = "" if code == COUNTRY else code
    seen = scope()
    is_written = code == COUNTRY or (code and allowed.AREA.holds(code))
    if not is_written or not (
        seen.sees(wanted) or any(f"{each}.".startswith(f"{wanted}.") or not wanted for each in seen.areas)
    ):
        abort(404, "there is no such area")
    return wanted


def _number(number: int) -> int:
    if number > allowed.INTEGER_MAX:
        abort(404)
    return number


def _month(text: str) -> Month:
    try:
        month = Month.parse(text)
    except ValueError as error:
        abort(404, str(error))
    if str(month) != text or not 2000 <= month.year < 2100:
        abort(404, f"{text[:20]!r} is no month; allowed is for example 2026-08")
    return month


def _span(asked: Mapping[str, Any], longest_ms: int) -> tuple[int, int]:
    to_ms = parts().now_ms() if asked["to_ms"] is None else asked["to_ms"]
    from_ms = max(0, to_ms - DAY_MS) if asked["from_ms"] is None else asked["from_ms"]
    if not from_ms <= to_ms <= from_ms + longest_ms:
        raise ParameterError(f"from_ms: allowed is at most {longest_ms // DAY_MS} days before to_ms")
    return from_ms, to_ms


def _days(asked: Mapping[str, Any]) -> tuple[str, str]:
    today = datetime.datetime.fromtimestamp(parts().clock(), datetime.UTC).date() + datetime.timedelta(days=1)
    try:
        last = today if asked["to_day"] is None else datetime.date.fromisoformat(asked["to_day"])
        back = last - datetime.timedelta(days=30)
        first = back if asked["from_day"] is None else datetime.date.fromisoformat(asked["from_day"])
    except ValueError:
        raise ParameterError("from_day, to_day: one of them is no day of the calendar") from None
    if not 0 <= (last - first).days <= DAYS_MAX:
        raise ParameterError(f"from_day: allowed is at most {DAYS_MAX} days before to_day")
    return first.isoformat(), last.isoformat()


def _outages(code: str, hub_id: str) -> ResponseReturnValue:
    asked = _read(allowed.OUTAGES)
    from_ms, to_ms = _span(asked, OUTAGES_SPAN_MS_MAX["hub" if hub_id else "area"])
    found = parts().book.outages(scope(), code, from_ms, to_ms, hub_id)
    shown = found[asked["offset"] : asked["offset"] + asked["limit"]]
    return jsonify(
        **_page(len(found), asked), from_ms=from_ms, to_ms=to_ms, outages=[write.outage(each) for each in shown]
    )
