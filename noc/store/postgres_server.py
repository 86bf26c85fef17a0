"""The way to PostgreSQL: connections, transactions, and its errors as those of any store.

Who writes takes turns: each writing transaction begins by taking one advisory lock, which the server lets go of after
the commit is durable. So positions grow in the order in which they become visible, and no two writers ever wait for
each other's rows. Statements that need no turn come before it.

Source: PostgreSQL 15 documentation, 13.3.5 (advisory locks), 20.5 (synchronous_commit), 34.1 (connections).
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import conninfo, errors
from psycopg.pq import TransactionStatus

from appliance.core.errors import StoreError, StoreFull

CONNECT_SECONDS: Final = 5
LOCK_SECONDS: Final = 10
STATEMENT_SECONDS: Final = 30
_TURN: Final = 0x6465_7361_6E6F_63  # any number, the same for all who write

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"

_FULL: Final = (errors.DiskFull, errors.ReadOnlySqlTransaction, errors.IoError, errors.OutOfMemory)
_REFUSED: Final = (errors.InsufficientPrivilege, errors.InvalidCatalogName, errors.UndefinedTable)


class Server:
    """One database of a server, open for every thread that asks; a connection that was lost is made anew."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._conninfo, self.name = _address(url)
        self.is_read_only = read_only
        self._opened: dict[threading.Thread, tuple[int, Connection]] = {}
        self._opened_lock = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Have the turn to write: durable when the block ends, undone when it raises.

        Raises:
            StoreFull: the server's disk is full, or it takes nothing but questions; nothing was stored.
            StoreError: the server is away, or another writer's turn did not end; what was under way is not stored,
                or, where the server went in the very moment of the commit, perhaps is.
        """
        if self.is_read_only:
            raise StoreError(f"{self.name}: was opened for reading only")
        yield from self._within(f"BEGIN; SELECT pg_advisory_xact_lock({_TURN})")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """See one unchanging state of the database for the length of the block. Raises `StoreError`."""
        yield from self._within("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def close(self) -> None:
        """Close the connections of all threads. What runs in another thread at that moment fails."""
        with self._opened_lock:
            for process, db in self._opened.values():
                if process == os.getpid():
                    db.close()
            self._opened.clear()

    def _within(self, begin: str) -> Iterator[Connection]:
        with translated(self.name):
            db = self._begun(begin)
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN):
                    with contextlib.suppress(psycopg.Error):
                        db.execute("ROLLBACK")

    def _begun(self, begin: str) -> Connection:
        """Begin; on a connection that turns out to be gone, since the server was started anew, on another one."""
        db = self._connection()
        try:
            db.execute(begin)
        except psycopg.OperationalError:
            if not db.closed:
                db.execute("ROLLBACK")
                raise
            db = self._connection()
            db.execute(begin)
        return db

    def _connection(self) -> Connection:
        # A connection must not cross a fork: both sides would speak on one socket.
        process, db = self._opened.get(threading.current_thread(), (0, None))
        if db is None or db.closed or process != os.getpid():
            db = self._connect()
            with self._opened_lock:
                self._close_of_ended()
                self._opened[threading.current_thread()] = os.getpid(), db
        return db

    def _close_of_ended(self) -> None:
        for thread in [each for each in self._opened if not each.is_alive()]:
            process, db = self._opened.pop(thread)
            if process == os.getpid():
                db.close()

    def _connect(self) -> Connection:
        db: Connection = psycopg.connect(self._conninfo, autocommit=True)
        try:
            fsync, encoding = db.execute("SELECT current_setting('fsync'), getdatabaseencoding()").fetchone() or (
                "",
                "",
            )
            if fsync != "on" or encoding != "UTF8":
                raise StoreError(
                    f"{self.name}: has fsync {fsync} and encoding {encoding}; needed are fsync on, without which a "
                    "power cut takes what was acknowledged, and UTF8"
                )
            # A role or a database may have more (remote_apply), but no less.
            db.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
            )
            db.execute(
                f"SET lock_timeout = '{LOCK_SECONDS}s'; SET statement_timeout = '{STATEMENT_SECONDS}s';"
                " SET client_min_messages = warning"
            )
        except BaseException:
            db.close()
            raise
        return db


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn what the server says about itself into `StoreFull` or `StoreError`. Mistakes in SQL stay what they are."""
    try:
        yield
    except _FULL as error:
        raise StoreFull(
            f"{name}: is full, failing or takes no writes ({_first_line(error)}); nothing was stored"
        ) from None
    except _REFUSED as error:
        raise StoreError(f"{name}: does not let this program ({_first_line(error)})") from None
    except errors.LockNotAvailable:
        raise StoreError(f"{name}: another program held it for more than {LOCK_SECONDS} s; try again") from None
    except psycopg.OperationalError as error:
        raise StoreError(f"{name}: {_first_line(error) or 'the connection is lost'}; is the server there?") from None


def _address(url: str) -> tuple[str, str]:
    """What libpq is given, and what people are told: never the password, nor a text that may hold one."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        parts = {}
    # A password with a / in it that is not written %2F would be taken for a port and a database, and be shown.
    is_named = re.fullmatch(r"[^@:/]+", str(parts.get("dbname", ""))) and re.fullmatch(
        r"[0-9,]*", str(parts.get("port", ""))
    )
    if not url.startswith(("postgresql://", "postgres://")) or not is_named:
        raise StoreError("the database's URL is not one of PostgreSQL, as in postgresql://USER@HOST/DATABASE")
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS, "application_name": "desahub-noc", "tcp_user_timeout": 30_000,
    } | parts  # fmt: skip
    return conninfo.make_conninfo("", **options), f"database {parts['dbname']} at {parts.get('host') or 'this machine'}"


def _first_line(error: psycopg.Error) -> str:
    return str(error.diag.message_primary or error).strip().partition("\n")[0]
