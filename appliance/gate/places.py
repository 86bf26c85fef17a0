"""Who has which slot: the leaf in which a client's packets wait, on the bridges and on the uplink alike.

The kernel looks a client's class up in the map ``client_class`` of table ``inet desahub``, so a login changes that map
and nothing else: slots are made ahead of need, by `shaper`. Where all slots of a speed are taken, clients share them,
two as if they were one: nobody is refused for it.

Nothing is remembered that the kernel does not have: ``admitted`` says who has which speed, the map who has which slot.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.gate.elements import Change, Element, Elements, Put, Take
from appliance.gate.protocol import Admit, Revoke
from appliance.network.nftables import CLASS_MAP
from appliance.network.shaper import HANDLE, SLOTS_MAX, Pool

# As many as log in at once, before more are made.
READY_FIRST: Final = 256
# Of how many slots the one with the fewest clients is taken, where all are taken.
_LOOK_AT: Final = 16
# A class in a map: major and minor number, in the machine's own byte order.
_VALUE: Final = struct.Struct("=I")


@dataclass(frozen=True, slots=True)
class _Place:
    """Who has the slot with this number of the pool of a speed; the MAC as six bytes."""

    mac: bytes
    speed: str
    number: int


@dataclass(slots=True)
class _Slots:
    """The slots of one speed: how many there are, how many clients each has, and which have none."""

    pool: Pool
    ready: int = 0
    used: Counter[int] = field(default_factory=Counter)
    free: dict[int, None] = field(default_factory=dict)
    next_shared: int = 0

    def grow(self, count: int) -> None:
        self.free |= dict.fromkeys(range(self.ready, count))
        self.ready = max(self.ready, count)

    def best(self, promised: Counter[int]) -> int:
        """A free slot, else one with few clients, in turn; ``promised`` are those of the same change."""
        free = next((number for number in self.free if not promised[number]), None)
        if free is not None:
            return free
        # Not the best of all: looking at them all would make a login dearer the more are online.
        some = [(self.next_shared + step) % self.ready for step in range(min(_LOOK_AT, self.ready))]
        number = min(some, key=lambda number: self.used[number] + promised[number])
        self.next_shared = number + 1
        return number

    def take(self, number: int) -> None:
        self.free.pop(number, None)
        self.used[number] += 1

    def leave(self, number: int) -> None:
        self.used[number] -= 1
        if not self.used[number]:
            del self.used[number]
            self.free[number] = None


class Places:
    """Keeps `slots.Slots` in the kernel's map.

    What `slots.Slots` asks is asked under the firewall's lock; `ready`, `short` and `grown` by the shaper, from
    another thread.

    Args:
        elements: reads and changes the map.
    """

    def __init__(self, elements: Elements) -> None:
        self._elements, self._lock = elements, threading.Lock()
        self._speeds: dict[str, _Slots] = {}
        self._places: dict[bytes, _Place] = {}
        self._planned: dict[bytes, _Place | None] = {}

    def use(self, pools: Iterable[Pool]) -> None:
        """Take other classes of speed; none of them where the kernel tells clients apart by itself (cake).

        Who is admitted gets a place in them with the next `loaded`.
        """
        with self._lock:
            old = self._speeds
            self._speeds, self._places = {}, {}
            for pool in pools:
                slots = _Slots(pool)
                slots.grow(old[pool.speed].ready if pool.speed in old else READY_FIRST)
                self._speeds[pool.speed] = slots

    def carried(self) -> str:
        """Nothing: a new ruleset brings an empty map, which `loaded` fills at once."""
        return ""

    def loaded(self) -> None:
        """Read who is admitted and what the map holds, and put right what does not fit."""
        with self._lock:
            held = {one.key: one.data for one in self._elements.all(CLASS_MAP)}
            self._places = {}
            for slots in self._speeds.values():
                empty = _Slots(slots.pool)
                empty.grow(slots.ready)
                self._speeds[slots.pool.speed] = empty
            homeless = [one for one in self._admitted() if not self._keeps(one, held.get(one.key[:4]))]
            changes: list[Change] = [Take(CLASS_MAP, address) for address in held if address not in self._places]
            for one in homeless:
                if one.key[:4] in self._places:
                    continue
                place = self._placed(one.key[4:10], one.comment, {})
                self._take(one.key[:4], place)
                changes.append(Put(CLASS_MAP, self._element(one.key[:4], place)))
            self._elements.change(changes)

    def changes(self, requests: Sequence[Admit | Revoke]) -> Sequence[Change]:
        """What is written in one transaction with ``requests``; see `slots.Slots.changes`."""
        with self._lock:
            self._planned = {}
            made: list[Change] = []
            promised: dict[str, Counter[int]] = {}
            for request in requests if self._speeds else ():
                address, mac = _key(request.client.address), _mac(request.client.mac)
                old = self._places.get(address)
                if isinstance(request, Revoke):
                    # The address may be another device's by now: it keeps its place.
                    if old is not None and old.mac == mac:
                        made.append(Take(CLASS_MAP, address))
                        self._planned[address] = None
                    continue
                speed = self._known(request.limits.speed)
                if old is not None and old.speed == speed:
                    self._planned[address] = _Place(mac, speed, old.number)
                    continue
                place = self._placed(mac, speed, promised)
                made += [Take(CLASS_MAP, address)] if old is not None else []
                made.append(Put(CLASS_MAP, self._element(address, place)))
                self._planned[address] = place
            return made

    def settled(self, requests: Sequence[Admit | Revoke]) -> None:  # noqa: ARG002 - they were planned in `changes`
        """Remember what `changes` planned last."""
        with self._lock:
            for address, place in self._planned.items():
                self._leave(address)
                if place is not None:
                    self._take(address, place)
            self._planned = {}

    def ended(self, addresses: Sequence[str]) -> Sequence[Change]:
        """Give up the places of ``addresses``. Where the kernel refuses, `loaded` follows."""
        with self._lock:
            gone = [address for address in map(_key, addresses) if address in self._places]
            for address in gone:
                self._leave(address)
            return [Take(CLASS_MAP, address) for address in gone]

    def ready(self) -> dict[str, int]:
        """For each speed, how many slots there are to be in the kernel."""
        with self._lock:
            return {speed: slots.ready for speed, slots in self._speeds.items()}

    def short(self) -> dict[str, range]:
        """For each speed of which half the slots are taken, the numbers to make next; then `grown`."""
        with self._lock:
            return {
                speed: range(slots.ready, min(SLOTS_MAX, 2 * slots.ready))
                for speed, slots in self._speeds.items()
                if slots.ready < SLOTS_MAX and 2 * len(slots.used) > slots.ready
            }

    def grown(self, speed: str, count: int) -> bool:
        """Say that the kernel has ``count`` slots of ``speed``; return whether any two clients share one so far."""
        with self._lock:
            slots = self._speeds.get(speed)
            if slots is None:
                return False
            slots.grow(count)
            return slots.used.total() > len(slots.used)

    def _admitted(self) -> list[Element]:
        return self._elements.all("admitted") if self._speeds else []

    def _keeps(self, admitted: Element, value: bytes | None) -> bool:
        """Take over the slot that the map names, if it is of the right speed and nobody else has it."""
        speed = self._known(admitted.comment)
        slots = self._speeds[speed]
        number = _VALUE.unpack(value)[0] - (HANDLE << 16 | slots.pool.first) if value else -1
        if not 0 <= number < SLOTS_MAX or slots.used[number] or admitted.key[:4] in self._places:
            return False
        if number >= slots.ready:
            slots.grow(min(SLOTS_MAX, max(READY_FIRST, 1 << number.bit_length())))
        self._take(admitted.key[:4], _Place(admitted.key[4:10], speed, number))
        return True

    def _known(self, speed: str) -> str:
        """A speed that is gone from the configuration is the fair share."""
        return speed if speed in self._speeds else ""

    def _placed(self, mac: bytes, speed: str, promised: dict[str, Counter[int]]) -> _Place:
        speed = self._known(speed)
        others = promised.setdefault(speed, Counter())
        number = self._speeds[speed].best(others)
        others[number] += 1
        return _Place(mac, speed, number)

    def _element(self, address: bytes, place: _Place) -> Element:
        minor = self._speeds[place.speed].pool.first + place.number
        return Element(address, data=_VALUE.pack(HANDLE << 16 | minor))

    def _take(self, address: bytes, place: _Place) -> None:
        self._places[address] = place
        self._speeds[place.speed].take(place.number)

    def _leave(self, address: bytes) -> None:
        place = self._places.pop(address, None)
        if place is not None:
            self._speeds[place.speed].leave(place.number)


def _key(address: str) -> bytes:
    return socket.inet_aton(address)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
