"""Keys that a database cannot be read without: made once, in a file beside it, and never silently made anew.

The database keeps a mark of each key that was used with it. A start without the key, or with another one, is refused: a
new key would leave all that was sealed unreadable, and nobody would notice before the backup that could help was gone.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.core.errors import StoreError
from appliance.store.database import Store
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

KEY_BYTES: Final = 32

MIGRATIONS: Final = Migrations("keys")


@MIGRATIONS()
def m001_keys(db: sqlite_utils.Database) -> None:
    """The mark of each key file."""
    db.executescript("CREATE TABLE key_marks (name TEXT PRIMARY KEY, mark BLOB NOT NULL) STRICT, WITHOUT ROWID;")


def load(path: Path, store: Store) -> bytes:
    """Read the key that belongs to ``store``, or make it where the store never had one of this name.

    Raises:
        StoreError: it is missing or another one than the store was written with; it cannot be read or made, is too
            short, or others may read it.
    """
    with store.reading() as db:
        row = db.execute("SELECT mark FROM key_marks WHERE name = ?", [path.name]).fetchone()
    mend = f"restore {path.name} from the backup of {path.parent}; without it what {store.path.name} holds stays shut"
    if row is not None and not path.exists():
        raise StoreError(f"{path}: is missing, and {store.path.name} was written with it; {mend}")
    key = read_or_make(path, mend)
    mark = hmac.digest(key, b"mark", "sha256")
    if row is not None and not hmac.compare_digest(row[0], mark):
        raise StoreError(f"{path}: is another key than the one {store.path.name} was written with; {mend}")
    if row is None:
        with store.transaction() as db:
            db.execute("INSERT INTO key_marks (name, mark) VALUES (?, ?)", [path.name, mark])
    return key


def read_or_make(path: Path, mend: str) -> bytes:
    """Read a key, or make it with mode 0600. A half-written one is never seen.

    Args:
        path: of the file.
        mend: what to do where the file is no good, as the end of a sentence.

    Raises:
        StoreError: it cannot be read or made, is too short, or others may read it.
    """
    try:
        if not path.exists():
            _make(path)
        mode = path.stat().st_mode & 0o777
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from None
    if mode & 0o077 or len(key) < KEY_BYTES:
        raise StoreError(
            f"{path}: has mode {mode:04o} and {len(key)} bytes, allowed are 0600 and at least {KEY_BYTES}; {mend}"
        )
    return key


def _make(path: Path) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, secrets.token_bytes(KEY_BYTES))
        os.fsync(file)
        # link() fails where another start was first: its key stays.
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        os.close(file)
        beside.unlink()
