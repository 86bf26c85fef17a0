"""Tables of the fleet book.

Hubs have a small number, because millions of rows name one. What is counted again and again (hubs by state, seconds by
day and by month) is also kept as sums for each kecamatan, kabupaten, province and the country, changed in the
transaction that changes what is summed: no page adds up a country's rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("fleet_book")

_SECONDS: Final = ", ".join(f"seconds_{number} INTEGER NOT NULL" for number in range(8))
_CUTS: Final = "long_cuts INTEGER NOT NULL, short_cuts INTEGER NOT NULL"


@MIGRATIONS()
def m001_cards(db: sqlite_utils.Database) -> None:
    """Make the inventory with how each hub is, and the sums by area."""
    for statement in (
        # search: name in small letters, id and code: what a text is looked for in, and what lists are sorted by.
        # state and problems stand here because lists filter by them; what changes each minute stands apart.
        "CREATE TABLE hub (number INTEGER PRIMARY KEY, hub_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
        " code TEXT NOT NULL, timezone TEXT NOT NULL, residents INTEGER, provider TEXT NOT NULL,"
        " upstream TEXT NOT NULL, broker TEXT NOT NULL, download_kbit INTEGER NOT NULL, upload_kbit INTEGER NOT NULL,"
        " address TEXT NOT NULL, latitude REAL, longitude REAL, search TEXT NOT NULL, state INTEGER NOT NULL,"
        " problems INTEGER NOT NULL, since_ms INTEGER)",
        # All that a filter asks, so that a list of an area is read from here alone.
        "CREATE INDEX hub_find ON hub (code, state, problems, provider, residents, search)",
        "CREATE INDEX hub_urgency ON hub (state, search)",
        "CREATE INDEX hub_name ON hub (search, state)",
        "CREATE INDEX hub_residents ON hub (residents DESC, search, state)",
        "CREATE INDEX hub_area ON hub (code, search, state)",
        "CREATE TABLE standing (hub INTEGER PRIMARY KEY REFERENCES hub, contact_ms INTEGER NOT NULL,"
        " record_ms INTEGER, clients_online INTEGER, uptime_seconds INTEGER, received_kbit INTEGER, sent_kbit INTEGER,"
        " round_trip_ms INTEGER, used_ms INTEGER, is_clone INTEGER NOT NULL, software_version TEXT NOT NULL,"
        " configuration_fingerprint TEXT NOT NULL)",
        "CREATE INDEX standing_contact ON standing (contact_ms)",
        "CREATE TABLE area_state (level INTEGER NOT NULL, code TEXT NOT NULL, state INTEGER NOT NULL,"
        " hubs INTEGER NOT NULL, residents INTEGER NOT NULL, residents_cut_off INTEGER NOT NULL,"
        " clients_online INTEGER NOT NULL, PRIMARY KEY (level, code, state)) WITHOUT ROWID",
        "CREATE TABLE area_name (code TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID",
        # Single values: when was judged last, up to where records were followed.
        "CREATE TABLE kept (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    ):
        db.execute(statement)


@MIGRATIONS()
def m002_past(db: sqlite_utils.Database) -> None:
    """Make histories, outages, days and months, with their sums by area."""
    for statement in (
        "CREATE TABLE history (hub INTEGER PRIMARY KEY REFERENCES hub, history BLOB NOT NULL)",
        "CREATE TABLE tail (hub INTEGER PRIMARY KEY REFERENCES hub, followed_ms INTEGER NOT NULL,"
        " again_ms INTEGER NOT NULL, read_by TEXT NOT NULL, said BLOB NOT NULL)",
        "CREATE INDEX tail_followed ON tail (followed_ms)",
        "CREATE TABLE outage (hub INTEGER NOT NULL REFERENCES hub, end_ms INTEGER NOT NULL,"
        " duration_ms INTEGER NOT NULL, condition INTEGER NOT NULL, cause INTEGER NOT NULL, basis INTEGER NOT NULL,"
        " evidence TEXT NOT NULL, known INTEGER NOT NULL, PRIMARY KEY (hub, end_ms)) WITHOUT ROWID",
        # By the end of all: what was repaired lately, wherever.
        "CREATE INDEX outage_end ON outage (end_ms, condition, duration_ms, known)",
        # By day first: what is written today lies together.
        f"CREATE TABLE day (day INTEGER NOT NULL, hub INTEGER NOT NULL REFERENCES hub, {_SECONDS}, {_CUTS},"
        " received_bytes INTEGER, sent_bytes INTEGER, clients_peak INTEGER, logins INTEGER,"
        " PRIMARY KEY (day, hub)) WITHOUT ROWID",
        f"CREATE TABLE area_day (level INTEGER NOT NULL, day INTEGER NOT NULL, code TEXT NOT NULL,"
        f" hubs INTEGER NOT NULL, {_SECONDS}, {_CUTS}, received_bytes INTEGER NOT NULL, sent_bytes INTEGER NOT NULL,"
        " logins INTEGER NOT NULL, PRIMARY KEY (level, day, code)) WITHOUT ROWID",
        f"CREATE TABLE month (month INTEGER NOT NULL, hub INTEGER NOT NULL REFERENCES hub, version INTEGER NOT NULL,"
        f" made_ms INTEGER NOT NULL, {_SECONDS}, {_CUTS}, changes TEXT NOT NULL,"
        " PRIMARY KEY (month, hub, version)) WITHOUT ROWID",
        f"CREATE TABLE area_month (level INTEGER NOT NULL, month INTEGER NOT NULL, code TEXT NOT NULL,"
        f" hubs INTEGER NOT NULL, {_SECONDS}, {_CUTS}, PRIMARY KEY (level, month, code)) WITHOUT ROWID",
        "CREATE TABLE headline (level INTEGER NOT NULL, code TEXT NOT NULL, hubs INTEGER NOT NULL,"
        " alive INTEGER NOT NULL, alive_and_used INTEGER NOT NULL, repairs INTEGER NOT NULL,"
        " median_repair_seconds INTEGER, made_ms INTEGER NOT NULL, PRIMARY KEY (level, code)) WITHOUT ROWID",
    ):
        db.execute(statement)


@MIGRATIONS()
def m003_wrong(db: sqlite_utils.Database) -> None:
    """Make incidents, and what people decide about them."""
    for statement in (
        # everyone, hubs, residents, timezone: of all its hubs, so that a list need not count them. others: JSON, the
        # names of what is no hub (the broker of a deaf NOC), those that have it now and those that ever had it.
        "CREATE TABLE incident (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,"
        " problem TEXT NOT NULL, since_ms INTEGER NOT NULL, joined_ms INTEGER NOT NULL, told_hubs INTEGER NOT NULL,"
        " quiet_ms INTEGER, acknowledged_by TEXT NOT NULL, acknowledged_ms INTEGER, opened_ms INTEGER NOT NULL,"
        " ended_ms INTEGER, told_ms INTEGER, others TEXT NOT NULL, everyone INTEGER NOT NULL, hubs INTEGER NOT NULL,"
        " residents INTEGER NOT NULL, timezone TEXT NOT NULL)",
        "CREATE INDEX incident_ended ON incident (ended_ms, problem)",
        # is_gone 0: has the problem still.
        "CREATE TABLE incident_hub (number INTEGER NOT NULL REFERENCES incident, is_gone INTEGER NOT NULL,"
        " code TEXT NOT NULL, hub INTEGER NOT NULL REFERENCES hub, PRIMARY KEY (number, is_gone, code, hub))"
        " WITHOUT ROWID",
        "CREATE INDEX incident_hub_hub ON incident_hub (hub, number)",
        "CREATE INDEX incident_hub_code ON incident_hub (code, number)",
        "CREATE TABLE incident_size (number INTEGER NOT NULL REFERENCES incident, at_ms INTEGER NOT NULL,"
        " everyone INTEGER NOT NULL, hubs INTEGER NOT NULL, PRIMARY KEY (number, at_ms)) WITHOUT ROWID",
        "CREATE TABLE silence (kind TEXT NOT NULL, name TEXT NOT NULL, problem TEXT NOT NULL,"
        " until_ms INTEGER NOT NULL, by TEXT NOT NULL, why TEXT NOT NULL,"
        " PRIMARY KEY (kind, name, problem)) WITHOUT ROWID",
        "CREATE TABLE planned (number INTEGER PRIMARY KEY AUTOINCREMENT, area TEXT NOT NULL, hub_id TEXT NOT NULL,"
        " start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, by TEXT NOT NULL, why TEXT NOT NULL)",
        "CREATE INDEX planned_end ON planned (end_ms)",
    ):
        db.execute(statement)


@MIGRATIONS()
def m004_people(db: sqlite_utils.Database) -> None:
    """Make what people write down, and who did what."""
    for statement in (
        "CREATE TABLE contact (number INTEGER PRIMARY KEY AUTOINCREMENT, hub INTEGER NOT NULL REFERENCES hub,"
        " name TEXT NOT NULL, role TEXT NOT NULL, phone TEXT NOT NULL, position INTEGER NOT NULL)",
        "CREATE INDEX contact_hub ON contact (hub, position)",
        "CREATE TABLE asset (number INTEGER PRIMARY KEY AUTOINCREMENT, hub INTEGER NOT NULL REFERENCES hub,"
        " kind TEXT NOT NULL, model TEXT NOT NULL, serial TEXT NOT NULL, since_day TEXT NOT NULL,"
        " until_day TEXT NOT NULL)",
        "CREATE INDEX asset_hub ON asset (hub)",
        "CREATE TABLE visit (number INTEGER PRIMARY KEY AUTOINCREMENT, hub INTEGER NOT NULL REFERENCES hub,"
        " day TEXT NOT NULL, by TEXT NOT NULL, what TEXT NOT NULL, reversed_why TEXT NOT NULL)",
        "CREATE INDEX visit_hub ON visit (hub, day)",
        "CREATE TABLE note (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, by TEXT NOT NULL,"
        " text TEXT NOT NULL, areas TEXT NOT NULL)",
        "CREATE TABLE deed (position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, by TEXT NOT NULL,"
        " what TEXT NOT NULL, subject TEXT NOT NULL, why TEXT NOT NULL, hash BLOB NOT NULL)",
        "CREATE INDEX deed_subject ON deed (subject, position)",
        # How many there are and how the last one ends: a chain that was shortened is not whole either.
        "CREATE TABLE deed_end (position INTEGER NOT NULL, hash BLOB NOT NULL)",
        "INSERT INTO deed_end VALUES (0, zeroblob(32))",
        "CREATE TRIGGER deed_stays BEFORE UPDATE ON deed BEGIN SELECT raise(ABORT, 'deeds are not changed'); END",
        "CREATE TRIGGER deed_remains BEFORE DELETE ON deed BEGIN SELECT raise(ABORT, 'deeds are not deleted'); END",
    ):
        db.execute(statement)


@MIGRATIONS()
def m005_alerts(db: sqlite_utils.Database) -> None:
    """Make what the alerts remember between two steps, and the outbox of their messages."""
    for statement in (
        "CREATE TABLE alert_watch (name TEXT NOT NULL, problem TEXT NOT NULL, since_ms INTEGER NOT NULL,"
        " gone_ms INTEGER, is_raised INTEGER NOT NULL, PRIMARY KEY (name, problem)) WITHOUT ROWID",
        "CREATE TABLE alert_deaf (broker TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, heard_ms INTEGER) WITHOUT ROWID",
        # Incidents that were told, are over, and whose end was not told yet.
        "CREATE TABLE alert_untold (number INTEGER PRIMARY KEY REFERENCES incident)",
        # One line for one channel; the key is what must not be said twice. sent_ms is null while it waits.
        "CREATE TABLE letter (channel TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,"
        " hubs INTEGER NOT NULL, problem TEXT NOT NULL, group_kind TEXT NOT NULL, group_name TEXT NOT NULL,"
        " since_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, is_urgent INTEGER NOT NULL, sent_ms INTEGER,"
        " PRIMARY KEY (channel, number, kind, hubs)) WITHOUT ROWID",
        "CREATE TABLE channel (name TEXT PRIMARY KEY, sent_ms INTEGER, failing_since_ms INTEGER,"
        " tries INTEGER NOT NULL, next_ms INTEGER, error TEXT NOT NULL) WITHOUT ROWID",
    ):
        db.execute(statement)


@MIGRATIONS()
def m006_commands(db: sqlite_utils.Database) -> None:
    """Make what pages show of commands."""
    for statement in (
        "CREATE TABLE given (command_id TEXT PRIMARY KEY, hub INTEGER NOT NULL REFERENCES hub, who TEXT NOT NULL,"
        " action TEXT NOT NULL, issued_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, status TEXT NOT NULL,"
        " reason TEXT NOT NULL, detail TEXT NOT NULL, answered_ms INTEGER) WITHOUT ROWID",
        "CREATE INDEX given_hub ON given (hub, issued_ms)",
    ):
        db.execute(statement)
