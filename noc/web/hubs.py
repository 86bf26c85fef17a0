"""The pages of hubs: the list, with its filters in the address, and one page for each hub."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue

from appliance.core.report import Number
from appliance.faces import charts as drawing
from appliance.faces import formats
from noc import fleet
from noc.store.contract import HubFacts
from noc.web import charts
from noc.web.parts import blueprint, parts, statuses
from noc.web.words import page_words

HUBS_PER_PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Last:
    """What a hub said last, and when, in ms of UTC. Stale figures are shown as such."""

    samples: Mapping[str, Number | None]
    uptime_seconds: float | None
    rates: fleet.Rates | None
    time_ms: int | None
    is_stale: bool


pages = blueprint("hubs", __name__)


@pages.get("/")
def index() -> ResponseReturnValue:
    """List the hubs."""
    every = statuses()
    wanted, text = request.args.get("state", ""), request.args.get("q", "").strip()[:64]
    state = fleet.HubState(wanted) if wanted in set(fleet.HubState) else None
    found = [each for each in every if state in (None, each.state) and _matches(each, text)]
    last = max(1, math.ceil(len(found) / HUBS_PER_PAGE))
    number = min(max(1, request.args.get("hal", 1, int)), last)
    return render_template(
        "noc/index.html",
        every=every,
        found=found,
        shown=found[(number - 1) * HUBS_PER_PAGE : number * HUBS_PER_PAGE],
        page_number=number,
        pages_count=last,
        counts=fleet.count_states(every),
        state=state,
        unknown_state=wanted if state is None else "",
        text=text,
        aside=sum(parts().store.aside_counts().values()),
        **page_words(),
    )


@pages.get("/hub/<hub_id>")
def hub(hub_id: str) -> ResponseReturnValue:
    """Show one hub."""
    status = _one(hub_id)
    zone = ZoneInfo(status.facts.hub.timezone)
    now = datetime.datetime.fromtimestamp(parts().clock(), datetime.UTC)
    span = _span()
    buckets = _buckets(status.facts, span)

    def moment(time_ms: int | None) -> str:
        if time_ms is None:
            return ""
        return formats.moment(datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC), now, zone)

    return render_template(
        "noc/hub.html",
        status=status,
        last=_last_known(status),
        moment_of=moment,
        span=span,
        spans=charts.SPANS,
        drawings={"bandwidth": charts.bandwidth(buckets), "latensi": charts.round_trip(buckets)},
        widths=drawing.WIDTHS,
        height=drawing.HEIGHT,
        zone_name=formats.moment(now, now, zone).rpartition(" ")[2],
        **page_words(),
    )


@pages.get("/hub/<hub_id>/<any(bandwidth, latensi):which>.svg")
def chart(hub_id: str, which: str) -> Response:
    """Draw one chart of a hub."""
    facts = _facts(hub_id)
    buckets = _buckets(facts, _span())
    made = charts.bandwidth(buckets) if which == "bandwidth" else charts.round_trip(buckets)
    narrow = request.args.get("lebar") == "sempit"
    response = make_response(charts.draw(made, buckets, ZoneInfo(facts.hub.timezone), narrow=narrow))
    response.content_type = "image/svg+xml"
    return response


def _buckets(facts: HubFacts, span: charts.Span) -> tuple[fleet.Bucket, ...]:
    width_ms = span.hours * 3_600_000 // span.points
    # Whole steps of the clock, so that a point does not move each time the page is looked at.
    to_ms = (int(parts().clock() * 1000) // width_ms + 1) * width_ms
    from_ms = to_ms - span.points * width_ms
    records = parts().store.records(facts.hub.hub_id, from_ms - fleet.GAP_MS, to_ms)
    recent = [each for each in records if each.time_ms is not None and each.time_ms >= from_ms]
    return fleet.series(recent, from_ms, to_ms, span.points)


def _last_known(status: fleet.HubStatus) -> Last:
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


def _matches(status: fleet.HubStatus, text: str) -> bool:
    hub = status.facts.hub
    return text.casefold() in f"{hub.name} {hub.hub_id} {hub.kode_wilayah}".casefold()


def _facts(hub_id: str) -> HubFacts:
    found = parts().store.facts(hub_id)
    if not found:
        abort(404)
    return found[0]


def _one(hub_id: str) -> fleet.HubStatus:
    found = statuses(hub_id)
    if not found:
        abort(404)
    return found[0]


def _span() -> charts.Span:
    asked = request.args.get("rentang", "24j")
    return next((span for span in charts.SPANS if span.key == asked), charts.SPANS[1])
