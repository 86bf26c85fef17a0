"""What a fleet book keeps to: the inventory, how the fleet is, and how it was."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from noc.fleet import HubState
from noc.fleet_book import finding
from noc.fleet_book.contract import (
    Asset,
    Card,
    Contact,
    Day,
    FleetBook,
    Followed,
    GivenCommand,
    Order,
    Query,
    Scope,
    Standing,
    Tail,
    Visit,
)
from noc.fleet_book.given import KEPT
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book, open_fleet_book_reading
from noc.rules.alert_state import Deed
from noc.rules.history import observe
from noc.rules.outages import Outage, Use, headline
from noc.rules.problems import Problem
from noc.rules.reading import Terms
from noc.rules.sla import Change, Month, Sla, SlaClass, Version
from noc.rules.states import Basis, Cause, Condition, Evidence
from noc.store.contract import Hub
from tests.unit.noc.seed import NOW_MS, arrived

DAY_MS = 86_400_000
DEED = Deed(NOW_MS, "siti", "card", "hub-0001", "telepon")
KUTA = Card(
    "hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar", 1_200, "Telkom", "menara-1", "", 10_000, 2_000,
    "Jalan Raya 1", -8.65, 115.21,
)  # fmt: skip
CARDS = (
    KUTA,
    Card("hub-0002", "Éka Bhuana", "51.03.01.2002", "Asia/Makassar", 800, "Satelit"),
    Card("hub-0003", "Wonosari", "51.03.02.2001", "Asia/Makassar", None, "Telkom"),
    Card("hub-0004", "Karanganyar", "51.04.01.2001", "Asia/Makassar", 500, "Satelit"),
    Card("hub-0005", "Bukit Indah", "33.01.01.2001", "Asia/Jakarta", 2_000, "Telkom"),
)
IDS = tuple(card.hub_id for card in CARDS)
EVERYWHERE = Scope()
BADUNG = Scope(("51.03",))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[SqliteFleetBook]:
    with contextlib.closing(open_fleet_book(tmp_path / "fleet.db")) as made:
        made.put_area_names({"51": "Bali", "51.03": "Badung", "51.03.01": "Kuta Selatan", "33": "Jawa Tengah"}, DEED)
        made.put_cards(CARDS, DEED)
        yield made


def standing(hub_id: str, state: HubState = HubState.ONLINE, *problems: Problem, clients: int | None = 3) -> Standing:
    return Standing(
        hub_id, state, problems, NOW_MS - 5_000, NOW_MS - 1_000, NOW_MS - 2_000, clients, 60, 900, 80, 45, "1.0.0",
        "3f9a1c22b0de", NOW_MS - 3_000, is_clone=True,
    )  # fmt: skip


DARK = standing("hub-0002", HubState.NO_CONTACT, Problem.NO_CONTACT, clients=None)
HALF = standing("hub-0005", HubState.ATTENTION, Problem.UPLINK_DOWN, Problem.HOT, clients=1)


@pytest.fixture
def judged(book: SqliteFleetBook) -> SqliteFleetBook:
    """Online, no contact, never, never, attention."""
    book.put_standings([standing("hub-0001"), DARK, HALF], NOW_MS)
    return book


def ids(book: FleetBook, **wanted: object) -> list[str]:
    return [row.card.hub_id for row in book.find(Query(**wanted)).rows]  # type: ignore[arg-type]


def test_a_card_comes_back_as_it_was_put(book: FleetBook) -> None:
    assert book.card("hub-0001") == KUTA
    assert book.card("hub-9999") is None
    assert [card.hub_id for card in book.cards()] == ["hub-0005", "hub-0001", "hub-0002", "hub-0003", "hub-0004"]
    assert [card.hub_id for card in book.cards(area="51.03.01")] == ["hub-0001", "hub-0002"]
    assert [card.hub_id for card in book.cards(BADUNG)] == ["hub-0001", "hub-0002", "hub-0003"]
    assert book.cards(BADUNG, "33") == ()
    assert [card.hub_id for card in book.cards(Scope(("51.03.02", "33.01.01.2001")))] == ["hub-0005", "hub-0003"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"hub_id": "Hub 1"},
        {"name": " "},
        {"name": "x" * 65},
        {"name": "Suka\x00maju"},
        {"kode_wilayah": "51.03.01"},
        {"kode_wilayah": "51.03.01.9001"},
        {"timezone": "Europe/Paris"},
        {"residents": -1},
        {"residents": 10**7},
        {"download_kbit": -1},
        {"upload_kbit": 2**63},
        {"provider": "x" * 65},
        {"address": "x" * 201},
        {"latitude": float("nan")},
        {"longitude": 181.0},
        {"latitude": None},
    ],
)
def test_a_wrong_card_changes_nothing(book: SqliteFleetBook, wrong: dict[str, object]) -> None:
    deeds = book.deeds(100)
    fine = replace(CARDS[1], name="Lain")
    with pytest.raises(ValueError, match=r"allowed|missing|control"):
        book.put_cards([fine, replace(KUTA, **wrong)], DEED)  # type: ignore[arg-type]
    assert book.cards() == tuple(sorted(CARDS, key=lambda card: card.kode_wilayah))
    assert book.deeds(100) == deeds


def test_the_inventory_brings_new_hubs_and_moves_known_ones(judged: SqliteFleetBook) -> None:
    moved = Hub("hub-0002", "Eka", "33.01.01.2002", "Asia/Jakarta")
    same = Hub("hub-0001", KUTA.name, KUTA.kode_wilayah, KUTA.timezone)
    assert judged.take_over([same, moved, Hub("hub-0006", "Baru", "51.03.01.2003")]) == {"hub-0002", "hub-0006"}
    assert judged.card("hub-0001") == KUTA
    found = judged.card("hub-0002")
    assert found is not None
    assert (found.name, found.kode_wilayah, found.provider, found.residents) == ("Eka", "33.01.01.2002", "Satelit", 800)
    assert judged.standing("hub-0002") == DARK
    central, bali = judged.areas(EVERYWHERE, "")
    assert (central.hubs, central.states[HubState.NO_CONTACT], central.residents_cut_off) == (2, 1, 2_800)
    assert (bali.hubs, bali.states[HubState.NO_CONTACT], bali.residents_cut_off) == (4, 0, 0)


def test_names_of_areas(book: FleetBook) -> None:
    assert (book.area_name("51.03"), book.area_name("51.04")) == ("Badung", "")
    assert book.area_names(("51", "99")) == {"51": "Bali"}
    with pytest.raises(ValueError, match=r"51\.03"):
        book.put_area_names({"51": "Lain", "5103": "Badung"}, DEED)
    assert book.area_name("51") == "Bali"


def test_contacts_assets_and_visits(book: SqliteFleetBook) -> None:
    second = book.put_contact(Contact(0, "hub-0001", "Made", "Operator", "0812 0000 0002", 1), DEED)
    first = book.put_contact(Contact(0, "hub-0001", "Wayan", "Kepala desa", "+62 812-0000-0001"), DEED)
    assert [each.contact_id for each in book.contacts("hub-0001")] == [first, second]
    book.put_contact(Contact(second, "hub-0001", "Ketut", "Operator", "0812 0000 0003", 1), DEED)
    assert [each.name for each in book.contacts("hub-0001")] == ["Wayan", "Ketut"]
    before = (book.contacts("hub-0001"), book.deeds(100))
    with pytest.raises(KeyError):  # of another hub
        book.put_contact(Contact(second, "hub-0002", "Ketut", "", "0812 0000 0003"), DEED)
    with pytest.raises(KeyError):
        book.put_contact(Contact(0, "hub-9999", "Ketut", "", "0812 0000 0003"), DEED)
    with pytest.raises(ValueError, match="telephone"):
        book.put_contact(Contact(0, "hub-0001", "Ketut", "", "javascript:alert(1)"), DEED)
    assert (book.contacts("hub-0001"), book.deeds(100)) == before
    book.drop_contact(first, DEED)
    with pytest.raises(KeyError):
        book.drop_contact(first, DEED)
    assert [each.name for each in book.contacts("hub-0001")] == ["Ketut"]
    assert book.contacts("hub-9999") == ()

    modem = Asset(0, "hub-0001", "Modem", "LTE", "SN1", "2026-01-12")
    number = book.put_asset(modem, DEED)
    assert book.assets("hub-0001") == (replace(modem, asset_id=number),)
    with pytest.raises(ValueError, match="2026-08-17"):
        book.put_asset(replace(modem, since_day="12 Januari"), DEED)
    book.put_asset(replace(modem, asset_id=number, until_day="2026-05-01"), DEED)
    assert [each.until_day for each in book.assets("hub-0001")] == ["2026-05-01"]

    visit = Visit(0, "hub-0001", "2026-05-02", "Ketut", "Kabel dirapikan.\nSelesai.")
    older = book.put_visit(replace(visit, day="2026-05-01"), DEED)
    newer = book.put_visit(visit, DEED)
    assert [each.visit_id for each in book.visits("hub-0001")] == [newer, older]
    with pytest.raises(ValueError, match="4000"):
        book.put_visit(replace(visit, what="x" * 4_001), DEED)
    book.put_visit(replace(visit, visit_id=older, reversed_why="siti: salah hub"), DEED)
    assert [each.reversed_why for each in book.visits("hub-0001")] == ["", "siti: salah hub"]


def test_a_standing_comes_back_as_it_was_put(judged: SqliteFleetBook) -> None:
    assert judged.standing("hub-0005") == HALF
    assert judged.standing("hub-0003") == Standing("hub-0003", HubState.NEVER, (), None, None, None)
    assert judged.standing("hub-9999") is None
    assert judged.standings(("hub-0002", "hub-9999")) == {"hub-0002": DARK}
    assert judged.judged_ms() == NOW_MS
    with pytest.raises(KeyError, match="hub-9999"):
        judged.put_standings([replace(HALF, problems=()), standing("hub-9999")], NOW_MS + 1)
    assert (judged.standing("hub-0005"), judged.judged_ms()) == (HALF, NOW_MS)


def test_a_card_that_changes_keeps_the_standing(judged: SqliteFleetBook) -> None:
    judged.put_cards([replace(CARDS[1], residents=900)], DEED)
    assert judged.standing("hub-0002") == DARK
    (badung, _) = judged.areas(EVERYWHERE, "51")
    assert badung.residents_cut_off == 900


def test_areas_count_their_hubs(judged: SqliteFleetBook) -> None:
    central, bali = judged.areas(EVERYWHERE, "")
    assert (central.code, central.name, central.hubs, central.clients_online) == ("33", "Jawa Tengah", 1, 1)
    assert central.residents_cut_off == 2_000
    assert (bali.code, bali.hubs, bali.residents_cut_off, bali.clients_online) == ("51", 4, 800, 3)
    assert bali.states == {
        HubState.NO_CONTACT: 1, HubState.ATTENTION: 0, HubState.NEVER: 2, HubState.ONLINE: 1,
    }  # fmt: skip
    assert [line.code for line in judged.areas(EVERYWHERE, "51.03")] == ["51.03.01", "51.03.02"]
    villages = judged.areas(EVERYWHERE, "51.03.01")
    assert [(line.code, line.name, line.hubs) for line in villages] == [
        ("51.03.01.2001", "Sukamaju", 1), ("51.03.01.2002", "Éka Bhuana", 1),
    ]  # fmt: skip
    assert judged.areas(EVERYWHERE, "51.03.01.2001") == ()
    assert judged.areas(EVERYWHERE, "99") == ()
    one = judged.area(EVERYWHERE, "51.03")
    assert one is not None
    assert (one.name, one.hubs) == ("Badung", 3)
    assert judged.area(EVERYWHERE, "99") is None


def test_areas_within_a_scope(judged: SqliteFleetBook) -> None:
    (bali,) = judged.areas(BADUNG, "")
    assert (bali.code, bali.hubs, bali.residents_cut_off) == ("51", 3, 800)
    assert judged.areas(BADUNG, "33") == ()
    assert judged.area(BADUNG, "33") is None
    narrow = Scope(("51.03.01.2001", "51.04"))
    assert [(line.code, line.hubs) for line in judged.areas(narrow, "51")] == [("51.03", 1), ("51.04", 1)]
    assert [(line.code, line.hubs) for line in judged.areas(narrow, "51.03.01")] == [("51.03.01.2001", 1)]


def test_counts_of_areas_are_those_of_their_hubs_after_any_change(judged: SqliteFleetBook) -> None:
    judged.put_standings([standing("hub-0002"), standing("hub-0003", HubState.NO_CONTACT, Problem.NO_CONTACT)], NOW_MS)
    judged.put_cards([replace(CARDS[2], kode_wilayah="33.01.01.2009", residents=70)], DEED)
    judged.put_standings([standing("hub-0001", clients=9), standing("hub-0001", clients=8)], NOW_MS)
    for scope, parent in ((EVERYWHERE, ""), (EVERYWHERE, "51"), (BADUNG, "51"), (EVERYWHERE, "51.03.01")):
        for line in judged.areas(scope, parent):
            rows = judged.find(Query(scope, line.code)).rows
            assert line.hubs == len(rows)
            assert line.clients_online == sum(row.standing.clients_online or 0 for row in rows)
            for state in HubState:
                assert line.states[state] == sum(row.standing.state is state for row in rows)


def test_lists_are_filtered_and_sorted(judged: SqliteFleetBook) -> None:
    assert ids(judged) == ["hub-0002", "hub-0005", "hub-0004", "hub-0003", "hub-0001"]
    assert ids(judged, order=Order.NAME) == ["hub-0005", "hub-0004", "hub-0001", "hub-0003", "hub-0002"]
    assert ids(judged, order=Order.AREA) == ["hub-0005", "hub-0001", "hub-0002", "hub-0003", "hub-0004"]
    assert ids(judged, order=Order.RESIDENTS) == ["hub-0005", "hub-0001", "hub-0002", "hub-0004", "hub-0003"]
    judged.put_standings([replace(DARK, contact_ms=1), replace(HALF, contact_ms=2)], NOW_MS)
    by_contact = ids(judged, order=Order.CONTACT)
    assert (by_contact[:3], set(by_contact[3:])) == (["hub-0002", "hub-0005", "hub-0001"], {"hub-0003", "hub-0004"})
    assert ids(judged, states=(HubState.NEVER,)) == ["hub-0004", "hub-0003"]
    assert ids(judged, states=(HubState.NEVER,), order=Order.RESIDENTS) == ["hub-0004", "hub-0003"]
    assert ids(judged, problem=Problem.HOT) == ["hub-0005"]
    assert ids(judged, problem=Problem.NO_CONTACT) == ["hub-0002"]
    assert ids(judged, provider="Satelit") == ["hub-0002", "hub-0004"]
    assert ids(judged, provider="' OR 1 --") == []
    assert ids(judged, area="51.03.01") == ["hub-0002", "hub-0001"]
    assert ids(judged, area="51.0") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("SUKA", ["hub-0001"]), ("éka", ["hub-0002"]), ("hub-0003", ["hub-0003"]), ("51.04", ["hub-0004"]),
     ("%", []), ("' OR 1", []), ("x" * 10_000, []), (" wono ", ["hub-0003"])],
)  # fmt: skip
def test_a_text_is_found_in_name_id_and_code(judged: SqliteFleetBook, text: str, found: list[str]) -> None:
    assert ids(judged, text=text) == found


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(
    "filtered", [{}, {"area": "51"}, {"states": (HubState.NEVER, HubState.ONLINE)}, {"text": "a"}, {"scope": BADUNG}]
)
def test_pages_of_a_list_never_overlap(judged: SqliteFleetBook, order: Order, filtered: dict[str, object]) -> None:
    whole = judged.find(Query(order=order, **filtered))  # type: ignore[arg-type]
    pages = [judged.find(Query(order=order, offset=at, limit=2, **filtered)) for at in (0, 2, 4)]  # type: ignore[arg-type]
    assert [row for page in pages for row in page.rows] == list(whole.rows)
    assert {page.total for page in pages} == {len(whole.rows)}
    assert len({row.card.hub_id for row in whole.rows}) == len(whole.rows)


def test_a_list_counts_all_states_of_what_else_fits(judged: SqliteFleetBook) -> None:
    found = judged.find(Query(states=(HubState.NO_CONTACT,), limit=1))
    assert (found.total, sum(found.states.values())) == (1, 5)
    found = judged.find(Query(BADUNG, states=(HubState.NO_CONTACT,), text="a"))
    assert (found.total, sum(found.states.values())) == (1, 3)
    empty = judged.find(Query(BADUNG, area="33"))
    assert (empty.rows, empty.total, sum(empty.states.values())) == ((), 0, 0)


def test_what_lies_outside_a_scope_is_not_found(judged: SqliteFleetBook) -> None:
    assert set(ids(judged, scope=BADUNG)) == {"hub-0001", "hub-0002", "hub-0003"}
    assert ids(judged, scope=BADUNG, text="hub-0005") == []
    assert ids(judged, scope=BADUNG, area="51.04") == []
    assert ids(judged, scope=Scope(("51.03.0",))) == []
    many = Scope(("51.03", "51.03.01", "33.01", "33.01"))
    assert sorted(ids(judged, scope=many)) == ["hub-0001", "hub-0002", "hub-0003", "hub-0005"]


def outage(end_ms: int, seconds: int = 600, condition: Condition = Condition.LINK, *, known: bool = True) -> Outage:
    gap = (Evidence.UNCLEAN_SHUTDOWN, Evidence.BOOT_GAP)
    return Outage(end_ms - seconds * 1000, end_ms, condition, Cause.NO_GATEWAY, Basis.MEASURED, gap, False, known)


def day(hub_id: str, at: str, up: int = 80_000, **changed: int | None) -> Day:
    seconds = dict.fromkeys(SlaClass, 0) | {SlaClass.UP: up, SlaClass.UNKNOWN: 86_400 - up}
    values = {"received_bytes": 10**12, "sent_bytes": None, "clients_peak": 9, "logins": 4} | changed
    return Day(hub_id, at, seconds, 2, 1, **values)


def followed(hub_id: str, *, since_ms: int = 0, ends: tuple[int, ...] = (), days: tuple[Day, ...] = ()) -> Followed:
    history = observe([arrived(hub_id, minute, 0) for minute in (1, 2, 5)], Terms())
    return Followed(hub_id, history, since_ms, [outage(end_ms) for end_ms in ends], days)


def test_what_was_learned_comes_back(book: SqliteFleetBook) -> None:
    one = followed("hub-0001", ends=(NOW_MS - DAY_MS, NOW_MS), days=(day("hub-0001", "2026-05-01"),))
    tail = Tail("hub-0001", one.history, NOW_MS, NOW_MS - DAY_MS, "10000/2000")
    book.put_followed([one], "mark-1", [tail])
    assert book.histories(("hub-0001", "hub-0002", "hub-9999")) == {"hub-0001": one.history}
    assert book.tails(("hub-0001", "hub-0002")) == {"hub-0001": tail}
    assert (book.stale(NOW_MS, 9), book.stale(NOW_MS + 1, 9)) == ((), ("hub-0001",))
    assert book.followed_mark() == "mark-1"
    assert [each.outage for each in book.outages(EVERYWHERE, "", 0, NOW_MS)] == list(one.outages)
    assert book.days(EVERYWHERE, "51", "2026-04-01", "2026-05-01") == tuple(one.days)


def test_outages_after_the_moment_are_replaced_and_those_before_stay(book: SqliteFleetBook) -> None:
    book.put_followed([followed("hub-0001", ends=(1_000_000, 2_000_000, 3_000_000))], "1")
    book.put_followed([followed("hub-0001", since_ms=2_000_000, ends=(3_500_000,))], "2")
    ends = [each.outage.end_ms for each in book.outages(EVERYWHERE, "", 0, NOW_MS, "hub-0001")]
    assert ends == [1_000_000, 2_000_000, 3_500_000]
    assert [each.outage.end_ms for each in book.outages(EVERYWHERE, "", 1_000_000, 2_900_000)] == [2_000_000]
    assert book.outages(Scope(("33",)), "", 0, NOW_MS) == ()


def test_a_hub_without_a_card_leaves_all_unlearned(book: SqliteFleetBook) -> None:
    with pytest.raises(KeyError, match="hub-9999"):
        book.put_followed([followed("hub-0001", ends=(NOW_MS,)), followed("hub-9999")], "mark-1")
    assert (book.histories(IDS), book.followed_mark()) == ({}, "")


def test_days_of_areas_add_up(book: SqliteFleetBook) -> None:
    days = ("2026-05-01", "2026-05-02")
    for hub_id in IDS:
        book.put_followed([followed(hub_id, days=tuple(day(hub_id, at) for at in days))], "1")
    book.put_followed([followed("hub-0001", days=(day("hub-0001", days[1], 40_000, logins=None),))], "2")
    first, second = book.area_days(EVERYWHERE, "51.03", "2026-04-01", "2026-05-31")
    assert (first.day, first.hub_days, first.seconds[SlaClass.UP], first.long_cuts) == (days[0], 3, 240_000, 6)
    assert (second.seconds[SlaClass.UP], second.logins, second.received_bytes) == (200_000, 8, 3 * 10**12)
    assert [(each.code, each.hub_days) for each in book.area_sums(EVERYWHERE, "", *days)] == [("33", 2), ("51", 8)]
    assert [(each.code, each.name) for each in book.area_sums(BADUNG, "", *days)] == [("51", "Bali")]
    assert [each.hub_days for each in book.area_sums(BADUNG, "", *days)] == [6]
    villages = book.area_sums(EVERYWHERE, "51.03.01", days[0], days[0])
    assert [(each.code, each.hub_days, each.seconds[SlaClass.UP]) for each in villages] == [
        ("51.03.01.2001", 1, 80_000), ("51.03.01.2002", 1, 80_000),
    ]  # fmt: skip
    narrow = Scope(("51.03.01.2001", "51.04"))
    assert [each.hub_days for each in book.area_days(narrow, "", *days)] == [2, 2]
    assert [(each.code, each.hub_days) for each in book.area_sums(narrow, "51", *days)] == [("51.03", 2), ("51.04", 2)]
    assert book.area_days(BADUNG, "33", *days) == ()


def test_a_hub_that_moves_takes_days_and_months_along(book: SqliteFleetBook) -> None:
    book.put_followed([followed("hub-0001", days=(day("hub-0001", "2026-05-01"),))], "1")
    book.put_versions({"hub-0001": version(1)})
    book.put_cards([replace(KUTA, kode_wilayah="33.01.01.2007")], DEED)
    (moved,) = book.area_sums(EVERYWHERE, "", "2026-05-01", "2026-05-01")
    assert (moved.code, moved.hub_days) == ("33", 1)
    (month,) = book.month_sums(EVERYWHERE, "", "2026-05")
    assert (month.code, month.hubs) == ("33", 1)


def test_a_day_that_is_none_is_refused(book: SqliteFleetBook) -> None:
    with pytest.raises(ValueError, match="2026-08-17"):
        book.days(EVERYWHERE, "", "2026-02-30", "2026-03-01")
    assert book.days(EVERYWHERE, "", "2026-02-28", "2026-03-01") == ()


def test_old_days_and_outages_are_forgotten_bit_by_bit(book: SqliteFleetBook) -> None:
    ends = tuple(NOW_MS - ago * DAY_MS for ago in range(5))
    days = tuple(day("hub-0001", f"2026-05-{number:02}") for number in range(25, 29))
    book.put_followed([followed("hub-0001", ends=ends, days=days)], "1")
    before_ms = NOW_MS - 2 * DAY_MS  # 26 May 2026
    gone = 0
    while count := book.forget(before_ms, 1):
        gone += count
    assert gone == 3
    assert [each.day for each in book.days(EVERYWHERE, "", "2026-01-01", "2026-12-31")] == [
        "2026-05-26", "2026-05-27", "2026-05-28",
    ]  # fmt: skip
    assert len(book.outages(EVERYWHERE, "", 0, NOW_MS)) == 3


def version(number: int, up: int = 100_000, *changes: Change, month: str = "2026-05") -> Version:
    seconds = dict.fromkeys(SlaClass, 0) | {SlaClass.UP: up}
    return Version(number, NOW_MS + number, Sla(Month.parse(month), seconds, 3, 4), changes)


def test_of_a_month_that_runs_the_newest_version_is_kept_and_of_one_that_is_over_every_one(
    book: SqliteFleetBook,
) -> None:
    card = book.card("hub-0001")
    assert card is not None
    _, end_ms = Month.parse("2026-05").bounds_ms(card.timezone)
    moments = (end_ms - 2 * DAY_MS, end_ms - DAY_MS, end_ms - 1, end_ms, end_ms + DAY_MS)
    made = [replace(version(number, 1_000 * number), made_ms=at_ms) for number, at_ms in enumerate(moments, 1)]
    for each in made:
        book.put_versions({"hub-0001": each})
    assert book.all_versions("hub-0001", "2026-05") == tuple(made[2:])
    (added,) = book.month_sums(EVERYWHERE, "", "2026-05")
    assert (added.hubs, added.sla.seconds[SlaClass.UP]) == (1, 5_000)


def test_months_are_kept_in_versions(book: SqliteFleetBook) -> None:
    second = version(2, 90_000, Change(SlaClass.UP, 100_000, 90_000))
    book.put_versions({"hub-0001": version(1), "hub-0005": version(1)})
    book.put_versions({"hub-0001": second})
    assert book.versions(IDS, "2026-05") == {"hub-0001": second, "hub-0005": version(1)}
    assert book.versions(IDS, "2026-04") == {}
    assert book.all_versions("hub-0001", "2026-05") == (second,), "the month still runs"
    for wrong in (version(1), version(2), version(4)):
        with pytest.raises(ValueError, match="does not follow"):
            book.put_versions({"hub-0005": version(2), "hub-0001": wrong})
    with pytest.raises(KeyError):
        book.put_versions({"hub-0005": version(2), "hub-9999": version(1)})
    assert book.versions(("hub-0005",), "2026-05") == {"hub-0005": version(1)}
    sums = book.month_sums(EVERYWHERE, "", "2026-05")
    assert [(each.code, each.name, each.hubs, each.sla.seconds[SlaClass.UP]) for each in sums] == [
        ("33", "Jawa Tengah", 1, 100_000), ("51", "Bali", 1, 90_000),
    ]  # fmt: skip
    assert [(each.code, each.hubs) for each in book.month_sums(BADUNG, "51.03.01", "2026-05")] == [("51.03.01.2001", 1)]
    (mine,) = book.sla_of_area(BADUNG, "", "2026-05")
    assert (mine.card, mine.version) == (KUTA, second)
    assert [each.card.hub_id for each in book.sla_of_area(EVERYWHERE, "", "2026-05")] == ["hub-0005", "hub-0001"]
    with pytest.raises(ValueError, match="2026-08"):
        book.versions(IDS, "Mei 2026")


def test_versions_come_with_what_was_learned(book: SqliteFleetBook) -> None:
    book.put_followed([replace(followed("hub-0001"), versions=(version(1), version(1, month="2026-04")))], "1")
    assert set(book.versions(IDS, "2026-04")) == set(book.versions(IDS, "2026-05")) == {"hub-0001"}


def test_the_headline_is_that_of_the_rules(judged: SqliteFleetBook) -> None:
    made = [
        outage(NOW_MS - 1, 400), outage(NOW_MS - 1_000_000, 900), outage(NOW_MS - 3_000_000, 299),
        outage(NOW_MS - 4_000_000, 1_200, Condition.UNUSABLE), outage(NOW_MS - 6_000_000, 1_200, Condition.POWER),
        outage(NOW_MS - 9_000_000, 1_200, known=False), outage(NOW_MS - 8 * DAY_MS, 5_000),
    ]  # fmt: skip
    judged.put_followed([replace(followed("hub-0001"), outages=made)], "1")
    judged.put_followed([replace(followed("hub-0005"), outages=[outage(NOW_MS - 5, 2_000)])], "1")
    judged.put_standings([replace(DARK, contact_ms=NOW_MS - 8 * DAY_MS, record_ms=None)], NOW_MS)
    judged.put_standings([replace(HALF, used_ms=NOW_MS - 8 * DAY_MS)], NOW_MS)

    def ruled(*hub_ids: str) -> object:
        known = [row for row in judged.find(Query()).rows if row.card.hub_id in hub_ids]
        uses = [Use(row.card.hub_id, row.standing.contact_ms, row.standing.used_ms) for row in known]
        repaired = [each.outage for each in judged.outages(EVERYWHERE, "", 0, NOW_MS) if each.hub_id in hub_ids]
        return headline(uses, repaired, NOW_MS)

    for _ in range(2):  # made now, then kept
        assert judged.headline(EVERYWHERE, "", NOW_MS) == ruled(*IDS)
        assert judged.headline(EVERYWHERE, "51", NOW_MS) == ruled(*IDS[:4])
        assert judged.headline(BADUNG, "", NOW_MS) == ruled(*IDS[:3])
        assert judged.headline(Scope(("51.03.01.2001", "33")), "", NOW_MS) == ruled("hub-0001", "hub-0005")
        judged.make_headlines(NOW_MS)


def test_a_reader_writes_nothing_and_sees_what_is_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="missing"):
        open_fleet_book_reading(tmp_path / "fleet.db")
    with (
        contextlib.closing(open_fleet_book(tmp_path / "fleet.db")) as book,
        contextlib.closing(open_fleet_book_reading(tmp_path / "fleet.db")) as reader,
    ):
        book.put_cards([KUTA], DEED)
        assert reader.card("hub-0001") == KUTA
        with pytest.raises((StoreError, sqlite3.OperationalError)):
            reader.put_cards([KUTA], DEED)


def test_it_is_a_fleet_book(book: SqliteFleetBook) -> None:
    kept: FleetBook = book
    assert kept.card("hub-0001") == KUTA


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(
    "filtered",
    [{"text": "a"}, {"provider": "Telkom"}, {"problem": Problem.HOT}, {"text": "a", "states": (HubState.NEVER,)},
     {"states": (HubState.NEVER, HubState.ONLINE)}],
)  # fmt: skip
def test_a_filter_that_fits_many_finds_the_same_as_one_that_fits_few(
    judged: SqliteFleetBook, monkeypatch: pytest.MonkeyPatch, order: Order, filtered: dict[str, object]
) -> None:
    query = Query(order=order, **filtered)  # type: ignore[arg-type]
    few = judged.find(query)
    assert few.rows
    monkeypatch.setattr(finding, "_FEW", 0)
    assert judged.find(query) == few
    # And the same as of all areas, one by one.
    assert judged.find(replace(query, scope=Scope(("33", "51")))) == few


def given(number: int, hub_id: str = IDS[0], status: str = "") -> GivenCommand:
    return GivenCommand(
        hub_id, f"{number:032x}", "sari", '{"do":"reboot"}', NOW_MS + number, NOW_MS + 600_000, status, "", "",
        NOW_MS + 1 if status else None,
    )  # fmt: skip


def test_commands_are_kept_with_their_last_answer_newest_first(book: FleetBook) -> None:
    book.put_command(given(1))
    book.put_command(given(2))
    book.put_command(given(1, status="done"))
    book.put_command(given(3, IDS[1]))
    assert book.commands(IDS[0], 10) == (given(2), given(1, status="done"))
    assert book.commands(IDS[0], 1) == (given(2),)
    assert book.commands("hub-9999", 10) == ()
    with pytest.raises(KeyError):
        book.put_command(given(4, "hub-9999"))


def test_of_many_commands_of_a_hub_the_newest_stay(book: FleetBook) -> None:
    book.put_command(given(1, IDS[1]))
    for number in range(KEPT + 5):
        book.put_command(given(number + 10))
    assert [each.command_id for each in book.commands(IDS[0], 1_000)] == [
        f"{number + 10:032x}" for number in reversed(range(5, KEPT + 5))
    ]
    assert len(book.commands(IDS[1], 10)) == 1
