"""How often one address may ask: pure, now is an argument. It keeps load away; tokens of 128 bits nobody guesses."""

from __future__ import annotations

import ipaddress
import threading
from typing import Final

WINDOW_SECONDS: Final = 60.0
QUESTIONS_MAX: Final = 60  # of an address within a window: a bank's whole branch may have one
ADDRESSES_MAX: Final = 20_000


class Pace:
    """Counts questions by address, from window to window. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, int] = {}
        self._began = 0.0

    def wait_seconds(self, address: str, now_seconds: float) -> int:
        """Count a question; say for how long the address has to wait before it is answered, 0 where it need not."""
        key = network_of(address)
        with self._lock:
            if not 0 <= now_seconds - self._began < WINDOW_SECONDS or len(self._asked) >= ADDRESSES_MAX:
                self._asked.clear()
                self._began = now_seconds
            self._asked[key] = self._asked.get(key, 0) + 1
            if self._asked[key] <= QUESTIONS_MAX:
                return 0
            return max(1, int(self._began + WINDOW_SECONDS - now_seconds) + 1)


def network_of(address: str) -> str:
    """Who is counted together: an IPv4 address, or all of a subscriber's IPv6 addresses (their /64)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "?"
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)
