"""The page of one hub: how it is and why, what was when, its charts on one time axis, and whom to call."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from appliance.core.report import Number
from noc import fleet
from noc.fleet_book.contract import Card
from noc.papers import words
from noc.rules.history import History, merge
from noc.rules.outages import Outage, outages
from noc.rules.reading import Terms
from noc.rules.states import Condition, Span
from noc.rules.timeline import timeline
from noc.store.contract import ArrivedRecord, HubFacts
from noc.web import charts, happenings, portal, series, strips, times, trail
from noc.web.access import Right, may, require, scope
from noc.web.ages import judged
from noc.web.commanded import COMMANDS_SHOWN, action_text, answer_look, answer_text, reason_words
from noc.web.hubs import pages
from noc.web.incident_words import problem_words
from noc.web.incidents import area_words
from noc.web.parts import facts_of, parts
from noc.web.words import page_words

__all__ = ["pages"]  # the list's: a hub's page is one of the same group

OUTAGES_MAX: Final = 50
_BEFORE_MS: Final = 86_400_000  # an outage that began before what is shown has its own beginning


@dataclass(frozen=True, slots=True)
class Last:
    """What a hub said last, and when, in ms of UTC. Stale figures are shown as such."""

    samples: Mapping[str, Number | None]
    uptime_seconds: float | None
    rates: fleet.Rates | None
    time_ms: int | None
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Past:
    """How a hub was in the time that is shown."""

    layers: tuple[strips.Layer, ...]
    shares: Mapping[Condition, float]
    outages: Sequence[Outage]
    history: History


@pages.get("/hub/<hub_id>")
@require(Right.LOOK)
def hub(hub_id: str) -> ResponseReturnValue:
    """Show one hub."""
    facts = facts_of(hub_id)
    card = parts().book.card(hub_id) or _card_of(facts)
    if facts is None or card is None or not scope().sees(card.kode_wilayah):
        abort(404)
    now_ms, span = parts().now_ms(), charts.span_of(request.args.get("rentang", ""))
    zone = ZoneInfo(card.timezone)
    axis = series.axis(zone, now_ms, span.hours, span.step_ms)
    past = _past(card, axis.from_ms, min(axis.to_ms, now_ms), axis)
    records = _records(hub_id, axis) if span.hours <= 24 else ()
    book = parts().book
    return render_template(
        "noc/hub.html",
        card=card,
        trail=trail.of(card.kode_wilayah.rpartition(".")[0]),
        standing=book.standing(hub_id),
        judged=judged(),
        last=last_known(fleet.judge(facts, now_ms)),
        said=facts.state.state if facts.state is not None else None,
        matches=happenings.latest(facts.recent, "configuration_matches"),
        units=happenings.units(records or facts.recent),
        events=happenings.events(records, past.history, axis.from_ms, axis.to_ms),
        past=past,
        drawn=charts.all_of(_gathered(card, axis, span, records, zone), axis.count),
        span=span,
        spans=charts.SPANS,
        ticks=_ticks(axis, span, zone),
        step_ms=axis.step_ms,
        zone_name=words.zone(card.timezone),
        moment=lambda time_ms: times.moment(time_ms, now_ms, card.timezone),
        exact=lambda time_ms: times.exact(time_ms, card.timezone),
        conditions=words.conditions(),
        causes=words.causes(),
        bases=words.bases(),
        evidence=words.evidence(),
        problem_words=problem_words(),
        portal=portal.view(parts().portals, hub_id, now_ms),
        contacts=book.contacts(hub_id),
        assets=book.assets(hub_id),
        visits=book.visits(hub_id),
        can_edit=book.card(hub_id) is not None,
        shows_commands=may(Right.MANAGE),
        incidents=book.incidents_of(hub_id),
        whose=area_words,
        given=book.commands(hub_id, COMMANDS_SHOWN),
        action_text=action_text,
        answer_text=lambda given: answer_text(given, now_ms),
        reason_words=reason_words(),
        answer_look=lambda given: answer_look(given, now_ms),
        **page_words(),
    )


def _card_of(facts: HubFacts | None) -> Card | None:
    """A hub that the watch has not taken over yet has only its line of the inventory."""
    if facts is None:
        return None
    return Card(facts.hub.hub_id, facts.hub.name, facts.hub.kode_wilayah, facts.hub.timezone)


def _records(hub_id: str, axis: series.Axis) -> tuple[ArrivedRecord, ...]:
    return parts().store.records(hub_id, axis.from_ms - fleet.GAP_MS, axis.to_ms)


def _gathered(
    card: Card, axis: series.Axis, span: charts.Span, records: Sequence[ArrivedRecord], zone: ZoneInfo
) -> dict[str, series.Values]:
    """Gather from what is kept for so long: minutes, hours or days."""
    if span.hours <= 24:
        return series.of_records(records, axis)
    if span.step_ms == series.HOUR_MS:
        return series.of_hours(parts().store.hours(card.hub_id, axis.from_ms, axis.to_ms), axis)
    first, last = (datetime.datetime.fromtimestamp(ms / 1000, zone).date() for ms in (axis.from_ms, axis.to_ms - 1))
    days = parts().book.days(scope(), "", first.isoformat(), last.isoformat(), card.hub_id)
    return series.of_days(days, axis, zone)


def _past(card: Card, from_ms: int, until_ms: int, axis: series.Axis) -> Past:
    book = parts().book
    terms = Terms(download_kbit=card.download_kbit, upload_kbit=card.upload_kbit)
    history: History = book.histories([card.hub_id]).get(card.hub_id, {})
    tail = book.tails([card.hub_id]).get(card.hub_id)
    if tail is not None:
        history = merge(history, tail.said, terms)
    windows = [each.window for each in book.windows(from_ms - _BEFORE_MS, until_ms, card.hub_id)]
    spans = timeline(history, terms, from_ms - _BEFORE_MS, until_ms, windows)
    found = [each for each in reversed(outages(spans)) if each.end_ms > from_ms]
    return Past(
        strips.timeline(spans, axis.from_ms, axis.to_ms),
        _shares(spans, from_ms, until_ms),
        found[:OUTAGES_MAX],
        history,
    )


def _shares(spans: Sequence[Span], from_ms: int, until_ms: int) -> dict[Condition, float]:
    lengths = dict.fromkeys(Condition, 0)
    for span in spans:
        lengths[span.state.condition] += max(0, min(span.end_ms, until_ms) - max(span.start_ms, from_ms))
    whole = sum(lengths.values())
    return {each: length / whole for each, length in lengths.items() if length}


def last_known(status: fleet.HubStatus) -> Last:
    """The figures to show: those of now, or the last ones of a hub that fell silent, with their time."""
    recent = status.facts.recent
    if not recent:
        return Last({}, None, None, None, is_stale=False)
    latest = recent[-1]
    if status.samples:
        return Last(status.samples, status.uptime_seconds, status.rates, latest.time_ms, is_stale=False)
    samples = latest.record.samples
    flow = next(fleet.flows(recent[-2:]), None)
    rates = None
    if flow is not None:
        milliseconds = flow.to_ms - flow.from_ms
        rates = fleet.Rates(8_000 * flow.received_bytes / milliseconds, 8_000 * flow.sent_bytes / milliseconds)
    return Last(samples, samples.get("uptime_seconds"), rates, latest.time_ms, is_stale=True)


def _ticks(axis: series.Axis, span: charts.Span, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Label the axis at equal parts: hours, or days where it shows several."""
    step_ms = (axis.to_ms - axis.from_ms) // span.marks
    moments = [
        datetime.datetime.fromtimestamp((axis.from_ms + place * step_ms) / 1000, zone) for place in range(span.marks)
    ]
    return [
        {"percent": round(100 * place / span.marks, 2), "text": f"{each:%d/%m}" if span.hours > 24 else f"{each:%H.%M}"}
        for place, each in enumerate(moments)
    ]
