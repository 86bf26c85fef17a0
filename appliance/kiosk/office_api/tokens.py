"""Tokens in the kiosk's database. One is granted by who manages people, and taken by its owner, who alone sees it.

So nobody holds a token in another's name: a letter that was verified with it was verified by its owner.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.kiosk.actors import Actor
from appliance.kiosk.office.rules import Permission, may, may_manage
from appliance.kiosk.office_api.rules import TOKENS_MAX, Grant, Scope, Standing, TokenRefused, Wrong, read_scopes
from appliance.store.audit import Audit
from appliance.store.brake import digest
from appliance.store.database import Database, Store

_PREFIX: Final = "dhk_"  # so that a scanner of leaked secrets knows one
_TOKEN: Final = re.compile(r"dhk_[A-Za-z0-9_-]{43}", re.ASCII)
_USED_EVERY_SECONDS: Final = 60
_NUMBER_MAX: Final = 2**53
# Each with what its owner's login is made of now.
_TOKENS: Final = (
    "SELECT t.*, a.role, a.disabled, a.must_change, a.password_hash, f.sealed AS factor,"
    " r.role IS NOT NULL AS needs_factor"
    " FROM office_tokens t JOIN accounts a ON a.name = t.owner"
    " LEFT JOIN second_factors f ON f.name = t.owner AND f.is_confirmed = 1"
    " LEFT JOIN second_factor_roles r ON r.role = a.role"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token, never the token itself. ``standing`` is as of the day that was asked for."""

    number: int
    owner: str
    role: str
    name: str
    scopes: frozenset[Scope]
    made_by: str
    ends_on: datetime.date
    taken_seconds: int | None
    used_seconds: int | None
    standing: Standing

    @property
    def waits(self) -> bool:
        """Is it still to be taken by its owner?"""
        return self.standing is Standing.TAKE_AGAIN

    @property
    def is_over(self) -> bool:
        """Will it never count again?"""
        return self.standing in (Standing.REVOKED, Standing.EXPIRED)


class Tokens:
    """The tokens in one store. Methods raise `StoreError`."""

    def __init__(self, store: Store, audit: Audit) -> None:
        self._store, self._audit = store, audit

    def grant(self, actor: Actor, grant: Grant, now: int, today: datetime.date) -> int:
        """Let an account have a token, and return its number. Raises `TokenRefused`."""
        with self._store.transaction() as db:
            row = db.execute("SELECT role FROM accounts WHERE name = ? AND disabled = 0", [grant.owner]).fetchone()
            if row is None or not may_manage(actor.role, row[0]):
                raise TokenRefused(Wrong.OWNER)
            grant.require_fit(row[0], today)
            (count,) = db.execute(
                "SELECT count(*) FROM office_tokens WHERE owner = ? AND ended_seconds IS NULL AND ends_on >= ?",
                [grant.owner, today.isoformat()],
            ).fetchone()
            if count >= TOKENS_MAX:
                raise TokenRefused(Wrong.TOO_MANY)
            number = db.execute(
                "INSERT INTO office_tokens (owner, name, scopes, made_by, made_seconds, ends_on)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [grant.owner, grant.name, " ".join(sorted(grant.scopes)), actor.name, now, grant.ends_on.isoformat()],
            ).lastrowid
            said = f"{grant.name}, {grant.owner}: {' '.join(sorted(grant.scopes)) or '-'}, {grant.ends_on}"
            self._audit.note_in(db, actor.name, actor.role, "token.granted", detail=said)
        return int(number or 0)

    def take(self, actor: Actor, number: int, now: int, today: datetime.date) -> str:
        """Make the secret of a token that the actor owns; one that was made before ends. Raises `LookupError`."""
        secret = _PREFIX + secrets.token_urlsafe(32)
        with self._store.transaction() as db:
            row = _row(db, number)
            if row is None or row["owner"] != actor.name:
                raise LookupError(number)
            if _standing(row, today) in (Standing.REVOKED, Standing.EXPIRED, Standing.CLOSED):
                raise LookupError(number)
            db.execute(
                "UPDATE office_tokens SET token_sha256 = ?, login_sha256 = ?, taken_seconds = ?, used_seconds = NULL"
                " WHERE number = ?",
                [digest(secret), _login(row), now, number],
            )
            self._audit.note_in(db, actor.name, actor.role, "token.taken", detail=row["name"])
        return secret

    def end(self, actor: Actor, number: int, now: int) -> bool:
        """Make a token worthless: one's own, or whosever where the actor manages people. False where there is none."""
        with self._store.transaction() as db:
            row = _row(db, number)
            if row is None or not (row["owner"] == actor.name or may(actor.role, Permission.MANAGE_PEOPLE)):
                return False
            if row["ended_seconds"] is None:
                db.execute(
                    "UPDATE office_tokens SET ended_seconds = ?, ended_by = ? WHERE number = ?",
                    [now, actor.name, number],
                )
                self._audit.note_in(db, actor.name, actor.role, "token.ended", detail=f"{row['name']}, {row['owner']}")
        return True

    def all(self, today: datetime.date, owner: str = "") -> tuple[Token, ...]:
        """All tokens, or one account's, the newest first."""
        with self._store.reading() as db:
            rows = db.rows(f"{_TOKENS} WHERE ? IN ('', t.owner) ORDER BY t.number DESC", [owner])
        return tuple(_token(row, today) for row in rows)

    def find(self, secret: str, now: int, today: datetime.date) -> Token | None:
        """Whose token this is, and how it stands; None for one that nobody was given. Notes that it was used."""
        if not _TOKEN.fullmatch(secret):
            return None
        with self._store.reading() as db:
            row = next(iter(db.rows(f"{_TOKENS} WHERE t.token_sha256 = ?", [digest(secret)])), None)
        if row is None:
            return None
        token = _token(row, today)
        # Once a minute: a program that asks each second must not cost a commit each second.
        used = token.used_seconds
        if token.standing is Standing.GOOD and (used is None or not 0 <= now - used < _USED_EVERY_SECONDS):
            with self._store.transaction() as db:
                db.execute("UPDATE office_tokens SET used_seconds = ? WHERE number = ?", [now, token.number])
        return token


def _row(db: Database, number: int) -> dict[str, Any] | None:
    if not 0 < number < _NUMBER_MAX:  # beyond 64 bits SQLite's own module raises
        return None
    return next(iter(db.rows(f"{_TOKENS} WHERE t.number = ?", [number])), None)


def _login(row: Mapping[str, Any]) -> str:
    """What the owner logs in with, as a digest: who changes it after a theft ends what the thief has taken."""
    return hashlib.sha256(str(row["password_hash"]).encode() + b"\0" + (row["factor"] or b"")).hexdigest()


def _standing(row: Mapping[str, Any], today: datetime.date) -> Standing:
    if row["ended_seconds"] is not None:
        return Standing.REVOKED
    if row["ends_on"] < today.isoformat():
        return Standing.EXPIRED
    if row["disabled"] or row["must_change"] or (row["needs_factor"] and row["factor"] is None):
        return Standing.CLOSED
    is_same = row["token_sha256"] is not None and row["login_sha256"] == _login(row)
    return Standing.GOOD if is_same else Standing.TAKE_AGAIN


def _token(row: Mapping[str, Any], today: datetime.date) -> Token:
    return Token(
        number=row["number"],
        owner=row["owner"],
        role=row["role"],
        name=row["name"],
        scopes=read_scopes(row["scopes"].split()),
        made_by=row["made_by"],
        ends_on=datetime.date.fromisoformat(row["ends_on"]),
        taken_seconds=row["taken_seconds"],
        used_seconds=row["used_seconds"],
        standing=_standing(row, today),
    )
