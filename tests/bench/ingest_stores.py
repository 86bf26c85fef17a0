"""The stores of the ingest bench, each with what is asked of it from outside: how far it is, and what it used."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import psycopg

from noc.store.opening import OpenStore
from noc.store.postgres import open_postgres_store_reading
from noc.store.sqlite import open_noc_store_reading
from tests.postgres import Cluster

_HUB = "INSERT INTO hub (hub_id, name, kode_wilayah, timezone) VALUES "
_PLACE = "'51.03.01.2001', 'Asia/Jakarta'"
_POSITIONS = "SELECT coalesce(sum(committed), 0), coalesce(sum(projected), 0) FROM day"


def cpu_seconds(process: int) -> float:
    """What a process used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class SqliteBeside:
    """SQLite in the folder of the NOC."""

    name = "SQLite"

    def __init__(self, state: Path) -> None:
        self._path = state / "noc.db"
        self.init_options: Sequence[str] = ()
        self.worker_options: Sequence[str] = ("--store", str(self._path))

    def fill(self, names: Iterable[str]) -> None:
        """Put the hubs into the inventory."""
        with contextlib.closing(sqlite3.connect(self._path)) as db, db:
            db.executemany(f"{_HUB}(?, ?, {_PLACE})", ((name, f"Desa {name}") for name in names))

    def positions(self) -> tuple[int, int]:
        """How many batches are committed, and how many of them the facts know."""
        with self._reading() as db:
            committed, projected = db.execute(_POSITIONS).fetchone()
        return int(committed), int(projected)

    def held(self) -> int:
        """How many records are there."""
        with self._reading() as db:
            return int(db.execute("SELECT sum(last - first + 1) FROM held").fetchone()[0])

    def open(self) -> OpenStore:
        """Open it for reading."""
        return open_noc_store_reading(self._path)

    def server_cpu_seconds(self) -> float:
        """There is no server."""
        return 0.0

    def _reading(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True))


class PostgresBeside:
    """A database of a server on this machine, as Debian configures it but for the places of its files."""

    name = "PostgreSQL"

    def __init__(self, cluster: Cluster) -> None:
        self._folder = cluster.folder
        self._url = cluster.database()
        self.init_options: Sequence[str] = ("--database-url", self._url)
        self.worker_options: Sequence[str] = ("--database-url", self._url)
        self._ended = 0.0
        self._seen: dict[int, float] = {}
        self._db: psycopg.Connection[tuple[int, int]] | None = None

    def fill(self, names: Iterable[str]) -> None:
        """Put the hubs into the inventory."""
        with psycopg.connect(self._url) as db, db.cursor() as cursor:
            cursor.executemany(f"{_HUB}(%s, %s, {_PLACE})", [(name, f"Desa {name}") for name in names])

    def positions(self) -> tuple[int, int]:
        """How many batches are committed, and how many of them the facts know."""
        if self._db is None:
            self._db = psycopg.connect(self._url, autocommit=True)
        row = self._db.execute(_POSITIONS).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def held(self) -> int:
        """How many records are there."""
        with psycopg.connect(self._url) as db:
            row = db.execute("SELECT sum(last - first + 1) FROM held").fetchone()
        assert row is not None
        return int(row[0])

    def open(self) -> OpenStore:
        """Open it for reading."""
        return open_postgres_store_reading(self._url)

    def server_cpu_seconds(self) -> float:
        """What the server's processes used, those that ended included as far as they were seen."""
        chief = int((self._folder / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{chief}/task/{chief}/children").read_text().split()
        now: dict[int, float] = {}
        for each in (chief, *map(int, children)):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                now[each] = cpu_seconds(each)
        self._ended += sum(seconds for process, seconds in self._seen.items() if process not in now)
        self._seen = now
        return self._ended + sum(now.values())

    def close(self) -> None:
        """Close what the questions used."""
        if self._db is not None:
            self._db.close()


Beside = SqliteBeside | PostgresBeside
