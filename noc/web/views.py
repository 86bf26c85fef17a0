"""The pages of the NOC: the list, with its filters in the address, and one page for each hub."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import formats
from appliance.faces.login import turn_away
from noc import fleet
from noc.store.contract import HubFacts, NocStore
from noc.web import charts

_LOOKS: Final = {
    # Grey is normal; colour is for what is not.
    fleet.HubState.ONLINE: "calm",
    fleet.HubState.ATTENTION: "warn",
    fleet.HubState.NO_CONTACT: "bad",
    fleet.HubState.NEVER: "unknown",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are given."""

    store: NocStore
    clock: Callable[[], float]


pages = Blueprint("noc", __name__, template_folder="templates")
pages.before_request(turn_away)


def parts() -> Parts:
    """What `noc.web.create_app` gave this application."""
    return cast(Parts, current_app.extensions["noc"])


def statuses(hub_id: str | None = None) -> list[fleet.HubStatus]:
    """Judge every hub, or one: those that need somebody first, then by name."""
    now_ms = int(parts().clock() * 1000)
    order = list(fleet.HubState)
    found = [fleet.judge(facts, now_ms) for facts in parts().store.facts(hub_id)]
    return sorted(found, key=lambda each: (order.index(each.state), each.facts.hub.name))


def state_words() -> dict[fleet.HubState, str]:
    """Each state in the reader's language."""
    return {
        fleet.HubState.NO_CONTACT: gettext("Tidak ada kontak"),
        fleet.HubState.ATTENTION: gettext("Perlu perhatian"),
        fleet.HubState.NEVER: gettext("Belum pernah terhubung"),
        fleet.HubState.ONLINE: gettext("Online"),
    }


def reason_words() -> dict[fleet.Reason, str]:
    """Each reason in the reader's language."""
    return {
        fleet.Reason.UPLINK_DOWN: gettext("Internet tidak menjawab"),
        fleet.Reason.GATE_SILENT: gettext("Gerbang tidak menjawab"),
        fleet.Reason.GATE_OPEN: gettext("Gerbang terbuka untuk semua"),
        fleet.Reason.DISK_FULL: gettext("Penyimpanan hampir penuh"),
        fleet.Reason.MEMORY_FULL: gettext("Memori hampir habis"),
        fleet.Reason.HOT: gettext("Terlalu panas"),
        fleet.Reason.RECORDS_DROPPED: gettext("Data pengukuran terbuang"),
    }


@pages.get("/")
def index() -> ResponseReturnValue:
    """List the hubs."""
    every = statuses()
    wanted, text = request.args.get("state", ""), request.args.get("q", "").strip()[:64]
    shown = [each for each in every if wanted in ("", each.state) and _matches(each, text)]
    return render_template(
        "noc/index.html",
        every=every,
        shown=shown,
        counts=fleet.count_states(every),
        state=wanted,
        text=text,
        aside=sum(parts().store.aside_counts().values()),
        **_words(),
    )


@pages.get("/hub/<hub_id>")
def hub(hub_id: str) -> ResponseReturnValue:
    """Show one hub."""
    status = _one(hub_id)
    zone = ZoneInfo(status.facts.hub.timezone)
    now = datetime.datetime.fromtimestamp(parts().clock(), datetime.UTC)
    contact = status.facts.last_contact_ms
    return render_template(
        "noc/hub.html",
        status=status,
        span=_span(),
        spans=charts.SPANS,
        contact=None
        if contact is None
        else formats.moment(datetime.datetime.fromtimestamp(contact / 1000, datetime.UTC), now, zone),
        zone_name=formats.moment(now, now, zone).rpartition(" ")[2],
        **_words(),
    )


@pages.get("/hub/<hub_id>/<any(bandwidth, latensi):which>.svg")
def chart(hub_id: str, which: str) -> Response:
    """Draw one chart of a hub."""
    facts = _facts(hub_id)
    span = _span()
    width_ms = span.hours * 3_600_000 // span.points
    # Whole steps of the clock, so that a point does not move each time the page is looked at.
    to_ms = (int(parts().clock() * 1000) // width_ms + 1) * width_ms
    from_ms = to_ms - span.points * width_ms
    records = parts().store.records(hub_id, from_ms - fleet.GAP_MS, to_ms)
    buckets = fleet.series(
        [each for each in records if each.time_ms is not None and each.time_ms >= from_ms], from_ms, to_ms, span.points
    )
    draw = charts.bandwidth if which == "bandwidth" else charts.round_trip
    narrow = request.args.get("lebar") == "sempit"
    response = make_response(draw(buckets, ZoneInfo(facts.hub.timezone), narrow=narrow))
    response.content_type = "image/svg+xml"
    return response


def _words() -> dict[str, Any]:
    return {"state_words": state_words(), "reason_words": reason_words(), "looks": _LOOKS, "rate": charts.rate}


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
