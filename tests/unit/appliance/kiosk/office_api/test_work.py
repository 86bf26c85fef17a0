"""What tools do with residents and letters: once, without overwriting anybody, and written down."""

from __future__ import annotations

import concurrent.futures
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.core.errors import StoreFull
from appliance.kiosk.letters.flow import State
from appliance.kiosk.office_api import keys
from appliance.kiosk.office_api.problems import Problem
from appliance.kiosk.residents.person import draft
from appliance.store import database
from appliance.store.database import Database
from tests.unit.appliance.kiosk.office_api.conftest import HEAD, INCOME, OPERATOR, PLAIN, V1, Office
from tests.unit.appliance.kiosk.office_api.test_access import problem
from tests.unit.appliance.kiosk.residents.people import AYU, KETUT, MADE

NEW = {"nik": KETUT["nik"], "nama": "Ketut Darma", "dusun": "Kaja"}
HOSTILE = [
    "<script>alert(1)</script>", "=HYPERLINK(\"x\")", "a\u202eb", "\x00", "\ud7ff" * 40, "'; DROP TABLE residents; --",
    "x" * 10_000, "{{ 7*7 }}", "%s%n",
]  # fmt: skip


def faults(answer: Any) -> dict[str, str]:
    return {each["at"]: each["detail"] for each in answer.get_json()["errors"]}


def test_a_tool_adds_and_changes_somebody(office: Office) -> None:
    tool = office.tool()
    added = tool.post("/residents", {"values": NEW})
    assert (added.status_code, added.headers["ETag"]) == (201, '"1"')
    id_ = added.get_json()["id"]
    found = tool.get(f"/residents/{id_}").get_json()
    assert found["values"]["nama"] == "Ketut Darma" and found["values"]["nik"] == "5103********0003"
    changed = tool.post(f"/residents/{id_}", {"values": {"dusun": "", "rt": "7"}}, seen=1)
    assert changed.get_json() == {"id": id_, "version": 2}
    values = tool.get(f"/residents/{id_}").get_json()["values"]
    assert "dusun" not in values and values["rt"] == "007"
    whats = [(each.name, each.what, each.detail) for each in office.trail()]
    assert ("ani.operator", "resident.changed", "API Excel desa: dusun rt") in whats
    assert ("ani.operator", "resident.seen", "API Excel desa: data dibuka") in whats


def test_numbers_in_full_need_a_purpose(office: Office) -> None:
    tool = office.tool()
    assert problem(tool.post(f"/residents/{office.made}/full", {})) == Problem.MALFORMED
    assert problem(tool.post(f"/residents/{office.made}/full", {"purpose": "   "})) == Problem.MALFORMED
    answer = tool.post(f"/residents/{office.made}/full", {"purpose": "lapor ke Dukcapil"})
    assert answer.get_json()["values"]["nik"] == MADE["nik"]
    assert office.trail()[0].detail == "API Excel desa: nomor lengkap: lapor ke Dukcapil"
    assert office.trail()[0].subjects == (office.made,)


def test_somebody_is_found_by_nik_in_the_body(office: Office) -> None:
    tool = office.tool()
    assert tool.post("/residents/by-nik", {"nik": AYU["nik"]}).get_json()["id"] == office.ayu
    assert problem(tool.post("/residents/by-nik", {"nik": KETUT["nik"]})) == Problem.NO_RESIDENT
    for text in (AYU["nik"], "ni ayu", "lestari"):
        found = tool.post("/residents/search", {"text": text}).get_json()
        assert [each["id"] for each in found["residents"]] == [office.ayu]


def test_what_was_overtaken_is_refused(office: Office) -> None:
    tool, path = office.tool(), f"/residents/{office.made}"
    assert tool.post(path, {"values": {"rt": "9"}}, seen=1).status_code == 200
    assert problem(tool.post(path, {"values": {"rt": "8"}}, seen=1)) == Problem.VERSION_OLD
    assert problem(tool.post(path, {"values": {"rt": "8"}})) == Problem.VERSION_MISSING
    for tag in ("*", "2", 'W/"2"', '"x"', '"2", "3"'):
        assert problem(tool.post(path, {"values": {"rt": "8"}}, tag=tag)) == Problem.MALFORMED, tag
    assert tool.get(path).get_json()["values"]["rt"] == "009"


def test_a_request_sent_again_is_done_once(office: Office) -> None:
    tool = office.tool()
    first = tool.post("/residents", {"values": NEW}, key="kunci-satu")
    again = tool.post("/residents", {"values": NEW}, key="kunci-satu")
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    assert problem(tool.post("/residents", {"values": {**NEW, "rt": "1"}}, key="kunci-satu")) == Problem.KEY_USED
    assert [each.what for each in office.trail()].count("resident.added") == 3
    taken = tool.post("/residents", {"values": NEW}, key="kunci-dua")
    assert problem(taken) == Problem.NIK_TAKEN and taken.get_json()["resident_id"] == first.get_json()["id"]
    other = office.tool("sekretaris").post("/residents", {"values": NEW}, key="kunci-satu")
    assert problem(other) == Problem.NIK_TAKEN, "a key is its token's own"
    path = f"/residents/{office.made}"
    for _ in range(2):
        assert tool.post(path, {"values": {"rt": "4"}}, key="kunci-ubah", seen=1).get_json()["version"] == 2


def test_a_key_is_forgotten_after_a_day(office: Office) -> None:
    tool = office.tool()
    assert tool.post("/residents", {"values": NEW}, key="kunci-satu").status_code == 201
    with office.world.store.transaction() as db:
        made = keys.Key(1, b"k", b"r", 1)
        keys.keep_in(db, made, 7, int(office.world.now) + keys.KEPT_SECONDS + 1)
        assert db.execute("SELECT count(*) FROM office_token_keys").fetchone() == (1,)


def test_two_at_the_same_moment_are_done_once(office: Office) -> None:
    tool, path = office.tool(), f"/letters/{office.letter().id}/verify"

    def send(number: int) -> Any:
        if number % 2:
            return tool.post("/residents", {"values": NEW}, key="kunci-sama")
        return tool.post(path, key="kunci-surat", seen=1)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(12)))
    assert {each.status_code for each in answers[1::2]} == {201}
    assert {each.status_code for each in answers[::2]} == {200}
    assert len({each.get_json()["id"] for each in answers[1::2]}) == 1
    whats = [each.what for each in office.trail()]
    assert (whats.count("letter.verify"), whats.count("resident.added")) == (1, 3)


def test_a_power_cut_leaves_both_or_neither(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the key is not kept, nothing was done."""
    tool, keep = office.tool(), keys.keep_in

    def fail(db: Database, key: keys.Key, subject: int, now: int) -> None:
        keep(db, key, subject, now)
        raise StoreFull("cut")

    monkeypatch.setattr(keys, "keep_in", fail)
    assert problem(tool.post("/residents", {"values": NEW}, key="kunci-satu")) == Problem.STORE_FULL
    monkeypatch.setattr(keys, "keep_in", keep)
    answer = tool.post("/residents", {"values": NEW}, key="kunci-satu")
    assert answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ({**NEW, "nik": "5103013213900001"}, "values.nik"),
        ({**NEW, "tanggallahir": "2026-02-30"}, "values.tanggallahir"),
        ({**NEW, "tanggallahir": "2099-01-01"}, "values.tanggallahir"),
        ({**NEW, "nama": "   "}, "values.nama"),
        ({**NEW, "nama": "\x07"}, "values.nama"),
    ],
)
def test_what_the_register_does_not_take_is_told(standing: Office, values: dict[str, str], at: str) -> None:
    answer = standing.tool().post("/residents", {"values": values})
    assert problem(answer) == Problem.NOT_TAKEN and list(faults(answer)) == [at]
    assert values["nik"] not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        [], "x", None, {}, {"values": {}}, {"values": {"nama": "A"}}, {"values": {**NEW, "id": "1"}},
        {"values": {**NEW, "agama_id": "99"}}, {"values": {**NEW, "nik": 5103011708900001}},
        {"values": {**NEW, "nama": "x" * 10_000}}, {"values": NEW, "more": 1}, {"values": {**NEW, "status_dasar": "2"}},
    ],
)  # fmt: skip
def test_what_has_another_form_is_told(standing: Office, body: Any) -> None:
    answer = standing.tool().post("/residents", body)
    assert problem(answer) in (Problem.MALFORMED, Problem.NOT_JSON)
    assert KETUT["nik"] not in answer.text and "x" * 100 not in answer.text
    assert standing.trail()[0].what == "token.taken", "nothing was done"


def test_bodies_are_json_and_small(office: Office) -> None:
    tool = office.tool()
    headers = {"X-Desa-Place": "office", "X-Real-IP": "10.21.0.9", "Authorization": f"Bearer {tool.secret}"}

    def send(data: bytes, kind: str) -> Any:
        return office.app.test_client().post(
            f"{V1}/residents/search", data=data, headers={**headers, "Content-Type": kind}
        )

    assert problem(send(b"text=made", "application/x-www-form-urlencoded")) == Problem.NOT_JSON
    assert problem(send(b'{"text":"made","text":"ayu"}', "application/json")) == Problem.MALFORMED
    assert problem(send(b"[" * 60_000, "application/json")) == Problem.MALFORMED
    assert problem(send(b'{"text":"' + b"a" * 70_000 + b'"}', "application/json")) == Problem.TOO_LARGE
    assert send(b'{"text":"made"}', "application/json; charset=utf-8").status_code == 200


def test_hostile_text_does_no_harm(office: Office) -> None:
    tool = office.tool()
    for number, text in enumerate(HOSTILE, 1):
        letter, values = office.letter(), {**NEW, "nik": f"51030105028500{number:02}", "nama": text}
        answers = [
            tool.post("/residents/search", {"text": text}),
            tool.post("/letters/search", {"text": text}),
            tool.post(f"/letters/{letter.id}/refuse", {"note": text}, seen=1),
            tool.post("/residents", {"values": values}),
            tool.post(
                "/letters", {"kind": PLAIN, "resident_id": office.made, "answers": {**INCOME, "keperluan": text}}
            ),
            tool.post(f"/residents/{office.made}/full", {"purpose": text}),
        ]
        for answer in answers:
            assert answer.status_code in (200, 201, 400, 422) and answer.is_json, answer.text
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    everybody = tool.get("/residents?limit=100").get_json()["residents"]
    assert all(len(each["name"]) <= 100 and "\u202e" not in each["name"] for each in everybody)


def test_lists_go_on_behind_whom_was_shown_last(office: Office) -> None:
    tool = office.tool()
    register = office.desk.means.register
    for number in range(1, 6):
        values = {**MADE, "nik": f"51030117089001{number:02}", "nama": f"Wayan {number}"}
        register.add(OPERATOR, draft(values, office.today))  # type: ignore[attr-defined] # the whole register
    first = tool.get("/residents?limit=3").get_json()
    assert (first["total"], len(first["residents"])) == (7, 3)
    # Somebody comes in before: nobody is shown twice.
    register.add(OPERATOR, draft({**KETUT, "nama": "Aa"}, office.today))  # type: ignore[attr-defined] # as above
    shown, cursor = [each["name"] for each in first["residents"]], first["next"]
    while cursor:
        assert not any(part in cursor for part in (MADE["nik"], "Wayan"))
        page = tool.get(f"/residents?limit=3&cursor={cursor}").get_json()
        shown, cursor = shown + [each["name"] for each in page["residents"]], page["next"]
    assert len(shown) == len(set(shown)) == 7 and "Aa" not in shown


def test_the_queue_goes_on_behind_the_letter_that_was_shown_last(office: Office) -> None:
    tool, ids = office.tool(), [office.letter().id for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = tool.get(f"/letters?limit=2{f'&cursor={cursor}' if cursor else ''}").get_json()
        seen += [each["id"] for each in page["letters"]]
        if len(seen) == 2:
            assert tool.post(f"/letters/{ids[0]}/refuse", {"note": "Rangkap."}, seen=1).status_code == 200
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == ids
    assert [each["id"] for each in tool.get("/letters?state=refused").get_json()["letters"]] == ids[:1]
    assert tool.get("/letters?kind=keterangan-usaha").get_json()["letters"] == []


def test_a_letter_from_the_request_to_the_check(office: Office) -> None:
    tool = office.tool()
    body = {"kind": PLAIN, "resident_id": office.made, "answers": INCOME}
    receipt = tool.post("/letters", body, key="kunci-surat").get_json()
    assert tool.post("/letters", body, key="kunci-surat").get_json() == receipt
    path = f"/letters/{receipt['id']}"
    letter = tool.get(path)
    said = letter.get_json()
    assert (said["state"], said["version"], letter.headers["ETag"]) == ("submitted", 1, '"1"')
    assert said["facts"]["nik"] == "5103********0001" and said["answers"]["penghasilan"] == "1500000"
    assert said["steps"] == ["ask_correction", "refuse", "verify"]
    assert tool.post("/letters/search", {"text": said["code"]}).get_json()["letters"][0]["id"] == receipt["id"]
    assert tool.post(f"{path}/verify", seen=1).get_json() == {"id": receipt["id"], "version": 2}
    steps = tool.get(f"{path}/history").get_json()["steps"]
    assert [(each["step"], each["by"]) for each in steps] == [("submit", OPERATOR.name), ("verify", OPERATOR.name)]
    pdf = tool.get(f"{path}/pdf")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert "nik" not in pdf.headers["Content-Disposition"].lower() and pdf.headers["Cache-Control"] == "no-store"


def test_what_is_refused_of_a_letter_is_told_in_words(office: Office) -> None:
    tool, letter = office.tool(), office.letter(approved=True)
    path = f"/letters/{letter.id}"
    late = tool.post(f"{path}/verify", seen=letter.version)
    assert (problem(late), late.status_code, late.get_json()["reason"]) == (Problem.STEP_REFUSED, 409, "not_now")
    assert problem(tool.post(f"{path}/verify", seen=1)) == Problem.VERSION_OLD
    assert problem(tool.post(f"{path}/refuse", {"note": ""}, seen=3)) == Problem.MALFORMED
    assert problem(tool.post("/letters/77/verify", seen=1)) == Problem.NO_LETTER
    unknown = tool.post("/letters", {"kind": "tidak-ada", "resident_id": office.made, "answers": {}})
    assert problem(unknown) == Problem.NOT_TAKEN
    strange = tool.post("/letters", {"kind": PLAIN, "resident_id": office.made, "answers": {"lain": "x"}})
    assert problem(strange) == Problem.NOT_TAKEN
    empty = tool.post("/letters", {"kind": PLAIN, "resident_id": office.made, "answers": {}})
    assert problem(empty) == Problem.NOT_TAKEN and "answers.penghasilan" in faults(empty)
    nobody = tool.post("/letters", {"kind": PLAIN, "resident_id": 77, "answers": INCOME})
    assert (problem(nobody), nobody.get_json()["reason"]) == (Problem.STEP_REFUSED, "may_not_ask")
    assert office.seen(letter.id).version == letter.version


def test_a_role_does_through_the_api_what_it_does_on_pages(office: Office) -> None:
    """The head sends back and refuses, and types and verifies nothing."""
    tool, letter = office.tool("kepala_desa"), office.letter()
    answer = tool.post(f"/letters/{letter.id}/verify", seen=1)
    assert (problem(answer), answer.status_code) == (Problem.STEP_REFUSED, 403)
    body = {"kind": PLAIN, "resident_id": office.made, "answers": INCOME}
    assert tool.post("/letters", body).status_code == 403
    assert tool.post(f"/letters/{letter.id}/ask-correction", {"note": "Isi penghasilan."}, seen=1).status_code == 200
    assert office.seen(letter.id).state is State.NEEDS_CORRECTION


def test_who_verified_by_token_does_not_approve(office: Office) -> None:
    tool, letter = office.tool("sekretaris"), office.letter()
    assert tool.post(f"/letters/{letter.id}/verify", seen=1).status_code == 200
    assert "ani.sekretaris" in office.seen(letter.id).handlers and HEAD.name not in office.seen(letter.id).handlers


def test_figures_name_nobody(office: Office) -> None:
    tool = office.tool("bpd")
    office.letter(approved=True)
    text = tool.get("/aggregates/residents").text + tool.get("/aggregates/letters").text + tool.get("/state").text
    for word in ("Made", "Ayu", MADE["nik"], MADE["no_kk"], str(office.made)):
        assert word not in text
    letters = tool.get("/aggregates/letters?month=2026-09").get_json()
    assert letters["now"] == [{"kind": PLAIN, "state": "approved", "letters": 1}]
    assert letters["asked"] == [{"kind": PLAIN, "letters": 1}]
    assert tool.get("/aggregates/letters?month=2026-08").get_json()["asked"] == []
    assert tool.get("/aggregates/letters?month=2026-12").status_code == 200


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """A disk that is full while the list says so."""
    is_full = [False]

    def require(path: Any) -> None:
        if is_full[0]:
            raise StoreFull(f"{path}: the disk is full")

    monkeypatch.setattr(database, "require_free_space", require)
    yield is_full


def test_a_full_disk_is_told_and_changes_nothing(office: Office, full: list[bool]) -> None:
    tool, letter = office.tool(), office.letter()
    tool.get("/state")
    full[0] = True
    answers = [
        tool.get("/residents"),
        tool.get(f"/residents/{office.made}"),
        tool.post("/residents", {"values": NEW}, key="kunci-satu"),
        tool.post(f"/letters/{letter.id}/verify", key="kunci-dua", seen=1),
    ]
    for answer in answers:
        assert (problem(answer), answer.status_code) == (Problem.STORE_FULL, 503)
        assert answer.headers["Retry-After"] == "60" and "Made" not in answer.text
    full[0] = False
    assert tool.post("/residents", {"values": NEW}, key="kunci-satu").status_code == 201
    assert tool.post(f"/letters/{letter.id}/verify", key="kunci-dua", seen=1).status_code == 200


def test_a_fault_tells_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = office.tool()

    def break_(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("appliance.kiosk.office_api.residents.person.values_of", break_)
    answer = tool.get(f"/residents/{office.made}")
    assert (problem(answer), answer.status_code) == (Problem.FAULT, 500)
    assert "ZeroDivision" not in answer.text


def test_nothing_personal_is_logged_or_kept_in_the_open(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tool = office.tool()
    tool.post("/residents", {"values": NEW}, key="kunci-satu")
    tool.post("/residents/by-nik", {"nik": KETUT["nik"]})
    tool.post("/residents/search", {"text": KETUT["nik"]})
    tool.post("/residents", {"values": {**NEW, "nama": "x" * 999}})
    tool.post("/residents/by-nik", {"nik": "5103"})
    tool.post(f"/residents/{office.made}/full", {"purpose": f"untuk {KETUT['nik']}"})
    kept = b"".join(path.read_bytes() for path in office.world.store.path.parent.glob("kiosk.db*"))
    for secret in (KETUT["nik"], "Ketut Darma", tool.secret):
        assert secret not in caplog.text and secret.encode() not in kept
