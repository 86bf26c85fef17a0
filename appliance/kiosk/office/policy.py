"""Which roles must have a second factor: none, until somebody decides otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from appliance.store.database import Database, Store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

MIGRATIONS: Final = Migrations("office")


@MIGRATIONS()
def m001_policy(db: sqlite_utils.Database) -> None:
    """Roles that must have a second factor."""
    db.executescript("CREATE TABLE second_factor_roles (role TEXT PRIMARY KEY) STRICT;")


def roles_with_factor(store: Store) -> tuple[str, ...]:
    """List the roles whose accounts take a telephone in use before they work."""
    with store.reading() as db:
        return tuple(role for (role,) in db.execute("SELECT role FROM second_factor_roles ORDER BY role"))


def require_factor(store: Store, roles: Sequence[str], *, together: Callable[[Database], None]) -> None:
    """Set them; ``together`` writes in the same transaction."""
    with store.transaction() as db:
        db.execute("DELETE FROM second_factor_roles")
        db.executemany("INSERT INTO second_factor_roles (role) VALUES (?)", [(role,) for role in roles])
        together(db)
