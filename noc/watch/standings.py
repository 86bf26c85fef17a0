"""How each hub is now, written to the fleet book where it changed.

Of 83,762 hubs only those are looked at whose facts changed, and those whose time has come: a hub that falls silent
changes nothing in the store. When that is for each of them is known from what it said last.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from typing import Final

from appliance.core.errors import StoreError
from noc import clones
from noc.fleet import RHYTHM_SECONDS_MAX, HubState, HubStatus, contact_lost_ms, judge, recent_ms
from noc.fleet_book.contract import FleetBook, Standing
from noc.rules.hearing import Deafness, deafness_of, heard_until_ms
from noc.rules.outages import is_used
from noc.rules.problems import Problem, found
from noc.store.contract import HubFacts, NocStore
from noc.watch.mishaps import Mishaps

AGAIN_MS: Final = 60_000  # a hub that could not be judged is looked at again then
HUBS: Final = 500  # whose facts are read and decoded at once


class Standings:
    """All hubs as they were judged last.

    Args:
        store: what they said.
        book: where it is written.
        broker: through which broker a hub speaks.
        alive: called between hubs, for the watchdog.
        ending: hubs whose portal's certificate ends before long.
    """

    def __init__(
        self,
        store: NocStore,
        book: FleetBook,
        broker: Callable[[str], str],
        alive: Callable[[], None] = lambda: None,
        ending: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._store, self._book, self._broker, self._alive, self._ending = store, book, broker, alive, ending
        self._ends: frozenset[str] = frozenset()
        self._mark = ""
        self._known: dict[str, Standing] = {}
        self._due: list[tuple[int, str]] = []
        self._due_ms: dict[str, int] = {}
        self._unheard: set[str] = set()
        self._ears: Collection[str] = ()
        self._intervals_ms: dict[str, int] = {}
        self._births: dict[str, tuple[int, int | None]] = {}
        self._unjudged = Mishaps("it stands as it was judged last")

    def troubled(self) -> dict[str, tuple[Problem, ...]]:
        """The problems of each hub that has any."""
        return {hub_id: each.problems for hub_id, each in self._known.items() if each.problems}

    def turn(self, now_ms: int, deafness: Mapping[str, Deafness], ears: Collection[str]) -> int:
        """Judge who is to be judged, heard by the ears at these brokers; return how many standings changed."""
        self._ears = ears
        mark, changed = self._store.changed(self._mark)
        before, self._ends = self._ends, self._ending()
        others = sorted(before ^ self._ends)
        hub_ids = dict.fromkeys((*changed, *self._come(now_ms), *self._heard_again(deafness), *others))
        number = 0
        wanted = list(hub_ids)
        for at in range(0, len(wanted), HUBS):
            number += self._judge(wanted[at : at + HUBS], now_ms, deafness)
            self._alive()
        self._mark = mark
        return number

    def interval_ms(self, hub_id: str) -> int | None:
        """How often a hub makes a record, as it said when it was born last; None where it did not."""
        return self._intervals_ms.get(hub_id)

    def _note_interval(self, hub_id: str, seconds: int) -> None:
        if seconds:
            self._intervals_ms[hub_id] = 1_000 * min(RHYTHM_SECONDS_MAX, seconds)
        else:
            self._intervals_ms.pop(hub_id, None)

    def look_again(self) -> None:
        """Judge every hub anew at the next turn: the clock was set."""
        self._mark = ""

    def _come(self, now_ms: int) -> list[str]:
        """Take out those whose time has come."""
        come: list[str] = []
        while self._due and self._due[0][0] <= now_ms:
            due_ms, hub_id = heapq.heappop(self._due)
            if self._due_ms.get(hub_id) == due_ms:
                come.append(hub_id)
        return come

    def _heard_again(self, deafness: Mapping[str, Deafness]) -> list[str]:
        """Take out those who waited for the NOC to hear, and whose broker it hears."""
        again = [hub_id for hub_id in self._unheard if self._deafness(hub_id, deafness) is None]
        self._unheard.difference_update(again)
        return again

    def _deafness(self, hub_id: str, deafness: Mapping[str, Deafness]) -> Deafness | None:
        return deafness_of(self._broker(hub_id), self._ears, deafness)

    def _judge(self, hub_ids: Collection[str], now_ms: int, deafness: Mapping[str, Deafness]) -> int:
        unknown = [hub_id for hub_id in hub_ids if hub_id not in self._known]
        if unknown:
            self._known |= self._book.standings(unknown)
        changed: list[Standing] = []
        for facts in self._store.facts_of(hub_ids):
            hub_id = facts.hub.hub_id
            deaf = self._deafness(hub_id, deafness)
            before = self._known.get(hub_id)
            try:
                status = judge(facts, now_ms, heard_until_ms(deaf, now_ms))
                is_clone = self._is_clone(facts, now_ms)
                standing = stand(status, before, now_ms, is_clone=is_clone, is_ending=hub_id in self._ends)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - whatever one hub said must not keep all others from being judged
                self._unjudged.note(hub_id)
                self._look_at(hub_id, now_ms + AGAIN_MS)
                continue
            self._plan(standing, facts, now_ms, is_deaf=deaf is not None)
            if standing != before:
                self._known[hub_id] = standing
                changed.append(standing)
        self._book.put_standings(changed, now_ms)
        return len(changed)

    def _plan(self, standing: Standing, facts: HubFacts, now_ms: int, *, is_deaf: bool) -> None:
        """Note when this hub must be looked at again though nothing came of it."""
        hub_id, said = standing.hub_id, facts.state.state if facts.state is not None else None
        self._note_interval(hub_id, 0 if said is None else said.interval_seconds)
        if is_deaf:
            self._unheard.add(hub_id)
        times = [
            at_ms + 1
            for at_ms in (
                None if standing.contact_ms is None else standing.contact_ms + contact_lost_ms(said),
                None if standing.record_ms is None else standing.record_ms + recent_ms(said),
                self._births[hub_id][1] if hub_id in self._births else None,
            )
            if at_ms is not None and at_ms >= now_ms
        ]
        due_ms = min(times, default=None)
        if due_ms is None:
            self._due_ms.pop(hub_id, None)
        elif self._due_ms.get(hub_id) != due_ms:
            self._look_at(hub_id, due_ms)

    def _look_at(self, hub_id: str, due_ms: int) -> None:
        self._due_ms[hub_id] = due_ms
        heapq.heappush(self._due, (due_ms, hub_id))

    def _is_clone(self, facts: HubFacts, now_ms: int) -> bool:
        """Look at a hub's births, where it was born since they were looked at last, or where that was a day ago."""
        hub_id, state = facts.hub.hub_id, facts.state
        if state is None:
            return False
        seen_ms, over_ms = self._births.get(hub_id, (None, None))
        if seen_ms != state.received_ms or (over_ms is not None and over_ms < now_ms):
            births = (clones.Birth(each.received_ms, each.boot_id, each.session) for each in self._store.births(hub_id))
            clone = clones.find(births, now_ms)
            over_ms = None if clone is None else clone.last_ms + clones.WINDOW_MS
            self._births[hub_id] = state.received_ms, over_ms
        return over_ms is not None


def stand(
    status: HubStatus, before: Standing | None, now_ms: int, *, is_clone: bool, is_ending: bool = False
) -> Standing:
    """Say how a hub stands: pure."""
    facts, samples = status.facts, status.samples
    latest = facts.recent[-1] if facts.recent else None
    problems = tuple(sorted(found(status, is_clone=is_clone, is_ending=is_ending)))
    # Whatever is told as an alarm also makes its hub one that needs somebody: pages show and sort by the state.
    state = HubState.ATTENTION if problems and status.state is HubState.ONLINE else status.state
    is_same = before is not None and (before.state, before.problems) == (state, problems)
    trip = samples.get("uplink_round_trip_seconds")
    said = facts.state.state if facts.state is not None else None
    return Standing(
        hub_id=facts.hub.hub_id,
        state=state,
        problems=problems,
        since_ms=before.since_ms if is_same and before is not None else _since_ms(status, now_ms),
        contact_ms=facts.last_contact_ms,
        record_ms=None if latest is None else latest.time_ms,
        clients_online=_whole(samples.get("clients_online")),
        uptime_seconds=_whole(samples.get("uptime_seconds")),
        received_kbit=None if status.rates is None else _whole(status.rates.received / 1000),
        sent_kbit=None if status.rates is None else _whole(status.rates.sent / 1000),
        round_trip_ms=None if trip is None else _whole(1000 * trip),
        software_version="" if said is None else said.software_version,
        configuration_fingerprint="" if said is None else said.configuration_fingerprint,
        used_ms=_used_ms(facts, before),
        is_clone=is_clone,
    )


def _since_ms(status: HubStatus, now_ms: int) -> int | None:
    if status.state is HubState.NEVER:
        return None
    if status.state is HubState.NO_CONTACT and status.facts.last_contact_ms is not None:
        return min(now_ms, status.facts.last_contact_ms)
    return now_ms


def _used_ms(facts: HubFacts, before: Standing | None) -> int | None:
    times = [each.time_ms for each in facts.recent if each.time_ms is not None and is_used(each)]
    times += [] if before is None or before.used_ms is None else [before.used_ms]
    return max(times, default=None)


def _whole(value: float | None) -> int | None:
    """Round what a hub said, which may be any number; what no store takes is left out."""
    return round(value) if value is not None and 0 <= value < 1 << 53 else None
