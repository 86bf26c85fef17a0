"""What the alerts remember and say: pure data."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from noc.rules.groups import Group
from noc.rules.hearing import Deafness, Ear
from noc.rules.problems import Problem

Key = tuple[str, Problem]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is wrong now.

    Attributes:
        troubled: the problems of each hub that has any.
        ears: the NOC's ear at each broker.
        excused: hubs in a maintenance window: whatever they do is expected.
    """

    troubled: Mapping[str, Collection[Problem]]
    ears: tuple[Ear, ...] = ()
    excused: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """A problem of a hub, there since ``since_ms``; ``gone_ms`` says since when it is away, None while it is there."""

    since_ms: int
    gone_ms: int | None = None
    is_raised: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """One failure, of one hub or of many.

    Attributes:
        number: its name for people, given once.
        group: whose.
        problem: what.
        since_ms: when the first of its hubs fell.
        joined_ms: when the last one joined.
        hubs: who has it now.
        everyone: who ever had it.
        told_hubs: how many it was when it was told last, 0 while nobody was told.
        quiet_ms: since when so few have it that it is over soon.
        acknowledged_by: who takes care of it, "" while nobody does.
        acknowledged_ms: since when.
    """

    number: int
    group: Group
    problem: Problem
    since_ms: int
    joined_ms: int
    hubs: frozenset[str]
    everyone: frozenset[str]
    told_hubs: int = 0
    quiet_ms: int | None = None
    acknowledged_by: str = ""
    acknowledged_ms: int | None = None


class NewsKind(enum.StrEnum):
    """What is new."""

    RAISED = "raised"
    GROWN = "grown"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class News:
    """One line of a message."""

    kind: NewsKind
    incident: Incident


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to the operator on duty."""

    at_ms: int
    news: tuple[News, ...]
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of this group, or of this one problem of it, until ``until_ms``."""

    group: Group
    until_ms: int
    by: str
    why: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what, for the audit."""

    at_ms: int
    by: str
    what: str
    subject: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered from one step to the next."""

    watches: Mapping[Key, Watch] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    cleared: tuple[Incident, ...] = ()  # told once, over, and their end not told yet
    deafness: Mapping[str, Deafness] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    last_number: int = 0
    told_ms: int | None = None
