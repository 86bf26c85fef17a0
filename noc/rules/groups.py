"""Which hubs may have one failure in common: pure. 2,000 hubs behind one fibre are one incident."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.core.area import AreaCode

HUBS_MIN: Final = 5
SHARE_MIN: Final = 0.5
BROKER_SHARE_MIN: Final = 0.9


class GroupKind(enum.StrEnum):
    """What hubs share. Where two groups explain the same hubs, the earlier is the likelier cause."""

    BROKER = "broker"
    UPSTREAM = "upstream"
    DISTRICT = "district"
    REGENCY = "regency"
    PROVINCE = "province"
    HUB = "hub"  # nothing: a hub of its own


_LIKELIER: Final = {kind: i for i, kind in enumerate(GroupKind)}


@dataclass(frozen=True, slots=True)
class Group:
    """Hubs with something in common: ``name`` is the broker's, the upstream's, an area's code or the hub's id."""

    kind: GroupKind
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hub stands. ``upstream`` is what it shares with others on its way to the internet, "" if unknown."""

    hub_id: str
    kode_wilayah: str
    upstream: str = ""
    broker: str = ""


class Fleet:
    """The inventory by group; made anew when it changes."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._groups = {place.hub_id: _groups(place) for place in places}
        self._sizes = Counter(group for groups in self._groups.values() for group in groups)
        self._brokers = {hub_id: groups[0].name for hub_id, groups in self._groups.items()}

    def groups(self, hub_id: str) -> tuple[Group, ...]:
        """List the groups of a hub, none of one that is not in the inventory."""
        return self._groups.get(hub_id, ())

    def broker(self, hub_id: str) -> str:
        """Name the broker through which a hub speaks."""
        return self._brokers.get(hub_id, "")

    def size(self, group: Group) -> int:
        """Count the hubs of a group."""
        return 1 if group.kind is GroupKind.HUB else self._sizes[group]


def _groups(place: Place) -> tuple[Group, ...]:
    code = AreaCode.parse(place.kode_wilayah)
    upstream = (Group(GroupKind.UPSTREAM, place.upstream),) if place.upstream else ()
    return (
        Group(GroupKind.BROKER, place.broker),
        *upstream,
        Group(GroupKind.DISTRICT, code.district),
        Group(GroupKind.REGENCY, code.regency),
        Group(GroupKind.PROVINCE, code.province),
    )


def explain(affected: Collection[str], fleet: Fleet) -> Mapping[Group, frozenset[str]]:
    """Find the groups that explain most hubs at once: the greatest first, each hub in one group at most.

    A group explains its hubs when at least `HUBS_MIN` of them are affected and at least half of it; a broker, nearly
    all of it, and then it goes before all areas: when nobody behind it is heard, the fault is likelier there.
    """
    left = set(affected)
    found: dict[Group, frozenset[str]] = {}
    while len(left) >= HUBS_MIN:
        members: dict[Group, set[str]] = {}
        for hub_id in left:
            for group in fleet.groups(hub_id):
                members.setdefault(group, set()).add(hub_id)
        fitting = [group for group, hubs in members.items() if _explains(group, len(hubs), fleet)]
        if not fitting:
            break
        best = min(fitting, key=lambda g: (-len(members[g]), _LIKELIER[g.kind], g.name))
        found[best] = frozenset(members[best])
        left -= members[best]
    return found


def _explains(group: Group, affected: int, fleet: Fleet) -> bool:
    share = BROKER_SHARE_MIN if group.kind is GroupKind.BROKER else SHARE_MIN
    return affected >= HUBS_MIN and affected >= share * fleet.size(group)
