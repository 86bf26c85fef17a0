"""What the NOC keeps, and the seam to it: SQLite now, another database where a country reports.

The types are plain data and know no database. ``tests/contract/test_noc_store.py`` holds every store to this protocol.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from appliance.core.report import Record, State


@dataclass(frozen=True, slots=True)
class Hub:
    """One line of the inventory. ``timezone`` is an IANA name; charts of this hub are drawn in its local time."""

    hub_id: str
    name: str
    kode_wilayah: str
    timezone: str = "Asia/Jakarta"


@dataclass(frozen=True, slots=True)
class ArrivedRecord:
    """A record and when it was made, in ms of UTC; ``time_ms`` is None where nobody can tell."""

    hub_id: str
    record: Record
    time_ms: int | None
    received_ms: int


@dataclass(frozen=True, slots=True)
class ArrivedState:
    """A birth or a will, and when it came."""

    hub_id: str
    state: State
    received_ms: int


class AsideKind(enum.StrEnum):
    """Why a payload is kept aside."""

    MALFORMED = "malformed"
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_HUB = "unknown_hub"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A payload that is not what a hub should say, as it came (its beginning, where it is long)."""

    topic: str
    kind: AsideKind
    reason: str
    payload: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What one transaction commits."""

    records: Sequence[ArrivedRecord] = ()
    states: Sequence[ArrivedState] = ()
    aside: Sequence[SetAside] = ()


@dataclass(frozen=True, slots=True)
class HubFacts:
    """What is known of one hub now. ``recent`` are its latest records in time, oldest first."""

    hub: Hub
    last_contact_ms: int | None
    state: ArrivedState | None
    recent: tuple[ArrivedRecord, ...]


class NocStore(Protocol):
    """What ingest and pages ask. Each method raises `StoreError` or `StoreFull`."""

    def epoch(self) -> str: ...

    def add_hub(self, hub: Hub) -> None: ...

    def hubs(self) -> tuple[Hub, ...]: ...

    def commit(self, arrivals: Arrivals) -> int: ...

    def sweep(self, before_ms: int, limit: int) -> int: ...

    def facts(self, hub_id: str | None = None) -> tuple[HubFacts, ...]: ...

    def records(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[ArrivedRecord, ...]: ...

    def aside_counts(self) -> dict[AsideKind, int]: ...

    def aside(self, limit: int) -> tuple[SetAside, ...]: ...
