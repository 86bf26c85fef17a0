"""Records as VictoriaMetrics imports them: a line of JSON for each sample of a hub. Pure.

A sample ``uplink_latency_ms.t1`` is the series ``desahub_uplink_latency_ms`` with the labels ``hub``, ``area`` (its
kode wilayah), ``name`` and ``part="t1"``. What a box could not tell is no value, and a record that nobody can place in
time is no point.

Source: https://docs.victoriametrics.com/#how-to-import-data-in-json-line-format
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from appliance.core.report import Report
from noc.store.contract import Came, Hub
from noc.store.moments import anchors, placed_ms

PREFIX = "desahub_"


def lines(reports: Iterable[Came], hubs: Mapping[str, Hub]) -> tuple[bytes, int]:
    """Write reports for the import; also, how many of their records nobody can place in time."""
    series: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    lost = 0
    for report in reports:
        known = anchors(Report(report.sent_boot_id, report.sent_boottime_ms, report.records), report.received_ms)
        for record in report.records:
            time_ms = placed_ms(record, known, report.received_ms)
            if time_ms is None:
                lost += 1
                continue
            for name, value in record.samples.items():
                if value is not None:
                    times, values = series.setdefault((report.hub_id, name), ([], []))
                    times.append(time_ms)
                    values.append(value)
    written = (
        json.dumps({"metric": _labels(hub_id, name, hubs.get(hub_id)), "values": values, "timestamps": times})
        for (hub_id, name), (times, values) in series.items()
    )
    return "\n".join(written).encode(), lost


def _labels(hub_id: str, name: str, hub: Hub | None) -> dict[str, str]:
    base, _, part = name.partition(".")
    labels = {"__name__": PREFIX + base, "hub": hub_id}
    if hub is not None:
        labels |= {"area": hub.kode_wilayah, "name": hub.name}
    return labels | ({"part": part} if part else {})
