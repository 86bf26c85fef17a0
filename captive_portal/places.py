"""Who may be one of the devices of a voucher or an account, and who makes room.

Both belong to people, not to MACs: phones change theirs. When all places are taken, a device that left, or that has
been silent for `SILENT_SECONDS`, makes room. Who took a place just now keeps it, silent or not: its admission may be on
its way.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from appliance.gate.protocol import Admitted, Client
from appliance.store.database import Database
from captive_portal import grants, rules
from captive_portal.now import Now
from captive_portal.rules import SILENT_SECONDS, End


@dataclass(frozen=True, slots=True)
class Place:
    """A device that holds a place, since a second of a boot."""

    client: Client
    boot_id: str
    boot_seconds: int


def room(devices: int, places: tuple[Place, ...], client: Client, yielding: tuple[Client, ...]) -> Client | None:
    """Whose place this device may have: its own or a free one (then its own), or the first that yields."""
    if len(places) < devices or any(place.client.mac == client.mac for place in places):
        return client
    return next(iter(yielding), None)


def yielding(
    db: Database, reference: str, places: tuple[Place, ...], now: Now, silent: Collection[Client]
) -> tuple[Client, ...]:
    """Who makes room: first who left, then who is silent."""
    live = {grant.client for grant in grants.of_voucher(db, reference) if rules.remaining_seconds(grant, now)}
    left = [place.client for place in places if place.client not in live]
    return (*left, *(place.client for place in places if place.client in silent and not is_new(place, now)))


def clear(
    db: Database, reference: str, macs: Collection[str], client: Client, now: Now, *, why: End
) -> tuple[Client, ...]:
    """End the grants of who makes room, for the reason ``why``, and of the device itself at another address."""
    gone = [
        grant.client
        for grant in grants.of_voucher(db, reference)
        if grant.client.mac in macs and grant.client != client
    ]
    for each in gone:
        grants.take_back(db, each, why if each.mac != client.mac else End.REPLACED, now)
    return tuple(gone)


def is_new(place: Place, now: Now) -> bool:
    """Was it taken just now?"""
    return place.boot_id == now.boot_id and now.boot_seconds - place.boot_seconds < SILENT_SECONDS


def is_silent(found: Admitted | None) -> bool:
    """Does the gate know of no device there that sends?"""
    return found is None or found.idle_seconds >= SILENT_SECONDS
