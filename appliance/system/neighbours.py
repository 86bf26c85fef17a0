"""Find the MAC of a device in one of the hub's networks from the kernel's neighbour table.

The server looks the MAC up itself: a header or a parameter proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.core.errors import OperationError
from appliance.system.roots import REAL, Roots

_COMPLETE = 0x2  # ATF_COM in linux/if_arp.h: the entry was answered
_NO_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One answered entry: IPv4 address, MAC in lower case, and the interface it was seen on."""

    address: str
    mac: str
    interface: str


def parse(text: str) -> tuple[Neighbour, ...]:
    """Read the text of ``/proc/net/arp``; entries without an answer and lines of another form are left out.

    Source: proc(5), net/ipv4/arp.c (``arp_format_neigh_entry``).
    """
    found = []
    for line in text.splitlines()[1:]:
        columns = line.split()
        if len(columns) != 6:
            continue
        address, _, flags, mac, _, interface = columns
        try:
            answered = int(flags, 16) & _COMPLETE
        except ValueError:
            continue
        if answered and mac != _NO_MAC:
            found.append(Neighbour(address, mac.lower(), interface))
    return tuple(found)


def read(roots: Roots = REAL) -> tuple[Neighbour, ...]:
    """Read the machine's neighbour table.

    Raises:
        OperationError: the table cannot be read.
    """
    return parse(_text(roots))


def mac_of(address: str, roots: Roots = REAL) -> str | None:
    """The MAC of the device that has ``address`` now, or None when the kernel knows none.

    Raises:
        OperationError: the table cannot be read.
    """
    # A login looks here among all devices of the village: only the lines that count are taken apart.
    text, own = _text(roots), f"\n{address} "
    lines, at = [""], text.find(own)
    while at >= 0:
        end = text.find("\n", at + 1)
        end = len(text) if end < 0 else end
        lines.append(text[at + 1 : end])
        at = text.find(own, end)
    return next((neighbour.mac for neighbour in parse("\n".join(lines)) if neighbour.address == address), None)


def _text(roots: Roots) -> str:
    path = roots.proc / "net" / "arp"
    try:
        return path.read_text("ascii", "replace")
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error.strerror}") from None
