"""The pages and the API: who may see them, what they say, and that they carry nothing from elsewhere."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from noc import setup
from noc.store.contract import Arrivals, Hub
from noc.store.sqlite import SqliteNocStore, open_noc_store
from noc.web import create_app
from tests.unit.noc.seed import NOW_MS, arrived, batches, born, seed

PASSWORD = "panjang sekali sandi"


@pytest.fixture
def places(tmp_path: Path) -> setup.Places:
    made = setup.Places(tmp_path / "etc", tmp_path / "var")
    setup.initialise(made, ["localhost"], datetime.datetime.now(datetime.UTC))
    return made


@pytest.fixture
def store(places: setup.Places) -> Iterator[SqliteNocStore]:
    with contextlib.closing(open_noc_store(places.store)) as made:
        seed(made, hubs=14, minutes=180)
        yield made


@pytest.fixture
def client(places: setup.Places, store: SqliteNocStore) -> FlaskClient:
    return create_app(places, store, clock=lambda: NOW_MS / 1000).test_client()


@pytest.fixture
def bearer(places: setup.Places) -> dict[str, str]:
    return {"Authorization": f"Bearer {(places.web / 'api.token').read_text()}"}


@pytest.fixture
def staff(places: setup.Places, client: FlaskClient) -> FlaskClient:
    people = setup.open_accounts(places)
    now = NOW_MS // 1000
    assert people.change_password("petugas", people.add("petugas", "operator", now), PASSWORD, "x", now) is None
    form = client.get("/masuk").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
    assert token is not None
    answer = client.post("/masuk", data={"csrf_token": token[1], "name": "petugas", "password": PASSWORD})
    assert answer.status_code == 303
    return client


def log_in(client: FlaskClient, name: str, password: str, device: str) -> TestResponse:
    where = {"base_url": "https://noc.example.go.id", "headers": {"X-Real-IP": device}}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/masuk", **where).text)
    assert token is not None
    where["headers"] = {"X-Real-IP": device, "Referer": "https://noc.example.go.id/masuk"}
    return client.post("/masuk", data={"csrf_token": token[1], "name": name, "password": password}, **where)


def test_behind_the_proxy_strangers_lock_nobody_out(places: setup.Places, store: SqliteNocStore) -> None:
    people = setup.open_accounts(places)
    now = NOW_MS // 1000
    password = people.add("kepala", "admin", now)
    app = create_app(places, store, clock=lambda: NOW_MS / 1000, behind_proxy=True)
    made_up = [log_in(app.test_client(), f"nama{i}", "x", "203.0.113.7").status_code for i in range(22)]
    assert made_up == [403] * 20 + [429] * 2
    assert [log_in(app.test_client(), "kepala", "x", "203.0.113.9").status_code for _ in range(6)][-1] == 429
    answer = log_in(app.test_client(), "kepala", password, "198.51.100.20")
    assert answer.status_code == 303
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


@pytest.mark.parametrize("path", ["/", "/hub/hub-0000", "/hub/hub-0000/bandwidth.svg"])
def test_pages_lead_strangers_to_the_login(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/masuk")


@pytest.mark.parametrize("path", ["/hub/a%0Ab", "/hub/a%0D%0ASet-Cookie:%20x=1", "/%09/evil.example/", "/hub/%00"])
def test_an_address_that_fits_into_no_answer_is_not_gone_back_to(
    places: setup.Places, client: FlaskClient, path: str
) -> None:
    people, now = setup.open_accounts(places), NOW_MS // 1000
    assert people.change_password("petugas", people.add("petugas", "operator", now), PASSWORD, "x", now) is None
    client.get(path, base_url="https://noc.example.go.id")
    answer = log_in(client, "petugas", PASSWORD, "x")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer \u00ff"])
def test_the_api_knows_its_token(client: FlaskClient, header: str) -> None:
    answer = client.get("/api/hubs", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_one_time_password_opens_no_figures(places: setup.Places, client: FlaskClient) -> None:
    password = setup.open_accounts(places).add("baru", "operator", NOW_MS // 1000)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/masuk").text)
    assert token is not None
    client.post("/masuk", data={"csrf_token": token[1], "name": "baru", "password": password})
    assert client.get("/api/hubs").status_code == 401
    assert client.get("/").headers["Location"] == "/sandi"


def test_the_list_shows_what_needs_somebody_first(staff: FlaskClient) -> None:
    page = staff.get("/").text
    rows = re.findall(r'<th scope="row"><a href="/hub/(hub-\d+)">.*?<span class="word is-(\w+)">', page, re.DOTALL)
    assert len(rows) == 14
    order = ["bad", "warn", "unknown", "calm"]
    assert [order.index(look) for _, look in rows] == sorted(order.index(look) for _, look in rows)
    assert {look for _, look in rows} == set(order)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=online", 8),
        ("state=no_contact", 2),
        ("q=51.03.01.2004", 1),
        ("q=hub-0003", 1),
        ("q=CIKADU", 1),
        ("q=%3Cb%3E", 0),
        ("hal=99", 14),
        ("hal=x", 14),
        ("state=x", 14),
    ],
)
def test_filters_stand_in_the_address(staff: FlaskClient, query: str, count: int) -> None:
    page = staff.get(f"/?{query}").text
    assert page.count('<th scope="row">') == count
    assert "<b>" not in page.partition('name="q"')[2][:40]


def test_a_hub_that_never_spoke_is_unknown_and_not_guessed(staff: FlaskClient) -> None:
    page = staff.get("/hub/hub-0005").text
    assert "Belum pernah terhubung" in page
    assert page.count("tidak diketahui") >= 8
    assert staff.get("/hub/hub-9999").status_code == 404


@pytest.mark.parametrize("which", ["bandwidth", "latensi"])
@pytest.mark.parametrize("query", ["", "?rentang=1j", "?rentang=7h&lebar=sempit", "?rentang=nonsense"])
@pytest.mark.parametrize("hub_id", ["hub-0000", "hub-0005"])
def test_charts_carry_no_script_and_nothing_from_elsewhere(
    staff: FlaskClient, which: str, query: str, hub_id: str
) -> None:
    answer = staff.get(f"/hub/{hub_id}/{which}.svg{query}")
    assert answer.content_type.startswith("image/svg+xml")
    text = answer.text
    assert "<script" not in text
    assert re.findall(r'(?:href|src)="(?!#)[^"]*"', text) == []
    assert "url(" not in text.replace("url(#", "")
    assert "@import" not in text
    assert ("Tidak ada data dalam rentang ini" in text) is (hub_id == "hub-0005")


def test_a_chart_breaks_its_line_where_nothing_is_known(staff: FlaskClient, store: SqliteNocStore) -> None:
    store.add_hub(Hub("hub-celah", "Celah", "51.03.01.2099"))
    minutes = [*range(120), *range(200, 300)]
    said = [arrived("hub-celah", 5_000 + m, (300 - m) * 60_000, uplink_round_trip_seconds=0.1) for m in minutes]
    store.commit(Arrivals(batches(said)))
    svg = staff.get("/hub/hub-celah/latensi.svg").text
    assert svg.count('class="line reactive nofill"') == 2


def test_the_api_tells_what_the_checks_ask(client: FlaskClient, bearer: dict[str, str], store: SqliteNocStore) -> None:
    document: dict[str, Any] = client.get("/api/hubs", headers=bearer).get_json()
    assert len(document["hubs"]) == 14
    hub = client.get("/api/hubs/hub-0000", headers=bearer).get_json()
    (facts,) = store.facts("hub-0000")
    samples = facts.recent[-1].record.samples
    assert hub["state"] == "online"
    assert hub["uptime_seconds"] == samples["uptime_seconds"]
    assert hub["uplink_rx_bytes"] == samples["interface_received_bytes.uplink"]
    assert hub["uplink_tx_bytes"] == samples["interface_sent_bytes.uplink"]
    assert hub["last_contact_age_seconds"] == 0
    never = client.get("/api/hubs/hub-0005", headers=bearer).get_json()
    assert (never["state"], never["uptime_seconds"], never["last_contact_age_seconds"]) == ("never", None, None)
    assert client.get("/api/hubs/hub-9999", headers=bearer).status_code == 404


def test_a_goodbye_is_seen_at_once(client: FlaskClient, bearer: dict[str, str], store: SqliteNocStore) -> None:
    store.commit(Arrivals(states=[born("hub-0000", NOW_MS, online=False)]))
    assert client.get("/api/hubs/hub-0000", headers=bearer).get_json()["state"] == "no_contact"


def test_a_long_list_has_pages_that_keep_the_filter(staff: FlaskClient, store: SqliteNocStore) -> None:
    for i in range(60):
        store.add_hub(Hub(f"hub-baru{i:02}", f"Baru {i:02}", f"52.03.01.2{i:03}"))
    pages = [staff.get(f"/?q=baru&state=never&hal={number}").text for number in (1, 2, 3)]
    assert [page.count('<th scope="row">') for page in pages] == [25, 25, 10]
    assert len({name for page in pages for name in re.findall(r"Baru \d\d", page)}) == 60
    assert "Halaman 2 dari 3" in pages[1] and "Berikutnya" not in pages[2] and "Sebelumnya" not in pages[0]
    (following,) = re.findall(r'<a href="([^"]+)" rel="next">', pages[0])
    assert staff.get(following.replace("&amp;", "&")).text.count("Halaman 2 dari 3") == 1


def test_an_unknown_filter_is_ignored_and_said(staff: FlaskClient) -> None:
    page = staff.get("/?state=%3Cb%3E").text
    assert "tidak dikenal dan diabaikan" in page and "&lt;b&gt;" in page
    assert "tidak dikenal" not in staff.get("/?state=online").text


def test_a_silent_hub_shows_what_it_said_last_with_its_time(staff: FlaskClient) -> None:
    (silent, *_) = re.findall(r'href="/hub/(hub-\d+)', staff.get("/?state=no_contact").text)
    page = staff.get(f"/hub/{silent}?rentang=1j").text
    assert "Angka terakhir yang diketahui" in page and "is-stale" in page and "hari" in page
    assert "Tidak ada data dalam rentang ini" in page and "bandwidth.svg" not in page
    alive = staff.get("/hub/hub-0000").text
    assert "is-stale" not in alive and 'http-equiv="refresh" content="60"' in alive
    assert re.search(r'alt="[^"]*terendah', alive) and alive.count('<p class="summary">') == 2
