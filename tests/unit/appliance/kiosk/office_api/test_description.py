"""The description of the API is one, and true: whatever is asked, the answer is as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from appliance.kiosk.letters.tries import Tries
from appliance.kiosk.office_api.addresses import OPERATIONS
from appliance.kiosk.office_api.document import document
from appliance.kiosk.office_api.door import PREFIX
from appliance.kiosk.office_api.operations import Operation
from appliance.kiosk.office_api.problems import Problem
from appliance.kiosk.office_api.shapes import Fault, JsonMalformed, parse
from tests.unit.appliance.kiosk.office_api.conftest import INCOME, PLAIN, Office, Tool

REPOSITORY = Path(__file__).resolve().parents[5]
NAMES = [operation.name for operation in OPERATIONS]


class Patient(Tries):
    """The check of authentication shows wrong tokens by the dozen."""

    def count(self, device: str, now: float) -> None:
        """Do not."""


@pytest.fixture(scope="module")
def tool(standing: Office) -> Tool:
    standing.letter()
    standing.letter(verified=True)
    standing.letter(approved=True)
    standing.loosen(tries=Patient())
    return standing.tool("sekretaris")


@pytest.fixture(scope="module")
def described(tool: Tool) -> Any:
    headers = {"X-Desa-Place": "office", "X-Real-IP": "10.21.0.9"}
    return schemathesis.openapi.from_wsgi("/kantor/api/openapi.json", tool.app, headers=headers)


def test_the_description_keeps_to_the_specification(tool: Tool) -> None:
    answer = tool.app.test_client().get("/kantor/api/openapi.json", headers={"X-Desa-Place": "office"})
    assert answer.status_code == 200
    OpenAPIV31SpecValidator(answer.get_json()).validate()
    described = {(path, method.upper()) for path, every in answer.get_json()["paths"].items() for method in every}
    assert described == {(each.path, each.method) for each in OPERATIONS}
    assert len(set(NAMES)) == len(NAMES)


def test_every_address_is_served_and_no_other(tool: Tool) -> None:
    served = {
        (rule.rule, method)
        for rule in tool.app.url_map.iter_rules()
        if rule.rule.startswith(f"{PREFIX}/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(f"{PREFIX}{each.rule}", each.method) for each in OPERATIONS}


def test_nothing_approves_or_signs() -> None:
    assert not [each for each in OPERATIONS if {"approve", "sign", "void", "number"} & set(each.name.split("_"))]


@pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)
def test_an_answer_with_something_in_it_is_as_described(operation: Operation, standing: Office, tool: Tool) -> None:
    """What a tool is told when all goes well: `schemathesis` seldom finds somebody's number."""
    letter, told = standing.letter(), document(OPERATIONS, PREFIX)
    path = operation.path.format(resident_id=standing.made, letter_id=letter.id, kind=PLAIN)
    bodies: dict[str, Any] = {
        "search_residents": {"text": "made"},
        "find_resident_by_nik": {"nik": "5103011708900001"},
        "get_whole_resident": {"purpose": "laporan bulanan"},
        "add_resident": {"values": {"nik": "5103010502850077", "nama": "Ketut Baru"}},
        "change_resident": {"values": {"alamat": "Jalan Mawar 1"}},
        "search_letters": {"text": letter.code},
        "submit_letter": {"kind": PLAIN, "resident_id": standing.made, "answers": INCOME},
        "ask_correction_letter": {"note": "Lengkapi penghasilan."},
        "refuse_letter": {"note": "Sudah ada surat yang sama."},
    }
    seen = 1 if operation.needs_version else 0
    answer = (
        tool.get(path)
        if operation.method == "GET"
        else tool.post(path, bodies.get(operation.name), key=f"contoh-{operation.name}", seen=seen)
    )
    assert answer.status_code == operation.status, answer.text
    said = told["paths"][operation.path][operation.method.lower()]["responses"][str(operation.status)]["content"]
    assert answer.mimetype in said
    if answer.mimetype == "application/json":
        schema = said["application/json"]["schema"]
        OAS31Validator({**schema, "components": told["components"]}).validate(answer.get_json())


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_asked_the_answer_is_as_described(name: str, described: Any, tool: Tool) -> None:
    wanted = next(each for each in OPERATIONS if each.name == name)
    operation = described[wanted.path][wanted.method]
    # Which NIK is one, what a kind asks for and which version is the newest are said in words: no schema can.
    unsaid = [CHECKS.get_one("positive_data_acceptance")] if wanted.deed or wanted.query or wanted.body else []
    headers = {"X-Desa-Place": "office", "X-Real-IP": "10.21.0.9", "Authorization": f"Bearer {tool.secret}"}

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=unsaid)

    ask()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 20) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body is not None], ids=lambda one: one.name)
def test_what_is_read_and_what_is_described_are_the_same(operation: Operation) -> None:
    """A body passes where its schema lets it pass, and nowhere else."""
    assert operation.body is not None
    shape, schema = operation.body, operation.body.schema()
    names = list(schema.get("properties", {}))
    near = st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))

    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    @given(value=JSON | near)
    def compare(value: Any) -> None:
        faults: list[Fault] = []
        shape.read(value, "", faults)
        assert (faults == []) is OAS31Validator(schema).is_valid(value)

    compare()


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"a":1,"a":2}', b"NaN", b"[Infinity]", b'"\\ud800"', b"\xff", b"[" * 100_000, b'{"a":1}x'],
    ids=range(9),
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(JsonMalformed):
        parse(data)


def test_the_developers_page_names_every_address_and_problem() -> None:
    text = (REPOSITORY / "docs" / "api-kantor.md").read_text("utf-8")
    for operation in OPERATIONS:
        assert f"`{operation.method} {operation.path}`" in text, operation.name
    for problem in Problem:
        assert f"`{problem.value}`" in text, problem
