"""Tokens with which programs ask the API in an account's name, with its rights and areas. Kept as digests only."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final

from appliance.store.accounts import Account, AccountError
from appliance.store.brake import digest
from appliance.store.database import Store

TOKENS_MAX: Final = 20  # of one account
LABEL_MAX: Final = 64
_PREFIX: Final = "dhn_"  # so that a scanner of leaked secrets knows one
_TOKEN: Final = re.compile(r"dhn_[A-Za-z0-9_-]{43}")
_USED_EVERY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: never the token itself."""

    number: int
    name: str
    label: str
    made_seconds: int
    used_seconds: int | None


def make(store: Store, name: str, label: str, now: int) -> str:
    """Make a token, which is shown once.

    Raises:
        AccountError: the label is empty or too long, or the account has too many.
    """
    label = label.strip()
    if not 1 <= len(label) <= LABEL_MAX or not label.isprintable():
        raise AccountError(f"a token is named after its program, with 1 to {LABEL_MAX} letters", "label")
    token = _PREFIX + secrets.token_urlsafe(32)
    with store.transaction() as db:
        if db.execute("SELECT count(*) FROM api_tokens WHERE name = ?", [name]).fetchone()[0] >= TOKENS_MAX:
            raise AccountError(f"{name} has {TOKENS_MAX} tokens; revoke one that is not used any more", "tokens")
        db.execute(
            "INSERT INTO api_tokens (token_sha256, name, label, made_seconds) VALUES (?, ?, ?, ?)",
            [digest(token), name, label, now],
        )
    return token


def of(store: Store, name: str) -> tuple[Token, ...]:
    """List the tokens of an account, the newest first."""
    with store.reading() as db:
        rows = db.rows("SELECT * FROM api_tokens WHERE name = ? ORDER BY number DESC", [name])
    return tuple(
        Token(row["number"], row["name"], row["label"], row["made_seconds"], row["used_seconds"]) for row in rows
    )


def revoke(store: Store, name: str, number: int) -> str:
    """Make a token worthless. Returns its label, "" when this account has none of this number."""
    if not 0 < number < 2**63:  # the most that the database takes
        return ""
    with store.transaction() as db:
        row = db.execute("SELECT label FROM api_tokens WHERE name = ? AND number = ?", [name, number]).fetchone()
        db.execute("DELETE FROM api_tokens WHERE name = ? AND number = ?", [name, number])
    return str(row[0]) if row else ""


def revoke_all(store: Store, name: str) -> None:
    """Make every token of an account worthless."""
    with store.transaction() as db:
        db.execute("DELETE FROM api_tokens WHERE name = ?", [name])


def owner(store: Store, token: str, now: int) -> Account | None:
    """Say whose token this is; None for one that counts no more, or whose account may not log in."""
    if not _TOKEN.fullmatch(token):
        return None
    key = digest(token)
    with store.reading() as db:
        row = next(
            iter(
                db.rows(
                    "SELECT accounts.*, used_seconds FROM api_tokens JOIN accounts USING (name)"
                    " WHERE token_sha256 = ? AND disabled = 0 AND must_change = 0",
                    [key],
                )
            ),
            None,
        )
    if row is None:
        return None
    # Once a minute: a program that asks each second must not cost a commit each second.
    if row["used_seconds"] is None or not 0 <= now - row["used_seconds"] < _USED_EVERY_SECONDS:
        with store.transaction() as db:
            db.execute("UPDATE api_tokens SET used_seconds = ? WHERE token_sha256 = ?", [now, key])
    return Account(row["name"], row["role"], False, False, row["created_seconds"])
