"""Who is told what of a message, and what of it leaves when: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from noc.alarms.channels import Alarms, Channel
from noc.rules.alert_state import ChannelState, Incident, Letter, News, NewsKind, Notification
from noc.rules.alerts import URGENT_HUBS
from noc.rules.groups import Fleet, Group, GroupKind
from noc.rules.problems import Problem

TRY_AGAIN_MS: Final = 30_000
TRY_AGAIN_MS_MAX: Final = 900_000
STALE_MS: Final = 24 * 3_600_000  # an alarm of yesterday that could not be sent is history, and stands on the pages
_AREAS: Final = (GroupKind.DISTRICT, GroupKind.REGENCY, GroupKind.PROVINCE)
_TRIES_MAX: Final = 10
_RETRY_AFTER: Final = re.compile(r"retry after (\d{1,5})\b", re.IGNORECASE)


def address(notification: Notification, channels: Iterable[Channel], fleet: Fleet) -> tuple[Letter, ...]:
    """Make the letters of a message: for each channel what it wants, with its own hubs counted."""
    return tuple(
        Letter(
            channel.name,
            news.incident.number,
            news.kind,
            hubs,
            news.incident.problem,
            news.incident.group,
            news.incident.since_ms,
            notification.at_ms,
            is_urgent(news),
        )
        for channel in channels
        for news in notification.news
        if channel.wants(news.incident.problem) and (hubs := _hubs(news.incident, channel, fleet))
    )


def is_urgent(news: News) -> bool:
    """Say whether somebody is woken: for a deaf NOC and for what is large, never for what is over."""
    is_large = news.incident.problem is Problem.NOC_DEAF or len(news.incident.everyone) >= URGENT_HUBS
    return is_large and news.kind is not NewsKind.CLEARED


def due(letters: Sequence[Letter], alarms: Alarms, channel: Channel, state: ChannelState, now_ms: int) -> bool:
    """Say whether these letters, that wait for a channel, leave now: then all of them do."""
    # A time further ahead than any wait was noted while the date was wrong.
    if not letters or (state.next_ms is not None and 0 < state.next_ms - now_ms <= TRY_AGAIN_MS_MAX):
        return False
    return channel.quiet_until_ms(now_ms, alarms.zone) is None or any(each.is_urgent for each in letters)


def shorten(letters: Iterable[Letter]) -> tuple[Letter, ...]:
    """Leave out what later letters say again: one line for each incident, its last, with its greatest size.

    What has not been told yet is told as new, however much it grew meanwhile; what is over is told as over.
    """
    by_number: dict[int, Letter] = {}
    for each in letters:
        earlier = by_number.pop(each.number, None)
        by_number[each.number] = each if earlier is None else _together(earlier, each)
    return tuple(by_number.values())


def _together(earlier: Letter, later: Letter) -> Letter:
    kind = NewsKind.RAISED if (earlier.kind, later.kind) == (NewsKind.RAISED, NewsKind.GROWN) else later.kind
    is_urgent = earlier.is_urgent or later.is_urgent
    return replace(later, kind=kind, hubs=max(earlier.hubs, later.hubs), is_urgent=is_urgent)


def is_stale(letter: Letter, now_ms: int) -> bool:
    """Say whether a letter has waited for so long that it is of no use."""
    return now_ms - letter.at_ms > STALE_MS


def sent(state: ChannelState, now_ms: int) -> ChannelState:
    """How a channel is once it took what it was given."""
    return ChannelState(state.name, now_ms)


def failed(state: ChannelState, error: str, now_ms: int) -> ChannelState:
    """How a channel is that did not; it is tried again ever later, or when it says itself."""
    wait_ms = min(TRY_AGAIN_MS_MAX, TRY_AGAIN_MS << min(state.tries, _TRIES_MAX))
    if (asked := _RETRY_AFTER.search(error)) is not None:
        wait_ms = min(TRY_AGAIN_MS_MAX, max(wait_ms, int(asked[1]) * 1000))
    since_ms = now_ms if state.failing_since_ms is None else state.failing_since_ms
    return ChannelState(state.name, state.sent_ms, since_ms, state.tries + 1, now_ms + wait_ms, error[:300])


def _hubs(incident: Incident, channel: Channel, fleet: Fleet) -> int:
    if not channel.areas or incident.problem is Problem.NOC_DEAF:
        return len(incident.everyone)
    wanted = {Group(kind, area) for kind in _AREAS for area in channel.areas}
    return sum(not wanted.isdisjoint(fleet.groups(hub_id)) for hub_id in incident.everyone)
