"""How single troubles become incidents, grow together, and end: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from noc.rules.alert_state import Facts, Incident, Key, State, Watch
from noc.rules.groups import HUBS_MIN, Fleet, Group, GroupKind, explain
from noc.rules.hearing import Deafness, deafness_of
from noc.rules.problems import RULES, Problem

TOGETHER_MS: Final = 180_000  # a hub that is back before this was not part of anything
JOIN_MS: Final = 1_800_000  # who falls later than this after the last one is a case of its own


def watch(
    before: Mapping[Key, Watch], facts: Facts, fleet: Fleet, deafness: Mapping[str, Deafness], now_ms: int
) -> dict[Key, Watch]:
    """Note what is there and what is gone; what nobody can know, or expects, stays as it was."""
    there = {(hub_id, problem) for hub_id, problems in facts.troubled.items() for problem in problems}
    there |= {(broker, Problem.NOC_DEAF) for broker, deaf in deafness.items() if deaf.heard_ms is None}
    excused = frozenset(facts.excused)
    ears = frozenset(ear.broker for ear in facts.ears)
    found: dict[Key, Watch] = {}
    for key in sorted(there | before.keys()):
        hub_id, problem = key
        watch = before.get(key)
        is_blind = problem is not Problem.NOC_DEAF and (
            hub_id in excused or deafness_of(fleet.broker(hub_id), ears, deafness) is not None
        )
        if is_blind:
            if watch is not None:
                # Time in which nobody could know counts for nothing; an incident that has this hub keeps it.
                found[key] = watch if watch.is_raised else replace(watch, since_ms=now_ms)
        elif key in there:
            since_ms = now_ms if watch is None else watch.since_ms
            is_raised = (watch is not None and watch.is_raised) or now_ms - since_ms >= RULES[problem].raise_after_ms
            found[key] = Watch(since_ms, None, is_raised)
        elif watch is not None and watch.is_raised:
            gone_ms = now_ms if watch.gone_ms is None else watch.gone_ms
            if now_ms - gone_ms < RULES[problem].clear_after_ms:
                found[key] = replace(watch, gone_ms=gone_ms)
    return found


def update(state: State, now_ms: int) -> State:
    """Bring incidents up to their hubs, and end those that are over."""
    opened, cleared = [], list(state.cleared)
    for incident in state.incidents:
        hubs = frozenset(hub_id for hub_id in incident.hubs if (hub_id, incident.problem) in state.watches)
        is_quiet = len(hubs) < HUBS_MIN and is_shared(incident)
        quiet_ms = (now_ms if incident.quiet_ms is None else incident.quiet_ms) if is_quiet else None
        now = replace(incident, hubs=hubs, quiet_ms=quiet_ms)
        is_over = not hubs
        if is_shared(incident):
            # A few that stay behind are cases of their own; the many are told to be back once they stay.
            is_over = quiet_ms is not None and now_ms - quiet_ms >= RULES[incident.problem].clear_after_ms
        if not is_over:
            opened.append(now)
        elif now.told_hubs:
            cleared.append(now)
    return replace(state, incidents=tuple(opened), cleared=tuple(cleared))


def is_shared(incident: Incident) -> bool:
    """Say whether an incident is one of many hubs, and not of one or of the NOC itself."""
    return incident.group.kind is not GroupKind.HUB and incident.problem is not Problem.NOC_DEAF


def gather(state: State, fleet: Fleet, now_ms: int) -> State:
    """Let hubs that fell together be one incident, and those that fall soon after join it."""
    for problem in (each for each in Problem if RULES[each].is_shared and each is not Problem.NOC_DEAF):
        fallen = {
            hub_id: watch
            for (hub_id, found), watch in state.watches.items()
            if found is problem and watch.gone_ms is None and now_ms - watch.since_ms >= TOGETHER_MS
        }
        if fallen:
            state = _join(state, problem, fallen, fleet)
            recent = {hub_id: watch for hub_id, watch in fallen.items() if now_ms - watch.since_ms <= JOIN_MS}
            for group, hubs in explain(recent, fleet).items():
                state = _open_group(state, group, problem, {hub_id: recent[hub_id] for hub_id in hubs}, fleet)
    return _without_absorbed(state)


def open_single(state: State, now_ms: int) -> State:
    """Open an incident for each hub that has a problem long enough and shares it with nobody."""
    taken = {(hub_id, each.problem) for each in state.incidents for hub_id in each.hubs}
    for (name, problem), found in state.watches.items():
        if found.is_raised and (name, problem) not in taken:
            kind = GroupKind.BROKER if problem is Problem.NOC_DEAF else GroupKind.HUB
            hubs = frozenset((name,))
            state = _opened(state, Incident(0, Group(kind, name), problem, found.since_ms, now_ms, hubs, hubs))
    return state


def _taken(state: State, problem: Problem) -> frozenset[str]:
    of_groups = [each.hubs for each in state.incidents if each.problem is problem and is_shared(each)]
    return frozenset().union(*of_groups)


def _join(state: State, problem: Problem, fallen: Mapping[str, Watch], fleet: Fleet) -> State:
    incidents = list(state.incidents)
    taken = set(_taken(state, problem))
    for i, incident in enumerate(incidents):
        if incident.problem is not problem or not is_shared(incident):
            continue
        joining = {
            hub_id: watch.since_ms
            for hub_id, watch in fallen.items()
            if hub_id not in taken
            and incident.since_ms <= watch.since_ms <= incident.joined_ms + JOIN_MS
            and incident.group in fleet.groups(hub_id)
        }
        taken.update(joining)
        incidents[i] = _grown(incident, joining)
    return replace(state, incidents=tuple(incidents))


def _grown(incident: Incident, joining: Mapping[str, int]) -> Incident:
    return replace(
        incident,
        hubs=incident.hubs | joining.keys(),
        everyone=incident.everyone | joining.keys(),
        since_ms=min([incident.since_ms, *joining.values()]),
        joined_ms=max([incident.joined_ms, *joining.values()]),
    )


def _open_group(state: State, group: Group, problem: Problem, fallen: Mapping[str, Watch], fleet: Fleet) -> State:
    """Open an incident for a group, or widen what was one of a part of it into it."""
    shared = [each for each in state.incidents if each.problem is problem and is_shared(each)]
    first_ms = min(watch.since_ms for watch in fallen.values())
    if any(each.group == group for each in shared):
        return state  # who belongs to it has joined it
    parts = [
        each
        for each in shared
        if abs(each.since_ms - first_ms) <= JOIN_MS and each.hubs and all(group in fleet.groups(h) for h in each.hubs)
    ]
    foreign = frozenset().union(*(each.hubs for each in shared if each not in parts))
    joining = {hub_id: watch.since_ms for hub_id, watch in fallen.items() if hub_id not in foreign}
    if len(joining) < HUBS_MIN:
        return state
    wide = Incident(0, group, problem, first_ms, first_ms, frozenset(), frozenset())
    if parts:
        # It is the same incident that proves to be larger: it keeps its number and who takes care of it.
        wide = replace(max(parts, key=lambda each: (len(each.everyone), -each.number)), group=group)
    for part in parts:
        wide = replace(wide, hubs=wide.hubs | part.hubs, everyone=wide.everyone | part.everyone)
    wide = _grown(wide, joining)
    others = tuple(each for each in state.incidents if each not in parts)
    if not parts:
        return _opened(state, wide)
    return replace(state, incidents=(*others, wide))


def _without_absorbed(state: State) -> State:
    """Drop incidents of single hubs that have become part of a group's."""
    taken = {(hub_id, each.problem) for each in state.incidents if is_shared(each) for hub_id in each.hubs}
    kept = tuple(each for each in state.incidents if is_shared(each) or (each.group.name, each.problem) not in taken)
    return replace(state, incidents=kept)


def _opened(state: State, incident: Incident) -> State:
    number = state.last_number + 1
    return replace(state, incidents=(*state.incidents, replace(incident, number=number)), last_number=number)
