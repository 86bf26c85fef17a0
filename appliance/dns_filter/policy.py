"""What becomes of a question. Pure: the configuration and the index decide, nothing else."""

from __future__ import annotations

import enum
from collections.abc import Set
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core import encrypted_dns
from appliance.core.config import Config
from appliance.core.probes import PROBE_HOSTS
from appliance.dns_filter import names
from appliance.dns_filter.message import Query, Type
from appliance.dns_filter.safe_search import SAFE_HOSTS

_CANARIES: Final = frozenset(host.encode() for host in encrypted_dns.CANARIES)
_ENCRYPTED: Final = frozenset(host.encode() for host in encrypted_dns.HOSTS)
_TYPES_OF_SAFE_SEARCH: Final = (Type.A, Type.AAAA, Type.SVCB, Type.HTTPS, Type.ANY)


class Listed(Protocol):
    """What is blocked by lists."""

    def blocks(self, name: bytes) -> bool:
        """Is the name, or a domain above it, listed?"""
        ...


class Verdict(enum.Enum):
    """What to do with a question."""

    PASS = "pass"  # noqa: S105 - no password
    BLOCK = "block"
    DENY = "deny"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class Policy:
    """What ``hub.toml`` says, as sets of normalised names; ``exact`` ones never blocked stand for themselves alone."""

    exact: Set[bytes]
    allowed: Set[bytes]
    blocked: Set[bytes]
    safe_search: bool

    @classmethod
    def of(cls, config: Config) -> Policy:
        """Take the configuration's own names; what the box needs is never blocked."""
        needed = {*PROBE_HOSTS, config.portal.host, config.kiosk.host, *((config.noc.host,) if config.noc else ())}
        blocked = {name.encode() for name in config.filter.blocked_domains}
        return cls(
            frozenset(host.encode() for host in needed),
            frozenset(name.encode() for name in (*config.filter.allowed_domains, *config.portal.garden_names)),
            frozenset(blocked | _ENCRYPTED if config.filter.refuse_encrypted_dns else blocked),
            config.filter.safe_search,
        )

    def decide(self, query: Query, listed: Listed) -> Verdict:
        """What to do with ``query``."""
        name = query.name
        if name in _CANARIES:
            return Verdict.DENY
        is_free = name in self.exact or names.is_under(name, self.allowed)
        if not is_free and (names.is_under(name, self.blocked) or listed.blocks(name)):
            return Verdict.BLOCK
        if self.safe_search and name in SAFE_HOSTS and query.type in _TYPES_OF_SAFE_SEARCH:
            return Verdict.SAFE
        return Verdict.PASS
