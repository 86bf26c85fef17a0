"""What people decide about alarms, by the fleet book: who takes care, what is kept silent, what is planned.

Each deed is written down with who did it, in the transaction of the deed. A refusal says what is wrong and what to do.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.config.village import Timezone
from appliance.core.errors import OperationError
from noc.fleet_book.checks import is_area
from noc.fleet_book.contract import FleetBook, IncidentLine, KeptWindow, Query, Scope
from noc.rules import planned
from noc.rules.alert_state import Deed, Silence
from noc.rules.groups import Group, GroupKind
from noc.rules.planned import Flaw
from noc.rules.problems import Problem
from noc.rules.states import Window

EVERYWHERE: Final = Scope()
SILENCE_MS_MAX: Final = 14 * 86_400_000
_LEVELS: Final = {2: GroupKind.PROVINCE, 5: GroupKind.REGENCY, 8: GroupKind.DISTRICT}
_FLAWS: Final = {
    Flaw.ENDS_BEFORE_BEGIN: "ends before it begins",
    Flaw.OVER: "is over already; what was down then stays as it was",
    Flaw.BEGAN: "began more than 15 minutes ago; plan what begins now or later",
    Flaw.TOO_SHORT: "is shorter than 5 minutes",
    Flaw.TOO_LONG: "is longer than 14 days; plan it in parts",
    Flaw.TOO_FAR: "begins more than a year from now",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What ``by`` does at ``now_ms``; ``scope`` is what that account sees.

    Each raises `OperationError` with a sentence for that person, and `StoreError`.
    """

    book: FleetBook
    by: str
    now_ms: int
    scope: Scope = EVERYWHERE

    def acknowledge(self, number: int) -> IncidentLine:
        """Take care of an incident; who did before is told of it by the page."""
        line = self._incident(number)
        if line.ended_ms is not None:
            raise OperationError(f"incident {number} is over since {moment(line.ended_ms, line.timezone)}")
        try:
            self.book.acknowledge(number, Deed(self.now_ms, self.by, "acknowledge", str(number)))
        except KeyError:
            raise OperationError(f"incident {number} ended just now") from None
        return line

    def silence(self, group: Group, problem: Problem | None, until_ms: int, why: str) -> Silence:
        """Keep silent about a group, or one problem of it."""
        if not why.strip():
            raise OperationError("--why: a silence needs a reason that others can read")
        if until_ms <= self.now_ms:
            raise OperationError(f"--until: {moment(until_ms)} is over already")
        if until_ms > self.now_ms + SILENCE_MS_MAX:
            raise OperationError(f"--until: at most 14 days, which is {moment(self.now_ms + SILENCE_MS_MAX)}")
        made = Silence(group, until_ms, self.by, " ".join(why.split()), problem)
        try:
            self.book.put_silence(made, self._deed("silence", made))
        except ValueError as error:
            raise OperationError(str(error)) from None
        return made

    def lift(self, group: Group, problem: Problem | None) -> Silence:
        """End a silence before its time."""
        held = [each for each in self.book.silences(self.now_ms) if (each.group, each.problem) == (group, problem)]
        if not held:
            wanted = subject(Silence(group, 0, "", "", problem))
            every = ", ".join(subject(each) for each in self.book.silences(self.now_ms)) or "none"
            raise OperationError(f"{wanted}: nobody keeps silent about it now; silences are: {every}")
        try:
            self.book.lift(held[0], self._deed("lift", held[0], why=""))
        except KeyError:
            raise OperationError(f"{subject(held[0])}: somebody else just ended this silence") from None
        return held[0]

    def plan(self, hub_id: str, area: str, window: Window, why: str) -> int:
        """Plan work on a hub, or on all hubs of an area; return its number."""
        flaw = planned.flaw(window, self.now_ms)
        if flaw is not None:
            raise OperationError(f"this window {_FLAWS[flaw]}")
        if not why.strip():
            raise OperationError("--why: planned work needs a reason that others can read")
        self.require_seen(hub_id, area)
        kept = KeptWindow(0, area, hub_id, window, self.by, " ".join(why.split()))
        try:
            return self.book.put_window(kept, Deed(self.now_ms, self.by, "window", hub_id or area, kept.why))
        except (KeyError, ValueError) as error:
            raise OperationError(str(error)) from None

    def end(self, number: int) -> KeptWindow:
        """End planned work early; call it off where it has not begun."""
        found = self.book.window(number, self.scope)
        if found is None:
            raise OperationError(f"window {number}: there is none; desahub-noc window list names them")
        if found.window.end_ms <= self.now_ms:
            raise OperationError(f"window {number} ended {moment(found.window.end_ms)}")
        deed = Deed(self.now_ms, self.by, "end_window", found.hub_id or found.area)
        try:
            self.book.end_window(number, self.now_ms, deed)
        except KeyError:
            raise OperationError(f"window {number}: somebody else just ended it") from None
        return found

    def require_seen(self, hub_id: str, area: str) -> None:
        """Refuse a hub or an area that is not there: a mistyped silence or window would excuse nobody."""
        if hub_id:
            card = self.book.card(hub_id)
            if card is None or not self.scope.sees(card.kode_wilayah):
                raise OperationError(f"{hub_id[:60]!r} is not in the inventory; desahub-noc hub list names all")
            return
        if not is_area(area):
            raise OperationError(f"{area[:40]!r} is no code of an area; allowed are such as 51, 51.03 or 51.03.01")
        if not self.scope.sees(area) or self.book.find(Query(self.scope, area, limit=1)).total == 0:
            raise OperationError(f"{area}: no hub of the inventory is there")

    def _incident(self, number: int) -> IncidentLine:
        line = self.book.incident_line(number, self.scope) if 0 < number < 2**63 else None
        if line is None:
            raise OperationError(
                f"incident {number}: there is none; desahub-noc incident list names those that are open"
            )
        return line

    def _deed(self, what: str, silence: Silence, why: str | None = None) -> Deed:
        return Deed(self.now_ms, self.by, what, subject(silence), silence.why if why is None else why)


def group_of_area(code: str) -> Group:
    """The group that an area is. Raises `OperationError`."""
    if not is_area(code) or len(code) not in _LEVELS:
        raise OperationError(f"{code[:40]!r}: allowed are the codes of a province, kabupaten or kecamatan, as 51.03")
    return Group(_LEVELS[len(code)], code)


def subject(silence: Silence) -> str:
    """What a silence is about, as its deed says it."""
    problem = f" {silence.problem}" if silence.problem else ""
    return f"{silence.group.kind} {silence.group.name}{problem}"


def moment(time_ms: int, timezone: str = "") -> str:
    """``2026-08-17 14:05 WIB``."""
    zone = timezone or Timezone.WIB
    return f"{datetime.datetime.fromtimestamp(time_ms / 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"
