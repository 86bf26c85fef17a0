"""Grants, durable: who was let online, so that a reboot or a restart shuts nobody out.

One row per address, as in the gate: who gets an address that another device had takes its place. Portal and keeper
write here, each in its own process; what several threads of the portal write at once is committed together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from appliance.core.config.networks import Access
from appliance.core.together import Entered
from appliance.gate.protocol import Admitted, Client
from appliance.store.database import Database, Store
from appliance.store.group_commit import GroupCommit
from captive_portal import blocks, budgets, departures, sessions
from captive_portal.database import open_database
from captive_portal.departures import Departure
from captive_portal.now import Now
from captive_portal.rules import Decision, End, Grant, Known, remaining_seconds

# A phone has one address; some take a second after a while. More is one device that fills the village's places.
ADDRESSES_PER_MAC_MAX: Final = 4
T = TypeVar("T")


def open_grants(
    path: Path, aside: Entered = contextlib.nullcontext, gathered: Entered = contextlib.nullcontext
) -> Grants:
    """Open the portal's database, as `open_database` does. ``aside`` and ``gathered``: as `GroupCommit`."""
    return Grants(open_database(path), aside, gathered)


class Grants:
    """The grants in one store, which was opened by `open_database`."""

    def __init__(
        self, store: Store, aside: Entered = contextlib.nullcontext, gathered: Entered = contextlib.nullcontext
    ) -> None:
        self.store = store
        self._commits = GroupCommit(store, aside=aside, gathered=gathered)

    def write(self, step: Callable[[Database], T]) -> T:
        """Run ``step`` in a transaction; what it did is durable when this returns. A step that raises is undone.

        Steps of several threads share one commit. Within one, call `keep` and the functions of `budgets`, `blocks`.

        Raises:
            StoreError: nothing was stored.
        """
        return self._commits.run(step)

    def keep(self, decision: Decision, now: Now) -> Grant:
        """Store what was decided; when this returns it survives a power cut. See `keep`.

        Raises:
            StoreError: nothing was stored.
            ValueError: the decision admits nobody.
        """
        return self.write(lambda db: keep(db, decision, now))

    def of(self, client: Client, now: Now) -> Grant | None:
        """The grant of exactly this client, or None when it has none or its time is over."""
        with self.store.reading() as db:
            found = _select(db, "address = ? AND mac = ?", (client.address, client.mac))
        return found[0] if found and remaining_seconds(found[0], now) else None

    def all(self) -> tuple[Grant, ...]:
        """Every grant, by address, those whose time is over included."""
        with self.store.reading() as db:
            return tuple(_select(db))

    def known(self, mac: str, day: str, now: Now, subject: str = "") -> Known:
        """What is known of a device on ``day`` (`local_time.day`): use as of the last checkpoint, and its block.

        ``subject``: whose share of the day, where it is not the device's own; see `rules.day_subject`.
        """
        with self.store.reading() as db:
            return known(db, mac, day, now, subject)

    def known_on(self, day: str, now: Now) -> Mapping[str, Known]:
        """What is known of each device that used something on ``day``, or is kept out: by MAC, see `known`.

        What accounts used stands there too: `rules.known_of` puts both together.
        """
        with self.store.reading() as db:
            used = {
                mac: (seconds, count)
                for mac, seconds, count in db.execute("SELECT mac, seconds, bytes FROM daily_use WHERE day = ?", (day,))
            }
            kept_out = blocks.in_force(db, now)
        return {mac: Known(*used.get(mac, (0, 0)), kept_out.get(mac)) for mac in {*used, *kept_out}}

    def departed(self) -> tuple[Departure, ...]:
        """Who left and is not counted yet."""
        with self.store.reading() as db:
            return departures.all_of(db)

    def take_back(self, client: Client, now: Now, why: End = End.LOGOUT, last: Admitted | None = None) -> None:
        """End a client's grant, durably. The gate is asked next; where it is silent the keeper asks it again."""
        self.write(lambda db: take_back(db, client, why, now, last))

    def drop(self, client: Client) -> None:
        """Forget a client's grant as if it had never been, for one that the gate refused."""

        def forget(db: Database) -> None:
            for grant in _select(db, "address = ? AND mac = ?", (client.address, client.mac)):
                sessions.forget(db, grant.session_id)
                _delete(db, grant)

        self.write(forget)


def keep(db: Database, decision: Decision, now: Now) -> Grant:
    """Within a transaction: store what was decided, with its session and, where it brings none, its budget.

    Who had the address loses it, and a device's oldest grants beyond `ADDRESSES_PER_MAC_MAX` are taken back; the gate
    shuts out the first by itself, the keeper the others.

    Raises:
        ValueError: the decision admits nobody.
    """
    client, offer = decision.client, decision.offer
    if client is None or offer is None:
        raise ValueError(f"the decision is {decision.verdict}: there is nothing to keep")
    counters = (0, 0)
    for old in _select(db, "address = ?", (client.address,)):
        if old.client == client:  # the gate's counters go on through a renewal
            counters = (old.counted_sent_bytes, old.counted_received_bytes)
        _end(db, old, End.RENEWED if old.client == client else End.REPLACED, now)
    for grant in _too_many(db, client, now):
        _end(db, grant, End.REPLACED, now)
    budget_id = offer.budget_id or budgets.make(db, offer.lease_seconds, offer.quota_bytes, now)
    session_id = sessions.begin(db, client, decision.network, offer, now)
    db.execute(
        "INSERT INTO grants (address, mac, budget_id, session_id, network, way, voucher, speed, wall_seconds,"
        " counter_sent, counter_received) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (client.address, client.mac, budget_id, session_id, decision.network, offer.way, offer.voucher, offer.speed,
         now.wall_seconds, *counters),
    )  # fmt: skip
    return _select(db, "address = ?", (client.address,))[0]


def known(db: Database, mac: str, day: str, now: Now, subject: str = "") -> Known:
    """Within a transaction: what is known of a device, see `Grants.known`."""
    whose = (subject or mac, day)
    used = db.execute("SELECT seconds, bytes FROM daily_use WHERE mac = ? AND day = ?", whose).fetchone()
    seconds, used_bytes = used or (0, 0)
    return Known(seconds, used_bytes, blocks.of(db, mac, now))


def take_back(db: Database, client: Client, why: End, now: Now, last: Admitted | None = None) -> None:
    """Within a transaction: end a client's grant. One that has none is no error. ``last``: see `departures.note`."""
    for grant in _select(db, "address = ? AND mac = ?", (client.address, client.mac)):
        if last is not None:
            departures.note(db, grant, last, now)
        _end(db, grant, why, now)


def end_session(db: Database, session_id: int, why: End, now: Now) -> None:
    """Within a transaction: end one grant, unless a newer one has taken its place."""
    for grant in _select(db, "session_id = ?", (session_id,)):
        _end(db, grant, why, now)


def of_voucher(db: Database, voucher: str) -> list[Grant]:
    """Within a transaction: the grants made with one voucher, or by one account."""
    return _select(db, "voucher = ?", (voucher,))


def of_mac(db: Database, mac: str) -> list[Grant]:
    """Within a transaction: the grants of one device."""
    return _select(db, "mac = ?", (mac,))


def _end(db: Database, grant: Grant, why: End, now: Now) -> None:
    sessions.end(db, grant, why, now)
    _delete(db, grant)


def _delete(db: Database, grant: Grant) -> None:
    db.execute("DELETE FROM grants WHERE address = ?", (grant.client.address,))
    db.execute("DELETE FROM budgets WHERE id = ? AND NOT is_shared", (grant.budget.id,))


def _too_many(db: Database, newest: Client, now: Now) -> list[Grant]:
    """A device's other live grants beyond the limit, the oldest."""
    others = [grant for grant in _select(db, "mac = ?", (newest.mac,)) if remaining_seconds(grant, now)]
    others.sort(key=lambda grant: grant.session_id, reverse=True)
    return others[ADDRESSES_PER_MAC_MAX - 1 :]


def _select(db: Database, where: str = "TRUE", values: tuple[Any, ...] = ()) -> list[Grant]:
    cursor = db.execute(
        f"SELECT grants.*, {budgets.COLUMNS} FROM grants JOIN budgets ON budgets.id = budget_id {budgets.NOTED}"  # noqa: S608 - constants of this room
        f" WHERE {where} ORDER BY address",
        values,
    )
    names = [column[0] for column in cursor.description]
    return [_grant(dict(zip(names, row, strict=True))) for row in cursor]


def _grant(row: dict[str, Any]) -> Grant:
    return Grant(
        Client(row["address"], row["mac"]), budgets.budget(row), row["session_id"], row["network"], Access(row["way"]),
        row["wall_seconds"], row["speed"], row["voucher"], row["sent_bytes"], row["received_bytes"],
        row["counter_sent"], row["counter_received"],
    )  # fmt: skip
