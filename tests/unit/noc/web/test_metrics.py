"""``/metrics``: true figures, in a form that Prometheus reads, for those alone who may see the whole."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from noc.accounts import tokens
from noc.accounts.opening import open_accounts
from noc.fleet_book.contract import Scope
from noc.ingest.ear import FACTS_SIGN
from noc.rules.alert_state import ChannelState
from noc.store.contract import Arrivals, AsideKind, SetAside
from noc.web import create_app
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.staff import NOW, add

Figures = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def nothing_followed(fleet_app: FleetApp) -> None:
    """The made-up fleet was not followed by a watch: its mark is a word."""
    fleet_app.book.put_followed([], "")


def figures(client: FlaskClient) -> Figures:
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain; version=0.0.4")
    return {
        (sample.name.removeprefix("desahub_noc_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_figures_are_those_of_the_databases(fleet_app: FleetApp) -> None:
    store, book = fleet_app.store, fleet_app.book
    store.commit(Arrivals(aside=[SetAside("t", AsideKind.MALFORMED, "x", b"", NOW_MS)] * 3))
    store.put_sign("broker bali", fleet_app.now_ms - 12_000)
    store.put_sign(FACTS_SIGN, fleet_app.now_ms - 4_000)
    said = figures(fleet_app.app.test_client())
    counts = {state: said["hubs", state] for state in ("online", "attention", "no_contact", "never")}
    assert sum(counts.values()) == 60 and counts["never"] == 1 and counts["no_contact"] > 5
    assert said["incidents_open",] == len(book.incidents(Scope(), is_open=True))
    assert (said["aside_total", "malformed"], said["aside_total", "unknown_hub"]) == (3, 0)
    assert (said["ear_age_seconds", "bali"], said["facts_age_seconds",]) == (12, 4)
    assert said["watch_turn_age_seconds",] == (fleet_app.now_ms - (book.judged_ms() or 0)) / 1000
    assert said["batches_kept",] == said["batches_unfollowed",] == store.waiting("") > 0
    mark, _ = store.came("", 2)
    book.put_followed([], mark)
    assert figures(fleet_app.app.test_client())["batches_unfollowed",] == said["batches_kept",] - 2
    assert said["file_bytes", "noc.db"] > 10_000 and said["file_bytes", "batches"] > 1_000


def test_what_is_not_there_yet_is_left_out(fleet_app: FleetApp) -> None:
    said = figures(fleet_app.app.test_client())
    assert not [name for name in said if name[0] in ("facts_age_seconds", "ear_age_seconds", "alarms_waiting")]


def test_a_channel_that_fails_is_told(fleet_app: FleetApp) -> None:
    state = ChannelState("surat", failing_since_ms=fleet_app.now_ms - 90_000, tries=3, error="550")
    fleet_app.book.put_sent([], state, fleet_app.now_ms)
    said = figures(fleet_app.app.test_client())
    assert (said["alarms_waiting", "surat"], said["alarms_failing_seconds", "surat"]) == (0, 90)


def test_only_who_sees_everything_reads_it(fleet_app: FleetApp) -> None:
    client, places = fleet_app.app.test_client(), fleet_app.places
    people = open_accounts(places)

    def asked(header: str, address: str = "203.0.113.9") -> int:
        headers = {"Authorization": header} if header else {}
        return client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address}).status_code

    add(places, "semua", "viewer")
    add(places, "badung", "viewer", "51.03")
    whole, district = (f"Bearer {tokens.make(people.store, name, 'p', NOW)}" for name in ("semua", "badung"))
    assert asked(f"Bearer {(places.web / 'api.token').read_text()}") == asked(whole) == 200
    assert [asked(each) for each in ("", "Bearer x", district)] == [403] * 3
    assert [asked("", each) for each in ("127.0.0.1", "::1", "127.9.9.9")] == [200] * 3
    assert [asked("", each) for each in ("10.0.0.1", "", "x", "::ffff:10.0.0.1")] == [403] * 4


@pytest.mark.parametrize("header", ["X-Real-IP", "X-Forwarded-For", "Forwarded", "Via"])
def test_a_proxy_makes_nobody_local(fleet_app: FleetApp, header: str) -> None:
    client = fleet_app.app.test_client()
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    behind = create_app(fleet_app.places, fleet_app.store, fleet_app.book, clock=lambda: NOW, behind_proxy=True)
    assert behind.test_client().get("/metrics").status_code == 403
