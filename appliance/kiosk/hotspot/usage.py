"""How much the village uses: now, and in the last two days."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from appliance.faces.charts import HEIGHT, WIDTHS, Chart, draw
from appliance.hotspot.protocol import AskUsage, ListClients, Usage
from appliance.kiosk.hotspot import charts, rules
from appliance.kiosk.hotspot.pages import REFRESH_SECONDS, ask, gate_is_silent, pages, zone
from appliance.kiosk.services import current_kiosk

BUSIEST_COUNT = 10


@pages.get("/pemakaian")
def usage() -> ResponseReturnValue:
    """Show use now, over time, and who uses most."""
    found, span = ask(AskUsage()), _span()
    busiest = rules.in_order(ask(ListClients()).online, rules.Order.SPEED)
    is_held = request.args.get("diam") == "ya"
    rows = charts.buckets(found.points, int(current_kiosk().clock()), span.hours, span.row_seconds)
    return render_template(
        "hotspot/usage.html",
        usage=found,
        span=span,
        spans=charts.SPANS,
        drawings=_drawings(found, span),
        rows=rows[::-1],
        busiest=[one for one in busiest if rules.rate_bits_per_second(one)][:BUSIEST_COUNT],
        uplink_line=current_kiosk().config.uplink,
        widths=WIDTHS,
        height=HEIGHT,
        is_held=is_held,
        refresh_seconds=0 if is_held else REFRESH_SECONDS,
        gate_silent=gate_is_silent(),
    )


@pages.get("/pemakaian/<any(unduh, unggah, perangkat):which>.svg")
def chart(which: str) -> Response:
    """Draw one chart."""
    span = _span()
    found = ask(AskUsage())
    starts_ms = [bucket.start_seconds * 1_000 for bucket in _buckets(found, span)]
    narrow = request.args.get("lebar") == "sempit"
    response = make_response(draw(_drawings(found, span)[which], starts_ms, zone(), narrow=narrow))
    response.content_type = "image/svg+xml"
    return response


def _drawings(found: Usage, span: charts.Span) -> dict[str, Chart]:
    made, uplink = _buckets(found, span), current_kiosk().config.uplink
    return {
        "unduh": charts.received(made, uplink),
        "unggah": charts.sent(made, uplink),
        "perangkat": charts.online(made),
    }


def _buckets(found: Usage, span: charts.Span) -> tuple[charts.Bucket, ...]:
    return charts.buckets(found.points, int(current_kiosk().clock()), span.hours, span.step_seconds)


def _span() -> charts.Span:
    asked = request.args.get("rentang", "")
    return next((span for span in charts.SPANS if span.key == asked), charts.SPANS[0])
