"""Files of batches, one for each day of UTC on which they came; a day that is over its time is one file to delete.

A file's rows count up to the position that the main database names (`noc.store.sqlite`): the file is written first, so
that a kill between the two leaves rows behind that position, which nobody reads and the next commit replaces.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cbor2

from appliance.core.errors import StoreError
from appliance.store.database import Store, open_reading, open_store
from noc.store import schema
from noc.store.contract import ArrivedBatch
from noc.store.moments import FUTURE_MS_MAX
from noc.store.ranges import Range

DAY_MS: Final = 86_400_000
_OPEN_MAX: Final = 2  # at midnight the day before still gets what came before it
_CACHE_KIBIBYTES: Final = 32_768  # the index of a day is written everywhere at once

_UNLINK_SECONDS: Final = 0.2  # small files are gone when the call returns
_LOOSE: Final = "hub_id = ? AND from_ms IS NULL AND position <= ?"

Held = dict[str, list[Range]]


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch as it is kept. ``held`` names by boot which of its records count, None: all of them."""

    position: int
    hub_id: str
    received_ms: int
    held: Held | None
    payload: bytes


def day_of(time_ms: int) -> str:
    """Name the day of UTC that a moment lies in, as in ``2026-11-22``. Days before 1970 and after 9999 are these."""
    seconds = min(max(0, time_ms // 1000), 253_402_300_799)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()


class Days:
    """The files of one store, in a folder beside it. Their names carry its epoch: another store has others."""

    def __init__(self, folder: Path, epoch: str) -> None:
        self._folder = folder
        self._mark = epoch[:8]
        self._open: dict[str, Store] = {}

    def close(self) -> None:
        """Close the files that are open for writing."""
        for store in self._open.values():
            store.close()
        self._open.clear()

    def append(self, day: str, committed: int, rows: Sequence[tuple[ArrivedBatch, Held | None]]) -> int:
        """Keep batches behind ``committed``, in the place of what lies there; durable when this returns.

        Returns the position of the last. Raises `StoreError` as a `Store` does.
        """
        with self._writing(day).transaction() as db:
            db.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
            db.execute("DELETE FROM batch WHERE position > ?", (committed,))
            db.executemany(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        position, each.hub_id, each.received_ms, each.from_ms, each.to_ms, _pack(held), each.payload
                    )
                    for position, (each, held) in enumerate(rows, committed + 1)
                ),
            )  # fmt: skip
        return committed + len(rows)

    def after(self, day: str, position: int, committed: int, limit: int) -> list[Kept]:
        """Read batches behind ``position``, in the order in which they came."""
        with self._reading(day) as store:
            return self._rows(
                store, "position > ? AND position <= ? ORDER BY position LIMIT ?", position, committed, limit
            )

    def of_hub(self, day: str, committed: int, hub_id: str, from_ms: int, to_ms: int) -> list[Kept]:
        """Read batches that may hold records of ``from_ms`` up to but without ``to_ms``; none of a day that is gone."""
        timed = "hub_id = ? AND from_ms < ? AND to_ms >= ? AND position <= ?"
        try:
            with self._reading(day) as store:
                found = self._rows(store, timed, hub_id, to_ms, from_ms, committed)
                # No record is placed later than this after it came: days before that are not read.
                since_ms = from_ms - FUTURE_MS_MAX
                return found + self._rows(store, f"{_LOOSE} AND received_ms >= ?", hub_id, committed, since_ms)
        except StoreError:
            if self._path(day).exists():
                raise
            return []

    def loose(self, day: str, committed: int, hub_id: str) -> list[Kept]:
        """Read a hub's batches that say nothing of the date; none of a day that is gone."""
        try:
            with self._reading(day) as store:
                return self._rows(store, _LOOSE, hub_id, committed)
        except StoreError:
            if self._path(day).exists():
                raise
            return []

    def delete_before(self, day: str) -> int:
        """Delete the files of earlier days, also of stores that are no more; return how many days go.

        To free gigabytes takes the file system seconds, in which a hub would wait: a thread does it. One that a kill
        ends is made good by the next call.
        """
        old = [path for path in sorted(self._folder.glob("????-??-??-*.db")) if path.name[:10] < day]
        for path in old:
            if (store := self._open.pop(path.name[:10], None)) is not None:
                store.close()
        if old:
            thread = threading.Thread(target=_unlink, args=(old,), name="unlink", daemon=True)
            thread.start()
            thread.join(_UNLINK_SECONDS)
        return len(old)

    def _path(self, day: str) -> Path:
        return self._folder / f"{day}-{self._mark}.db"

    def _writing(self, day: str) -> Store:
        found = self._open.get(day)
        if found is None:
            while len(self._open) >= _OPEN_MAX:
                self._open.pop(next(iter(self._open))).close()
            self._make_folder()
            found = self._open[day] = open_store(self._path(day), [schema.DAY])
        return found

    @contextlib.contextmanager
    def _reading(self, day: str) -> Iterator[Store]:
        with contextlib.closing(open_reading(self._path(day), [schema.DAY])) as store:
            yield store

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir()
        except FileExistsError:
            return
        except OSError as error:
            raise StoreError(f"{self._folder}: cannot be made ({error.strerror})") from None
        above = os.open(self._folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(above)
        finally:
            os.close(above)

    @staticmethod
    def _rows(store: Store, where: str, *values: object) -> list[Kept]:
        with store.reading() as db:
            rows = db.execute(
                f"SELECT position, hub_id, received_ms, held, payload FROM batch WHERE {where}",  # noqa: S608 - constants
                values,
            ).fetchall()
        return [
            Kept(position, hub, received_ms, _unpack(held), payload)
            for position, hub, received_ms, held, payload in rows
        ]


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            each.unlink(missing_ok=True)


def _pack(held: Held | None) -> bytes | None:
    return None if held is None else cbor2.dumps({bytes.fromhex(boot): ranges for boot, ranges in held.items()})


def _unpack(held: bytes | None) -> Held | None:
    if held is None:
        return None
    return {boot.hex(): [(first, last) for first, last in ranges] for boot, ranges in cbor2.loads(held).items()}
