"""``/metrics``: the NOC itself as Prometheus reads it. Every figure is read from the databases when somebody asks.

For the machine's token (``web/api.token``), the token of an account that sees the whole country, and for who asks from
this machine itself, unless a proxy stands there: then everybody comes from here.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flask import Flask, Response, abort, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from noc.fleet import HubState
from noc.fleet_book.contract import FleetBook, IncidentQuery, Query
from noc.ingest.ear import FACTS_SIGN, ears
from noc.places import Places
from noc.store.contract import AsideKind, NocStore
from noc.web import access, api
from noc.web.access import Right
from noc.web.parts import parts

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FORWARDED: Final = ("X-Real-IP", "X-Forwarded-For", "Forwarded", "Via")


def install(app: Flask, places: Places, *, behind_proxy: bool) -> None:
    """Add ``/metrics``."""

    def show() -> Response:
        if not _is_from_here(behind_proxy=behind_proxy):
            visitor = api.visitor()
            if visitor is None or visitor.scope.areas or Right.LOOK not in visitor.rights:
                abort(403)
        registry = CollectorRegistry()
        registry.register(_Figures(parts().store, parts().book, places, parts().now_ms()))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE)

    app.add_url_rule("/metrics", "metrics", access.mark(show, Right.LOOK))


def _is_from_here(*, behind_proxy: bool) -> bool:
    if behind_proxy or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


class _Figures(Collector):
    """What is read for one answer."""

    def __init__(self, store: NocStore, book: FleetBook, places: Places, now_ms: int) -> None:
        self._store, self._book, self._places, self._now_ms = store, book, places, now_ms

    def describe(self) -> list[Metric]:
        """Nothing beforehand: else registering would read everything once more."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read every figure."""
        yield from self._arrivals()
        yield from self._fleet()
        yield from self._alarms()
        sizes = GaugeMetricFamily("desahub_noc_file_bytes", "Size of a database with its log.", labels=["file"])
        for path in (self._places.store, self._places.fleet_book, self._places.web / "accounts.db"):
            sizes.add_metric([path.name], sum(map(_size, path.parent.glob(f"{path.name}*"))))
        sizes.add_metric(["batches"], sum(map(_size, (self._places.state / "batches").glob("*"))))
        yield sizes

    def _arrivals(self) -> Iterator[Metric]:
        yield _gauge("batches_kept", "Reports that are kept, in all days.", self._store.waiting(""))
        followed = self._store.waiting(self._book.followed_mark())
        yield _gauge("batches_unfollowed", "Kept reports that the watch has not read yet.", followed)
        aside = CounterMetricFamily("desahub_noc_aside", "Payloads kept aside, by why.", labels=["kind"])
        counts = self._store.aside_counts()
        for kind in AsideKind:
            aside.add_metric([kind.value], counts.get(kind, 0))
        yield aside
        signs = self._store.signs()
        if FACTS_SIGN in signs:
            age = self._age(signs[FACTS_SIGN])
            yield _gauge("facts_age_seconds", "Since facts were last brought up to what had arrived.", age)
        heard = GaugeMetricFamily("desahub_noc_ear_age_seconds", "Since a broker was last heard.", labels=["broker"])
        for ear in ears(signs):
            heard.add_metric([ear.broker], self._age(ear.last_sign_ms))
        yield heard

    def _fleet(self) -> Iterator[Metric]:
        hubs = GaugeMetricFamily("desahub_noc_hubs", "Hubs by how the watch judged them last.", labels=["state"])
        counts = self._book.find(Query(limit=1)).states
        for state in HubState:
            hubs.add_metric([state.value], counts.get(state, 0))
        yield hubs
        judged_ms = self._book.judged_ms()
        if judged_ms is not None:
            yield _gauge("watch_turn_age_seconds", "Since the watch judged hubs last.", self._age(judged_ms))
        _, incidents = self._book.incident_lines(IncidentQuery(limit=1))
        yield _gauge("incidents_open", "Incidents that are going on.", incidents)

    def _alarms(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("desahub_noc_alarms_waiting", "Alarms still to be sent.", labels=["channel"])
        failing = GaugeMetricFamily(
            "desahub_noc_alarms_failing_seconds",
            "For how long a channel has failed, 0 while it works.",
            labels=["channel"],
        )
        for channel in self._book.channels():
            waiting.add_metric([channel.name], len(self._book.waiting_letters(channel.name)))
            since_ms = channel.failing_since_ms
            failing.add_metric([channel.name], 0 if since_ms is None else self._age(since_ms))
        yield from (waiting, failing)

    def _age(self, at_ms: int) -> float:
        return max(0, self._now_ms - at_ms) / 1000


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"desahub_noc_{name}", about, value=value)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # it went just now
