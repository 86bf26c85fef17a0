"""The API: who may ask, what comes back, how mistakes are told; and that its description is true."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from noc import setup
from noc.accounts import areas, tokens
from noc.accounts.opening import open_accounts
from noc.fleet_book.sqlite import open_fleet_book
from noc.rules.alert_state import Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.store.sqlite import open_noc_store
from noc.web import api_document, api_views, create_app
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.fleet import DETAILED, NEVER
from tests.unit.noc.web.staff import NOW, add

Headers = dict[str, str]


def token_for(places: setup.Places, role: str, *bound: str) -> Headers:
    name = f"{role}{len(bound)}"
    add(places, name, role, *bound)
    return {"Authorization": f"Bearer {tokens.make(open_accounts(places).store, name, 'uji', NOW)}"}


def machine(places: setup.Places) -> Headers:
    return {"Authorization": f"Bearer {(places.web / 'api.token').read_text()}"}


@pytest.fixture
def client(fleet_app: FleetApp) -> FlaskClient:
    return fleet_app.app.test_client()


@pytest.fixture
def country(fleet_app: FleetApp) -> Headers:
    return machine(fleet_app.places)


def get(client: FlaskClient, path: str, headers: Headers) -> Any:
    answer = client.get(f"/api/v1{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def addresses(hub_id: str, code: str, number: int) -> list[str]:
    """Every address of the API, with these in the places of names."""
    filled = {"hub_id": hub_id, "code": code, "number": number, "month": "2026-05"}
    return [
        path.format(**filled) + ("?samples=clients_online" if path.endswith("/series") else "")
        for path in api_document.document()["paths"]
    ]


def test_the_description_is_one_and_names_every_address(client: FlaskClient) -> None:
    answer = client.get("/api/openapi.json")
    assert answer.status_code == 200
    OpenAPIV31SpecValidator(answer.get_json()).validate()
    described = {path.replace("{", "<").replace("}", ">") for path in answer.get_json()["paths"]}
    assert described == {path.replace("<int:", "<") for path in api_views.VIEWS}


def test_every_answer_is_as_described(client: FlaskClient, country: Headers) -> None:
    document = api_document.document()
    number = get(client, "/incidents", country)["incidents"][0]["number"]
    asked = 0
    for path, hub_id, code in zip(itertools.cycle(document["paths"]), [DETAILED] * 14 + [NEVER] * 14, ["51.03"] * 28):
        filled = path.format(hub_id=hub_id, code=code, number=number, month="2026-05")
        for query in ("", "?samples=uplink_up,nothing&kind=records", "?samples=clients_online"):
            if bool(query) is not path.endswith("/series"):
                continue
            schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            said = get(client, filled + query, country)
            OAS31Validator({**schema, "components": document["components"]}).validate(said)
            asked += 1
    assert asked == 2 * (len(document["paths"]) + 1)


def test_lists_are_those_of_the_pages(client: FlaskClient, country: Headers) -> None:
    found = get(client, "/hubs?area=51.03&limit=4&order=name", country)
    assert (found["total"], len(found["hubs"]), found["offset"]) == (10, 4, 0)
    seen = [each["hub_id"] for each in found["hubs"]]
    while found["next"]:
        found = client.get(found["next"], headers=country).get_json()
        seen += [each["hub_id"] for each in found["hubs"]]
    assert len(seen) == len(set(seen)) == 10
    states = get(client, "/hubs", country)["states"]
    assert sum(states.values()) == 60
    for state, count in states.items():
        found = get(client, f"/hubs?state={state}", country)
        assert found["total"] == count and {each["state"] for each in found["hubs"]} <= {state}
    assert get(client, "/hubs?q=kuta&problem=uplink_down", country)["total"] <= 5


def test_one_hub_is_told_as_it_is_now(client: FlaskClient, country: Headers) -> None:
    hub = get(client, f"/hubs/{DETAILED}", country)
    assert hub["state"] == "online" and hub["samples"]["uplink_up"] == 1
    assert hub["contracted_download_kbit"] == 10_000
    never = get(client, f"/hubs/{NEVER}", country)
    assert (never["state"], never["contact_ms"], never["samples"]) == ("never", None, {})
    old = client.get(f"/api/hubs/{DETAILED}", headers=country).get_json()
    assert old["state"] == "online" and old["last_record_time_ms"] == hub["record_ms"]


def test_series_have_what_was_asked_for(client: FlaskClient, country: Headers) -> None:
    path = f"/hubs/{DETAILED}/series?samples=clients_online,uplink_up&kind=records&to_ms={NOW_MS}"
    said = get(client, f"{path}&from_ms={NOW_MS - 3_600_000}", country)
    assert said["records"] and all(set(each["samples"]) == {"clients_online", "uplink_up"} for each in said["records"])
    assert all(NOW_MS - 3_600_000 <= each["time_ms"] <= NOW_MS for each in said["records"])
    times = [each["time_ms"] for each in said["records"]]
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/hubs?limit=0", "from 1 to 200"),
        ("/hubs?limit=201", "from 1 to 200"),
        ("/hubs?limit=1e2", "whole number"),
        ("/hubs?limit=%D9%A1", "whole number"),
        ("/hubs?offset=-1", "from 0"),
        ("/hubs?state=broken", "no_contact, attention"),
        ("/hubs?states=online", "is not known here"),
        ("/hubs?state=online&state=never", "2 times"),
        ("/hubs?area=51.03.01.2001", "kode wilayah"),
        ("/hubs?q=%00", "up to 64 letters"),
        (f"/hubs/{DETAILED}/series", "samples: is needed"),
        (f"/hubs/{DETAILED}/series?samples=a,,b", "1 to 10 names"),
        (f"/hubs/{DETAILED}/series?samples=a&from_ms=0&to_ms=9007199254740991", "at most 31 days"),
        (f"/hubs/{DETAILED}/series?samples=a&from_ms=2&to_ms=1", "before to_ms"),
        (f"/hubs/{DETAILED}/days?from_day=2026-02-30", "no day of the calendar"),
        (f"/hubs/{DETAILED}/days?from_day=2020-01-01&to_day=2026-01-01", "at most 366 days"),
        (f"/hubs/{DETAILED}?x=1", "there are: none"),
        ("/areas/51/outages", "of a kabupaten"),
        (f"/areas/51.03/outages?from_ms=0&to_ms={8 * 86_400_000}", "at most 7 days"),
        ("/incidents?open=yes", "true, false"),
    ],
)
def test_what_is_not_allowed_is_told(client: FlaskClient, country: Headers, path: str, words: str) -> None:
    answer = client.get(f"/api/v1{path}", headers=country)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    said = answer.get_json()
    assert words in said["detail"] and (said["status"], said["title"]) == (400, "Bad Request")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/hubs/hub-lain", "/api/v1/areas/99", "/api/v1/areas/x", "/api/v1/areas/51.03.01.2001", "/api/v1", "/api/x",
     "/api/v1/incidents/999999", "/api/v1/incidents/99999999999999999999", "/api/v1/incidents/x", "/api/v1/hubs/%00",
     f"/api/v1/hubs/{DETAILED}/sla/2026-13", f"/api/v1/hubs/{DETAILED}/sla/2026-5", "/api/hubs/lain"],
)  # fmt: skip
def test_what_is_not_there_is_told(client: FlaskClient, country: Headers, path: str) -> None:
    answer = client.get(path, headers=country)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json"), answer.text
    assert answer.get_json()["title"] == "Not Found"


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_only_looks(client: FlaskClient, country: Headers, method: str) -> None:
    answer = getattr(client, method)("/api/v1/hubs", headers=country)
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer dhn_" + "a" * 43, "Bearer wrong", "Basic YTpi", "Bearer \u00ff"]
)
def test_strangers_learn_nothing(client: FlaskClient, header: str) -> None:
    for path in addresses(DETAILED, "51.03", 1):
        answer = client.get(f"/api/v1{path}", headers={"Authorization": header} if header else {})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert answer.content_type == "application/problem+json" and "hub-" not in answer.text


def test_a_token_ends_with_its_account(fleet_app: FleetApp, client: FlaskClient) -> None:
    viewer = token_for(fleet_app.places, "viewer")
    assert get(client, "/hubs", viewer)["total"] == 60
    people = open_accounts(fleet_app.places)
    (token,) = tokens.of(people.store, "viewer0")
    assert token.used_seconds is not None
    people.disable("viewer0")
    assert client.get("/api/v1/hubs", headers=viewer).status_code == 401
    people.enable("viewer0")
    people.set_role("viewer0", "nothing")
    assert client.get("/api/v1/hubs", headers=viewer).status_code == 401


def test_a_district_sees_its_own(fleet_app: FleetApp, client: FlaskClient) -> None:
    mine = token_for(fleet_app.places, "viewer", "51.03")
    assert get(client, "/hubs", mine)["total"] == 10
    assert get(client, "/hubs?area=51", mine)["total"] == 10
    assert get(client, "/hubs?area=33", mine)["total"] == 0
    assert get(client, "/areas/51", mine)["hubs"] == 10
    foreign = {each["hub_id"] for each in get(client, "/hubs?limit=200", machine(fleet_app.places))["hubs"]} - {
        each["hub_id"] for each in get(client, "/hubs?limit=200", mine)["hubs"]
    }
    assert len(foreign) == 50
    everything = ""
    for path in addresses(DETAILED, "51.03", 1) + addresses(DETAILED, "id", 2):
        everything += client.get(f"/api/v1{path}", headers=mine).text
    assert not [hub_id for hub_id in foreign if hub_id in everything]
    for path in addresses("hub-33010101", "33", 999):
        if "{" not in path and path.partition("?")[0] not in ("/hubs", "/areas", "/incidents"):
            assert client.get(f"/api/v1{path}", headers=mine).status_code == 404, path


def test_an_incident_of_the_list_is_there_by_its_number(fleet_app: FleetApp, client: FlaskClient) -> None:
    """That the NOC is deaf concerns everybody, and has no hubs."""
    group = Group(GroupKind.BROKER, "")
    deaf = Incident(88, group, Problem.NOC_DEAF, NOW_MS, NOW_MS, frozenset({""}), frozenset({""}))
    fleet_app.book.put_incidents([deaf], [], NOW_MS)
    for headers in (machine(fleet_app.places), token_for(fleet_app.places, "viewer", "51.03")):
        listed = {each["number"] for each in get(client, "/incidents", headers)["incidents"]}
        assert 88 in listed
        for number in listed:
            assert get(client, f"/incidents/{number}", headers)["number"] == number
        assert get(client, "/incidents/88/hubs", headers)["total"] == 0


def test_areas_are_taken_away_at_once(fleet_app: FleetApp, client: FlaskClient) -> None:
    mine = token_for(fleet_app.places, "viewer")
    areas.bind(open_accounts(fleet_app.places).store, "viewer0", "viewer", ["94"])
    assert get(client, "/hubs", mine)["total"] == 20


def test_nothing_new_is_not_sent_again(client: FlaskClient, country: Headers) -> None:
    first = client.get("/api/v1/hubs", headers=country)
    assert first.headers["Cache-Control"] == "private, no-cache" and "Authorization" in first.headers["Vary"]
    again = client.get("/api/v1/hubs", headers={**country, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.get("/api/v1/hubs?limit=1", headers={**country, "If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


def test_a_database_that_fails_is_told(fleet_app: FleetApp, client: FlaskClient, country: Headers) -> None:
    fleet_app.places.fleet_book.unlink()
    answer = client.get("/api/v1/hubs", headers=country)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "60" and str(fleet_app.places.state) not in answer.text


@pytest.fixture(scope="module")
def standing_app(seeded: Path) -> Iterator[Flask]:
    """The seeded fleet itself: the API only looks."""
    places = setup.Places(seeded / "etc", seeded / "var")
    with (
        contextlib.closing(open_noc_store(places.store)) as store,
        contextlib.closing(open_fleet_book(places.fleet_book)) as book,
    ):
        yield create_app(places, store, book, clock=lambda: NOW_MS / 1000)


@pytest.fixture(scope="module")
def described(standing_app: Flask) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", standing_app)


@pytest.fixture(scope="module")
def knock(seeded: Path) -> Headers:
    return machine(setup.Places(seeded / "etc", seeded / "var"))


@pytest.mark.parametrize("path", api_document.document()["paths"])
def test_whatever_is_asked_the_answer_is_as_described(path: str, described: Any, knock: Headers) -> None:
    operation = described[path]["GET"]
    # How far apart two moments may be is said in words: a schema sees one parameter at a time.
    has_span = path.endswith(("/series", "/days", "/outages"))
    unsaid = [CHECKS.get_one("positive_data_acceptance")] if has_span else []

    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=knock, excluded_checks=unsaid)

    ask()
