"""One turn of the watch: what is new, how everybody is, what it amounts to, and whom to tell.

A turn that fails is made good by the next: nothing is remembered here that is not found again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.errors import StoreError
from noc.clock import WRONG_MS, Clock
from noc.fleet_book.contract import FleetBook, Scope
from noc.ingest.ear import ears
from noc.rules.alert_state import Facts
from noc.rules.groups import Fleet
from noc.rules.hearing import DEAF_AFTER_MS, Deafness, Ear, listen
from noc.rules.history import KEPT_MS
from noc.rules.reading import INTERVAL_MS
from noc.store.contract import NocStore
from noc.watch import past
from noc.watch.fleet import Inventory
from noc.watch.following import Follower, NoCardError
from noc.watch.pace import Pace
from noc.watch.standings import Standings

_log = logging.getLogger(__name__)
HEADLINE_SECONDS: Final = 300.0
FORGET_SECONDS: Final = 3_600.0
KEPT_DAYS: Final = 400
# Of an hour's sweep: what twice as many hubs' days and outages add. A clock far ahead deletes no quicker than that.
FORGOTTEN_OF_A_HUB: Final = 0.35
FORGOTTEN_MIN: Final = 50
FOLLOW_SHARE: Final = 0.6  # of a turn; the rest is for how hubs are now, whatever there is to follow
_WINDOWS_AHEAD_MS: Final = 400 * past.DAY_MS


class Alarms(Protocol):
    """Whom to tell what (`noc.alarms`)."""

    def turn(self, book: FleetBook, facts: Facts, fleet: Fleet, now_ms: int) -> None:
        """Take note of what is wrong now, and tell who must be told."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the watch works."""

    turn_seconds: float = 10.0
    interval_ms: int = INTERVAL_MS


class Watch:
    """The watch between its turns.

    Args:
        store: what hubs said.
        book: the fleet book.
        alarms: whom to tell; None where nobody is.
        plan: how often.
        clock: the NOC's wall time.
        monotonic: counts on, for what is done now and then.
        alive: called within a turn, for the watchdog.
        ending: hubs whose portal's certificate ends before long.
    """

    def __init__(
        self,
        store: NocStore,
        book: FleetBook,
        alarms: Alarms | None = None,
        plan: Plan | None = None,
        *,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        alive: Callable[[], None] = lambda: None,
        ending: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._store, self._book, self._alarms = store, book, alarms
        self._plan, self._clock, self._monotonic, self._alive = plan or Plan(), clock or Clock(), monotonic, alive
        self._inventory = Inventory(self._plan.interval_ms, self._interval_ms)
        self._standings = Standings(store, book, self._inventory.broker, alive, ending)
        self._follower = Follower(store, book, self._inventory.reading, monotonic=monotonic, alive=alive)
        self._read = Pace(self._plan.turn_seconds, monotonic)
        self._headline = Pace(HEADLINE_SECONDS, monotonic)
        self._forget = Pace(FORGET_SECONDS, monotonic)
        self._last_ms: int | None = book.judged_ms()
        # Hubs are on the way back also where the watch was started again meanwhile.
        self._deafness: dict[str, Deafness] = dict(book.alert_state(self._last_ms or 0).deafness)
        self._ears: tuple[Ear, ...] | None = None
        self._believed_ms: int | None = self._last_ms
        self._is_believed = True
        self._has_begun = False

    def _interval_ms(self, hub_id: str) -> int | None:
        return self._standings.interval_ms(hub_id)

    def turn(self) -> None:
        """Do one turn; what cannot be done now is said, and tried again, and keeps nothing else from being done."""
        now_ms = self._clock.now_ms()
        self._try("the date was not compared", self._believe, now_ms)
        is_read = self._try("the inventory was not read", self._read_inventory, now_ms)
        is_judged = self._try("nobody was judged", self._judge, now_ms)
        # Before what can take long and is for the past alone.
        are_told = self._try("alarms wait", self._alarm, now_ms)
        if is_read and is_judged and are_told:
            self._last_ms = now_ms
        is_followed = self._try("records were not followed", self._follow, now_ms)
        is_summed = self._try("nothing was summed up", self._sum_up, now_ms)
        if self._last_ms == now_ms and is_followed and is_summed:
            self._has_begun = True

    def _try(self, otherwise: str, part: Callable[[int], None], now_ms: int) -> bool:
        try:
            part(now_ms)
        except StoreError as error:
            _log.error("%s: %s", otherwise, error)
            return False
        except Exception:  # noqa: BLE001 - what nobody thought of in one part must not keep the alarms from being told
            _log.exception("%s", otherwise)
            return False
        return True

    def _believe(self, now_ms: int) -> None:
        """Find out whether the past may be written by this date: it may not be by one that was set, or ran ahead."""
        was_believed, self._is_believed = self._is_believed, False
        signs = self._store.signs().values()
        is_odd = (
            self._clock.is_doubtful()
            # The NOC's own ear says the time every half minute.
            or (bool(signs) and all(abs(now_ms - each) > WRONG_MS for each in signs))
            or (self._last_ms is not None and now_ms < self._last_ms - WRONG_MS)
        )
        self._is_believed = not is_odd
        if not is_odd:
            self._believed_ms = now_ms
        elif was_believed:
            _log.error(
                "the date cannot be right: nothing is followed, counted or forgotten by it; if it is right now, restart"
                " this unit"
            )

    def _read_inventory(self, now_ms: int) -> None:
        with self._read.due() as is_due:
            if is_due:
                self._take_over(now_ms)

    def _judge(self, now_ms: int) -> None:
        heard = self._listen(now_ms)
        self._standings.turn(now_ms, self._deafness, frozenset(ear.broker for ear in heard))
        # Who cannot judge hears no more than what it heard when it could: the NOC is deaf then too.
        self._ears = heard

    def _alarm(self, now_ms: int) -> None:
        if self._alarms is not None and self._ears is not None:
            facts = Facts(self._standings.troubled(), self._ears, self._inventory.excused(now_ms))
            self._alarms.turn(self._book, facts, self._inventory.fleet, now_ms)

    def _sum_up(self, now_ms: int) -> None:
        with self._headline.due() as is_due:
            if is_due:
                self._book.make_headlines(now_ms)
        with self._forget.due() as is_due:
            # Not at once: a watch that is started again and again must not hurry it.
            if is_due and self._has_begun and self._is_believed:
                limit = max(FORGOTTEN_MIN, int(FORGOTTEN_OF_A_HUB * self._inventory.size))
                self._book.forget(now_ms - KEPT_DAYS * past.DAY_MS, limit)

    def _take_over(self, now_ms: int) -> None:
        """Bring new hubs into the cards, and read cards and windows."""
        self._book.take_over(self._store.hubs())
        self._alive()
        # By a wrong date there would be other windows, and so another past.
        around_ms = now_ms if self._is_believed or self._believed_ms is None else self._believed_ms
        windows = self._book.windows(around_ms - KEPT_MS, around_ms + _WINDOWS_AHEAD_MS)
        self._follower.want(self._inventory.take(self._book.cards(Scope()), windows))
        self._alive()

    def _listen(self, now_ms: int) -> tuple[Ear, ...]:
        """Find out whether the NOC hears, and since when it may not have: by its ears, its own turns and its clock."""
        found = ears(self._store.signs())
        step_ms = self._clock.step_ms()
        stood_still = self._last_ms is not None and not 0 <= now_ms - self._last_ms <= DEAF_AFTER_MS
        if step_ms:
            _log.error("the clock was set by %d s; silence counts anew", step_ms // 1000)
            self._standings.look_again()
        if self._last_ms is not None and (step_ms or stood_still):
            since_ms = min(now_ms - 1, self._last_ms)
            for ear in found:
                known = self._deafness.get(ear.broker)
                self._deafness[ear.broker] = Deafness(since_ms if known is None else min(since_ms, known.since_ms))
        self._deafness = listen(self._deafness, found, now_ms)
        return found

    def _follow(self, now_ms: int) -> None:
        """Follow reports until there are none, or the turn is used up; all of them wait for a date to be believed."""
        if not self._is_believed:
            return
        until = self._monotonic() + FOLLOW_SHARE * self._plan.turn_seconds
        self._follower.want_silent(now_ms)
        while True:
            try:
                has_more = self._follower.step(now_ms)
            except NoCardError:
                # Added since this turn read the inventory.
                self._take_over(now_ms)
                has_more = True
            self._alive()
            if not has_more or self._monotonic() >= until:
                return
