"""The kernel's firewall: who is admitted lives in sets of table ``inet desahub``, and the kernel owns expiry.

``admitted`` holds address and MAC, counts what a device sends, and carries its speed as a comment;
``admitted_return`` holds the address, ``received`` counts what it is given, behind the queues. All three change in one
transaction and run out together.
``seen`` is refreshed by the packets themselves. Quotas are in `quotas`, classes of speed in `slots`.
"""

from __future__ import annotations

import errno
import functools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from appliance.core.errors import GateRefused, OperationError
from appliance.gate.carried import carried
from appliance.gate.elements import Change, Element, Elements, Put, Take, TakeQuota
from appliance.gate.firewall import refuse_doubles
from appliance.gate.libnftables import Nftables
from appliance.gate.protocol import Admit, Admitted, Client, RefusalCode, Revoke
from appliance.gate.quotas import MAP, Shares, address_key, object_name
from appliance.gate.slots import NoSlots, Slots
from appliance.network.nftables import RECEIVED_SET, SEEN_SECONDS

_FINGERPRINT: Final = re.compile(r"ruleset ([0-9a-f]{64})")
_ATTEMPTS: Final = 3
# A lease that has run out by our clock has done so by the kernel's, whose ticks are coarser.
_MARGIN_SECONDS: Final = 2.0


class KernelFirewall:
    """Keeps `firewall.Firewall` in the kernel of this network namespace.

    Only one process may change the table: it remembers who was admitted, so that a login reads nothing.

    Args:
        nftables: loads rules.
        elements: reads and changes sets.
        slots: what else is written for who comes and goes.
        clock: seconds that go forward as the kernel's timeouts do.
    """

    def __init__(
        self,
        nftables: Nftables,
        elements: Elements | None = None,
        slots: Slots | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nftables, self._elements, self._clock = nftables, elements or Elements(), clock
        self._slots: Slots = slots or NoSlots()
        self._lock = threading.Lock()
        # Address, MAC, and when the lease has surely run out.
        self._leases: dict[str, dict[str, float]] = {}
        self._shares = Shares()

    def load(self, ruleset: str, fingerprint: str) -> bool:
        """Put ``ruleset`` in force in one transaction; see `firewall.Firewall.load`."""
        with self._lock:
            changed = self.fingerprint() != fingerprint
            if changed:
                self._nftables.run(ruleset + carried(self._elements) + self._slots.carried())
            self._remember()
            return changed

    def change(self, requests: Sequence[Admit | Revoke]) -> None:
        """Admit and revoke in one transaction; see `firewall.Firewall.change`."""
        refuse_doubles(requests)
        with self._lock:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._elements.change(self._changes(requests))
                    break
                except OperationError as error:
                    if getattr(error, "number", 0) == errno.ENFILE:  # a set is at its size
                        raise GateRefused(RefusalCode.FULL, "no room for another device") from None
                    if attempt == _ATTEMPTS:
                        raise GateRefused(RefusalCode.FAILED, str(error)) from None
                # An element may have run out between being read and being replaced, or somebody else was here.
                self._refresh()
            self._settle(requests)

    def clients(self) -> tuple[Admitted, ...]:
        """Who is let through now; see `firewall.Firewall.clients`. What has run out is tidied up first."""
        with self._lock:
            self._sweep()
            quota_ids = self._shares.by_address()
        received, seen = self._elements.byte_counts(RECEIVED_SET), self._elements.times_left("seen")
        left = {quota.name: quota.left_bytes for quota in self._elements.quotas()} if quota_ids else {}
        found = []
        for sent in self._elements.all("admitted"):
            client, key = _client(sent.key), sent.key[:4]
            quota_id = quota_ids.get(client.address)
            found.append(
                Admitted(
                    client,
                    _seconds(sent.expires),
                    sent.byte_count or 0,
                    received.get(key, 0),
                    _idle(seen.get(key)),
                    sent.comment,
                    None if quota_id is None else left.get(object_name(quota_id), 0),
                )
            )
        if any(one.client.mac not in self._leases.get(one.client.address, {}) for one in found):
            # Somebody else has put an element there. It is remembered, so that whom this list names can be revoked.
            with self._lock:
                self._refresh()
        return tuple(found)

    def admitted(self, client: Client) -> Admitted | None:
        """One client, when it is let through now; see `firewall.Firewall.admitted`."""
        key = address_key(client.address)
        sent = self._elements.one("admitted", _key(client))
        if sent is None:
            return None
        received, seen = self._elements.one(RECEIVED_SET, key), self._elements.one("seen", key)
        with self._lock:
            quota_id = self._shares.id_of(client.address)
        quota = None if quota_id is None else self._elements.quota(object_name(quota_id))
        return Admitted(
            client,
            _seconds(sent.expires),
            sent.byte_count or 0,
            (received and received.byte_count) or 0,
            _idle(seen and seen.expires),
            sent.comment,
            None if quota is None else quota.left_bytes,
        )

    def is_closed(self) -> bool:
        """Do input and forward of the table drop what no rule accepts?"""
        # One chain that drops is enough: a packet has to pass all chains of its hook.
        closed = {
            chain.get("hook")
            for chain in (one["chain"] for one in self._nftables.ask("list chains inet") if "chain" in one)
            if chain["table"] == "desahub" and chain.get("type") == "filter" and chain.get("policy") == "drop"
        }
        return {"forward", "input"} <= closed

    def fingerprint(self) -> str:
        """The fingerprint in the table's comment, empty without the table."""
        match = _FINGERPRINT.fullmatch(self._elements.table_comment() or "")
        return match[1] if match else ""

    def _changes(self, requests: Sequence[Admit | Revoke]) -> list[Change]:
        made: list[Change] = []
        for request in requests:
            made += self._admit(request) if isinstance(request, Admit) else self._revoke(request.client)
        quotas = (request.limits.quota for request in requests if isinstance(request, Admit))
        made += self._shares.changes(self._moves(requests), (quota for quota in quotas if quota is not None))
        return [*made, *self._slots.changes(requests)]

    def _admit(self, request: Admit) -> Iterable[Change]:
        client, timeout = request.client, request.lease_seconds * 1000
        key, address = _key(client), address_key(client.address)
        # Only what may be there is read: at a first login nothing is.
        macs = self._leases.get(client.address, {})
        sent = self._elements.one("admitted", key) if client.mac in macs else None
        received = self._elements.one(RECEIVED_SET, address) if macs else None
        yield from self._without_strangers(client)
        if sent is not None:
            yield Take("admitted", key)
        if macs and self._elements.one("admitted_return", address) is not None:
            yield Take("admitted_return", address)
        if received is not None:
            yield Take(RECEIVED_SET, address)
        came = received if sent else None
        yield Put("admitted", _renewed(key, timeout, sent)._replace(comment=request.limits.speed))
        yield Put("admitted_return", Element(address, timeout, timeout))
        yield Put(RECEIVED_SET, _renewed(address, timeout, came))
        # Put, then taken: so it need not be known whether packets have put it there.
        yield from (Put("exhausted", Element(address)), Take("exhausted", address))
        if sent is None:
            yield from (Put("seen", Element(address)), Take("seen", address), Put("seen", Element(address)))

    def _without_strangers(self, client: Client) -> Iterable[Change]:
        """Who had the same address."""
        for mac in self._leases.get(client.address, {}):
            other = _key(Client(client.address, mac))
            if mac != client.mac and self._elements.one("admitted", other) is not None:
                yield Take("admitted", other)

    def _revoke(self, client: Client) -> Iterable[Change]:
        macs, key, address = self._leases.get(client.address, {}), _key(client), address_key(client.address)
        if client.mac in macs and self._elements.one("admitted", key) is not None:
            yield Take("admitted", key)
        # The address may be another device's by now: its way back stays.
        if macs.keys() <= {client.mac}:
            for name in ("admitted_return", RECEIVED_SET):
                if self._elements.one(name, address) is not None:
                    yield Take(name, address)

    def _moves(self, requests: Sequence[Admit | Revoke]) -> dict[str, int | None]:
        """Which addresses have which quota after ``requests``."""
        moves: dict[str, int | None] = {}
        for request in requests:
            if isinstance(request, Admit):
                quota = request.limits.quota
                moves[request.client.address] = None if quota is None else quota.id
            elif self._leases.get(request.client.address, {}).keys() <= {request.client.mac}:
                moves[request.client.address] = None
        return moves

    def _settle(self, requests: Sequence[Admit | Revoke]) -> None:
        self._shares.apply(self._moves(requests))
        self._slots.settled(requests)
        for request in requests:
            client = request.client
            if isinstance(request, Admit):
                ends = self._clock() + request.lease_seconds + _MARGIN_SECONDS
                self._leases[client.address] = {client.mac: ends}
            elif client.mac in (macs := self._leases.get(client.address, {})):
                del macs[client.mac]
                if not macs:
                    del self._leases[client.address]

    def _sweep(self) -> None:
        """Forget leases that have run out, and delete what the kernel still keeps for them."""
        now = self._clock()
        ended = [address for address, macs in self._leases.items() if max(macs.values()) < now]
        if not ended:
            return
        moves: dict[str, int | None] = dict.fromkeys(ended)
        try:
            self._elements.change([*self._shares.changes(moves, ()), *self._slots.ended(ended)])
        except OperationError:
            self._refresh()
            return
        self._shares.apply(moves)
        for address in ended:
            del self._leases[address]

    def _refresh(self) -> None:
        """Read the kernel again after it refused; where that fails too, the next refusal says why."""
        try:
            self._remember()
        except OperationError:
            return

    def _remember(self) -> None:
        now = self._clock()
        leases: dict[str, dict[str, float]] = {}
        for element in self._elements.all("admitted"):
            client = _client(element.key)
            ends = now + element.expires / 1000 + _MARGIN_SECONDS
            leases.setdefault(client.address, {})[client.mac] = ends
        self._leases = leases
        self._shares = Shares.of(self._elements.all(MAP))
        strays: dict[str, int | None] = {
            address: None for address in self._shares.by_address() if address not in leases
        }
        changes = list(self._shares.changes(strays, ()))
        self._shares.apply(strays)
        known = {object_name(number) for number in self._shares.by_address().values()}
        gone = {change.name for change in changes if isinstance(change, TakeQuota)}
        changes += [TakeQuota(quota.name) for quota in self._elements.quotas() if quota.name not in known | gone]
        self._elements.change(changes)
        self._slots.loaded()


def _key(client: Client) -> bytes:
    return address_key(client.address) + bytes.fromhex(client.mac.replace(":", "")) + b"\0\0"


@functools.lru_cache(maxsize=16_384)
def _client(key: bytes) -> Client:
    return Client(socket.inet_ntoa(key[:4]), key[4:10].hex(":"))


def _seconds(milliseconds: int) -> int:
    """Whole seconds, at least one: who is still there has not run out."""
    return max(1, milliseconds // 1000)


def _idle(expires: int | None) -> int:
    """Seconds since the last packet, from what is left of its element's time."""
    return SEEN_SECONDS if expires is None else max(0, SEEN_SECONDS - expires // 1000 - 1)


def _renewed(key: bytes, timeout: int, old: Element | None) -> Element:
    packets, count = (old.packet_count or 0, old.byte_count or 0) if old else (0, 0)
    return Element(key, timeout, timeout, packets, count)
