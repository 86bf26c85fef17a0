"""What the NOC knows of its fleet beyond what hubs say, and the seam to it.

Two write here. *The watch* (`noc.watch`) writes what follows from records: standings, histories, outages, days,
months, incidents. *People* write through the pages and `desahub-noc`: cards, contacts, assets, visits, windows,
silences, notes, and who takes care of an incident. Neither writes what the other owns. Every change by a person leaves
a `Deed` in the same transaction.

The types are plain data and know no database. Times are ms of UTC, speeds kbit a second. An area is the beginning of a
kode wilayah: ``""`` the country, ``51`` a province, ``51.03`` a kabupaten or kota, ``51.03.01`` a kecamatan.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from noc.fleet import HubState
from noc.rules.alert_state import Deed, Incident, Silence
from noc.rules.history import History
from noc.rules.outages import Outage
from noc.rules.problems import Problem
from noc.rules.sla import SlaClass, Version
from noc.rules.states import Window


@dataclass(frozen=True, slots=True)
class Scope:
    """Which areas an account may see; empty is the whole country."""

    areas: tuple[str, ...] = ()

    def sees(self, code: str) -> bool:
        """Say whether a village, or an area as a whole, lies within."""
        return not self.areas or any(f"{code}.".startswith(f"{area}.") for area in self.areas)


@dataclass(frozen=True, slots=True)
class Card:
    """What people know of a hub. ``provider`` sells the line, ``upstream`` is what it shares with others on its way.

    ``download_kbit`` and ``upload_kbit`` are the contracted speed, 0 where nobody wrote it down; ``residents`` is how
    many live there, None where nobody did.
    """

    hub_id: str
    name: str
    kode_wilayah: str
    timezone: str = "Asia/Jakarta"
    residents: int | None = None
    provider: str = ""
    upstream: str = ""
    broker: str = ""
    download_kbit: int = 0
    upload_kbit: int = 0
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call. Personal data: only in pages of accounts that see the hub, and in dispatch lists they ask for."""

    contact_id: int
    hub_id: str
    name: str
    role: str
    phone: str
    order: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing that stands there: box, modem, antenna, UPS."""

    asset_id: int
    hub_id: str
    kind: str
    model: str
    serial: str
    since_day: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody was there, or will be: ``what`` was done, by whom."""

    visit_id: int
    hub_id: str
    day: str
    by: str
    what: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a hub is now, as the watch judged it last; figures are None while they are not recent."""

    hub_id: str
    state: HubState
    problems: tuple[Problem, ...]
    since_ms: int | None
    contact_ms: int | None
    record_ms: int | None
    clients_online: int | None = None
    uptime_seconds: int | None = None
    received_kbit: int | None = None
    sent_kbit: int | None = None
    round_trip_ms: int | None = None
    software_version: str = ""
    configuration_fingerprint: str = ""
    used_ms: int | None = None
    is_clone: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list of hubs."""

    card: Card
    standing: Standing


class Order(enum.StrEnum):
    """How a list is sorted; each ends with the name, so that pages of it never overlap."""

    URGENCY = "urgency"
    NAME = "name"
    AREA = "area"
    CONTACT = "contact"
    RESIDENTS = "residents"


@dataclass(frozen=True, slots=True)
class Query:
    """Which hubs a list shows. ``text`` is found in name, id and code."""

    scope: Scope = Scope()
    area: str = ""
    states: Collection[HubState] = ()
    problem: Problem | None = None
    provider: str = ""
    text: str = ""
    order: Order = Order.URGENCY
    offset: int = 0
    limit: int = 25


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a list, how many there are in all, and how many of each state (without the filter by state)."""

    rows: tuple[Row, ...]
    total: int
    states: Mapping[HubState, int]


@dataclass(frozen=True, slots=True)
class AreaLine:
    """An area and how its hubs are. ``residents_cut_off`` are those of hubs without contact or internet."""

    code: str
    name: str
    hubs: int
    states: Mapping[HubState, int]
    residents_cut_off: int
    clients_online: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a hub in its own time zone (``day`` as 2026-08-17): seconds of each class, and how much it was used."""

    hub_id: str
    day: str
    seconds: Mapping[SlaClass, int]
    long_cuts: int
    short_cuts: int
    received_bytes: int | None
    sent_bytes: int | None
    clients_peak: int | None
    logins: int | None


@dataclass(frozen=True, slots=True)
class KeptOutage:
    """An outage and whose."""

    hub_id: str
    outage: Outage


@dataclass(frozen=True, slots=True)
class KeptIncident:
    """An incident as it is kept: ``ended_ms`` is None while it is open, ``told_ms`` while nobody was told."""

    incident: Incident
    opened_ms: int
    ended_ms: int | None
    told_ms: int | None


@dataclass(frozen=True, slots=True)
class IncidentHub:
    """A hub that an incident ever had. ``is_in`` says it still has the problem; ``row`` says how it is now."""

    row: Row
    is_in: bool
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """Planned work on a hub, or on all hubs of an area: what is down meanwhile is excused."""

    window_id: int
    area: str
    hub_id: str
    window: Window
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a shift leaves to the next one."""

    note_id: int
    at_ms: int
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Followed:
    """What the watch learned of one hub: replaces its history, its outages that end after ``since_ms``, its days."""

    hub_id: str
    history: History
    since_ms: int
    outages: Sequence[Outage]
    days: Sequence[Day]


class FleetBook(Protocol):
    """What watch, pages and commands ask. Each method raises `StoreError` or `StoreFull`."""

    # The inventory's other half. `cards` has a line for each hub of the NOC's store (the watch brings new ones).
    def put_cards(self, cards: Sequence[Card], deed: Deed) -> None: ...
    def card(self, hub_id: str) -> Card | None: ...
    def cards(self, scope: Scope = Scope(), area: str = "") -> tuple[Card, ...]: ...
    def put_area_names(self, names: Mapping[str, str], deed: Deed) -> None: ...
    def area_name(self, code: str) -> str: ...
    def contacts(self, hub_id: str) -> tuple[Contact, ...]: ...
    def put_contact(self, contact: Contact, deed: Deed) -> int: ...
    def drop_contact(self, contact_id: int, deed: Deed) -> None: ...
    def assets(self, hub_id: str) -> tuple[Asset, ...]: ...
    def put_asset(self, asset: Asset, deed: Deed) -> int: ...
    def visits(self, hub_id: str) -> tuple[Visit, ...]: ...
    def put_visit(self, visit: Visit, deed: Deed) -> int: ...

    # How the fleet is.
    def put_standings(self, standings: Sequence[Standing], now_ms: int) -> None: ...
    def judged_ms(self) -> int | None: ...
    def standing(self, hub_id: str) -> Standing | None: ...
    def find(self, query: Query) -> Found: ...
    def areas(self, scope: Scope, parent: str) -> tuple[AreaLine, ...]: ...

    # How it was.
    def histories(self, hub_ids: Collection[str]) -> Mapping[str, History]: ...
    def put_followed(self, followed: Sequence[Followed], mark: str) -> None: ...
    def followed_mark(self) -> str: ...
    def outages(
        self, scope: Scope, area: str, from_ms: int, to_ms: int, hub_id: str = ""
    ) -> tuple[KeptOutage, ...]: ...
    def days(self, scope: Scope, area: str, from_day: str, to_day: str, hub_id: str = "") -> tuple[Day, ...]: ...
    def versions(self, hub_ids: Collection[str], month: str) -> Mapping[str, Version]: ...
    def put_versions(self, versions: Mapping[str, Version]) -> None: ...

    # What is wrong. The watch opens, changes and ends incidents; people acknowledge.
    def incidents(self, scope: Scope, *, is_open: bool, limit: int = 100) -> tuple[KeptIncident, ...]: ...
    def incident(self, number: int) -> KeptIncident | None: ...
    def incident_hubs(self, number: int, scope: Scope) -> tuple[IncidentHub, ...]: ...
    def put_incidents(self, opened: Sequence[Incident], ended: Sequence[Incident], now_ms: int) -> None: ...
    def acknowledge(self, number: int, deed: Deed) -> None: ...
    def silences(self, now_ms: int) -> tuple[Silence, ...]: ...
    def put_silence(self, silence: Silence, deed: Deed) -> None: ...
    def lift(self, silence: Silence, deed: Deed) -> None: ...
    def windows(self, from_ms: int, to_ms: int, hub_id: str = "", scope: Scope = Scope()) -> tuple[KeptWindow, ...]: ...
    def put_window(self, window: KeptWindow, deed: Deed) -> int: ...
    def end_window(self, window_id: int, end_ms: int, deed: Deed) -> None: ...
    def notes(self, limit: int) -> tuple[Note, ...]: ...
    def put_note(self, note: Note, deed: Deed) -> int: ...

    # Who did what.
    def deeds(self, limit: int, subject: str = "") -> tuple[Deed, ...]: ...
    def write_deed(self, deed: Deed) -> None: ...
