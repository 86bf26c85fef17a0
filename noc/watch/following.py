"""Follows records into the fleet book: histories, outages, days and months.

Each step reads reports that came since the mark, puts them to the tails of their hubs or, where it is time, to their
histories, and writes all of it with the next mark in one transaction. A kill leaves a step undone; what is read twice
changes nothing, since putting histories together is idempotent. A hub at which something fails that nobody thought of
is left out alone: the mark goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from appliance.core.errors import StoreError
from noc.fleet_book.contract import FleetBook, Tail
from noc.rules.history import merge, newest
from noc.rules.sla import Month, Version
from noc.store.contract import Came, Hour, NocStore, may_be_more
from noc.watch import past, tails
from noc.watch.mishaps import Mishaps
from noc.watch.past import Around, Known, Learned, Reading

REPORTS: Final = 500  # of one step: the pages write to the book too, and wait for it no longer
HUBS: Final = 60  # whose whole history one step may tell anew
FOLLOW_MS: Final = tails.HOUR_MS
SILENT_MS: Final = 2 * tails.HOUR_MS
# A hub whose history is dear to tell, by trouble or by malice, is told seldom: at most this share of a processor.
SHARE_MAX: Final = 0.01
REST_SECONDS_MAX: Final = 3_600.0

Readings = Callable[[str], Reading]


class NoCardError(LookupError):
    """A hub has no card yet: the inventory must be taken over first."""


class Follower:
    """Follows all hubs.

    Args:
        store: what came.
        book: where it goes.
        reading: by what a hub is told. Raises `NoCardError`.
        seconds: a clock for costs: what this thread worked.
        monotonic: counts on, for rests.
        alive: called between hubs, for the watchdog.
    """

    def __init__(
        self,
        store: NocStore,
        book: FleetBook,
        reading: Readings,
        *,
        seconds: Callable[[], float] = time.thread_time,
        monotonic: Callable[[], float] = time.monotonic,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._book, self._reading = store, book, reading
        self._seconds, self._monotonic, self._alive = seconds, monotonic, alive
        self._untold, self._unlearned = Mishaps("what it said is left out"), Mishaps("its past is told later")
        self._mark = book.followed_mark()
        self._wanted: dict[str, None] = {}  # in the order in which they came up
        self._rests: dict[str, float] = {}

    def want(self, hub_ids: Iterable[str]) -> None:
        """Have hubs told anew soon: their card or a window changed."""
        self._wanted |= dict.fromkeys(hub_ids)

    def want_silent(self, now_ms: int) -> None:
        """Have hubs told anew of which nothing came for long: their days go by all the same."""
        self.want(self._book.stale(now_ms - SILENT_MS, HUBS))

    def step(self, now_ms: int) -> bool:
        """Follow some reports, and some hubs that are due; say whether there may be more.

        Raises `NoCardError` with a hub that is new to the inventory; nothing is done then.
        """
        mark, came = self._store.came(self._mark, REPORTS)
        by_hub: dict[str, list[Came]] = {}
        for each in came:
            by_hub.setdefault(each.hub_id, []).append(each)
        found = self._tails({*by_hub, *list(self._wanted)[: 4 * HUBS]}, by_hub)
        due = self._due(found, now_ms)
        learned = self._learn({hub_id: found[hub_id] for hub_id in due}, now_ms)
        kept = [tail for hub_id, (known, tail) in found.items() if hub_id not in learned and tail is not known]
        if learned or kept or mark != self._mark:
            self._book.put_followed(
                [each.followed for each in learned.values()],
                mark,
                [*(each.tail for each in learned.values()), *(each for each in kept if each is not None)],
            )
        self._mark = mark
        for hub_id in learned:
            self._wanted.pop(hub_id, None)
        return may_be_more(came, REPORTS) or bool(learned and self._wanted)

    def _tails(
        self, hub_ids: Collection[str], by_hub: Mapping[str, list[Came]]
    ) -> dict[str, tuple[Tail | None, Tail | None]]:
        """Read the tails of these hubs as they are kept, and put to them what came."""
        kept = self._book.tails(hub_ids)
        found: dict[str, tuple[Tail | None, Tail | None]] = {}
        for hub_id in hub_ids:
            reading = self._reading(hub_id)
            before = kept.get(hub_id)
            after = before
            if hub_id in by_hub:
                try:
                    after = _put_to(before, hub_id, by_hub[hub_id], reading)
                except Exception:  # noqa: BLE001 - whatever one hub said must not end the watch of all
                    self._untold.note(hub_id)
                    continue
                finally:
                    self._alive()
                if not (before and tails.is_calm(after.said, reading.terms)):
                    self._wanted[hub_id] = None
            if before is not None and before.read_by != reading.digest:
                self._wanted[hub_id] = None
            found[hub_id] = before, after
        return found

    def _due(self, found: Mapping[str, tuple[Tail | None, Tail | None]], now_ms: int) -> list[str]:
        """Choose whose history is told anew now: first those that are not calm, then those it is the hour for."""
        now = self._monotonic()
        prompt = [hub_id for hub_id in self._wanted if hub_id in found]
        hourly = [
            hub_id
            for hub_id, (_, tail) in found.items()
            if hub_id not in self._wanted and tail is not None and abs(now_ms - tail.followed_ms) >= FOLLOW_MS
        ]
        rested = [hub_id for hub_id in (*prompt, *hourly) if self._rests.get(hub_id, now) <= now]
        # A new hub has no history that a tail could wait for: all of these now.
        new = [hub_id for hub_id in rested if found[hub_id][0] is None]
        others = [hub_id for hub_id in rested if found[hub_id][0] is not None]
        return [*new, *others[: max(0, HUBS - len(new))]]

    def _learn(self, due: Mapping[str, tuple[Tail | None, Tail | None]], now_ms: int) -> dict[str, Learned]:
        histories = self._book.histories(due) if due else {}
        learned: dict[str, Learned] = {}
        for hub_id, (before, after) in due.items():
            reading = self._reading(hub_id)
            began = self._seconds()
            known = Known(hub_id, histories.get(hub_id, {}), before)
            around = Around(now_ms, self._hours_of(hub_id), self._versions_of(hub_id))
            try:
                learned[hub_id] = past.learn(known, {} if after is None else after.said, reading, around)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - whatever one hub said must not end the watch of all
                # What it said stays in its tail.
                self._unlearned.note(hub_id)
                self._wanted.pop(hub_id, None)
                self._rests[hub_id] = self._monotonic() + REST_SECONDS_MAX
            else:
                self._rest(hub_id, self._seconds() - began)
            self._alive()
        return learned

    def _rest(self, hub_id: str, cost_seconds: float) -> None:
        now = self._monotonic()
        rest_seconds = min(REST_SECONDS_MAX, cost_seconds / SHARE_MAX)
        if rest_seconds > 1.0:
            self._rests[hub_id] = now + rest_seconds
        if len(self._rests) > 10_000:
            self._rests = {each: until for each, until in self._rests.items() if until > now}

    def _hours_of(self, hub_id: str) -> Callable[[int, int], tuple[Hour, ...]]:
        return lambda from_ms, to_ms: self._store.hours(hub_id, from_ms, to_ms)

    def _versions_of(self, hub_id: str) -> Callable[[Month], Version | None]:
        return lambda month: self._book.versions((hub_id,), str(month)).get(hub_id)


def _put_to(before: Tail | None, hub_id: str, came: Iterable[Came], reading: Reading) -> Tail:
    """Put what came of a hub to its tail."""
    said = newest(tails.told(came, reading.terms))
    if before is None:
        return Tail(hub_id, said, 0, 0, "")
    return replace(before, said=newest(merge(before.said, said, reading.terms)))
