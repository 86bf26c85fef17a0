"""Which addresses use up which quota, and what must be written so that the kernel agrees. No I/O.

A quota is a named object of the kernel, and map ``quota_of`` leads from an address to it, for both directions. Its
elements have no timeout: only the gate writes them, so that an object is deleted when nobody refers to it, and never
while somebody does.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from appliance.gate.elements import Change, Element, Put, PutQuota, Take, TakeQuota
from appliance.gate.protocol import Quota

MAP = "quota_of"


def object_name(quota_id: int) -> str:
    """What the kernel calls a quota."""
    return f"q{quota_id}"


def address_key(address: str) -> bytes:
    """An IPv4 address as the kernel's sets keep it."""
    return socket.inet_aton(address)


@dataclass(slots=True)
class Shares:
    """Who shares what: as the kernel has it."""

    _by_address: dict[str, int] = field(default_factory=dict)
    _by_id: dict[int, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, elements: Iterable[Element]) -> Shares:
        """Read the elements of map ``quota_of``."""
        made = cls()
        for element in elements:
            made.apply({socket.inet_ntoa(element.key): int(element.object[1:])})
        return made

    def id_of(self, address: str) -> int | None:
        """The quota that ``address`` uses up."""
        return self._by_address.get(address)

    def by_address(self) -> dict[str, int]:
        """The quota of each address that has one."""
        return dict(self._by_address)

    def changes(self, moves: Mapping[str, int | None], renewed: Iterable[Quota]) -> Sequence[Change]:
        """Plan what to write.

        Args:
            moves: addresses and the quota that each has from now on, or None.
            renewed: quotas that have ``left_bytes`` from now on, for all who share them.
        """
        given = {quota.id: quota for quota in renewed}
        takes: list[Change] = []
        frees: list[Change] = []
        makes: list[Change] = []
        puts: list[Change] = []
        old = (self._by_address.get(address) for address in moves)
        for quota_id in dict.fromkeys([*given, *(one for one in old if one is not None)]):
            before = self._by_id.get(quota_id, set())
            stay = before - moves.keys()
            after = stay | {address for address, moved_to in moves.items() if moved_to == quota_id}
            name = object_name(quota_id)
            if quota_id in given:
                # The kernel has no way to set what is used: the object is made anew, and all who share it follow.
                takes += [Take(MAP, address_key(address)) for address in before]
                frees += [TakeQuota(name)] if before else []
                makes.append(PutQuota(name, given[quota_id].left_bytes))
                puts += [Put(MAP, Element(address_key(address), object=name)) for address in after]
            else:
                takes += [Take(MAP, address_key(address)) for address in before - after]
                frees += [] if after else [TakeQuota(name)]
        return [*takes, *frees, *makes, *puts]

    def apply(self, moves: Mapping[str, int | None]) -> None:
        """Note that ``moves`` were written."""
        for address, quota_id in moves.items():
            old = self._by_address.pop(address, None)
            if old is not None:
                self._by_id[old].discard(address)
                if not self._by_id[old]:
                    del self._by_id[old]
            if quota_id is not None:
                self._by_address[address] = quota_id
                self._by_id.setdefault(quota_id, set()).add(address)
