"""What the alerts remember from one step to the next, and the letters that are still to be sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from appliance.store.database import Database
from noc.fleet_book import decisions, incidents, lookup
from noc.fleet_book.contract import Scope
from noc.rules.alert_state import ChannelState, Incident, Key, Letter, NewsKind, People, State, Watch
from noc.rules.groups import Group, GroupKind
from noc.rules.hearing import Deafness
from noc.rules.problems import Problem

LETTER_KEPT_MS: Final = 7 * 86_400_000
_MANY: Final = 1_000_000
_LETTER: Final = "channel, number, kind, hubs, problem, group_kind, group_name, since_ms, at_ms, is_urgent"
_CHANNEL: Final = "name, sent_ms, failing_since_ms, tries, next_ms, error"


def load(db: Database, now_ms: int) -> State:
    """Read all that is remembered."""
    watches: dict[Key, Watch] = {
        (name, Problem(problem)): Watch(since_ms, gone_ms, bool(is_raised))
        for name, problem, since_ms, gone_ms, is_raised in db.execute(
            "SELECT name, problem, since_ms, gone_ms, is_raised FROM alert_watch"
        )
    }
    deafness = {
        broker: Deafness(since_ms, heard_ms)
        for broker, since_ms, heard_ms in db.execute("SELECT broker, since_ms, heard_ms FROM alert_deaf")
    }
    opened = incidents.several(db, Scope(), is_open=True, limit=_MANY)
    over = [
        incidents.one(db, number, Scope())
        for (number,) in db.execute("SELECT number FROM alert_untold ORDER BY number").fetchall()
    ]
    return State(
        watches,
        tuple(sorted((each.incident for each in opened), key=lambda each: each.number)),
        tuple(each.incident for each in over if each is not None),
        deafness,
        decisions.silences(db, now_ms),
        db.execute("SELECT coalesce(max(number), 0) FROM incident").fetchone()[0],
        _kept(db, "alert_told_ms"),
        _kept(db, "alert_turned_ms"),
    )


def people(db: Database, now_ms: int) -> People:
    """Read what people decided: silences, and who takes care of what is open."""
    cared = db.execute(
        "SELECT number, acknowledged_by, acknowledged_ms FROM incident WHERE ended_ms IS NULL AND acknowledged_by != ''"
    )
    return People(decisions.silences(db, now_ms), {number: (by, at_ms) for number, by, at_ms in cared})


def put(db: Database, before: State, after: State, letters: Sequence[Letter], now_ms: int) -> None:
    """Keep what one step, or several, made of a state that was kept; with the letters that follow from it."""
    _put_watches(db, before.watches, after.watches)
    if before.deafness != after.deafness:
        db.execute("DELETE FROM alert_deaf")
        rows = [(broker, each.since_ms, each.heard_ms) for broker, each in after.deafness.items()]
        db.executemany("INSERT INTO alert_deaf VALUES (?, ?, ?)", rows)
    _put_incidents(db, before, after, now_ms)
    for name, value in (("alert_told_ms", after.told_ms), ("alert_turned_ms", after.turned_ms)):
        if value is not None:
            lookup.keep(db, name, value)
    db.executemany(
        f"INSERT OR IGNORE INTO letter ({_LETTER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        [
            (
                each.channel, each.number, each.kind, each.hubs, each.problem, each.group.kind, each.group.name,
                each.since_ms, each.at_ms, each.is_urgent,
            )
            for each in letters
        ],
    )  # fmt: skip


def waiting(db: Database, channel: str) -> tuple[Letter, ...]:
    """Read the letters that a channel has not sent, the oldest first."""
    rows = db.execute(
        f"SELECT {_LETTER} FROM letter WHERE channel = ? AND sent_ms IS NULL ORDER BY at_ms, number",  # noqa: S608 - constants
        (channel,),
    ).fetchall()
    return tuple(
        Letter(
            channel, number, NewsKind(kind), hubs, Problem(problem), Group(GroupKind(group), name), since_ms, at_ms,
            bool(is_urgent),
        )
        for channel, number, kind, hubs, problem, group, name, since_ms, at_ms, is_urgent in rows
    )  # fmt: skip


def put_sent(db: Database, letters: Iterable[Letter], state: ChannelState, now_ms: int) -> None:
    """Note that letters are sent, or given up, and how their channel is."""
    db.executemany(
        f"INSERT INTO letter ({_LETTER}, sent_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
        " ON CONFLICT DO UPDATE SET sent_ms = excluded.sent_ms",
        [
            (
                each.channel, each.number, each.kind, each.hubs, each.problem, each.group.kind, each.group.name,
                each.since_ms, each.at_ms, each.is_urgent, now_ms,
            )
            for each in letters
        ],
    )  # fmt: skip
    db.execute(
        f"INSERT OR REPLACE INTO channel ({_CHANNEL}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (state.name, state.sent_ms, state.failing_since_ms, state.tries, state.next_ms, state.error),
    )
    db.execute("DELETE FROM letter WHERE sent_ms < ?", (now_ms - LETTER_KEPT_MS,))


def channels(db: Database) -> tuple[ChannelState, ...]:
    """Read how each channel is."""
    return tuple(ChannelState(*row) for row in db.execute(f"SELECT {_CHANNEL} FROM channel ORDER BY name"))  # noqa: S608 - constants


def keep_channels(db: Database, names: Collection[str]) -> None:
    """Let the channels be these: what waits for others goes with them, and new ones have done nothing yet."""
    gone = [(name,) for (name,) in db.execute("SELECT name FROM channel").fetchall() if name not in names]
    gone += [(name,) for (name,) in db.execute("SELECT DISTINCT channel FROM letter").fetchall() if name not in names]
    db.executemany("DELETE FROM channel WHERE name = ?", gone)
    db.executemany("DELETE FROM letter WHERE channel = ?", gone)
    db.executemany(
        "INSERT OR IGNORE INTO channel VALUES (?, NULL, NULL, 0, NULL, '')", [(name,) for name in sorted(names)]
    )


def _put_watches(db: Database, before: Mapping[Key, Watch], after: Mapping[Key, Watch]) -> None:
    gone = [key for key in before if key not in after]
    changed = [(*key, *_watch(each)) for key, each in after.items() if before.get(key) != each]
    db.executemany("DELETE FROM alert_watch WHERE name = ? AND problem = ?", gone)
    db.executemany("INSERT OR REPLACE INTO alert_watch VALUES (?, ?, ?, ?, ?)", changed)


def _watch(watch: Watch) -> tuple[Any, ...]:
    return watch.since_ms, watch.gone_ms, watch.is_raised


def _put_incidents(db: Database, before: State, after: State, now_ms: int) -> None:
    old = {each.number: _own(each) for each in before.incidents}
    now = {each.number: each for each in after.incidents}
    changed = [each for each in after.incidents if old.get(each.number) != _own(each)]
    # A step that was not kept may have opened and ended one: the book sees it all the same.
    ended = [*(each for each in before.incidents if each.number not in now)]
    known = {each.number for each in before.cleared}
    ended += [each for each in after.cleared if each.number not in known and each.number not in old]
    incidents.put(db, changed, ended, now_ms)
    if [each.number for each in before.cleared] != [each.number for each in after.cleared]:
        db.execute("DELETE FROM alert_untold")
        db.executemany("INSERT INTO alert_untold VALUES (?)", [(each.number,) for each in after.cleared])


def _own(incident: Incident) -> Incident:
    """An incident less what people said of it."""
    return replace(incident, acknowledged_by="", acknowledged_ms=None)


def _kept(db: Database, name: str) -> int | None:
    row = db.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]
