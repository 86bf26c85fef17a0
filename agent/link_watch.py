"""The moment at which a cable, an address or a way out came or went, told by the kernel.

Looked for once a second it would be known up to a second late, and the second decides about restitution. What happened
is not read: it is a reason to look at once.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Final

_log = logging.getLogger(__name__)
# RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE: linux/rtnetlink.h.
_GROUPS: Final = 0x1 | 0x10 | 0x40
_READ_BYTES: Final = 65_536
# Many changes that come together are one reason to look.
GATHER_MS: Final = 100


class LinkWatch:
    """Listens to the kernel; ``wake`` is called (from another thread) when something changed."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._changed = threading.Event()
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Begin to listen. Where the kernel does not let us, the line is looked at each second all the same."""
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
            self._socket.bind((0, _GROUPS))
        except OSError as error:
            _log.warning("the kernel does not tell of links, so they are looked at each second: %s", error)
            return
        threading.Thread(target=self._listen, args=(self._socket,), name="links", daemon=True).start()

    def has_changed(self) -> bool:
        """Is there something to `take`?"""
        return self._changed.is_set()

    def take(self) -> bool:
        """Has something changed since this was last asked?"""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def _listen(self, source: socket.socket) -> None:
        while True:
            try:
                source.recv(_READ_BYTES)
            except OSError as error:
                # ENOBUFS: more came than was read (netlink(7)); also a change.
                _log.debug("netlink: %s", error)
            self._changed.set()
            self._wake()
