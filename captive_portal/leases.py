"""Who has which address by dnsmasq's word: its lease file.

The neighbour table tells who answers for an address now, and anyone in the air can answer. The lease tells to whom the
address was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance.core.errors import OperationError
from appliance.system.roots import REAL, Roots


def parse(text: str) -> dict[str, str]:
    """Read a lease file: MAC in lower case by IPv4 address.

    Leases of IPv6 and of hardware other than Ethernet are left out, and lines of another form. What has ended dnsmasq
    takes out itself; the times are wall time, which a box without a clock battery does not know.

    Source: dnsmasq's lease.c, ``lease_update_file``: expiry, MAC, address, name, client id.
    """
    return {address: mac for mac, address, _ in _lines(text)}


def parse_names(text: str) -> dict[str, str]:
    """Read what devices call themselves: hostile text by MAC in lower case; one that gives no name is left out."""
    return {mac: name for mac, _, name in _lines(text) if name != "*"}


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        columns = line.split()
        if len(columns) == 5 and columns[0].isdecimal() and len(columns[1]) == 17 and "." in columns[2]:
            yield columns[1].lower(), columns[2], columns[3]


def path(roots: Roots = REAL) -> Path:
    """Where dnsmasq keeps its leases."""
    return roots.var / "lib/desahub-dns/leases"


def mac_of(address: str, roots: Roots = REAL) -> str | None:
    """The MAC that was given ``address``, None without a lease.

    Raises:
        OperationError: the file is there and cannot be read.
    """
    # A login looks here among all leases of the village: only lines that name the address are read and taken apart.
    text, own = _read(roots), f" {address} ".encode("ascii", "replace")
    lines, at = [], text.find(own)
    while at >= 0:
        end = text.find(b"\n", at)
        end = len(text) if end < 0 else end
        lines.append(text[text.rfind(b"\n", 0, at) + 1 : end])
        at = text.find(own, end)
    return parse(b"\n".join(lines).decode("ascii", "replace")).get(address)


def names(roots: Roots = REAL) -> dict[str, str]:
    """What devices call themselves, as `parse_names`. Raises `OperationError`: the file cannot be read."""
    return parse_names(_read(roots).decode("ascii", "replace"))


def _read(roots: Roots) -> bytes:
    try:
        return path(roots).read_bytes()
    except FileNotFoundError:
        return b""  # nobody was given an address yet
    except OSError as error:
        raise OperationError(f"{path(roots)}: cannot be read: {error.strerror}") from None
