"""What the NOC keeps, and the seam to it: SQLite now, another database where a country reports.

The types are plain data and know no database. ``tests/contract/test_noc_store.py`` holds every store to this protocol.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.letter_marks import Mark
from appliance.core.report import Record, State


@dataclass(frozen=True, slots=True)
class Hub:
    """One line of the inventory. ``timezone`` is an IANA name; charts of this hub are drawn in its local time."""

    hub_id: str
    name: str
    kode_wilayah: str
    timezone: str = "Asia/Jakarta"


@dataclass(frozen=True, slots=True)
class ArrivedBatch:
    """A report as it came, which `appliance.core.report.decode` reads, and what a store must know to file it.

    ``identities`` are boot id and sequence of each record. ``from_ms`` and ``to_ms`` bound the times of the records, in
    ms of UTC, where the box knew the date for all of them (`noc.store.moments`); else they are None.
    """

    hub_id: str
    payload: bytes
    received_ms: int
    identities: tuple[tuple[str, int], ...]
    from_ms: int | None
    to_ms: int | None


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
    OTHER_HUBS_LETTER = "other_hubs_letter"


@dataclass(frozen=True, slots=True)
class SetAside:
    """A payload that is not what a hub should say, as it came (its beginning, where it is long)."""

    topic: str
    kind: AsideKind
    reason: str
    payload: bytes
    received_ms: int


@dataclass(frozen=True, slots=True)
class ArrivedMarks:
    """Marks of a hub's letters in one message. ``key`` is by what its receipt names it."""

    hub_id: str
    marks: tuple[Mark, ...]
    key: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class KeptMark:
    """What is known of one letter, of which hub, and when its last change came."""

    hub_id: str
    mark: Mark
    received_ms: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What one transaction commits."""

    batches: Sequence[ArrivedBatch] = ()
    states: Sequence[ArrivedState] = ()
    aside: Sequence[SetAside] = ()
    marks: Sequence[ArrivedMarks] = ()


@dataclass(frozen=True, slots=True)
class HubFacts:
    """What is known of one hub now. ``recent`` are its latest records in time, oldest first."""

    hub: Hub
    last_contact_ms: int | None
    state: ArrivedState | None
    recent: tuple[ArrivedRecord, ...]


@dataclass(frozen=True, slots=True)
class Birth:
    """A connection that a hub opened. Two boxes with one identity show as boot ids that take turns."""

    boot_id: str
    session: int
    received_ms: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One sample over an hour: of its ``count`` numbers the sum, the least and the greatest.

    ``moved`` is by how much a counter grew between records of one boot; of what is no counter it says nothing.
    """

    count: int
    total: float
    least: float
    greatest: float
    moved: float


@dataclass(frozen=True, slots=True)
class Hour:
    """What a hub said in one hour of UTC: how many records, and each sample's summary."""

    hub_id: str
    hour_ms: int
    records: int
    samples: Mapping[str, Summary]


@dataclass(frozen=True, slots=True)
class Came:
    """A report that was kept, less the records that had come before.

    It left ``sent_boottime_ms`` after the start of the boot ``sent_boot_id``.
    """

    hub_id: str
    received_ms: int
    sent_boot_id: str
    sent_boottime_ms: int
    records: tuple[Record, ...]


CELLS_MAX: Final = 500_000  # some 30 MiB: a thousand reports as they come, not two dozen of the greatest backlog
_CELLS_OF_A_RECORD: Final = 8  # what a record takes besides its samples, in samples


def cells_of(records: Iterable[Record]) -> int:
    """Say how much memory records take, in samples."""
    return sum(_CELLS_OF_A_RECORD + len(each.samples) for each in records)


def may_be_more(came: Sequence[Came], limit: int) -> bool:
    """Say whether a step of ``limit`` reports ended because it was full (`NocStore.came`), by count or by size."""
    return len(came) >= limit or sum(cells_of(each.records) for each in came) >= CELLS_MAX


class NocStore(Protocol):
    """What ingest and pages ask. Each method raises `StoreError` or `StoreFull`.

    `commit` is what a hub waits for. What follows from it (facts, roll-ups) is made later, in steps of bounded size:
    `project` brings the facts up to what is committed, `roll_up` makes the hours that are over.

    Who follows what comes asks with a mark, and gets the next one: `changed` tells whose facts are others, and `came`
    the reports in the order in which they were kept, each once: at most so many as asked, and none behind the one that
    makes `CELLS_MAX` full (`may_be_more` tells whether to ask again at once). A mark of another store, or ``""``, means
    from the beginning.

    Signs say that the way is open (`noc.ingest.ear`): a later `put_sign` takes the place of an earlier one, also where
    the clock was set back between them.
    """

    def epoch(self) -> str: ...

    def add_hub(self, hub: Hub) -> None: ...

    # Adds those that are not there, and gives the others the name, code and time zone that they have here.
    def put_hubs(self, hubs: Sequence[Hub]) -> None: ...

    def hubs(self) -> tuple[Hub, ...]: ...

    def known(self, hub_ids: Collection[str]) -> frozenset[str]: ...

    def commit(self, arrivals: Arrivals) -> int: ...

    def project(self, limit: int) -> int: ...

    def roll_up(self, now_ms: int, limit: int) -> int: ...

    # The newest ``least_days`` days on which anything came stay, whatever the date is said to be.
    def sweep(self, before_ms: int, limit: int, least_days: int = 0) -> int: ...

    def facts(self, hub_id: str | None = None) -> tuple[HubFacts, ...]: ...

    def records(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[ArrivedRecord, ...]: ...

    def hours(self, hub_id: str, from_ms: int, to_ms: int) -> tuple[Hour, ...]: ...

    def put_sign(self, name: str, at_ms: int) -> None: ...

    def drop_signs(self, names: Collection[str]) -> None: ...

    def signs(self) -> Mapping[str, int]: ...

    def changed(self, mark: str) -> tuple[str, tuple[str, ...]]: ...

    def facts_of(self, hub_ids: Collection[str]) -> tuple[HubFacts, ...]: ...

    def came(self, mark: str, limit: int) -> tuple[str, tuple[Came, ...]]: ...

    def waiting(self, mark: str) -> int: ...

    # A follower that keeps its mark nowhere else keeps it here, by its name.
    def mark(self, follower: str) -> str: ...

    def put_mark(self, follower: str, mark: str) -> None: ...

    def births(self, hub_id: str) -> tuple[Birth, ...]: ...

    # A letter is the hub's whose mark came first; another's mark of it goes aside. Void stands above valid, and stays.
    def letter(self, digest: bytes) -> KeptMark | None: ...

    def aside_counts(self) -> dict[AsideKind, int]: ...

    def aside(self, limit: int) -> tuple[SetAside, ...]: ...
