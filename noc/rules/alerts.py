"""Whom to tell what, and when to keep silent: pure. ``(state, facts, now) -> (state, notification)``.

A problem is told when it has lasted, and is over when it has stayed away. Hubs that share a failure are one incident; a
hub that was just about to be told joins it. News wait for each other, so that at most one message leaves in ten
minutes; only what cannot wait (the NOC is deaf, or a group of many hubs) goes at once. While the NOC does not hear a
broker nothing is said of the hubs behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from noc.rules.alert_state import Deed, Facts, Incident, News, NewsKind, Notification, Silence, State
from noc.rules.groups import Fleet, GroupKind
from noc.rules.hearing import listen
from noc.rules.incidents import gather, is_shared, open_single, update, watch
from noc.rules.problems import Problem

PACE_MS: Final = 600_000
SETTLE_MS: Final = 300_000  # a group is told when no more fall, so that it is told once, with its true size
SETTLE_MS_MAX: Final = 900_000
URGENT_HUBS: Final = 20
GROWN_TIMES: Final = 4


def step(state: State, facts: Facts, fleet: Fleet, now_ms: int) -> tuple[State, Notification | None]:
    """Take note of what is wrong now, and say what the operator must be told now, if anything."""
    deafness = listen(state.deafness, facts.ears, now_ms)
    watches = watch(state.watches, facts, fleet, deafness, now_ms)
    silences = tuple(each for each in state.silences if each.until_ms > now_ms)
    state = update(replace(state, watches=watches, deafness=deafness, silences=silences), now_ms)
    return _tell(open_single(gather(state, fleet, now_ms), now_ms), fleet, now_ms)


def acknowledge(state: State, number: int, by: str, now_ms: int) -> tuple[State, Deed]:
    """Note that somebody takes care of an incident. Raises KeyError where it is not open."""
    if all(each.number != number for each in state.incidents):
        raise KeyError(number)
    incidents = tuple(
        replace(each, acknowledged_by=by, acknowledged_ms=now_ms) if each.number == number else each
        for each in state.incidents
    )
    return replace(state, incidents=incidents), Deed(now_ms, by, "acknowledge", str(number))


def silence(state: State, wanted: Silence, now_ms: int) -> tuple[State, Deed]:
    """Keep silent about a group for a while. Raises ValueError without a reason, or for a time that is over."""
    if not wanted.why.strip() or wanted.until_ms <= now_ms:
        raise ValueError("a silence needs a reason, and an end that is to come")
    others = tuple(s for s in state.silences if (s.group, s.problem) != (wanted.group, wanted.problem))
    return replace(state, silences=(*others, wanted)), Deed(now_ms, wanted.by, "silence", _subject(wanted), wanted.why)


def lift(state: State, lifted: Silence, by: str, now_ms: int) -> tuple[State, Deed]:
    """End a silence before its time."""
    others = tuple(each for each in state.silences if each != lifted)
    return replace(state, silences=others), Deed(now_ms, by, "lift", _subject(lifted))


def oldest_unacknowledged_ms(state: State) -> int | None:
    """Since when the incident lasts that waits longest for somebody, None where none does."""
    return min((each.since_ms for each in state.incidents if not each.acknowledged_by and each.told_hubs), default=None)


def _subject(silenced: Silence) -> str:
    problem = f" {silenced.problem}" if silenced.problem else ""
    return f"{silenced.group.kind} {silenced.group.name}{problem}"


def _is_silenced(incident: Incident, silences: Iterable[Silence], fleet: Fleet) -> bool:
    groups = {incident.group}
    if incident.group.kind is GroupKind.HUB:
        groups.update(fleet.groups(incident.group.name))
    return any(each.group in groups and each.problem in (None, incident.problem) for each in silences)


def _news(incident: Incident, now_ms: int) -> News | None:
    if is_shared(incident):
        has_settled = now_ms - incident.joined_ms >= SETTLE_MS or now_ms - incident.since_ms >= SETTLE_MS_MAX
        if not has_settled or not incident.hubs:
            return None
    if not incident.told_hubs:
        return News(NewsKind.RAISED, incident)
    if not incident.acknowledged_by and len(incident.everyone) >= GROWN_TIMES * incident.told_hubs:
        return News(NewsKind.GROWN, incident)
    return None


def _tell(state: State, fleet: Fleet, now_ms: int) -> tuple[State, Notification | None]:
    due = [
        news
        for incident in state.incidents
        if not _is_silenced(incident, state.silences, fleet) and (news := _news(incident, now_ms)) is not None
    ]
    over = [News(NewsKind.CLEARED, each) for each in state.cleared if not _is_silenced(each, state.silences, fleet)]
    is_urgent = any(
        each.incident.problem is Problem.NOC_DEAF or len(each.incident.everyone) >= URGENT_HUBS for each in due
    )
    is_time = state.told_ms is None or now_ms - state.told_ms >= PACE_MS
    if not (due or over) or not (is_time or is_urgent):
        return state, None
    told = {news.incident.number for news in due}
    incidents = tuple(
        replace(each, told_hubs=len(each.everyone)) if each.number in told else each for each in state.incidents
    )
    notification = Notification(now_ms, (*over, *due), is_urgent)
    return replace(state, incidents=incidents, cleared=(), told_ms=now_ms), notification
