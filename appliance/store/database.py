"""The one way to open a database: SQLite that keeps what it acknowledged.

Write-ahead log with ``synchronous=FULL`` (NORMAL loses acknowledged rows when the power goes), a busy timeout, foreign
keys, ``BEGIN IMMEDIATE`` for what is read and then written, and one connection per thread and process.

Files are made with mode 0660 less the umask, so a unit decides with ``UMask=`` and its group who else may read: 0077
keeps a database to its owner, 0027 lets the group read it while the owner has it open. SQLite gives ``-wal`` and
``-shm`` the mode of the database itself.

Source: https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import StoreError, StoreFull, StoreTooNew
from appliance.store import migrations as schema
from appliance.store.migrations import Migrations

CACHE_KIBIBYTES: Final = 512
BUSY_TIMEOUT_SECONDS: Final = 5.0
# SQLite grows -shm through a memory map; on a full disk with small blocks touching it is a SIGBUS, not an error.
FREE_BYTES_MIN: Final = 256 * 1024

_FULL_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})
_BROKEN_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN})


class Database(sqlite3.Connection):
    """A connection of a `Store`, within one of its transactions: plain SQL.

    ``in_use`` is held for the length of a transaction: to close what another thread is within is a crash, not an error.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.in_use = threading.RLock()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """All rows that a query finds, each by the names of its columns."""
        found = self.execute(sql, parameters)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]


class Store:
    """One database, open for every thread that asks. Made by `open_store` or `open_reading`."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.is_read_only = read_only
        self._local = threading.local()
        self._opened: weakref.WeakSet[Database] = weakref.WeakSet()
        self._opened_lock = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Database]:
        """Read, then write, as one step: committed durably when the block ends, undone when it raises.

        Raises:
            StoreFull: nothing was stored.
            StoreError: another writer held the database for longer than the busy timeout, or it is damaged.
        """
        if not self.is_read_only:
            require_free_space(self.path)
        yield from self._within("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Database]:
        """See one unchanging state of the database for the length of the block. Raises `StoreError`."""
        yield from self._within("BEGIN")

    def _within(self, begin: str) -> Iterator[Database]:
        with translated(self.path):
            db = self._connection()
            with db.in_use:
                db.execute(begin)
                try:
                    yield db
                    db.execute("COMMIT")
                finally:
                    # Also after a COMMIT that failed: an open transaction would swallow all that follows.
                    if db.in_transaction:
                        db.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connections of all threads, each when its transaction is over.

        One that is not over within `BUSY_TIMEOUT_SECONDS` keeps its connection.
        """
        with self._opened_lock:
            for db in list(self._opened):
                if db.in_use.acquire(timeout=BUSY_TIMEOUT_SECONDS):
                    try:
                        db.close()
                    finally:
                        db.in_use.release()
            self._opened.clear()
        self._local = threading.local()

    def _place(self) -> tuple[int, int, int]:
        """This process, and the very file that the path names now."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}") from None
        return os.getpid(), found.st_dev, found.st_ino

    def _connection(self) -> Database:
        # A connection must not cross a fork: both sides would believe that they hold its locks. Nor may it go on with a
        # file that another program has set aside as damaged: what it writes there nobody would find.
        place = self._place()
        if getattr(self._local, "place", None) != place:
            db = _connect(self.path, read_only=self.is_read_only)
            with self._opened_lock:
                self._opened.add(db)
            self._local.db, self._local.place = db, place
        found: Database = self._local.db
        return found


def open_store(path: Path, migrations: Sequence[Migrations]) -> Store:
    """Open the database at ``path``, making it and bringing its schema up to date.

    Programs that start at the same moment wait for each other. The folder must exist.

    Raises:
        StoreFull: the disk is full or read-only.
        StoreTooNew: the database has migrations which these sets do not know.
        StoreError: the folder is missing, or the file is no database.
    """
    with _locked_folder(path), translated(path):
        require_free_space(path)
        _create(path)
        store = Store(path)
        if _waiting(store, migrations):
            schema.apart(functools.partial(_migrate, store, migrations))
            if _waiting(store, migrations):
                _migrate(store, migrations)
    return store


def open_reading(path: Path, migrations: Sequence[Migrations]) -> Store:
    """Open a database that another user's program writes, for reading only.

    Raises:
        StoreTooNew: as `open_store`.
        StoreError: the file is missing, may not be read, or waits for its writer to bring it up to date.
    """
    if not path.exists():
        raise StoreError(f"{path}: is missing; start the program that writes it first")
    store = Store(path, read_only=True)
    if waiting := _waiting(store, migrations):
        raise StoreError(f"{path}: waits for {', '.join(waiting)}; start the program that writes it first")
    return store


def require_free_space(path: Path) -> None:
    """Raise `StoreFull` while the file system of ``path`` has less than `FREE_BYTES_MIN` left for this user."""
    try:
        space = os.statvfs(path.parent)
    except OSError as error:
        raise StoreError(f"{path.parent}: {error.strerror}") from None
    if space.f_bavail * space.f_frsize < FREE_BYTES_MIN:
        raise StoreFull(f"{path}: the disk is full; nothing was stored. Free some space, then try again")


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the disk into `StoreFull` or `StoreError`. Mistakes in SQL stay what they are."""
    try:
        yield
    except sqlite3.Error as error:
        # Extended codes carry the primary one in their low byte.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _FULL_CODES:
            raise StoreFull(f"{path}: the disk is full, read-only or failing ({error}); nothing was stored") from error
        if code in _BROKEN_CODES:
            raise StoreError(f"{path}: cannot be used as a database ({error})") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreError(
                f"{path}: another program held it for more than {BUSY_TIMEOUT_SECONDS:.0f} s; try again"
            ) from error
        raise


def _connect(path: Path, *, read_only: bool) -> Database:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,  # transactions begin where the code says so, never by themselves
        check_same_thread=False,  # only for close(); each thread is given its own connection
        factory=Database,
    )
    try:
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # By default 2 MB for each connection, and each thread has one.
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
        return connection
    except BaseException:
        connection.close()
        raise


@contextlib.contextmanager
def _locked_folder(path: Path) -> Iterator[None]:
    """Hold the folder while a database is made: switching to WAL does not wait for a busy timeout."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{path.parent}: {error.strerror}; the folder of a database must exist") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _create(path: Path) -> None:
    """Make an empty file whose name survives a power cut: SQLite syncs the file, not the folder's entry."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o660))
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreFull(f"{path}: cannot be made ({error.strerror})") from None


def _waiting(store: Store, migrations: Sequence[Migrations]) -> list[str]:
    """Name the steps that the database waits for. Raises `StoreTooNew` when it has some that nobody here knows."""
    # Steps run in a process forked after this (`migrations.apart`). A connection that both have would, closed by one,
    # take the locks of the other away (https://sqlite.org/howtocorrupt.html, 2.6). Who will write learns here already
    # that it cannot.
    with contextlib.closing(store), store.reading() if store.is_read_only else store.transaction() as db:
        if unknown := schema.unknown(db, migrations):
            raise StoreTooNew(
                f"{store.path}: was written by a newer release ({', '.join(unknown)}); install that release, or "
                "restore a backup"
            )
        return schema.waiting(db, migrations)


def _migrate(store: Store, migrations: Sequence[Migrations]) -> None:
    with contextlib.closing(store), store.transaction() as db:
        schema.apply(db, migrations)
