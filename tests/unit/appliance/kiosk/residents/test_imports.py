"""An import is a report first, and then all of it or nothing."""

import json
from collections.abc import Mapping

import pytest

from appliance.core.errors import StoreError, StoreFull
from appliance.kiosk.residents import imports as module
from appliance.kiosk.residents.columns import ValueWrong, Wrong
from appliance.kiosk.residents.importing import Choice, Outcome
from appliance.kiosk.residents.imports import Imports, ImportStale, ImportUndecided, ImportUnknown
from appliance.kiosk.residents.nik import Oddity
from appliance.kiosk.residents.person import draft, values_of
from appliance.kiosk.residents.register import Register
from appliance.kiosk.residents.workbook import Header, Row
from appliance.store.database import Store
from tests.unit.appliance.kiosk.residents.conftest import TODAY
from tests.unit.appliance.kiosk.residents.people import AYU, KETUT, LOOK, MADE, OPERATOR
from tests.unit.appliance.kiosk.residents.registers import NOW

HEADER = Header(tuple(MADE), ("catatan",))
Values = Mapping[str, str]


@pytest.fixture
def imports(kept: Register) -> Imports:
    return Imports(kept, "510301")


def read(imports: Imports, *rows: Values | Row) -> int:
    made = [row if isinstance(row, Row) else Row(number, row) for number, row in enumerate(rows, 2)]
    return imports.make(OPERATOR, HEADER, made)


def outcomes(imports: Imports, import_id: int) -> dict[int, Outcome]:
    return {row.number: row.outcome for row in imports.rows(LOOK, import_id, None).items}


def values(kept: Register, nik: str = MADE["nik"]) -> dict[str, str]:
    found = kept.find_nik(LOOK, nik)
    assert found is not None
    return values_of(found)


def changed(kept: Register, new: Values, nik: str = MADE["nik"]) -> None:
    """Let the office change somebody."""
    one = kept.find_nik(LOOK, nik)
    assert one is not None
    kept.change(OPERATOR, one.id, draft(new, TODAY, is_whole=False), one.version)


def test_a_report_changes_nobody(imports: Imports, kept: Register) -> None:
    import_id = read(imports, MADE, AYU)
    assert kept.counts().all.residents == 0
    summary = imports.summary(import_id)
    assert summary.counts == {Outcome.ADDED: 2} and summary.is_waiting and summary.header == HEADER
    assert imports.latest() == (summary,)


def test_all_of_it_is_applied(imports: Imports, kept: Register) -> None:
    import_id = read(imports, MADE, AYU)
    assert not imports.apply(OPERATOR, import_id).is_waiting
    assert values(kept) == {**MADE, "status_dasar": "1"}
    assert kept.search(LOOK, "").total == 2
    made = kept.id_of_nik(MADE["nik"])
    assert made is not None
    assert "import.applied" in {each.what for each in kept.audit.about(made, 10)}


def test_the_same_again_changes_nothing(imports: Imports, kept: Register) -> None:
    for _ in range(2):
        imports.apply(OPERATOR, read(imports, MADE, AYU))
    import_id = read(imports, MADE, AYU)
    assert set(outcomes(imports, import_id).values()) == {Outcome.UNCHANGED}
    imports.apply(OPERATOR, import_id)
    one = kept.find_nik(LOOK, MADE["nik"])
    assert one is not None and one.version == 1


def test_what_the_file_changed_is_taken_and_blanks_erase_nothing(imports: Imports, kept: Register) -> None:
    imports.apply(OPERATOR, read(imports, {**MADE, "suku": "Bali"}))
    import_id = read(imports, {"nik": MADE["nik"], "nama": "I Made Suparta", "alamat": "Jalan Mawar 9"})
    (row,) = imports.rows(LOOK, import_id, Outcome.CHANGED).items
    assert [(each.column, each.here, each.file) for each in row.comparison.changes] == [
        ("alamat", "Jalan Melati 3", "Jalan Mawar 9")
    ]
    imports.apply(OPERATOR, import_id)
    assert values(kept) == {**MADE, "suku": "Bali", "alamat": "Jalan Mawar 9", "status_dasar": "1"}


def test_what_the_office_changed_stays(imports: Imports, kept: Register) -> None:
    imports.apply(OPERATOR, read(imports, MADE))
    changed(kept, {"alamat": "Jalan Baru 1", "tempatlahir": ""})
    import_id = read(imports, MADE)
    (row,) = imports.rows(LOOK, import_id, Outcome.UNCHANGED).items
    assert {each.column for each in row.comparison.kept} == {"alamat", "tempatlahir"}
    imports.apply(OPERATOR, import_id)
    assert values(kept)["alamat"] == "Jalan Baru 1" and "tempatlahir" not in values(kept)


@pytest.fixture
def conflict(imports: Imports, kept: Register) -> int:
    """An import in which an address was changed in the office and in the file."""
    imports.apply(OPERATOR, read(imports, MADE, AYU))
    changed(kept, {"alamat": "Jalan Kantor"})
    return read(imports, {**MADE, "alamat": "Jalan Berkas", "suku": "Bali"}, AYU)


def test_a_conflict_waits_for_a_person(imports: Imports, kept: Register, conflict: int) -> None:
    (row,) = imports.rows(LOOK, conflict, Outcome.CONFLICT).items
    (found,) = row.comparison.conflicts
    assert (found.column, found.here, found.file, found.last) == (
        "alamat",
        "Jalan Kantor",
        "Jalan Berkas",
        "Jalan Melati 3",
    )
    with pytest.raises(ImportUndecided) as caught:
        imports.apply(OPERATOR, conflict)
    assert caught.value.count == 1 == imports.summary(conflict).undecided
    assert "suku" not in values(kept)


@pytest.mark.parametrize(("choice", "address"), [(Choice.HERE, "Jalan Kantor"), (Choice.FILE, "Jalan Berkas")])
@pytest.mark.parametrize("rest", [True, False])
def test_a_decision_is_applied_and_not_asked_again(
    imports: Imports, kept: Register, conflict: int, choice: Choice, address: str, rest: bool
) -> None:
    if rest:
        imports.decide_rest(OPERATOR, conflict, choice)
    else:
        imports.decide(OPERATOR, conflict, {2: {"alamat": choice, "nama": Choice.FILE}, 99: {"alamat": choice}})
    imports.apply(OPERATOR, conflict)
    assert values(kept)["alamat"] == address and values(kept)["suku"] == "Bali"
    again = read(imports, {**MADE, "alamat": "Jalan Berkas", "suku": "Bali"}, AYU)
    assert set(outcomes(imports, again).values()) == {Outcome.UNCHANGED}


def test_a_decision_can_be_changed_before(imports: Imports, kept: Register, conflict: int) -> None:
    imports.decide(OPERATOR, conflict, {2: {"alamat": Choice.FILE}})
    imports.decide(OPERATOR, conflict, {2: {"alamat": Choice.HERE}})
    imports.apply(OPERATOR, conflict)
    assert values(kept)["alamat"] == "Jalan Kantor"


def test_refused_rows_are_left_out(imports: Imports, kept: Register) -> None:
    bad = Row(3, AYU, {"tanggallahir": ValueWrong(Wrong.NO_DATE)})
    import_id = read(imports, MADE, bad)
    assert outcomes(imports, import_id) == {2: Outcome.ADDED, 3: Outcome.REFUSED}
    imports.apply(OPERATOR, import_id)
    assert kept.id_of_nik(AYU["nik"]) is None and kept.id_of_nik(MADE["nik"]) is not None


def test_equal_niks_are_all_refused_each_naming_another(imports: Imports, kept: Register) -> None:
    twin = {**AYU, "nik": MADE["nik"]}
    import_id = read(imports, MADE, KETUT, twin, Row(5, MADE, {"sex": ValueWrong(Wrong.UNKNOWN_CODE)}))
    assert outcomes(imports, import_id) == {
        2: Outcome.REFUSED,
        3: Outcome.ADDED,
        4: Outcome.REFUSED,
        5: Outcome.REFUSED,
    }
    rows = {row.number: row.problems["nik"] for row in imports.rows(LOOK, import_id, Outcome.REFUSED).items}
    assert {number: (each.wrong, each.limit) for number, each in rows.items()} == {
        2: (Wrong.TWICE, "4"),
        4: (Wrong.TWICE, "2"),
        5: (Wrong.TWICE, "2"),
    }
    imports.apply(OPERATOR, import_id)
    assert kept.counts().all.residents == 1


def test_equal_niks_of_somebody_known_leave_them_as_they_are(imports: Imports, kept: Register) -> None:
    imports.apply(OPERATOR, read(imports, MADE))
    import_id = read(imports, {**MADE, "nama": "Satu"}, {**MADE, "nama": "Dua"})
    imports.apply(OPERATOR, import_id)
    assert values(kept)["nama"] == MADE["nama"]


def test_odd_rows_are_taken_and_pointed_out(imports: Imports) -> None:
    import_id = read(imports, {**MADE, "sex": "2"}, KETUT)
    assert imports.summary(import_id).odd == 1
    (row,) = imports.rows(LOOK, import_id, None, odd=True).items
    assert (row.outcome, row.oddities) == (Outcome.ADDED, (Oddity.SEX,))


def test_a_change_in_between_makes_the_report_anew(imports: Imports, kept: Register, conflict: int) -> None:
    imports.decide_rest(OPERATOR, conflict, Choice.FILE)
    changed(kept, {"tempatlahir": "Denpasar"}, AYU["nik"])
    with pytest.raises(ImportStale):
        imports.apply(OPERATOR, conflict)
    assert values(kept)["alamat"] == "Jalan Kantor"
    assert imports.summary(conflict).undecided == 0  # the decision holds
    imports.apply(OPERATOR, conflict)
    assert values(kept)["alamat"] == "Jalan Berkas"


def test_a_decision_over_what_is_no_more_is_asked_again(imports: Imports, kept: Register, conflict: int) -> None:
    imports.decide_rest(OPERATOR, conflict, Choice.FILE)
    changed(kept, {"alamat": "Jalan Lebih Baru"})
    with pytest.raises(ImportStale):
        imports.apply(OPERATOR, conflict)
    with pytest.raises(ImportUndecided):
        imports.apply(OPERATOR, conflict)
    assert values(kept)["alamat"] == "Jalan Lebih Baru"


def test_somebody_added_or_renumbered_in_between(imports: Imports, kept: Register) -> None:
    first = read(imports, MADE, KETUT)
    kept.add(OPERATOR, draft(KETUT, TODAY))
    with pytest.raises(ImportStale):
        imports.apply(OPERATOR, first)
    imports.apply(OPERATOR, first)
    assert kept.counts().all.residents == 2
    second = read(imports, MADE)
    changed(kept, {"nik": "5103011708900055"})
    with pytest.raises(ImportStale):
        imports.apply(OPERATOR, second)
    assert outcomes(imports, second) == {2: Outcome.ADDED}


def test_duplicates_stay_refused_when_compared_anew(imports: Imports, kept: Register) -> None:
    import_id = read(imports, MADE, MADE, KETUT)
    kept.add(OPERATOR, draft(KETUT, TODAY))
    with pytest.raises(ImportStale):
        imports.apply(OPERATOR, import_id)
    found = outcomes(imports, import_id)
    assert (found[2], found[3], found[4]) == (Outcome.REFUSED, Outcome.REFUSED, Outcome.UNCHANGED)


def test_an_import_is_applied_once(imports: Imports, kept: Register) -> None:
    import_id = read(imports, MADE)
    imports.apply(OPERATOR, import_id)
    for again in (
        lambda: imports.apply(OPERATOR, import_id),
        lambda: imports.drop(OPERATOR, import_id),
        lambda: imports.decide_rest(OPERATOR, import_id, Choice.FILE),
        lambda: imports.decide(OPERATOR, import_id, {}),
    ):
        with pytest.raises(ImportUnknown):
            again()
    assert kept.counts().all.residents == 1


def test_a_dropped_import_is_gone(imports: Imports, store: Store) -> None:
    import_id = read(imports, MADE)
    imports.drop(OPERATOR, import_id)
    with pytest.raises(ImportUnknown):
        imports.summary(import_id)
    with store.reading() as db:
        assert db.execute("SELECT count(*) FROM import_rows").fetchone() == (0,)


def test_what_waits_too_long_is_forgotten(imports: Imports, kept: Register) -> None:
    old = read(imports, MADE)
    kept.clock = lambda: NOW + module.KEPT_SECONDS + 1
    read(imports, AYU)
    with pytest.raises(ImportUnknown):
        imports.summary(old)


def test_a_file_that_goes_wrong_at_its_end_leaves_nothing(imports: Imports, store: Store) -> None:
    def rows() -> object:
        yield Row(2, MADE)
        raise RuntimeError("cut")

    with pytest.raises(RuntimeError):
        imports.make(OPERATOR, HEADER, rows())  # type: ignore[arg-type]
    with store.reading() as db:
        assert db.execute("SELECT (SELECT count(*) FROM imports), (SELECT count(*) FROM import_rows)").fetchone() == (
            0,
            0,
        )


def test_a_power_cut_while_it_is_applied_leaves_the_state_before(
    imports: Imports, kept: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports.apply(OPERATOR, read(imports, MADE))
    import_id = read(imports, {**MADE, "alamat": "Jalan Lain"}, AYU, KETUT)

    def fail(*_arguments: object, **_named: object) -> None:
        raise StoreFull("full")

    with monkeypatch.context() as patch:
        patch.setattr(kept.audit, "note_in", fail)
        with pytest.raises(StoreError):
            imports.apply(OPERATOR, import_id)
    assert kept.counts().all.residents == 1 and values(kept)["alamat"] == MADE["alamat"]
    assert imports.summary(import_id).is_waiting
    imports.apply(OPERATOR, import_id)
    assert kept.counts().all.residents == 3 and values(kept)["alamat"] == "Jalan Lain"


def test_a_report_that_waits_names_nobody(imports: Imports, store: Store) -> None:
    read(imports, MADE, Row(3, AYU, {"sex": ValueWrong(Wrong.UNKNOWN_CODE)}))
    store.close()
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    for secret in (MADE["nik"], AYU["nik"], "Suparta", "Lestari", "Melati", json.dumps("Krajan")):
        assert secret.encode() not in content


def test_a_long_report_comes_in_parts(imports: Imports) -> None:
    rows = [{"nama": f"Warga {number}", "nik": f"510301170890{number:04}"} for number in range(1, 601)]
    import_id = read(imports, *rows)
    page = imports.rows(LOOK, import_id, Outcome.ADDED, offset=590, limit=25)
    assert (len(page.items), page.total, page.items[0].number) == (10, 600, 592)
    imports.apply(OPERATOR, import_id)
    kept = imports.register
    assert kept.search(LOOK, "warga").total == 600


def test_who_reads_a_report_has_seen_those_whom_it_would_add(imports: Imports, kept: Register) -> None:
    import_id = read(imports, MADE, AYU)
    assert len(imports.rows(LOOK, import_id, Outcome.ADDED).items) == 2
    imports.apply(OPERATOR, import_id)
    ids = {kept.id_of_nik(each["nik"]) for each in (MADE, AYU)}
    (seen,) = (each for each in kept.audit.by_actor(LOOK.actor.name, 50) if each.what == "import.seen")
    assert set(seen.subjects) == ids
