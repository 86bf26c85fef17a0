"""A country's fleet book for benches, written in SQL: 90 days of days, outages and sums would take Python minutes.

What the fleet book itself keeps up (sums by area, months) is made here from the same rows.
"""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from noc.fleet import HubState
from noc.fleet_book.codes import CLASSES
from noc.fleet_book.contract import Card, Standing
from noc.fleet_book.sqlite import SqliteFleetBook
from noc.rules.alert_state import Deed, Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from tests.bench.country import Country

DAYS: Final = 90
ENDED_INCIDENTS: Final = 3_000
UPSTREAM_HUBS: Final = 2_000
DAY_MS: Final = 86_400_000
_PROVIDERS: Final = ("Telkom", "Satelit Nusantara", "Lintas Desa", "Jaringan Timur", "")
_SECONDS: Final = ", ".join(f"seconds_{number}" for number in range(len(CLASSES)))
_SUMMED: Final = ", ".join(f"sum(seconds_{number})" for number in range(len(CLASSES)))
_CUTS: Final = "sum(long_cuts), sum(short_cuts)"
# r: 0 to 999, the same for a hub and day each time. 6 % have a long cut, 14 % a short one, 7 % lost power.
_DAYS: Final = f"""
WITH told AS (SELECT number, ? AS day, ((number * 48271 + ? * 69621) % 2147483647 * 16807) % 2147483647 % 1000 AS r
    FROM hub), parts AS (SELECT day, number, r, CASE WHEN r < 60 THEN 600 + r * 50 ELSE 0 END AS long,
    CASE WHEN r % 7 = 0 THEN 120 + r % 180 ELSE 0 END AS short, CASE WHEN r > 930 THEN 3600 + r ELSE 0 END AS power,
    CASE WHEN r % 97 = 0 THEN 7200 ELSE 0 END AS unknown, CASE WHEN r % 31 = 0 THEN 1800 ELSE 0 END AS unusable
    FROM told)
INSERT INTO day (day, hub, {_SECONDS}, long_cuts, short_cuts, received_bytes, sent_bytes, clients_peak, logins)
SELECT day, number, 86400 - long - short - power - unknown - unusable, long, short, unusable, power, 0, unknown, 0,
    long > 0, short > 0, 1500000000 + r * 3000000, 170000000 + r * 300000, 5 + r % 40, 10 + r % 90 FROM parts
"""
_OUTAGES: Final = """
INSERT INTO outage SELECT hub, day * 86400000 + 20000000 + number * 9000000 + hub % 3600 * 1000, seconds * 1000,
    condition, cause, basis, evidence, 3 FROM (
    SELECT hub, day, 0 AS number, seconds_1 AS seconds, 1 AS condition, 4 AS cause, 1 AS basis, 'a' AS evidence
        FROM day WHERE seconds_1 > 0
    UNION ALL SELECT hub, day, 2, seconds_2, 1, 3, 1, 'a' FROM day WHERE seconds_2 > 0
    UNION ALL SELECT hub, day, 4, seconds_4, 3, 9, 2, 'fg' FROM day WHERE seconds_4 > 0) ORDER BY 1, 2
"""


def fill(book: SqliteFleetBook, path: Path, country: Country, now_ms: int, say: Callable[[str], None]) -> None:
    """Write the whole fleet book of a country at ``now_ms``."""
    deed = Deed(now_ms, "bench", "import", "country")
    book.put_area_names(country.areas | country.villages, deed)
    cards = [card_of(number, *village) for number, village in enumerate(sorted(country.villages.items()), 1)]
    book.put_cards(cards, deed)
    say("cards are in the fleet book")
    book.put_standings([standing_of(number, card, now_ms) for number, card in enumerate(cards, 1)], now_ms)
    say("standings are in the fleet book")
    today = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).date()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        # Only while it is made: what is measured opens the file in its own way.
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA cache_size=-200000")
        _fill_past(db, now_ms // DAY_MS, today, say)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _fill_incidents(book, cards, now_ms)
    book.make_headlines(now_ms)
    say("incidents and headlines are in the fleet book")


def card_of(number: int, code: str, name: str) -> Card:
    """Make the card of the hub of a village; its number is its place in the list of all codes."""
    zone = "Asia/Jayapura" if code >= "81" else "Asia/Makassar" if "51" <= code < "81" else "Asia/Jakarta"
    return Card(
        hub_name(number), name, code, zone, 400 + number * 7 % 6_000, _PROVIDERS[number % 5], f"menara-{code[:8]}", "",
        10_000, 2_000,
    )  # fmt: skip


def hub_name(number: int) -> str:
    """Name the hub of a village."""
    return f"hub-{number:06}"


def standing_of(number: int, card: Card, now_ms: int) -> Standing:
    """Say how a hub is: 3 % are silent, 4 % need attention, 2 % never came."""
    match number * 31 % 100:
        case 0 | 1:
            return Standing(card.hub_id, HubState.NEVER, (), None, None, None)
        case 2 | 3 | 4:
            ago_ms = (number % 300 + 10) * 600_000
            return _standing(card, HubState.NO_CONTACT, (Problem.NO_CONTACT,), now_ms - ago_ms)
        case 5 | 6:
            return _standing(card, HubState.ATTENTION, (Problem.UPLINK_DOWN,), now_ms - number % 300 * 1_000)
        case 7 | 8:
            return _standing(card, HubState.ATTENTION, (Problem.DISK_FULL, Problem.HOT), now_ms - number % 300 * 1_000)
    return _standing(card, HubState.ONLINE, (), now_ms - number % 300 * 1_000)


def _standing(card: Card, state: HubState, problems: tuple[Problem, ...], contact_ms: int) -> Standing:
    is_heard = state is not HubState.NO_CONTACT
    return Standing(
        card.hub_id, state, problems, contact_ms - 86_000_000, contact_ms, contact_ms, 12 if is_heard else None,
        400_000, 900 if is_heard else None, 80 if is_heard else None, 45 if is_heard else None, "1.0.0", "3f9a1c22b0de",
        contact_ms,
    )  # fmt: skip


def _fill_past(db: sqlite3.Connection, today: int, date: datetime.date, say: Callable[[str], None]) -> None:
    for day in range(today - DAYS + 1, today + 1):
        db.execute("BEGIN IMMEDIATE")
        db.execute(_DAYS, (day, day))
        db.execute(
            f"INSERT INTO area_day SELECT 3, day, substr(code, 1, 8), count(*), {_SUMMED}, {_CUTS},"
            " sum(received_bytes), sum(sent_bytes), sum(logins) FROM day JOIN hub ON number = hub"
            " WHERE day = ? GROUP BY 3",
            (day,),
        )
        for level, length in ((2, 5), (1, 2), (0, 0)):
            db.execute(
                f"INSERT INTO area_day SELECT {level}, day, substr(code, 1, {length}), sum(hubs), {_SUMMED}, {_CUTS},"
                " sum(received_bytes), sum(sent_bytes), sum(logins) FROM area_day WHERE level = ? AND day = ?"
                " GROUP BY 3",
                (level + 1, day),
            )
        db.execute("COMMIT")
    say(f"{DAYS} days of each hub are in the fleet book")
    db.execute("BEGIN IMMEDIATE")
    db.execute(_OUTAGES)
    db.execute("COMMIT")
    say("outages are in the fleet book")
    for month, first, last in _months(date):
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            f"INSERT INTO month SELECT ?, hub, 1, ?, {_SUMMED}, {_CUTS}, '' FROM day WHERE day BETWEEN ? AND ?"
            " GROUP BY hub ORDER BY hub",
            (month, today * DAY_MS, first, last),
        )
        for level, length in ((3, 8), (2, 5), (1, 2), (0, 0)):
            db.execute(
                f"INSERT INTO area_month SELECT {level}, month, substr(code, 1, {length}), count(*), {_SUMMED}, {_CUTS}"
                " FROM month JOIN hub ON number = hub WHERE month = ? GROUP BY 3",
                (month,),
            )
        db.execute("COMMIT")
    say("months are in the fleet book")


def _months(date: datetime.date) -> Iterator[tuple[int, int, int]]:
    """This month and the two before: its number, first and last day."""
    epoch = datetime.date(1970, 1, 1)
    for _ in range(3):
        first = date.replace(day=1)
        yield first.year * 12 + first.month - 1, (first - epoch).days, (date - epoch).days
        date = first - datetime.timedelta(days=1)


def _fill_incidents(book: SqliteFleetBook, cards: list[Card], now_ms: int) -> None:
    def incident(number: int, group: Group, problem: Problem, hubs: frozenset[str], ago_ms: int) -> Incident:
        since_ms = now_ms - ago_ms
        return Incident(number, group, problem, since_ms, since_ms + 60_000, hubs, hubs, told_hubs=len(hubs))

    singles = [
        incident(
            number + 10, Group(GroupKind.HUB, card.hub_id), Problem.NO_CONTACT, frozenset((card.hub_id,)),
            number * (DAYS * DAY_MS // ENDED_INCIDENTS),
        )
        for number, card in enumerate(cards[:: len(cards) // ENDED_INCIDENTS])
    ]  # fmt: skip
    book.put_incidents([], singles, now_ms)
    shared = frozenset(card.hub_id for card in cards[:UPSTREAM_HUBS])
    province = frozenset(card.hub_id for card in cards if card.kode_wilayah.startswith("33."))
    opened = [
        incident(1, Group(GroupKind.UPSTREAM, "tulang-punggung"), Problem.UPLINK_DOWN, shared, 3_600_000),
        incident(2, Group(GroupKind.PROVINCE, "33"), Problem.NO_CONTACT, province, 7_200_000),
    ]
    silent = [card for number, card in enumerate(cards, 1) if number * 31 % 100 == 2][:: max(1, len(cards) // 15_000)]
    opened += [
        incident(
            1_000_000 + number, Group(GroupKind.HUB, card.hub_id), Problem.NO_CONTACT, frozenset((card.hub_id,)),
            number * 600_000 + 1_800_000,
        )
        for number, card in enumerate(silent)
    ]  # fmt: skip
    book.put_incidents(opened, [], now_ms)
