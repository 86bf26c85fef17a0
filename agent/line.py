"""Does the internet answer, and how well? Known as far as possible for nothing, and asked within a budget of bytes.

Each second the kernel says whether there is a link and who is heard; a connection to one of the configured addresses
is opened when that leaves a doubt, and now and then; a name and a page are asked for less often. Every byte on a
satellite link is paid for. What was found goes into ``uplink.json``, the line of truth that portal and kiosk show;
while it says that the line is down, the probes' names lead to this box.
"""

from __future__ import annotations

import dataclasses
import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent import line_file
from agent.budget import Budget
from agent.evidence import Evidence
from agent.probes import CONNECT_BYTES_MAX, Questions
from agent.round_trip import Source, nobody
from agent.targets import Target, samples
from agent.through import Through
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.report import Number
from appliance.system import counters, links
from appliance.system.links import Link
from appliance.system.roots import REAL, Roots

_log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 1
# Before one lost packet counts as a cut, the line is asked once more.
AGAIN_MS: Final = 2_000
# With the usual budget; a line that nobody uses is asked this often.
IDLE_MS: Final = 150_000
USUAL_BYTES: Final = 300_000
_PACE_LEAST: Final = 0.1
# No more often than this, whatever the reason.
_DOUBT_MS: Final = 10_000
_DOWN_MS: Final = 10_000
_LONG_DOWN_AFTER_MS: Final = 600_000
_LONG_DOWN_MS: Final = 60_000
_TELL_MS: Final = 10_000
_TARGETS_A_LOOK: Final = 2


class UplinkState(enum.IntEnum):
    """Where the line ends; the numbers go over the wire (``uplink_state``)."""

    NO_LINK = 0
    NO_ADDRESS = 1
    NO_GATEWAY = 2
    NO_INTERNET = 3
    HALF_OPEN = 4  # connections open, but names or pages do not come, or somebody else answers
    UP = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of the line: up or down, None before anything is; and the time a connection took to open."""

    up: bool | None
    round_trip_seconds: float | None
    state: UplinkState | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a moment, which may lie before the one at which it became known."""

    moment: Moment
    samples: dict[str, Number | None] = field(hash=False)


UNKNOWN: Final = Look(None, None)


class Line:
    """Looks at the line and tells it on. `look` is called every `LOOK_SECONDS`.

    One answer says that it is up; that it is down two looks without one say, or a link that is gone.

    Args:
        config: names the addresses to ask, and the budget.
        state_path: ``uplink.json``.
        names_directory: where dnsmasq reads the probes' names.
        questions: how the line is asked.
        roots: where the kernel counts.
        has_carrier: tells whether an interface has a link.
        look_at_link: tells its address and gateway.
    """

    def __init__(
        self,
        config: Config,
        state_path: Path,
        names_directory: Path,
        questions: Questions,
        *,
        roots: Roots = REAL,
        has_carrier: Callable[[str], bool] = links.has_carrier,
        look_at_link: Callable[[str], Link] = links.look,
    ) -> None:
        self._config, self._state_path, self._names_directory = config, state_path, names_directory
        self._questions, self._roots = questions, roots
        self._has_carrier, self._look_at_link = has_carrier, look_at_link
        day_bytes = config.agent.probe_kilobytes * 1000
        self._pace = max(_PACE_LEAST, USUAL_BYTES / day_bytes)
        self.budget = Budget(day_bytes)
        self.through = Through(config, self._pace)
        self.targets = tuple(Target() for _ in config.agent.targets)
        self.round_trip: Source = nobody
        self.last = UNKNOWN
        self._evidence = Evidence()
        self._doubted: Moment | None = None
        self._missed: list[Target] = []
        self._turn = 0
        self._asked_ms: int | None = None
        self._proved_ms = self._told_ms = self._down_ms = 0
        self._is_free = False
        self._had_link = True
        self._events: list[Event] = []

    def look(self, moment: Moment) -> Look:
        """Look now: at what the kernel tells, and across the line where that is due."""
        self._take_evidence(moment)
        has_link = self._has_carrier(self._config.uplink.interface)
        if not has_link:
            if self._had_link or self.last.up is not False:
                self._judge(UplinkState.NO_LINK, None, moment, moment)
            elif moment.boottime_ms - self._told_ms >= _TELL_MS:
                self._tell(moment)
        elif self._is_due(moment, link_came=not self._had_link):
            self._ask(moment)
        elif self.last.up and self._is_heard_anew(moment.boottime_ms):
            self._tell(moment)
        self._had_link = has_link
        if self.last.up and self._doubted is None and self.through.ask(self._questions, self.budget, moment):
            self._judge(self._up_state(), self.last.round_trip_seconds, moment, moment)
        return self.last

    def take_events(self) -> list[Event]:
        """What happened since this was last asked."""
        events, self._events = self._events, []
        return events

    def samples(self, moment: Moment) -> dict[str, Number | None]:
        """What the questions told, and what they cost since the agent's start."""
        now_ms = moment.boottime_ms
        return {
            **samples(self.targets),
            "dns_ms": self.through.name.value_ms(now_ms),
            "http_ms": self.through.page.value_ms(now_ms),
            "probe_bytes": self.budget.spent_bytes,
        }

    def _is_heard_anew(self, now_ms: int) -> bool:
        heard_ms = self._evidence.heard_ms
        return heard_ms is not None and heard_ms > self._told_ms and now_ms - self._told_ms >= _TELL_MS

    def _take_evidence(self, moment: Moment) -> None:
        try:
            found = counters.read(self._roots).get(self._config.uplink.interface)
        except OSError:
            return
        if found is not None:
            self._evidence.take(found.received_packets, found.sent_packets, moment.boottime_ms)

    def _is_due(self, moment: Moment, *, link_came: bool) -> bool:
        now_ms = moment.boottime_ms
        if self._asked_ms is None or link_came:
            return True
        if self._doubted is not None:
            return now_ms - self._asked_ms >= AGAIN_MS
        since_ms = now_ms - self._asked_ms
        return self._is_due_while_up(now_ms, since_ms) if self.last.up else self._is_due_while_down(now_ms, since_ms)

    def _is_due_while_up(self, now_ms: int, since_ms: int) -> bool:
        if self._evidence.is_silent(now_ms) and since_ms >= _DOUBT_MS:
            return True
        return now_ms - self._proved_ms >= IDLE_MS * self._pace and not self._is_proved_for_nothing(now_ms)

    def _is_due_while_down(self, now_ms: int, since_ms: int) -> bool:
        if self._is_free:
            return since_ms >= AGAIN_MS
        if self._evidence.is_back() and since_ms >= _DOUBT_MS / 2:
            return True
        return since_ms >= (_DOWN_MS if now_ms - self._down_ms < _LONG_DOWN_AFTER_MS else _LONG_DOWN_MS)

    def _is_proved_for_nothing(self, now_ms: int) -> bool:
        """Was the NOC heard since the last proof? Each second proof is one of the targets', so that they are known."""
        told = self.round_trip()
        heard_ms = now_ms - round(told.heard_seconds_ago * 1000) if told is not None else 0
        if told is None or self._asked_ms is None or heard_ms <= self._proved_ms or self._proved_ms > self._asked_ms:
            return False
        self._proved_ms = heard_ms
        self.last = dataclasses.replace(self.last, round_trip_seconds=round(told.seconds, 6))
        return True

    def _ask(self, moment: Moment) -> None:
        seconds, is_known = self._connect(moment)
        if not is_known:
            return
        if seconds is None and self.last.up is None:
            seconds, _ = self._connect(moment)
        if seconds is not None:
            for missed in self._missed:
                missed.take(None)
            self._missed, self._doubted, self._proved_ms = [], None, moment.boottime_ms
            self._judge(self._up_state(), seconds, moment, moment)
        elif self.last.up and self._doubted is None:
            self._doubted = self._since(moment)
            self.last = dataclasses.replace(self.last, round_trip_seconds=None)
        else:
            self._missed = []
            self._judge(self._down_state(), None, moment, self._doubted or moment)

    def _connect(self, moment: Moment) -> tuple[float | None, bool]:
        """Ask two targets at the most; say how long one took, and whether there was a budget to ask at all."""
        self._asked_ms, self._is_free = moment.boottime_ms, True
        self._evidence.asked()
        for count in range(min(_TARGETS_A_LOOK, len(self.targets))):
            if not self.budget.may(CONNECT_BYTES_MAX, moment.boottime_ms):
                return None, count > 0
            position, self._turn = self._turn % len(self.targets), self._turn + 1
            opened = self._questions.connect(self._config.agent.targets[position])
            self.budget.spend(opened.line_bytes)
            self._is_free = self._is_free and not opened.line_bytes
            if opened.seconds is not None:
                self.targets[position].take(opened.seconds)
                return opened.seconds, True
            self._missed.append(self.targets[position])
        return None, True

    def _since(self, moment: Moment) -> Moment:
        """When the silence began, where the counters tell; else now."""
        heard_ms = self._evidence.heard_ms
        if heard_ms is None or not self._evidence.is_silent(moment.boottime_ms):
            return moment
        before_ms = moment.boottime_ms - max(heard_ms, self._proved_ms)
        return dataclasses.replace(
            moment, boottime_ms=moment.boottime_ms - before_ms, wall_ms=max(0, moment.wall_ms - before_ms)
        )

    def _up_state(self) -> UplinkState:
        return UplinkState.HALF_OPEN if self.through.is_broken else UplinkState.UP

    def _down_state(self) -> UplinkState:
        link = self._look_at_link(self._config.uplink.interface)
        if link.address is None:
            return UplinkState.NO_ADDRESS
        return UplinkState.NO_GATEWAY if link.gateway is None else UplinkState.NO_INTERNET

    def _judge(self, state: UplinkState, seconds: float | None, moment: Moment, since: Moment) -> None:
        before, is_up = self.last, state >= UplinkState.HALF_OPEN
        self.last = Look(is_up, seconds, state)
        if state is not before.state:
            trouble = self.through.trouble
            _log.info("the line: %s%s", state.name.lower().replace("_", " "), f": {trouble}" if trouble else "")
        is_news = is_up is not before.up or (is_up and state is not before.state)
        # That the line is up when the agent starts has not happened now.
        if is_news and not (before.up is None and state is UplinkState.UP):
            name = {UplinkState.UP: "uplink_up", UplinkState.HALF_OPEN: "uplink_half_open"}.get(state, "uplink_down")
            self._events.append(Event(since, {f"event.{name}": 1, "uplink_state": int(state), "uplink_up": int(is_up)}))
        if not is_up:
            self._doubted = None
            self.through.forget()
            if before.up is not False:
                self._down_ms = moment.boottime_ms
        self._tell(moment)

    def _tell(self, moment: Moment) -> None:
        if self.last.up is None:
            return
        self._told_ms = moment.boottime_ms
        try:
            line_file.write_state(self._state_path, self.last.up, moment)
        except OSError as error:
            # What is known is true all the same, and reported; the pages will say that nothing is known.
            _log.warning("portal and kiosk cannot be told how the line is: %s", error)
        line_file.lead_probes(self._names_directory, self._config, is_up=self.last.up)
