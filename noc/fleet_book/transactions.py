"""How the fleet book's file is read and written: every method is one transaction, and a person's leaves its deed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from appliance.store.database import Database, Store
from noc.fleet_book import deeds
from noc.rules.alert_state import Deed

_CACHE_KIBIBYTES: Final = 8_192


class Transactions:
    """A fleet book's file, open for every thread that asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(self) -> None:
        """Close every connection."""
        self._store.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Database]:
        """See one unchanging state."""
        with self._store.reading() as db:
            db.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
            yield db

    @contextlib.contextmanager
    def writing(self, deed: Deed | None = None) -> Iterator[Database]:
        """Change all that the block changes, or nothing."""
        with self._store.transaction() as db:
            db.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
            yield db
            if deed is not None:
                deeds.write(db, deed)
