"""The portal's one database: opened by the portal, and by its keeper."""

from __future__ import annotations

import contextlib
import itertools
import logging
import sqlite3
from pathlib import Path
from typing import Final

from appliance.store.database import BUSY_TIMEOUT_SECONDS, Store, open_store
from captive_portal import account_schema, actions, attempts, schema
from captive_portal.vouchers import schema as voucher_schema

NAME: Final = "grants.db"
# A new subject of the portal brings its own migrations here.
MIGRATIONS: Final = (
    schema.MIGRATIONS, actions.MIGRATIONS, attempts.MIGRATIONS, voucher_schema.MIGRATIONS, account_schema.MIGRATIONS,
)  # fmt: skip

log = logging.getLogger(__name__)


def open_database(path: Path) -> Store:
    """Open the database at ``path``. A damaged one is set aside, loudly: nobody in the village would repair it.

    Its residents press the button once more.

    Raises:
        StoreError: it cannot be opened, and is not damaged.
    """
    if path.exists() and (damage := _damage(path)):
        aside = _set_aside(path)
        log.error("%s: damaged (%s); set aside as %s, and begun anew without grants", path, damage, aside.name)
    return open_store(path, MIGRATIONS)


def _damage(path: Path) -> str:
    """What SQLite finds wrong with the file itself; empty when it is whole, or when only something else is wrong."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
            found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return str(error) if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) else ""
    return "" if found == "ok" else found


def _set_aside(path: Path) -> Path:
    """Rename the database with its log to the first free ``NAME.damaged-N``; older ones stay."""
    aside = next(
        name for number in itertools.count(1) if not (name := path.with_name(f"{path.name}.damaged-{number}")).exists()
    )
    for part in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    path.rename(aside)
    return aside
