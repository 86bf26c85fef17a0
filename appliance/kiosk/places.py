"""Where a visitor stands: in the office, at the screen in the hall, or in the open network of residents. Pure."""

from __future__ import annotations

import enum
import ipaddress


class Place(enum.StrEnum):
    """As nginx says it in ``X-Desa-Place``."""

    OFFICE = "office"
    HALL = "hall"
    RESIDENT = "resident"

    @property
    def is_private(self) -> bool:
        """May a password travel from here? The residents' air is open: everybody could read it."""
        return self is not Place.RESIDENT


def place_of(header: str | None, remote_address: str | None, *, over_unix_socket: bool) -> Place:
    """Say where a request comes from; in doubt from residents, who are trusted least.

    Args:
        header: ``X-Desa-Place`` of the request.
        remote_address: the address of the connection.
        over_unix_socket: only nginx can connect, so that its header is believed. Over TCP it is not, and a
            connection from the box itself is the screen in the hall.
    """
    if over_unix_socket:
        return Place(header) if header in set(Place) else Place.RESIDENT
    try:
        own = ipaddress.ip_address(remote_address or "").is_loopback
    except ValueError:
        own = False
    return Place.HALL if own else Place.RESIDENT


def is_tls(header: str | None, *, over_unix_socket: bool) -> bool:
    """Say whether a request came by TLS: ``X-Desa-TLS`` as nginx sets it, believed where only nginx can connect."""
    return over_unix_socket and header == "yes"
