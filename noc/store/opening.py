"""Which store a NOC has: SQLite in its own folder, or PostgreSQL where ``database.env`` names one.

``/etc/desahub-noc/database.env`` holds one line, ``DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE``, so that
every program and command of a NOC finds the same store. A password stands there or in what libpq reads (``.pgpass``,
a peer's socket), never among a program's arguments, which every user of the machine can read.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from appliance.core.errors import StoreError
from noc.places import Places
from noc.store.contract import NocStore
from noc.store.sqlite import open_noc_store, open_noc_store_reading

_LINE: Final = re.compile(r"\s*DATABASE_URL\s*=\s*(?P<quote>[\"']?)(?P<url>\S*)(?P=quote)\s*")
FILE_NAME: Final = "database.env"


class OpenStore(NocStore, Protocol):
    """A store that somebody opened."""

    def close(self) -> None: ...


def open_store_for(places: Places, url: str | None = None, *, reading: bool = False) -> OpenStore:
    """Open the NOC's store.

    Args:
        places: the NOC's folders.
        url: of a PostgreSQL database; None: as ``database.env`` says, and SQLite where there is none.
        reading: as the pages do, who make nothing.

    Raises:
        StoreError: it cannot be opened; no text has a password in it.
    """
    found = url or configured_url(places)
    if found is None:
        return open_noc_store_reading(places.store) if reading else open_noc_store(places.store)
    from noc.store.postgres import (  # noqa: PLC0415 - its library takes memory that most NOCs never need
        open_postgres_store,
        open_postgres_store_reading,
    )

    return open_postgres_store_reading(found) if reading else open_postgres_store(found)


def configured_url(places: Places) -> str | None:
    """Read ``database.env``; None where there is none. Raises `StoreError`."""
    path = places.directory / FILE_NAME
    try:
        with path.open(encoding="utf-8") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(4_096)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: cannot be read ({getattr(error, 'strerror', 'no UTF-8')})") from None
    if mode & stat.S_IRWXO:
        raise StoreError(f"{path}: everybody on this machine may read it; chmod o= {path}")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    match = _LINE.fullmatch(lines[0]) if len(lines) == 1 else None
    if match is None or not match["url"]:
        raise StoreError(f"{path}: holds one line, DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE")
    return match["url"]


def write_url(places: Places, url: str) -> Path | None:
    """Write ``database.env`` where there is none; its path when it was made. Raises `StoreError`."""
    path = places.directory / FILE_NAME
    there = configured_url(places)
    if there is not None:
        if there != url:
            raise StoreError(f"{path}: names another database; change it there if that is what you want")
        return None
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
        file.write(f"DATABASE_URL={url}\n")
    return path


def add_database_option(parser: argparse._ActionsContainer, what: str) -> None:
    """Give a program ``--database-url``."""
    parser.add_argument("--database-url", type=_argument, metavar="URL", help=what)


def _argument(text: str) -> str:
    try:
        has_password = urlsplit(text).password is not None or "password=" in text
    except ValueError:
        has_password = True  # whatever it is, it is not shown
    if has_password:
        raise argparse.ArgumentTypeError(
            "a password among the arguments can be read by every user of this machine; write the line DATABASE_URL=… "
            "into database.env instead (docs/noc.md)"
        )
    return text
