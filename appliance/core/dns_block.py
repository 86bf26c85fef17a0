"""Where the family filter leads, and on which ports its programs meet. Shared by firewall, web front and filter."""

from __future__ import annotations

from typing import Final

# IANA's dummy address (RFC 7600): nobody on the internet has it, and dnsmasq does not take it for rebinding.
BLOCK_ADDRESS: Final = "192.0.0.8"
CACHE_PORT: Final = 5300  # the caching dnsmasq of filtered networks, on their bridges
FILTER_PORT: Final = 5335  # the filter behind it, on loopback
PAGE_PORT: Final = 8081  # nginx's page for what is blocked
