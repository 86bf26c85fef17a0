"""The areas an account is bound to; without any it sees the whole country."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from appliance.store.accounts import AccountError
from appliance.store.database import Database, Store
from appliance.store.migrations import Migrations
from noc.accounts.roles import Role

if TYPE_CHECKING:
    import sqlite_utils

CODE: Final = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2})?)?")
AREAS_MAX: Final = 64  # of one account; more is a province, or the country

MIGRATIONS: Final = Migrations("noc-accounts")


@MIGRATIONS()
def m001_areas(db: sqlite_utils.Database) -> None:
    """Areas of accounts, as the beginnings of kode wilayah."""
    db.executescript(
        """
        CREATE TABLE account_areas (
            name TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
            area TEXT NOT NULL,
            PRIMARY KEY (name, area)
        ) STRICT, WITHOUT ROWID;
        """
    )


@MIGRATIONS()
def m002_policy_and_tokens(db: sqlite_utils.Database) -> None:
    """Roles that must have a second factor, and tokens of programs."""
    db.executescript(
        """
        CREATE TABLE second_factor_roles (role TEXT PRIMARY KEY) STRICT;
        INSERT INTO second_factor_roles VALUES ('admin');
        CREATE TABLE api_tokens (
            number INTEGER PRIMARY KEY AUTOINCREMENT, -- given once: a page that is old revokes no other token
            token_sha256 TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
            label TEXT NOT NULL,
            made_seconds INTEGER NOT NULL,
            used_seconds INTEGER
        ) STRICT;
        CREATE INDEX api_tokens_by_name ON api_tokens (name);
        """
    )


def areas_of(store: Store, name: str) -> tuple[str, ...]:
    """List the areas of an account; () is the whole country."""
    with store.reading() as db:
        return tuple(
            area for (area,) in db.execute("SELECT area FROM account_areas WHERE name = ? ORDER BY area", [name])
        )


def areas_of_all(store: Store) -> dict[str, tuple[str, ...]]:
    """List the areas of every account that has any."""
    found: dict[str, tuple[str, ...]] = {}
    with store.reading() as db:
        for name, area in db.execute("SELECT name, area FROM account_areas ORDER BY name, area"):
            found[name] = (*found.get(name, ()), area)
    return found


def check_areas(role: str, areas: Iterable[str]) -> tuple[str, ...]:
    """Put areas in order, without those that lie within another.

    Raises:
        AccountError: a code has another form, there are too many, or the role sees the whole country.
    """
    wanted = sorted(set(areas))
    for area in wanted:
        if not CODE.fullmatch(area):
            raise AccountError(
                f"{area[:32]!r}: an area is written 51 (province), 51.03 (kabupaten) or 51.03.01", "area"
            )
    if wanted and role == Role.ADMIN:
        raise AccountError(
            "an admin sees the whole country: choose viewer or operator for an account with areas", "admin_area"
        )
    kept = tuple(each for each in wanted if not any(each.startswith(f"{other}.") for other in wanted))
    if len(kept) > AREAS_MAX:
        raise AccountError(
            f"{len(kept)} areas: at most {AREAS_MAX}; name the kabupaten or the province instead", "areas"
        )
    return kept


def bind(store: Store, name: str, role: str, areas: Iterable[str]) -> tuple[str, ...]:
    """Bind an account to areas, or to none. Returns them as kept; raises `AccountError` as `check_areas`."""
    kept = check_areas(role, areas)
    with store.transaction() as db:
        if db.execute("SELECT 1 FROM accounts WHERE name = ?", [name]).fetchone() is None:
            raise AccountError(f"{name}: nobody has this name", "nobody")
        write(db, name, kept)
    return kept


def write(db: Database, name: str, areas: Sequence[str]) -> None:
    """Replace the areas of an account, which `check_areas` took."""
    db.execute("DELETE FROM account_areas WHERE name = ?", [name])
    db.executemany("INSERT INTO account_areas (name, area) VALUES (?, ?)", [(name, area) for area in areas])
