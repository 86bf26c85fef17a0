"""What a fleet book keeps to: incidents, what people decide about them, and who did what."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from noc.fleet import HubState
from noc.fleet_book.contract import (
    Card,
    Contact,
    FleetBook,
    Followed,
    IncidentCause,
    IncidentQuery,
    IncidentSize,
    KeptWindow,
    Note,
    PartQuery,
    PartSum,
    Scope,
    Standing,
)
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.rules.affected import JUDGED_MS_MAX, Part, part_of
from noc.rules.alert_state import Deed, Incident, Silence
from noc.rules.groups import Group, GroupKind
from noc.rules.outages import Outage
from noc.rules.problems import Problem
from noc.rules.states import Basis, Cause, Condition, Window
from tests.unit.noc.seed import NOW_MS

HOUR_MS = 3_600_000
DEED = Deed(NOW_MS, "siti", "test", "hub-0001", "")
EVERYWHERE = Scope()
KUTA = Scope(("51.03.01",))
BALI = tuple(f"hub-{number:04}" for number in range(1, 5))
JAVA = "hub-0005"
CARDS = (
    *(Card(hub_id, f"Desa {hub_id}", f"51.03.0{1 + i // 2}.{2001 + i}", "Asia/Makassar", 100 * (i + 1), broker="timur")
      for i, hub_id in enumerate(BALI)),
    Card(JAVA, "Desa Jawa", "33.01.01.2001", residents=None, broker="barat"),
)  # fmt: skip
DISTRICT = Group(GroupKind.REGENCY, "51.03")


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteFleetBook]:
    with contextlib.closing(open_fleet_book(tmp_path / "fleet.db")) as made:
        made.put_cards(CARDS, DEED)
        yield made


def incident(
    number: int, *hubs: str, everyone: tuple[str, ...] = (), group: Group = DISTRICT, **changed: object
) -> Incident:
    made = Incident(
        number,
        group,
        Problem.NO_CONTACT,
        NOW_MS - HOUR_MS + number,
        NOW_MS,
        frozenset(hubs),
        frozenset((*hubs, *everyone)),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def test_an_incident_comes_back_as_it_was_put(book: FleetBook) -> None:
    told = incident(1, *BALI[:2], everyone=BALI, told_hubs=4, quiet_ms=NOW_MS)
    book.put_incidents([told], [], NOW_MS)
    kept = book.incident(1)
    assert kept is not None
    assert (kept.incident, kept.opened_ms, kept.ended_ms, kept.told_ms) == (told, NOW_MS, None, NOW_MS)
    assert book.incidents(EVERYWHERE, is_open=True) == (kept,)
    assert book.incidents(EVERYWHERE, is_open=False) == ()
    assert book.incident(2) is None


def test_an_incident_grows_shrinks_is_taken_care_of_and_ends(book: FleetBook) -> None:
    book.put_incidents([incident(1, *BALI[:2])], [], NOW_MS)
    book.acknowledge(1, Deed(NOW_MS + 1, "budi", "acknowledge", "1", "menelepon"))
    book.put_incidents([incident(1, *BALI[1:], everyone=BALI, told_hubs=4)], [], NOW_MS + 60_000)
    kept = book.incident(1)
    assert kept is not None
    assert (kept.incident.acknowledged_by, kept.incident.acknowledged_ms) == ("budi", NOW_MS + 1)
    assert (kept.incident.hubs, kept.incident.everyone, kept.told_ms) == (
        frozenset(BALI[1:]),
        frozenset(BALI),
        NOW_MS + 60_000,
    )
    book.put_incidents([], [incident(1, everyone=BALI, told_hubs=4)], NOW_MS + 120_000)
    (ended,) = book.incidents(EVERYWHERE, is_open=False)
    assert (ended.ended_ms, ended.incident.hubs, ended.incident.everyone) == (
        NOW_MS + 120_000,
        frozenset(),
        frozenset(BALI),
    )
    assert [(each.everyone, each.hubs) for each in book.incident_sizes(1)] == [(2, 2), (4, 3), (4, 0)]
    assert book.incident_sizes(2) == ()
    deeds = book.deeds(9)
    for number in (1, 2):  # over, and unknown
        with pytest.raises(KeyError):
            book.acknowledge(number, DEED)
    assert book.deeds(9) == deeds
    assert deeds[0].why == "menelepon"


def test_incidents_within_a_scope(book: FleetBook) -> None:
    book.put_incidents([incident(1, *BALI), incident(2, JAVA, group=Group(GroupKind.HUB, JAVA))], [], NOW_MS)
    (mine,) = book.incidents(KUTA, is_open=True)
    assert (mine.incident.number, mine.incident.hubs, mine.incident.everyone) == (
        1,
        frozenset(BALI[:2]),
        frozenset(BALI[:2]),
    )
    assert book.incident(2, KUTA) is None
    assert book.incident_line(2, KUTA) is None
    (line,), total = book.incident_lines(IncidentQuery(KUTA))
    assert (total, line.everyone, line.seen, line.hubs, line.residents) == (1, 4, 2, 2, 300)
    assert line.timezone == "Asia/Makassar"
    whole = book.incident_line(1, EVERYWHERE)
    assert whole is not None
    assert (whole.everyone, whole.seen, whole.hubs, whole.residents) == (4, 4, 4, 1_000)
    assert [hub.row.card.hub_id for hub in book.incident_hubs(1, KUTA)] == list(BALI[:2])
    assert book.incident_parts(2, KUTA, NOW_MS) == dict.fromkeys(Part, PartSum(0, 0))
    assert book.incident_hubs_of(PartQuery(2, Part.UNKNOWN, NOW_MS, KUTA)) == ()
    assert book.incident_causes(2, KUTA) == ()


def test_that_the_noc_hears_nothing_concerns_everybody(book: FleetBook) -> None:
    deaf = incident(1, "timur", group=Group(GroupKind.BROKER, "timur"), problem=Problem.NOC_DEAF)
    book.put_incidents([deaf], [], NOW_MS)
    for scope in (EVERYWHERE, KUTA):
        (kept,) = book.incidents(scope, is_open=True)
        assert kept.incident == deaf
        (line,), _ = book.incident_lines(IncidentQuery(scope))
        assert (line.problem, line.everyone, line.timezone) == (Problem.NOC_DEAF, 0, "")
    book.put_incidents([], [replace(deaf, hubs=frozenset())], NOW_MS + 1)
    (kept,) = book.incidents(EVERYWHERE, is_open=False)
    assert (kept.incident.hubs, kept.incident.everyone) == (frozenset(), frozenset({"timur"}))


def test_lists_of_incidents_are_filtered_and_sorted(book: FleetBook) -> None:
    hot = incident(3, JAVA, group=Group(GroupKind.HUB, JAVA), problem=Problem.HOT)
    book.put_incidents([incident(1, *BALI), incident(2, BALI[0]), hot], [], NOW_MS)
    book.acknowledge(1, DEED)

    def numbers(**wanted: object) -> list[int]:
        return [line.number for line in book.incident_lines(IncidentQuery(**wanted))[0]]  # type: ignore[arg-type]

    assert numbers() == [2, 3, 1]
    assert numbers(limit=1, offset=1) == [3]
    assert book.incident_lines(IncidentQuery(limit=1))[1] == 3
    assert numbers(area="33") == numbers(problem=Problem.HOT) == [3]
    assert numbers(area="51", problem=Problem.HOT) == []
    book.put_incidents([], [incident(2, BALI[0])], NOW_MS + 1)
    book.put_incidents([], [hot], NOW_MS + 2)
    assert numbers(is_open=False) == [3, 2]
    assert numbers(is_open=False, from_ms=NOW_MS + 2) == [3]


STANDINGS = tuple(
    (state, problems)
    for state, problems in itertools.product(
        HubState, ((), (Problem.NO_CONTACT,), (Problem.UPLINK_DOWN, Problem.HOT), (Problem.HOT,))
    )
)


@pytest.mark.parametrize("problem", [Problem.NO_CONTACT, Problem.UPLINK_DOWN, Problem.HOT, Problem.DISK_FULL])
@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.parametrize("late_ms", [0, JUDGED_MS_MAX + 1])
def test_parts_of_an_incident_are_those_of_the_rules(
    book: SqliteFleetBook, problem: Problem, deaf: bool, late_ms: int
) -> None:
    cards = [
        Card(f"many-{i:02}", f"Desa {i:02}", f"51.07.01.{2001 + i}", residents=i, broker="ab"[i % 2])
        for i in range(len(STANDINGS))
    ]
    book.put_cards(cards, DEED)
    told = zip(cards, STANDINGS, strict=True)
    book.put_standings([Standing(card.hub_id, *each, NOW_MS, NOW_MS, NOW_MS) for card, each in told], NOW_MS)
    book.put_incidents([incident(1, *(card.hub_id for card in cards), problem=problem)], [], NOW_MS)
    if deaf:
        group = Group(GroupKind.BROKER, "a")
        book.put_incidents([incident(2, "a", group=group, problem=Problem.NOC_DEAF)], [], NOW_MS)
    now_ms = NOW_MS + late_ms
    expected: dict[Part, list[Card]] = {part: [] for part in Part}
    for card, (state, problems) in zip(cards, STANDINGS, strict=True):
        is_heard = not late_ms and not (deaf and card.broker == "a")
        expected[part_of(problem, state, problems, is_heard=is_heard)].append(card)
    found = book.incident_parts(1, EVERYWHERE, now_ms)
    assert found == {
        part: PartSum(len(each), sum(card.residents or 0 for card in each)) for part, each in expected.items()
    }
    for part, each in expected.items():
        hubs = book.incident_hubs_of(PartQuery(1, part, now_ms, limit=100))
        assert [hub.row.card for hub in hubs] == sorted(each, key=lambda card: -(card.residents or 0))
        pages = [book.incident_hubs_of(PartQuery(1, part, now_ms, offset=at, limit=5)) for at in range(0, 20, 5)]
        assert tuple(hub for page in pages for hub in page) == hubs


def test_hubs_of_an_incident_come_with_whom_to_call(book: FleetBook) -> None:
    book.put_contact(Contact(0, BALI[3], "Wayan", "", "0812 0000 0001"), DEED)
    book.put_incidents([incident(1, BALI[3], everyone=BALI)], [], NOW_MS)
    first, *others = book.incident_hubs(1, EVERYWHERE)
    assert (first.row.card.hub_id, first.is_in, [each.name for each in first.contacts]) == (BALI[3], True, ["Wayan"])
    assert [(hub.row.card.hub_id, hub.is_in, hub.contacts) for hub in others] == [
        (each, False, ()) for each in BALI[:3]
    ]


def test_causes_are_what_the_records_of_hubs_that_are_back_say(book: FleetBook) -> None:
    def outage(minutes: int, cause: Cause, basis: Basis = Basis.MEASURED, ago_ms: int = 0) -> Outage:
        end_ms = NOW_MS - ago_ms
        return Outage(end_ms - minutes * 60_000, end_ms, Condition.LINK, cause, basis, (), True, True)

    told = {
        BALI[0]: [outage(20, Cause.NO_GATEWAY), outage(3, Cause.CAPTIVE, ago_ms=21 * 60_000)],
        BALI[1]: [outage(30, Cause.NO_GATEWAY)],
        BALI[2]: [outage(30, Cause.NO_LINK, ago_ms=48 * HOUR_MS)],
        BALI[3]: [outage(10, Cause.NO_LINK)],  # is still away: no record of it is of this
    }
    for hub_id, outages in told.items():
        book.put_followed([Followed(hub_id, {}, 0, outages, ())], "1")
    book.put_incidents([incident(1, BALI[3], everyone=BALI)], [], NOW_MS)
    assert book.incident_causes(1, EVERYWHERE) == (
        IncidentCause(Condition.LINK, Cause.NO_GATEWAY, Basis.MEASURED, 2),
        IncidentCause(None, Cause.NONE, Basis.NONE, 1),
    )


def test_sizes_are_kept_by_the_minute(book: FleetBook) -> None:
    minute_ms = NOW_MS // 60_000 * 60_000
    for i in (1, 2, 3):
        book.put_incidents([incident(1, *BALI[:i])], [], minute_ms + i)
    book.put_incidents([incident(1, *BALI[:3])], [], minute_ms + 90_000)
    assert book.incident_sizes(1) == (IncidentSize(minute_ms, 3, 3),)


def silence(**changed: object) -> Silence:
    made = Silence(DISTRICT, NOW_MS + HOUR_MS, "siti", "kabel digali", Problem.NO_CONTACT)
    return replace(made, **changed)  # type: ignore[arg-type]


def test_silences_hold_until_their_end(book: FleetBook) -> None:
    book.put_silence(silence(), DEED)
    book.put_silence(silence(problem=None, until_ms=NOW_MS + 2 * HOUR_MS), DEED)
    book.put_silence(silence(why="lebih lama", until_ms=NOW_MS + 3 * HOUR_MS), DEED)
    held = book.silences(NOW_MS)
    assert [(each.problem, each.why) for each in held] == [(None, "kabel digali"), (Problem.NO_CONTACT, "lebih lama")]
    assert book.silences(NOW_MS + 2 * HOUR_MS) == held[1:]
    book.lift(held[0], DEED)
    with pytest.raises(KeyError):
        book.lift(held[0], DEED)
    assert book.silences(NOW_MS) == held[1:]


@pytest.mark.parametrize(
    "wrong", [{"why": " "}, {"why": "x" * 201}, {"until_ms": NOW_MS}, {"until_ms": NOW_MS + 10**12}, {"by": ""}]
)
def test_a_wrong_silence_changes_nothing(book: FleetBook, wrong: dict[str, object]) -> None:
    before = book.deeds(9)
    with pytest.raises(ValueError, match=r"allowed|within"):
        book.put_silence(silence(**wrong), DEED)
    assert (book.silences(0), book.deeds(9)) == ((), before)


def window(area: str = "", hub_id: str = "", from_ms: int = NOW_MS, to_ms: int = NOW_MS + HOUR_MS) -> KeptWindow:
    return KeptWindow(0, area, hub_id, Window(from_ms, to_ms), "siti", "ganti antena")


def test_windows_are_found_by_time_hub_and_scope(book: FleetBook) -> None:
    bali = book.put_window(window("51"), DEED)
    hub = book.put_window(window(hub_id=BALI[0], from_ms=NOW_MS + HOUR_MS, to_ms=NOW_MS + 2 * HOUR_MS), DEED)
    java = book.put_window(window("33.01"), DEED)

    def found(*span: int, **wanted: object) -> list[int]:
        return [each.window_id for each in book.windows(*span, **wanted)]  # type: ignore[arg-type]

    assert found(NOW_MS, NOW_MS + 9 * HOUR_MS) == [bali, java, hub]
    assert found(NOW_MS + HOUR_MS, NOW_MS + 9 * HOUR_MS) == [hub]
    assert found(0, NOW_MS) == []
    assert found(0, NOW_MS + 9 * HOUR_MS, hub_id=BALI[0]) == [bali, hub]
    assert found(0, NOW_MS + 9 * HOUR_MS, hub_id=BALI[1]) == [bali]
    assert found(0, NOW_MS + 9 * HOUR_MS, hub_id="hub-9999") == []
    assert found(0, NOW_MS + 9 * HOUR_MS, scope=KUTA) == [bali, hub]
    assert found(0, NOW_MS + 9 * HOUR_MS, scope=Scope(("51.04",))) == [bali]
    assert book.window(hub, KUTA) is not None
    assert book.window(bali, KUTA) is None  # it sees it, and may not decide about it
    assert book.window(99) is None


def test_windows_end_early_or_are_called_off(book: FleetBook) -> None:
    running = book.put_window(window("51"), DEED)
    later = book.put_window(window("51", from_ms=NOW_MS + HOUR_MS, to_ms=NOW_MS + 2 * HOUR_MS), DEED)
    book.end_window(running, NOW_MS + 60_000, DEED)
    book.end_window(later, NOW_MS + 60_000, DEED)
    (left,) = book.windows(0, NOW_MS + 9 * HOUR_MS)
    assert (left.window_id, left.window) == (running, Window(NOW_MS, NOW_MS + 60_000))
    for number in (running, later):
        with pytest.raises(KeyError):
            book.end_window(number, NOW_MS + 60_000, DEED)
    book.put_window(replace(left, why="lain"), DEED)
    assert book.windows(0, NOW_MS + 9 * HOUR_MS)[0].why == "lain"
    with pytest.raises(KeyError):
        book.put_window(replace(left, window_id=later), DEED)


@pytest.mark.parametrize(
    "wrong",
    [window(), window("51", BALI[0]), window("Bali"), window("51", to_ms=NOW_MS), window("51", to_ms=NOW_MS + 10**12),
     replace(window("51"), why="")],
)  # fmt: skip
def test_a_wrong_window_changes_nothing(book: FleetBook, wrong: KeptWindow) -> None:
    with pytest.raises(ValueError, match=r"allowed|within"):
        book.put_window(wrong, DEED)
    with pytest.raises(KeyError):
        book.put_window(window(hub_id="hub-9999"), DEED)
    assert (book.windows(0, 1 << 60), len(book.deeds(9))) == ((), 1)


def test_notes_are_read_by_who_sees_no_less(book: FleetBook) -> None:
    book.put_note(Note(0, NOW_MS, "siti", "Semua tenang.\nTower 3 dipantau."), DEED)
    book.put_note(Note(0, NOW_MS + 1, "wayan", "Kuta: genset", ("51.03.01",)), DEED)
    assert [note.by for note in book.notes(9)] == ["wayan", "siti"]
    assert [note.by for note in book.notes(9, KUTA)] == [note.by for note in book.notes(9, Scope(("51",)))] == ["wayan"]
    assert book.notes(9, Scope(("33",))) == ()
    assert [note.by for note in book.notes(1)] == ["wayan"]
    for wrong in (
        Note(0, NOW_MS, "siti", " "),
        Note(0, NOW_MS, "siti", "x" * 4_001),
        Note(0, NOW_MS, "siti", "x", ("Bali",)),
    ):
        with pytest.raises(ValueError, match="allowed"):
            book.put_note(wrong, DEED)
    assert len(book.notes(9)) == 2


def test_deeds_are_a_chain(book: FleetBook) -> None:
    for i in range(1, 6):
        book.write_deed(Deed(NOW_MS + i, "siti", "call", f"hub-{i % 2}", "“ya”\nbaik"))
    assert [deed.at_ms - NOW_MS for deed in book.deeds(3)] == [5, 4, 3]
    assert [deed.at_ms - NOW_MS for deed in book.deeds(9, "hub-1")] == [5, 3, 1]
    count, last = book.deeds_end()
    assert (count, len(last)) == (6, 64)
    assert [deed.at_ms - NOW_MS for deed in book.deeds(2, before=count)] == [4, 3]
    assert book.verify_deeds() is None
    for wrong in (
        Deed(NOW_MS, "", "call", ""),
        Deed(NOW_MS, "siti", "x" * 65, ""),
        Deed(NOW_MS, "si\x1bti", "call", ""),
    ):
        with pytest.raises(ValueError, match=r"allowed"):
            book.write_deed(wrong)
    assert book.deeds_end() == (count, last)


@pytest.mark.parametrize(
    ("tampering", "first_broken"),
    [
        ("UPDATE deed SET by = 'budi' WHERE position = 3", 3),
        ("UPDATE deed SET at_ms = at_ms + 1 WHERE position = 1", 1),
        ("UPDATE deed SET hash = zeroblob(32) WHERE position = 2", 2),
        ("DELETE FROM deed WHERE position = 2", 2),
        ("DELETE FROM deed WHERE position = 4", 4),
        ("DELETE FROM deed", 1),
    ],
)
def test_a_deed_that_was_tampered_with_is_found(
    book: SqliteFleetBook, tmp_path: Path, tampering: str, first_broken: int
) -> None:
    for i in range(3):
        book.write_deed(Deed(NOW_MS + i, "siti", "call", "hub-1"))
    with contextlib.closing(sqlite3.connect(tmp_path / "fleet.db", isolation_level=None)) as db:
        with pytest.raises(sqlite3.IntegrityError, match="deeds are not"):
            db.execute(tampering)
        assert book.verify_deeds() is None
        db.execute("DROP TRIGGER deed_stays")
        db.execute("DROP TRIGGER deed_remains")
        db.execute(tampering)
    assert book.verify_deeds() == first_broken


def test_deeds_are_found_by_who_what_and_whom(book: FleetBook) -> None:
    before, _ = book.deeds_end()
    for i in range(8):
        book.write_deed(Deed(NOW_MS + i, ("siti", "budi")[i % 2], ("call", "visit")[i // 4], f"hub-{i % 3}"))

    def found(limit: int = 99, at: int = 0, **wanted: str) -> list[int]:
        return [each.position - before for each in book.find_deeds(limit, before=at, **wanted)]

    assert found(by="budi") == [8, 6, 4, 2]
    assert found(by="siti", what="visit") == [7, 5]
    assert found(subject="hub-0", what="call") == [4, 1]
    assert found(3, by="siti", at=before + 7) == [5, 3, 1]
    assert found(by="' OR 1=1 --") == []
    assert book.find_deeds(1)[0].deed == book.deeds(1)[0]
