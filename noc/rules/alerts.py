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
from noc.rules.hearing import DEAF_AFTER_MS, STALLED_MS, WATCH, Deafness, Ear, listen
from noc.rules.incidents import gather, is_shared, open_single, update, watch
from noc.rules.problems import Problem

PACE_MS: Final = 600_000
SETTLE_MS: Final = 300_000  # a group is told when no more fall, so that it is told once, with its true size
SETTLE_MS_MAX: Final = 900_000
URGENT_HUBS: Final = 20
GROWN_TIMES: Final = 4
SILENCE_MS_MAX: Final = 14 * 86_400_000  # nobody may ask for more: one that ends later was made at a wrong date


def step(
    state: State, facts: Facts, fleet: Fleet, now_ms: int, *, has_listener: bool = True
) -> tuple[State, Notification | None]:
    """Take note of what is wrong now, and say what the operator must be told now, if anything.

    Without a listener nothing counts as told: it waits until there is one.
    """
    state = _awake(not_ahead(state, now_ms), now_ms)
    deafness = listen(state.deafness, (*facts.ears, _own_ear(state, now_ms)), now_ms)
    watches = watch(state.watches, facts, fleet, deafness, now_ms)
    silences = tuple(each for each in state.silences if 0 < each.until_ms - now_ms <= SILENCE_MS_MAX)
    state = replace(state, watches=watches, deafness=deafness, silences=silences, turned_ms=now_ms)
    state = update(state, now_ms)
    state = open_single(gather(state, fleet, now_ms), now_ms)
    return _tell(state, fleet, now_ms) if has_listener else (state, None)


def not_ahead(state: State, now_ms: int) -> State:
    """Bring down to now what was noted while the date lay ahead: nobody waits for that date to come."""
    found = [each for each in (state.turned_ms, state.told_ms) if each is not None]
    found += [each for deaf in state.deafness.values() for each in (deaf.since_ms, deaf.heard_ms or 0)]
    found += [each for watch in state.watches.values() for each in (watch.since_ms, watch.gone_ms or 0)]
    found += [
        each for incident in (*state.incidents, *state.cleared) for each in (incident.joined_ms, incident.quiet_ms or 0)
    ]
    if max(found, default=now_ms) <= now_ms:
        return state

    def past(time_ms: int | None) -> int | None:
        return None if time_ms is None else min(time_ms, now_ms)

    def incidents(several: Iterable[Incident]) -> tuple[Incident, ...]:
        return tuple(
            replace(
                each,
                since_ms=min(each.since_ms, now_ms),
                joined_ms=min(each.joined_ms, now_ms),
                quiet_ms=past(each.quiet_ms),
            )
            for each in several
        )

    return replace(
        state,
        watches={
            key: replace(each, since_ms=min(each.since_ms, now_ms), gone_ms=past(each.gone_ms))
            for key, each in state.watches.items()
        },
        incidents=incidents(state.incidents),
        cleared=incidents(state.cleared),
        deafness={
            broker: Deafness(min(each.since_ms, now_ms), past(each.heard_ms)) for broker, each in state.deafness.items()
        },
        told_ms=past(state.told_ms),
        turned_ms=past(state.turned_ms),
    )


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


def _awake(state: State, now_ms: int) -> State:
    """Forget how long things lasted when nobody looked in between: what was seen twice need not have been there."""
    if state.turned_ms is None or now_ms - state.turned_ms <= DEAF_AFTER_MS:
        return state
    watches = {
        key: replace(each, gone_ms=None) if each.is_raised else replace(each, since_ms=now_ms)
        for key, each in state.watches.items()
    }
    incidents = tuple(replace(each, quiet_ms=None) for each in state.incidents)
    return replace(state, watches=watches, incidents=incidents)


def _own_ear(state: State, now_ms: int) -> Ear:
    """The watch as an ear of its own: it hears while it turns."""
    was_stalled = state.turned_ms is not None and now_ms - state.turned_ms > STALLED_MS
    return Ear(WATCH, state.turned_ms if was_stalled and state.turned_ms is not None else now_ms)


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
