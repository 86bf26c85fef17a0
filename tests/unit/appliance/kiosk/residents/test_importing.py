"""File, register and the import before: who changed what."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.residents.columns import COLUMNS
from appliance.kiosk.residents.importing import Choice, Outcome, compare, merged, remembered

RECORDS = st.dictionaries(
    st.sampled_from([each.name for each in COLUMNS]), st.sampled_from(["a", "b", "c"]), max_size=12
)


def outcome(here: str, last: str, file: str) -> tuple[Outcome, str]:
    """What becomes of one column, and what it holds after, where nobody decides."""
    records = [{"suku": each} if each else {} for each in (here, last, file)]
    found = compare(*records)
    return found.outcome, merged(records[0], found).get("suku", "")


def test_only_one_side_changed() -> None:
    assert outcome("a", "a", "b") == (Outcome.CHANGED, "b")
    assert outcome("b", "a", "a") == (Outcome.UNCHANGED, "b")
    assert outcome("", "", "a") == (Outcome.CHANGED, "a")


def test_both_sides_changed() -> None:
    assert outcome("b", "a", "c") == (Outcome.CONFLICT, "b")
    assert outcome("b", "a", "b") == (Outcome.UNCHANGED, "b")
    assert outcome("a", "", "b") == (Outcome.CONFLICT, "a")  # typed in by hand, never imported
    assert outcome("", "a", "b") == (Outcome.CONFLICT, "")  # erased here
    assert outcome("", "a", "a") == (Outcome.UNCHANGED, "")


def test_a_blank_cell_erases_nothing() -> None:
    assert outcome("a", "a", "") == (Outcome.UNCHANGED, "a")
    assert outcome("b", "a", "") == (Outcome.UNCHANGED, "b")


def test_a_death_that_the_file_does_not_know_of_stays() -> None:
    found = compare({"status_dasar": "2"}, {}, {"status_dasar": "1"})
    assert found.outcome is Outcome.UNCHANGED
    assert compare({}, {}, {"status_dasar": "1"}).outcome is Outcome.UNCHANGED


def test_a_decision_holds() -> None:
    found = compare({"suku": "b"}, {"suku": "a"}, {"suku": "c"})
    assert found.undecided == 1
    for choice, value in ((Choice.HERE, "b"), (Choice.FILE, "c")):
        decided = found.decided({"suku": choice, "nama": Choice.FILE})
        assert decided.undecided == 0 and merged({"suku": "b"}, decided) == {"suku": value}


@given(RECORDS, RECORDS, RECORDS)
def test_every_difference_stands_in_one_place(here: dict[str, str], last: dict[str, str], file: dict[str, str]) -> None:
    found = compare(here, last, file)
    named = [each.column for group in (found.changes, found.kept, found.conflicts) for each in group]
    assert len(named) == len(set(named))
    own = {**here, "status_dasar": here.get("status_dasar", "1")}
    assert set(named) == {name for name, value in file.items() if own.get(name, "") != value}


@given(RECORDS, RECORDS, RECORDS, st.sampled_from(Choice))
def test_the_same_file_again_asks_nothing_and_changes_nothing(
    here: dict[str, str], last: dict[str, str], file: dict[str, str], choice: Choice
) -> None:
    found = compare(here, last, file)
    decided = found.decided(dict.fromkeys((each.column for each in found.conflicts), choice))
    after, memory = merged(here, decided), remembered(last, file)
    again = compare(after, memory, file)
    assert again.outcome is Outcome.UNCHANGED
    assert merged(after, again) == after


@given(RECORDS, RECORDS, RECORDS)
def test_nothing_is_erased(here: dict[str, str], last: dict[str, str], file: dict[str, str]) -> None:
    assert set(here) <= set(merged(here, compare(here, last, file)))
