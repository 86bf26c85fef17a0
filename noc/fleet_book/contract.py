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
from noc.rules.affected import Part
from noc.rules.alert_state import ChannelState, Deed, Incident, Letter, People, Silence, State
from noc.rules.groups import Group
from noc.rules.history import History
from noc.rules.outages import Headline, Outage
from noc.rules.problems import Problem
from noc.rules.sla import Sla, SlaClass, Version
from noc.rules.states import Basis, Cause, Condition, Window
from noc.store.contract import Hub


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
    """A thing that stands there: box, modem, antenna, UPS. ``until_day`` is when it was taken away, "" until then."""

    asset_id: int
    hub_id: str
    kind: str
    model: str
    serial: str
    since_day: str
    until_day: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody was there, or will be: ``what`` was done, by whom.

    One that was written wrongly stays; ``reversed_why`` says who reversed it and why, "" of one that holds.
    """

    visit_id: int
    hub_id: str
    day: str
    by: str
    what: str
    reversed_why: str = ""


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
class AreaSum:
    """Days of all hubs of an area, added up: seconds of each class, and cuts. ``day`` is "" for several days.

    ``hub_days`` is how many there are; bytes and logins are of those days that have some.
    """

    code: str
    day: str
    seconds: Mapping[SlaClass, int]
    long_cuts: int
    short_cuts: int
    name: str = ""
    hub_days: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    logins: int = 0


@dataclass(frozen=True, slots=True)
class MonthSum:
    """The latest versions of a month of the hubs of an area, added up; ``hubs`` is how many have one."""

    code: str
    name: str
    hubs: int
    sla: Sla


@dataclass(frozen=True, slots=True)
class HubMonth:
    """A month of one hub, as it was made last."""

    card: Card
    version: Version


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
class IncidentQuery:
    """Which incidents a list shows: open ones by who waits longest for somebody, ended ones from the latest end on.

    ``area`` and ``problem`` narrow it; ``from_ms`` leaves out what ended before.
    """

    scope: Scope = Scope()
    is_open: bool = True
    area: str = ""
    problem: Problem | None = None
    from_ms: int = 0
    offset: int = 0
    limit: int = 25


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident without its hubs, for lists and for the head of its page.

    Attributes:
        number: as of `Incident`; so are group, problem, since_ms, acknowledged_by and acknowledged_ms.
        everyone: hubs that ever had it.
        seen: those of them within the scope that was asked for.
        hubs: of the seen, those that have it now.
        residents: of these hubs, as far as somebody wrote them down.
        timezone: of the first of the seen, "" where none is.
    """

    number: int
    group: Group
    problem: Problem
    since_ms: int
    opened_ms: int
    ended_ms: int | None
    acknowledged_by: str
    acknowledged_ms: int | None
    everyone: int
    seen: int
    hubs: int
    residents: int
    timezone: str


@dataclass(frozen=True, slots=True)
class PartQuery:
    """Which hubs of an incident a page shows: those of one part, as it is at ``now_ms``."""

    number: int
    part: Part
    now_ms: int
    scope: Scope = Scope()
    offset: int = 0
    limit: int = 25


@dataclass(frozen=True, slots=True)
class PartSum:
    """Hubs of one part of an incident, and their residents as far as somebody wrote them down."""

    hubs: int
    residents: int


@dataclass(frozen=True, slots=True)
class IncidentSize:
    """How many hubs had an incident at a moment, and how many ever had it until then."""

    at_ms: int
    everyone: int
    hubs: int


@dataclass(frozen=True, slots=True)
class IncidentCause:
    """For how many hubs of an incident their own records name this cause; condition None where none came yet."""

    condition: Condition | None
    cause: Cause
    basis: Basis
    hubs: int


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
    """What a shift leaves to the next one. ``areas`` are those its writer saw, none of the whole country.

    An account reads the notes whose writers saw nothing but what it sees itself.
    """

    note_id: int
    at_ms: int
    by: str
    text: str
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GivenCommand:
    """An order to a hub and the last that is known of it, as pages show it.

    Attributes:
        hub_id: whose.
        command_id: its id.
        who: who gave it.
        action: what, as JSON (docs/wire.md, ``action``); of a configuration the names of its keys alone.
        issued_ms: when; it ends at ``expires_ms``.
        expires_ms: until when a hub takes it.
        status: what became of it, "" while the hub said nothing; ``reason`` and ``detail`` say why.
        reason: a word of the wire.
        detail: the hub's own sentence, in English.
        answered_ms: when the last answer came.
    """

    hub_id: str
    command_id: str
    who: str
    action: str
    issued_ms: int
    expires_ms: int
    status: str = ""
    reason: str = ""
    detail: str = ""
    answered_ms: int | None = None


@dataclass(frozen=True, slots=True)
class KeptDeed:
    """A deed and its position in the chain, counted from 1."""

    position: int
    deed: Deed


@dataclass(frozen=True, slots=True)
class Followed:
    """What the watch learned of one hub.

    Replaces its history, its outages that end after ``since_ms`` and its days, and adds ``versions``: each of another
    month, with a number that its month does not have yet.
    """

    hub_id: str
    history: History
    since_ms: int
    outages: Sequence[Outage]
    days: Sequence[Day]
    versions: Sequence[Version] = ()


@dataclass(frozen=True, slots=True)
class Tail:
    """What came of a hub since its history was written last: a history too, small, written often and soon put to it.

    Attributes:
        hub_id: whose.
        said: what came, and before it the last that the history has of this boot.
        followed_ms: when history, outages and days were brought up last.
        again_ms: days from this moment on are to be counted once more, since hours may be made later than they were.
        read_by: by which contract and which windows; where these are others now, all is counted anew.
    """

    hub_id: str
    said: History
    followed_ms: int
    again_ms: int
    read_by: str


class FleetBook(Protocol):
    """What watch, pages and commands ask.

    Raises:
        StoreError, StoreFull: the database did not take or give it.
        ValueError: a text, a number or a time is not allowed; the message says what is. Nothing was changed.
        KeyError: there is no such hub, contact, incident, silence or window. Nothing was changed.

    Queries with a `Scope` answer as if what lies outside of it were not there. Those of one hub (`card`, `standing`,
    `contacts`, `assets`, `visits`, `commands`, `incidents_of`) have none: whoever asks looks at the card's code first.
    """

    # The inventory's other half. `cards` has a line for each hub of the NOC's store (the watch brings new ones).
    # `take_over` does that, and lets name, code and time zone follow the inventory; it returns whose card changed.
    def take_over(self, hubs: Sequence[Hub]) -> frozenset[str]: ...
    def put_cards(self, cards: Sequence[Card], deed: Deed) -> None: ...
    def card(self, hub_id: str) -> Card | None: ...
    def cards(self, scope: Scope = Scope(), area: str = "") -> tuple[Card, ...]: ...
    def put_area_names(self, names: Mapping[str, str], deed: Deed) -> None: ...
    def area_name(self, code: str) -> str: ...
    def area_names(self, codes: Collection[str]) -> Mapping[str, str]: ...
    def put_inventory(self, cards: Sequence[Card], contacts: Sequence[Contact], deed: Deed) -> None: ...
    def contacts(self, hub_id: str) -> tuple[Contact, ...]: ...
    def contacts_of(self, hub_ids: Collection[str]) -> Mapping[str, tuple[Contact, ...]]: ...
    def put_contact(self, contact: Contact, deed: Deed) -> int: ...
    def drop_contact(self, contact_id: int, deed: Deed) -> None: ...
    def assets(self, hub_id: str) -> tuple[Asset, ...]: ...
    def put_asset(self, asset: Asset, deed: Deed) -> int: ...
    def visits(self, hub_id: str) -> tuple[Visit, ...]: ...
    def put_visit(self, visit: Visit, deed: Deed) -> int: ...

    # What was ordered of hubs, as it is told by who orders; the newest of each hub stay.
    def put_command(self, command: GivenCommand) -> None: ...
    def commands(self, hub_id: str, limit: int) -> tuple[GivenCommand, ...]: ...

    # How the fleet is.
    def put_standings(self, standings: Sequence[Standing], now_ms: int) -> None: ...
    def judged_ms(self) -> int | None: ...
    def standing(self, hub_id: str) -> Standing | None: ...
    def standings(self, hub_ids: Collection[str]) -> Mapping[str, Standing]: ...
    def find(self, query: Query) -> Found: ...
    def areas(self, scope: Scope, parent: str) -> tuple[AreaLine, ...]: ...
    def area(self, scope: Scope, code: str) -> AreaLine | None: ...

    # How it was. One transaction holds what was learned, the tails, and up to where records were read (the mark).
    def histories(self, hub_ids: Collection[str]) -> Mapping[str, History]: ...
    def put_followed(self, followed: Sequence[Followed], mark: str, tails: Sequence[Tail] = ()) -> None: ...
    def tails(self, hub_ids: Collection[str]) -> Mapping[str, Tail]: ...

    # Hubs whose history was brought up before this moment, longest ago first.
    def stale(self, before_ms: int, limit: int) -> tuple[str, ...]: ...

    # Deletes outages that ended before this moment and days before its day, some at a time; 0 when none is left.
    def forget(self, before_ms: int, limit: int) -> int: ...
    def followed_mark(self) -> str: ...
    def outages(
        self, scope: Scope, area: str, from_ms: int, to_ms: int, hub_id: str = ""
    ) -> tuple[KeptOutage, ...]: ...
    def days(self, scope: Scope, area: str, from_day: str, to_day: str, hub_id: str = "") -> tuple[Day, ...]: ...

    # The same for whole areas, from sums that are kept with the days: no page reads 83,762 hubs for one figure.
    # `area_days` has a line for each day, `area_sums` one for each child of ``parent`` (as `areas` has).
    def area_days(self, scope: Scope, area: str, from_day: str, to_day: str) -> tuple[AreaSum, ...]: ...
    def area_sums(self, scope: Scope, parent: str, from_day: str, to_day: str) -> tuple[AreaSum, ...]: ...
    # Headlines of a country take a while: the watch has them made every few minutes, and pages read what was made.
    def make_headlines(self, now_ms: int) -> None: ...
    def headline(self, scope: Scope, area: str, now_ms: int) -> Headline: ...

    def versions(self, hub_ids: Collection[str], month: str) -> Mapping[str, Version]: ...
    def all_versions(self, hub_id: str, month: str) -> tuple[Version, ...]: ...
    def put_versions(self, versions: Mapping[str, Version]) -> None: ...

    # Months of areas: added up for each child of ``area``, and the latest of each hub, for papers.
    def month_sums(self, scope: Scope, area: str, month: str) -> tuple[MonthSum, ...]: ...
    def sla_of_area(self, scope: Scope, area: str, month: str) -> tuple[HubMonth, ...]: ...

    # What is wrong. The watch opens, changes and ends incidents; people acknowledge. Who gives a group to `acknowledge`
    # means the incident only while it is that group's: the watch may have widened it since they looked.
    def incidents(self, scope: Scope, *, is_open: bool, limit: int = 100) -> tuple[KeptIncident, ...]: ...
    def incident(self, number: int, scope: Scope = Scope()) -> KeptIncident | None: ...
    def incident_hubs(self, number: int, scope: Scope) -> tuple[IncidentHub, ...]: ...

    # The same for pages: counts and one page of hubs at a time, of an incident of any size. `incident_lines` also says
    # how many there are in all. Parts are those of `noc.rules.affected`, hubs of one by residents, most first.
    def incident_lines(self, query: IncidentQuery) -> tuple[tuple[IncidentLine, ...], int]: ...
    def incident_line(self, number: int, scope: Scope) -> IncidentLine | None: ...
    def incident_parts(self, number: int, scope: Scope, now_ms: int) -> Mapping[Part, PartSum]: ...
    def incident_hubs_of(self, query: PartQuery) -> tuple[IncidentHub, ...]: ...
    def incident_sizes(self, number: int) -> tuple[IncidentSize, ...]: ...
    def incident_causes(self, number: int, scope: Scope) -> tuple[IncidentCause, ...]: ...

    # The open ones that this hub is in now, as long as it is; those that nobody cares for first.
    def incidents_of(self, hub_id: str) -> tuple[IncidentLine, ...]: ...

    def put_incidents(self, opened: Sequence[Incident], ended: Sequence[Incident], now_ms: int) -> None: ...
    def acknowledge(self, number: int, deed: Deed, group: Group | None = None) -> None: ...
    def silences(self, now_ms: int) -> tuple[Silence, ...]: ...
    def put_silence(self, silence: Silence, deed: Deed) -> None: ...
    def lift(self, silence: Silence, deed: Deed) -> None: ...
    def windows(self, from_ms: int, to_ms: int, hub_id: str = "", scope: Scope = Scope()) -> tuple[KeptWindow, ...]: ...
    def window(self, window_id: int, scope: Scope = Scope()) -> KeptWindow | None: ...
    def put_window(self, window: KeptWindow, deed: Deed) -> int: ...
    def end_window(self, window_id: int, end_ms: int, deed: Deed) -> None: ...

    # What the alerts remember. `put_alerts` keeps a step, incidents and letters included, as one: ``before`` is the
    # state that was kept last. What people decided is theirs: it is read by `people` and written by nobody else.
    def alert_state(self, now_ms: int) -> State: ...
    def people(self, now_ms: int) -> People: ...
    def put_alerts(self, before: State, after: State, letters: Sequence[Letter], now_ms: int) -> None: ...

    # What is still to be sent by each channel, and how the channels are: one that fails is shown to people.
    def waiting_letters(self, channel: str) -> tuple[Letter, ...]: ...
    def put_sent(self, letters: Collection[Letter], state: ChannelState, now_ms: int) -> None: ...
    def channels(self) -> tuple[ChannelState, ...]: ...
    def keep_channels(self, names: Collection[str]) -> None: ...

    def notes(self, limit: int, scope: Scope = Scope()) -> tuple[Note, ...]: ...
    def put_note(self, note: Note, deed: Deed) -> int: ...

    # Who did what: a chain that only grows, each row proving those before it. `verify_deeds` finds the first broken
    # one; `deeds_end` is their number and the last hash, which proves all when it was written down elsewhere.
    def deeds(self, limit: int, subject: str = "", before: int = 0) -> tuple[Deed, ...]: ...
    def find_deeds(
        self, limit: int, *, by: str = "", what: str = "", subject: str = "", before: int = 0
    ) -> tuple[KeptDeed, ...]: ...
    def deeds_end(self) -> tuple[int, str]: ...
    def verify_deeds(self) -> int | None: ...
    def write_deed(self, deed: Deed) -> None: ...
