"""The fleet book in SQLite: one file beside the NOC's store, written by the watch, the pages and commands in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.store.database import open_reading, open_store
from noc.fleet_book import decisions, deeds, given, incident_lists, incidents
from noc.fleet_book.contract import (
    GivenCommand,
    IncidentCause,
    IncidentHub,
    IncidentLine,
    IncidentQuery,
    IncidentSize,
    KeptDeed,
    KeptIncident,
    KeptWindow,
    Note,
    PartQuery,
    PartSum,
    Scope,
)
from noc.fleet_book.schema import MIGRATIONS
from noc.fleet_book.sqlite_alerts import AlertBook
from noc.fleet_book.sqlite_now import EVERYWHERE, InventoryBook, StandingBook
from noc.fleet_book.sqlite_past import PastBook
from noc.rules.affected import Part
from noc.rules.alert_state import Deed, Incident, Silence
from noc.rules.groups import Group


class SqliteFleetBook(InventoryBook, StandingBook, PastBook, AlertBook):
    """`FleetBook` on one SQLite file."""

    def incidents(self, scope: Scope, *, is_open: bool, limit: int = 100) -> tuple[KeptIncident, ...]:
        """Read incidents with the ids of all their hubs, newest first."""
        with self.reading() as db:
            return incidents.several(db, scope, is_open=is_open, limit=limit)

    def incident(self, number: int, scope: Scope = EVERYWHERE) -> KeptIncident | None:
        """Read one incident with the ids of all its hubs."""
        with self.reading() as db:
            return incidents.one(db, number, scope)

    def incident_hubs(self, number: int, scope: Scope) -> tuple[IncidentHub, ...]:
        """Read all hubs that an incident ever had: those that have the problem first, each by code."""
        with self.reading() as db:
            return incidents.hubs(db, number, scope)

    def incident_lines(self, query: IncidentQuery) -> tuple[tuple[IncidentLine, ...], int]:
        """Read a page of a list of incidents, and how many there are in all."""
        with self.reading() as db:
            return incident_lists.lines(db, query)

    def incident_line(self, number: int, scope: Scope) -> IncidentLine | None:
        """Read the head of an incident; None where the account sees none."""
        with self.reading() as db:
            return incident_lists.line(db, number, scope)

    def incident_parts(self, number: int, scope: Scope, now_ms: int) -> Mapping[Part, PartSum]:
        """Count the hubs of an incident by how they are now."""
        with self.reading() as db:
            return incident_lists.parts(db, number, scope, now_ms)

    def incident_hubs_of(self, query: PartQuery) -> tuple[IncidentHub, ...]:
        """Read a page of the hubs of one part of an incident, those of most residents first."""
        with self.reading() as db:
            return incident_lists.hubs_of(db, query)

    def incident_sizes(self, number: int) -> tuple[IncidentSize, ...]:
        """Read how an incident grew and shrank, oldest first."""
        with self.reading() as db:
            return incident_lists.sizes(db, number)

    def incident_causes(self, number: int, scope: Scope) -> tuple[IncidentCause, ...]:
        """Count the hubs of an incident by the cause that their own records name."""
        with self.reading() as db:
            return incident_lists.causes(db, number, scope)

    def incidents_of(self, hub_id: str) -> tuple[IncidentLine, ...]:
        """Read the open incidents that a hub is in now, those that nobody cares for first."""
        with self.reading() as db:
            return incident_lists.of_hub(db, hub_id)

    def put_command(self, command: GivenCommand) -> None:
        """Keep what is known of a command now."""
        with self.writing() as db:
            given.put(db, command)

    def commands(self, hub_id: str, limit: int) -> tuple[GivenCommand, ...]:
        """List the newest commands of a hub, newest first."""
        with self.reading() as db:
            return given.of_hub(db, hub_id, limit)

    def put_incidents(self, opened: Sequence[Incident], ended: Sequence[Incident], now_ms: int) -> None:
        """Keep incidents as the watch sees them."""
        with self.writing() as db:
            incidents.put(db, opened, ended, now_ms)

    def acknowledge(self, number: int, deed: Deed, group: Group | None = None) -> None:
        """Note that whoever did the deed takes care of an incident, of this group alone where one is given."""
        with self.writing(deed) as db:
            incidents.acknowledge(db, number, deed.by, deed.at_ms, group)

    def silences(self, now_ms: int) -> tuple[Silence, ...]:
        """List the silences that hold now."""
        with self.reading() as db:
            return decisions.silences(db, now_ms)

    def put_silence(self, silence: Silence, deed: Deed) -> None:
        """Keep silent about a group; a silence of the same is replaced."""
        with self.writing(deed) as db:
            decisions.put_silence(db, silence, deed.at_ms)

    def lift(self, silence: Silence, deed: Deed) -> None:
        """End a silence before its time."""
        with self.writing(deed) as db:
            decisions.lift(db, silence)

    def windows(self, from_ms: int, to_ms: int, hub_id: str = "", scope: Scope = EVERYWHERE) -> tuple[KeptWindow, ...]:
        """List planned work that lies within a time or reaches into it, by its begin."""
        with self.reading() as db:
            return decisions.windows(db, (from_ms, to_ms), hub_id, scope)

    def window(self, window_id: int, scope: Scope = EVERYWHERE) -> KeptWindow | None:
        """Read one window; None where there is none, or not all of it is the account's to decide."""
        with self.reading() as db:
            return decisions.window(db, window_id, scope)

    def put_window(self, window: KeptWindow, deed: Deed) -> int:
        """Plan work (its id is 0) or change a plan; return its id."""
        with self.writing(deed) as db:
            return decisions.put_window(db, window)

    def end_window(self, window_id: int, end_ms: int, deed: Deed) -> None:
        """End planned work early; call it off where it has not begun."""
        with self.writing(deed) as db:
            decisions.end_window(db, window_id, end_ms)

    def notes(self, limit: int, scope: Scope = EVERYWHERE) -> tuple[Note, ...]:
        """List the newest notes that an account may read, newest first."""
        with self.reading() as db:
            return decisions.notes(db, limit, scope)

    def put_note(self, note: Note, deed: Deed) -> int:
        """Add a note; return its id."""
        with self.writing(deed) as db:
            return decisions.put_note(db, note)

    def deeds(self, limit: int, subject: str = "", before: int = 0) -> tuple[Deed, ...]:
        """List the newest deeds, newest first."""
        with self.reading() as db:
            return deeds.latest(db, limit, subject, before)

    def find_deeds(
        self, limit: int, *, by: str = "", what: str = "", subject: str = "", before: int = 0
    ) -> tuple[KeptDeed, ...]:
        """List the newest deeds that are all of what is asked for, newest first."""
        with self.reading() as db:
            return deeds.find(db, limit, by=by, what=what, subject=subject, before=before)

    def deeds_end(self) -> tuple[int, str]:
        """Say how many deeds there are, and the hash of the last one."""
        with self.reading() as db:
            return deeds.end(db)

    def verify_deeds(self) -> int | None:
        """Find the first deed that is not what was written, counted from 1; None where all are."""
        with self.reading() as db:
            return deeds.first_broken(db)

    def write_deed(self, deed: Deed) -> None:
        """Note what somebody did elsewhere."""
        with self.writing(deed):
            pass


def open_fleet_book(path: Path) -> SqliteFleetBook:
    """Open (or make) the fleet book for writing. Raises `StoreError` as `open_store` does."""
    return SqliteFleetBook(open_store(path, [MIGRATIONS]))


def open_fleet_book_reading(path: Path) -> SqliteFleetBook:
    """Open the fleet book for reading only. Raises `StoreError` as `open_reading` does."""
    return SqliteFleetBook(open_reading(path, [MIGRATIONS]))
