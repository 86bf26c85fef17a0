"""Who may ask the API what: places, tokens, roles, scopes; and how often."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

from appliance.kiosk.letters.tries import DEVICE_FREE
from appliance.kiosk.office.rules import Role
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.office_api.addresses import OPERATIONS
from appliance.kiosk.office_api.operations import Operation
from appliance.kiosk.office_api.pace import Pace
from appliance.kiosk.office_api.problems import Problem
from appliance.kiosk.office_api.rules import Grant, Scope, Standing, TokenRefused, Wrong, scopes_of
from tests.unit.appliance.kiosk.conftest import CHEAP
from tests.unit.appliance.kiosk.office_api.conftest import ALL, HEAD, V1, Office, Tool

READERS = {Role.OPERATOR, Role.SEKRETARIS, Role.KEPALA_DESA}
# Written out by hand: what a role's token may do at most.
MATRIX = {
    Scope.RESIDENTS_READ: READERS,
    Scope.RESIDENTS_WRITE: {Role.OPERATOR, Role.SEKRETARIS},
    Scope.LETTERS_READ: READERS,
    Scope.LETTERS_PROCESS: READERS,
    Scope.AGGREGATES: {*READERS, Role.BPD},
}


def knock(office: Office, tool: Tool, operation: Operation) -> Any:
    """Ask for something that is there."""
    path = operation.path.format(resident_id=office.made, letter_id=1, kind="keterangan-usaha")
    return tool.get(path) if operation.method == "GET" else tool.post(path, {}, seen=1)


def problem(answer: Any) -> str:
    """The end of a problem's type; "" where all went well."""
    if answer.status_code < 400:
        return ""
    assert answer.content_type == "application/problem+json", answer.text
    said = answer.get_json()
    assert said["status"] == answer.status_code and said["title"] and said["detail"]
    return str(said["type"].partition("#")[2])


def test_a_role_gives_no_more_scopes_than_it_has() -> None:
    assert {scope: {role for role in Role if scope in scopes_of(role)} for scope in Scope} == MATRIX
    assert scopes_of("nobody") == frozenset()


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_what_is_its_own(standing: Office, role: Role) -> None:
    tool = standing.tool(role)
    for operation in OPERATIONS:
        refused = problem(knock(standing, tool, operation)) == Problem.NOT_IN_SCOPE
        assert refused is not (operation.scope is None or role in MATRIX[operation.scope]), operation.name


@pytest.mark.parametrize("scope", [None, *Scope])
def test_each_scope_opens_its_own_addresses(standing: Office, scope: Scope | None) -> None:
    tool = standing.tool("sekretaris", frozenset({scope} if scope else ()), name=f"Alat {scope or 'kosong'}")
    for operation in OPERATIONS:
        refused = problem(knock(standing, tool, operation)) == Problem.NOT_IN_SCOPE
        assert refused is (operation.scope not in (None, scope)), operation.name


def test_a_role_that_is_taken_away_takes_its_scopes(office: Office) -> None:
    tool = office.tool("sekretaris")
    open_accounts(office.world.store, CHEAP).set_role("ani.sekretaris", "bpd")
    assert problem(tool.get("/residents")) == Problem.NOT_IN_SCOPE
    assert tool.get("/aggregates/residents").status_code == 200


def test_the_open_air_hears_nothing(office: Office) -> None:
    tool = office.tool()
    for place, status in (("office", 200), ("hall", 200), ("resident", 403), ("", 403)):
        tool.place = place
        answer = tool.get("/state")
        assert answer.status_code == status
    assert problem(answer) == Problem.NOT_FROM_HERE
    for path in ("/kantor/api/", "/kantor/api/openapi.json", "/kantor/alat"):
        assert office.app.test_client().get(path, headers={"X-Desa-Place": "resident"}).status_code == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic YTpi", "Token dhk_"])
def test_without_a_token_there_is_nothing(standing: Office, header: str) -> None:
    answer = standing.tool().get("/residents", Authorization=header)
    assert (problem(answer), answer.headers["WWW-Authenticate"]) == (Problem.TOKEN_MISSING, "Bearer")


def test_a_session_of_the_pages_opens_nothing(desk: Any) -> None:
    desk.log_in("ani", "sekretaris")
    answer = desk.get(f"{V1}/residents")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert "Set-Cookie" not in answer.headers


def test_wrong_tokens_are_slowed_down(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    tool = office.tool()
    wrong = Tool(office.app, f"dhk_{'a' * 43}")
    said = [problem(wrong.get("/state")) for _ in range(DEVICE_FREE + 1)]
    assert said == [Problem.TOKEN_WRONG] * DEVICE_FREE + [Problem.TOO_MANY_WRONG]
    answer = wrong.get("/state")
    assert problem(answer) == Problem.TOO_MANY_WRONG and int(answer.headers["Retry-After"]) > 0
    assert tool.get("/state").status_code == 200, "a forgotten program keeps no other out"
    assert problem(wrong.get("/state", **{"X-Real-IP": "10.21.0.10"})) == Problem.TOKEN_WRONG, "nor another device"
    assert "dhk_" not in caplog.text


def test_what_is_no_token_is_none(office: Office) -> None:
    tool = office.tool()
    for tool.secret in ("\u00ff", "dhk_", "x" * 3000, f"dhk_{'é' * 43}", "' OR 1=1 --"):
        assert problem(tool.get("/state")) == Problem.TOKEN_WRONG


def test_each_token_has_a_pace() -> None:
    pace = Pace(3, 2.0)
    assert [pace.wait_seconds(1, 10.0) for _ in range(4)] == [0, 0, 0, 1]
    assert pace.wait_seconds(2, 10.0) == 0
    assert [pace.wait_seconds(1, 10.5), pace.wait_seconds(1, 10.5)] == [0, 1]
    assert [pace.wait_seconds(1, 1000.0) for _ in range(4)] == [0, 0, 0, 1]


def test_a_hurried_tool_waits(office: Office) -> None:
    tool = office.tool()
    office.loosen(pace=Pace(2, 0.001))
    answers = [tool.get("/state") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert problem(answers[2]) == Problem.TOO_OFTEN and int(answers[2].headers["Retry-After"]) > 60
    assert office.tool("bpd").get("/state").status_code == 200


def test_tokens_are_kept_as_digests_and_named_in_the_audit(office: Office) -> None:
    tool = office.tool()
    kept = b"".join(path.read_bytes() for path in office.world.store.path.parent.glob("kiosk.db*"))
    assert tool.secret.encode() not in kept
    tool.get("/state")
    (token,) = office.tokens.all(office.today)
    assert (token.used_seconds, token.standing) == (int(office.world.now), Standing.GOOD)
    assert tool.secret not in repr(token)
    assert [entry.what for entry in office.trail()[:2]] == ["token.taken", "token.granted"]


def test_revoked_and_old_tokens_say_so(office: Office) -> None:
    tool = office.tool()
    (token,) = office.tokens.all(office.today)
    office.world.now += 86_400
    assert problem(tool.get("/state")) == Problem.TOKEN_EXPIRED
    office.world.now -= 86_400
    assert tool.get("/state").status_code == 200
    assert not office.tokens.end(office.account("operator"), 99, 0) and not office.tokens.end(
        office.account("bpd"), token.number, 0
    )
    assert office.tokens.end(office.account("sekretaris"), token.number, int(office.world.now))
    assert problem(tool.get("/state")) == Problem.TOKEN_REVOKED
    with pytest.raises(LookupError):
        office.tokens.take(office.account("operator"), token.number, 0, office.today)


def test_a_token_ends_with_the_login_of_its_owner(office: Office) -> None:
    """Who changes a password after a theft has ended what the thief took."""
    tool, accounts, now = office.tool(), open_accounts(office.world.store, CHEAP), int(office.world.now)
    (token,) = office.tokens.all(office.today)
    accounts.disable("ani.operator")
    assert problem(tool.get("/state")) == Problem.TOKEN_RESTS
    accounts.enable("ani.operator")
    assert tool.get("/state").status_code == 200
    first = accounts.reset("ani.operator")
    assert problem(tool.get("/state")) == Problem.TOKEN_RESTS
    accounts.change_password("ani.operator", first, "kopi sore di balai", "10.21.0.9", now)
    assert problem(tool.get("/state")) == Problem.TOKEN_RESTS
    fresh = Tool(office.app, office.tokens.take(office.account("operator"), token.number, now, office.today))
    assert fresh.get("/state").status_code == 200 and problem(tool.get("/state")) == Problem.TOKEN_WRONG


def test_only_its_owner_takes_a_token(office: Office) -> None:
    owner, maker = office.account("operator"), office.account("kepala_desa")
    number = office.number(owner, maker, frozenset())
    for other in (maker, office.account("sekretaris")):
        with pytest.raises(LookupError):
            office.tokens.take(other, number, 0, office.today)
    assert office.tokens.take(owner, number, 0, office.today).startswith("dhk_")


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"name": ""}, Wrong.NAME),
        ({"name": "x" * 41}, Wrong.NAME),
        ({"name": "a\u202eb"}, Wrong.NAME),
        ({"name": "5103011708900001"}, Wrong.NAME),
        ({"owner": "nobody"}, Wrong.OWNER),
        ({"owner": "ani.bpd", "scopes": ALL}, Wrong.SCOPE),
        ({"ends_on": datetime.date(2020, 1, 1)}, Wrong.END),
        ({"ends_on": datetime.date(2030, 1, 1)}, Wrong.END),
    ],
)
def test_what_is_no_grant_is_refused(office: Office, change: dict[str, Any], wrong: Wrong) -> None:
    office.account("operator"), office.account("bpd")
    asked = {"owner": "ani.operator", "name": "Excel", "scopes": ALL, "ends_on": office.today, **change}
    with pytest.raises(TokenRefused) as refused:
        office.tokens.grant(HEAD, Grant(**asked), 0, office.today)
    assert refused.value.wrong is wrong and office.tokens.all(office.today) == ()


def test_nobody_grants_in_the_heads_name(office: Office) -> None:
    office.account("kepala_desa")
    asked = Grant(HEAD.name, "Excel", frozenset(), office.today)
    with pytest.raises(TokenRefused):
        office.tokens.grant(office.account("sekretaris"), asked, 0, office.today)


def test_strange_addresses_and_methods_are_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tool = office.tool()
    for path in (
        "/nothing",
        "/residents/0",
        "/residents/99999999999999999999",
        "/residents/x",
        "/kinds/A",
        "/letters/",
    ):
        assert problem(tool.get(path)) == Problem.NOT_THERE, path
    answer = tool.app.test_client().put(f"{V1}/residents", headers={"X-Desa-Place": "office"})
    assert problem(answer) == Problem.METHOD and "GET" in answer.headers["Allow"]
    for query in ("?x=1", "?limit=0", "?limit=1e2", "?limit=5&limit=6", "?cursor=a", "?status=x", "?cursor=1-2-3"):
        assert problem(tool.get(f"/residents{query}")) == Problem.MALFORMED, query
    assert problem(tool.get("/aggregates/letters?month=2026-13")) == Problem.MALFORMED
    evil = {"X-Desa-Place": "office", "X-Real-IP": "10.21.0.9", "Origin": "https://evil.example"}
    answer = office.app.test_client().post(f"{V1}/residents/search", json={}, headers=evil)
    assert problem(answer) == Problem.REFUSED
