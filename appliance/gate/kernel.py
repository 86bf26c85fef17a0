"""The kernel's firewall: who is admitted lives in two sets of table ``inet desahub``, and the kernel owns expiry.

``admitted`` holds address and MAC and counts what a device sends; ``admitted_return`` holds the address and counts what
it receives. Both change in one transaction and run out together.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.errors import GateRefused, OperationError
from appliance.gate.firewall import refuse_doubles
from appliance.gate.libnftables import Nftables, NotThere
from appliance.gate.protocol import UNLIMITED, Admit, Admitted, Client, RefusalCode, Revoke
from appliance.network.nftables import TABLE

_FINGERPRINT: Final = re.compile(r'^\tcomment "ruleset ([0-9a-f]{64})"$', re.MULTILINE)
_EXPIRES: Final = re.compile(r"expires (?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?")
_COUNTER: Final = re.compile(r"counter packets (\d+) bytes (\d+)")
# ENFILE, strerror(3): what the kernel answers when a set is at its size.
_FULL: Final = "Too many open files in system"
_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class _Element:
    """One element of a set; times in seconds, counters since the device was admitted."""

    key: str
    timeout_seconds: int
    expires_seconds: int
    packets: int
    bytes: int

    def text(self) -> str:
        """As nft reads it: the counter stands before the timeout."""
        counter = f"counter packets {self.packets} bytes {self.bytes}"
        return f"{self.key} {counter} timeout {self.timeout_seconds}s expires {self.expires_seconds}s"


class KernelFirewall:
    """Keeps `firewall.Firewall` in the kernel of this network namespace.

    Only one process may change the table: it remembers which MAC an address was admitted with.
    """

    def __init__(self, nftables: Nftables) -> None:
        self._nftables = nftables
        self._lock = threading.Lock()
        self._macs: dict[str, set[str]] = {}

    def load(self, ruleset: str, fingerprint: str) -> bool:
        """Put ``ruleset`` in force in one transaction; see `firewall.Firewall.load`."""
        with self._lock:
            if self.fingerprint() == fingerprint:
                self._remember(self._elements("admitted"))
                return False
            sent, received = self._kept("admitted"), self._kept("admitted_return")
            self._nftables.run(ruleset + _add("admitted", sent) + _add("admitted_return", received))
            self._remember(sent)
            return True

    def change(self, requests: Sequence[Admit | Revoke]) -> None:
        """Admit and revoke in one transaction; see `firewall.Firewall.change`."""
        refuse_doubles(requests)
        if any(isinstance(request, Admit) and request.limits != UNLIMITED for request in requests):
            raise GateRefused(RefusalCode.FAILED, "this gate cannot bound speed and data")
        with self._lock:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._nftables.run("".join(self._commands(requests)))
                    break
                except OperationError as error:
                    if _FULL in str(error):
                        raise GateRefused(RefusalCode.FULL, "no room for another device") from None
                    # An element may have run out between being read and being replaced: read again.
                    if attempt == _ATTEMPTS:
                        raise GateRefused(RefusalCode.FAILED, str(error)) from None
            for request in requests:
                if isinstance(request, Admit):
                    self._macs[request.client.address] = {request.client.mac}
                else:
                    self._macs.get(request.client.address, set()).discard(request.client.mac)

    def clients(self) -> tuple[Admitted, ...]:
        """Who is let through now; see `firewall.Firewall.clients`."""
        received = {element.key: element.bytes for element in self._elements("admitted_return")}
        found = []
        for element in self._elements("admitted"):
            client = _client(element.key)
            found.append(
                Admitted(client, element.expires_seconds, element.bytes, received.get(client.address, 0), 0, "", None)
            )
        return tuple(found)

    def admitted(self, client: Client) -> Admitted | None:
        """One client, when it is let through now; see `firewall.Firewall.admitted`."""
        sent = self._one("admitted", f"{client.address} . {client.mac}")
        if sent is None:
            return None
        received = self._one("admitted_return", client.address)
        return Admitted(client, sent.expires_seconds, sent.bytes, received.bytes if received else 0, 0, "", None)

    def is_closed(self) -> bool:
        """Do input and forward of the table drop what no rule accepts?"""
        policies = {
            chain.get("hook"): chain.get("policy")
            for chain in (one["chain"] for one in self._nftables.ask("list chains inet") if "chain" in one)
            if chain["table"] == "desahub" and chain.get("type") == "filter"
        }
        return policies.get("forward") == "drop" and policies.get("input") == "drop"

    def fingerprint(self) -> str:
        """The fingerprint in the table's comment, empty without the table."""
        try:
            match = _FINGERPRINT.search(self._nftables.text(f"list table {TABLE}"))
        except NotThere:
            return ""
        return match[1] if match else ""

    def _commands(self, requests: Sequence[Admit | Revoke]) -> Iterable[str]:
        for request in requests:
            client = request.client
            key = f"{client.address} . {client.mac}"
            # Reading an element costs more than adding one: only what may be there is read.
            macs = self._macs.get(client.address, set())
            sent = self._one("admitted", key) if client.mac in macs else None
            received = self._one("admitted_return", client.address) if macs else None
            others = (self._one("admitted", f"{client.address} . {mac}") for mac in macs - {client.mac})
            strangers = [other for other in others if other is not None]
            if isinstance(request, Revoke):
                # The address may be another device's by now: its way back stays.
                yield from _delete("admitted", [sent])
                yield from _delete("admitted_return", [] if strangers else [received])
                continue
            yield from _delete("admitted", [sent, *strangers])
            yield from _delete("admitted_return", [received])
            lease = request.lease_seconds
            yield _add("admitted", [_renewed(key, lease, sent)])
            yield _add("admitted_return", [_renewed(client.address, lease, received if sent else None)])

    def _one(self, name: str, key: str) -> _Element | None:
        """One element, if it is there; its whole timeout is not read, since renewing sets it anew."""
        try:
            text = self._nftables.get(f"get element {TABLE} {name} {{ {key} }}")
        except NotThere:
            return None
        return _read_one(key, text)

    def _elements(self, name: str) -> tuple[_Element, ...]:
        return tuple(_parse(self._nftables.ask(f"list set {TABLE} {name}")))

    def _kept(self, name: str) -> tuple[_Element, ...]:
        """What of the old table's set is carried over: nothing, where there was no such set."""
        try:
            return self._elements(name)
        except NotThere:
            return ()

    def _remember(self, elements: Iterable[_Element]) -> None:
        self._macs = {}
        for element in elements:
            client = _client(element.key)
            self._macs.setdefault(client.address, set()).add(client.mac)


def _client(key: str) -> Client:
    address, mac = key.split(" . ")
    return Client(address, mac)


def _renewed(key: str, lease_seconds: int, old: _Element | None) -> _Element:
    packets, count = (old.packets, old.bytes) if old else (0, 0)
    return _Element(key, lease_seconds, lease_seconds, packets, count)


def _add(name: str, elements: Sequence[_Element]) -> str:
    if not elements:
        return ""
    return f"add element {TABLE} {name} {{ {', '.join(element.text() for element in elements)} }}\n"


def _delete(name: str, elements: Iterable[_Element | None]) -> Iterable[str]:
    for element in elements:
        if element is not None:
            yield f"delete element {TABLE} {name} {{ {element.key} }}\n"


def _read_one(key: str, text: str) -> _Element | None:
    """Read libnftables' text answer to ``get element``, with times like ``1m29s960ms`` in nft(8)."""
    counter, expires = _COUNTER.search(text), _EXPIRES.search(text)
    if counter is None or expires is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in expires.groups())
    rest = max(1, ((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    return _Element(key, 0, rest, int(counter[1]), int(counter[2]))


def _parse(objects: Iterable[dict[str, Any]]) -> Iterable[_Element]:
    """Read the elements of libnftables' JSON answer to ``list set``."""
    for one in objects:
        for entry in one.get("set", {}).get("elem", ()):
            element = entry["elem"]
            value, counter = element["val"], element.get("counter", {})
            key = " . ".join(value["concat"]) if isinstance(value, dict) else value
            # A rest of less than a second is written as 0, which nft would read as "for ever".
            expires = max(1, element["expires"])
            yield _Element(key, element["timeout"], expires, counter.get("packets", 0), counter.get("bytes", 0))
