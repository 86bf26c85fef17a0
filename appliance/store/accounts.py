"""People who may log in: accounts, the brake on guessing, and sessions. Used by the village office and by the NOC.

Time is an argument everywhere: whole seconds of one clock that the program chose. Where records outlive a reboot that
is wall time in UTC. A clock set back restarts a wait at most once, and ends sessions that seem to begin in the future.

Source: OWASP Password Storage and Session Management cheat sheets; RFC 9106 (Argon2id); NIST SP 800-63B (length
before composition rules).
"""

from __future__ import annotations

import enum
import re
import secrets
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from appliance.core.errors import StoreError
from appliance.store import brake, slow_hash
from appliance.store.database import Database, Store
from appliance.store.migrations import Migrations
from appliance.store.slow_hash import SlowHash

if TYPE_CHECKING:
    import sqlite_utils

NAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}")
PASSWORD_LENGTH_MIN: Final = 10
PASSWORD_LENGTH_MAX: Final = 256


CLOCK_STEP_SECONDS_MAX: Final = 300  # how far a clock may step back without ending sessions

MIGRATIONS: Final = Migrations("accounts")


@MIGRATIONS()
def m001_accounts(db: sqlite_utils.Database) -> None:
    """People, their sessions, and failed attempts by name and by device."""
    db.executescript(
        """
        CREATE TABLE accounts (
            name TEXT PRIMARY KEY,
            role TEXT NOT NULL,
            password_hash TEXT NOT NULL,
            must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)),
            disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
            created_seconds INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE sessions (
            token_sha256 TEXT PRIMARY KEY,
            name TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
            begun_seconds INTEGER NOT NULL,
            seen_seconds INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX sessions_by_name ON sessions (name);
        CREATE TABLE failures (
            kind TEXT NOT NULL CHECK (kind IN ('name', 'device')),
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            last_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        """
    )


@MIGRATIONS()
def m002_pairs(db: sqlite_utils.Database) -> None:
    """Count failures of a name at a device too, and remember where people have logged in."""
    db.executescript(
        """
        DROP TABLE failures;
        CREATE TABLE failures (
            kind TEXT NOT NULL CHECK (kind IN ('pair', 'device', 'name')),
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            last_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        CREATE TABLE known_devices (
            pair TEXT PRIMARY KEY,
            seen_seconds INTEGER NOT NULL
        ) STRICT;
        """
    )


@MIGRATIONS()
def m003_codes(db: sqlite_utils.Database) -> None:
    """Count wrong codes of a second factor too."""
    db.executescript(
        """
        CREATE TABLE failures_with_codes (
            kind TEXT NOT NULL CHECK (kind IN ('pair', 'device', 'name', 'code')),
            subject TEXT NOT NULL,
            count INTEGER NOT NULL,
            last_seconds INTEGER NOT NULL,
            PRIMARY KEY (kind, subject)
        ) STRICT;
        INSERT INTO failures_with_codes SELECT * FROM failures;
        DROP TABLE failures;
        ALTER TABLE failures_with_codes RENAME TO failures;
        """
    )


class AccountError(StoreError):
    """An account cannot be made or changed as asked; the text says what is allowed, ``reason`` is a key for pages."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Account:
    """One person who may log in. ``must_change`` holds until the one-time password was replaced."""

    name: str
    role: str
    must_change: bool
    disabled: bool
    created_seconds: int


class Outcome(enum.StrEnum):
    """What came of a login."""

    WELCOME = "welcome"
    WRONG = "wrong"  # name or password; which one is never said
    WAIT = "wait"  # too many failures for this name here, for this device, or for this name anywhere


@dataclass(frozen=True, slots=True)
class Login:
    """The answer to a login. ``token`` is set with WELCOME, ``wait_seconds`` with WAIT."""

    outcome: Outcome
    account: Account | None = None
    token: str = ""
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """A login that has not ended: since when, and when it was used last."""

    begun_seconds: int
    seen_seconds: int


class PasswordProblem(enum.StrEnum):
    """Why a new password is not taken."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CONTAINS_NAME = "contains_name"
    UNCHANGED = "unchanged"
    OLD_WRONG = "old_wrong"
    WAIT = "wait"


class Accounts:
    """The accounts in one store, which was opened with `MIGRATIONS` among its migrations.

    Args:
        store: where they are.
        idle_seconds: a session ends this long after its last request.
        absolute_seconds: a session ends this long after the login, whatever happens.
        hashing: makes and checks the passwords' hashes.
    """

    def __init__(
        self,
        store: Store,
        *,
        idle_seconds: int = 1_800,
        absolute_seconds: int = 36_000,
        hashing: SlowHash = slow_hash.SHARED,
    ) -> None:
        self.store = store
        self.hashing = hashing
        self.idle_seconds = idle_seconds
        self.absolute_seconds = absolute_seconds

    def add(self, name: str, role: str, now: int, *, together: Callable[[Database], None] = lambda _: None) -> str:
        """Make an account and return its one-time password, which is stored nowhere.

        Args:
            name: of the account.
            role: of the account.
            now: the time.
            together: writes in the same transaction what the account must not be without.

        Raises:
            AccountError: the name has another form, or is taken.
        """
        if not NAME.fullmatch(name):
            raise AccountError(
                f"{name!r}: allowed are 2 to 32 lower-case letters, digits, dots, hyphens and underscores, "
                "beginning with a letter",
                "name",
            )
        password = _one_time_password()
        digest = self._hash(password)
        with self.store.transaction() as db:
            if _row(db, name) is not None:
                raise AccountError(f"{name}: this name is taken; reset its password instead", "taken")
            db.execute(
                "INSERT INTO accounts (name, role, password_hash, must_change, created_seconds) VALUES (?, ?, ?, 1, ?)",
                [name, role, digest, now],
            )
            together(db)
        return password

    def reset(
        self, name: str, *, keep_disabled: bool = False, together: Callable[[Database], None] = lambda _: None
    ) -> str:
        """Give an account a new one-time password, ending its sessions and its lockout.

        Args:
            name: of the account.
            keep_disabled: a disabled account stays so; else it lets its owner in again.
            together: as `add`.

        Raises:
            AccountError: nobody has this name.
        """
        password = _one_time_password()
        password_hash = self._hash(password)
        with self.store.transaction() as db:
            self._require(db, name)
            db.execute(
                "UPDATE accounts SET password_hash = ?, must_change = 1, disabled = disabled AND ? WHERE name = ?",
                [password_hash, keep_disabled, name],
            )
            db.execute("DELETE FROM sessions WHERE name = ?", [name])
            brake.forget(db, brake.digest(name))
            together(db)
        return password

    def disable(
        self, name: str, *, keep_one_of: Collection[str] = (), together: Callable[[Database], None] = lambda _: None
    ) -> None:
        """Keep an account but let nobody in with it. ``together`` as in `add`.

        Raises:
            AccountError: as `reset`; or nobody else would be left in any of the roles ``keep_one_of``.
        """
        with self.store.transaction() as db:
            self._require(db, name)
            self._require_other(db, name, keep_one_of)
            together(db)
            db.execute("UPDATE accounts SET disabled = 1 WHERE name = ?", [name])
            db.execute("DELETE FROM sessions WHERE name = ?", [name])

    def enable(self, name: str, *, together: Callable[[Database], None] = lambda _: None) -> None:
        """Let an account in again, with the password it had. Raises `AccountError` as `reset`."""
        with self.store.transaction() as db:
            self._require(db, name)
            together(db)
            db.execute("UPDATE accounts SET disabled = 0 WHERE name = ?", [name])

    def set_role(
        self,
        name: str,
        role: str,
        *,
        keep_one_of: Collection[str] = (),
        together: Callable[[Database], None] = lambda _: None,
    ) -> None:
        """Give an account another role; it counts from the next request. Raises `AccountError` as `disable`."""
        with self.store.transaction() as db:
            self._require(db, name)
            if role not in keep_one_of:
                self._require_other(db, name, keep_one_of)
            together(db)
            db.execute("UPDATE accounts SET role = ? WHERE name = ?", [role, name])

    def one(self, name: str) -> Account:
        """Find an account. Raises `AccountError` as `reset`."""
        with self.store.reading() as db:
            return _account(self._require(db, name))

    def sessions(self, name: str, now: int) -> tuple[Session, ...]:
        """List where an account is logged in, the one used last first."""
        with self.store.reading() as db:
            rows = db.rows("SELECT * FROM sessions WHERE name = ? ORDER BY seen_seconds DESC", [name])
        return tuple(Session(row["begun_seconds"], row["seen_seconds"]) for row in rows if not self._ended(row, now))

    def end_sessions(self, name: str, *, together: Callable[[Database], None] = lambda _: None) -> None:
        """Log an account out everywhere."""
        with self.store.transaction() as db:
            together(db)
            db.execute("DELETE FROM sessions WHERE name = ?", [name])

    def all(self) -> tuple[Account, ...]:
        """List the accounts by name."""
        with self.store.reading() as db:
            return tuple(_account(row) for row in db.rows("SELECT * FROM accounts ORDER BY name"))

    def log_in(
        self, name: str, password: str, device: str, now: int, *, wants_more: Callable[[str], bool] = lambda _: False
    ) -> Login:
        """Check a name and its password, and begin a session.

        The attempt is counted before the password is checked, so that attempts at the same moment do not pass the
        brake together. Unknown names get the same answer after the same work.

        Args:
            name: as typed; case and spaces around it do not matter.
            password: as typed.
            device: the address the request came from.
            now: the time.
            wants_more: says whether the session of a name still waits for a second factor. Until that has come, the
                password alone forgives no failures: else it would give free tries at codes.

        Raises:
            StoreBusy: too many are being judged; this try was neither counted nor judged.
        """
        name = name.strip().lower()
        subjects = brake.subjects_of(name, device)
        with self.hashing.place():
            with self.store.transaction() as db:
                wait_seconds = brake.wait_seconds(db, subjects, now)
                if wait_seconds:
                    return Login(Outcome.WAIT, wait_seconds=wait_seconds)
                brake.count_failure(db, subjects, now)
                row = _row(db, name)
            right = self._matches(str(row["password_hash"]) if row else self.hashing.nobody, password)
        if row is None or not right or row["disabled"]:
            return Login(Outcome.WRONG)
        digest = str(row["password_hash"])
        token, is_half = secrets.token_urlsafe(32), wants_more(name)
        with self.store.transaction() as db:
            row = _row(db, name)
            # Between check and now the password may have been reset, or the account disabled.
            if row is None or row["disabled"] or row["password_hash"] != digest:
                return Login(Outcome.WRONG)
            if not is_half:
                brake.forgive(db, subjects)
                brake.remember(db, subjects, now)
            self._sweep(db, now)
            db.execute(
                "INSERT INTO sessions (token_sha256, name, begun_seconds, seen_seconds) VALUES (?, ?, ?, ?)",
                [brake.digest(token), name, now, now],
            )
        return Login(Outcome.WELCOME, _account(row), token)

    def of_session(self, token: str, now: int) -> Account | None:
        """Say whose session this is, and note that it is used; None when there is none or it has ended."""
        key = brake.digest(token)
        with self.store.reading() as db:
            session = next(iter(db.rows("SELECT * FROM sessions WHERE token_sha256 = ?", [key])), None)
            row = _row(db, session["name"]) if session else None
        if session is None or row is None or row["disabled"] or self._ended(session, now):
            return None
        # Written at most once a minute: an SD card pays for each commit.
        if now - session["seen_seconds"] >= min(60, self.idle_seconds // 4):
            with self.store.transaction() as db:
                db.execute("UPDATE sessions SET seen_seconds = ? WHERE token_sha256 = ?", [now, key])
        return _account(row)

    def log_out(self, token: str) -> None:
        """End a session. One that does not exist is no error."""
        with self.store.transaction() as db:
            db.execute("DELETE FROM sessions WHERE token_sha256 = ?", [brake.digest(token)])

    def change_password(self, name: str, old: str, new: str, device: str, now: int) -> PasswordProblem | None:
        """Replace the password and end every session of this account; None when it was done.

        A wrong old password counts as a failed login: an open session is no way around the brake. Raises `StoreBusy` as
        `log_in`.
        """
        new = unicodedata.normalize("NFC", new)
        problems = password_problems(name, old, new)
        if problems:
            return problems[0]
        subjects = brake.subjects_of(name, device)
        with self.hashing.place():
            with self.store.transaction() as db:
                if brake.wait_seconds(db, subjects, now):
                    return PasswordProblem.WAIT
                brake.count_failure(db, subjects, now)
                row = self._require(db, name)
            if not self._matches(str(row["password_hash"]), old):
                return PasswordProblem.OLD_WRONG
            digest = self._hash(new)
        with self.store.transaction() as db:
            if self._require(db, name)["password_hash"] != row["password_hash"]:
                return PasswordProblem.OLD_WRONG
            db.execute("UPDATE accounts SET password_hash = ?, must_change = 0 WHERE name = ?", [digest, name])
            db.execute("DELETE FROM sessions WHERE name = ?", [name])
            brake.forgive(db, subjects)
        return None

    def check_password(self, name: str, password: str, device: str, now: int) -> Login:
        """Ask somebody who is logged in for the password once more; brake and queue are the login's."""
        subjects = brake.subjects_of(name, device)
        with self.hashing.place():
            with self.store.transaction() as db:
                if seconds := brake.wait_seconds(db, subjects, now):
                    return Login(Outcome.WAIT, wait_seconds=seconds)
                brake.count_failure(db, subjects, now)
                row = self._require(db, name)
            is_right = self._matches(str(row["password_hash"]), password)
        if not is_right:
            return Login(Outcome.WRONG)
        with self.store.transaction() as db:
            brake.forgive(db, subjects)
        return Login(Outcome.WELCOME, _account(row))

    def _hash(self, password: str) -> str:
        return self.hashing.make(_normal(password))

    def _matches(self, digest: str, password: str) -> bool:
        return self.hashing.matches(digest, _normal(password))

    def _require_other(self, db: Database, name: str, roles: Collection[str]) -> None:
        able = {each["name"]: each["role"] for each in db.rows("SELECT name, role FROM accounts WHERE disabled = 0")}
        if able.pop(name, None) in roles and not set(roles) & set(able.values()):
            words = " or ".join(roles)
            raise AccountError(f"{name} is the only {words} who can log in; make another one first", "last")

    def _require(self, db: Database, name: str) -> dict[str, Any]:
        row = _row(db, name)
        if row is None:
            names = ", ".join(each for (each,) in db.execute("SELECT name FROM accounts ORDER BY name")) or "none yet"
            raise AccountError(f"{name}: nobody has this name; there are: {names}", "nobody")
        return row

    def _ended(self, session: dict[str, Any], now: int) -> bool:
        idle, age = now - session["seen_seconds"], now - session["begun_seconds"]
        return bool(idle >= self.idle_seconds or age >= self.absolute_seconds or idle < -CLOCK_STEP_SECONDS_MAX)

    def _sweep(self, db: Database, now: int) -> None:
        db.execute(
            "DELETE FROM sessions WHERE seen_seconds <= ? OR begun_seconds <= ?",
            [now - self.idle_seconds, now - self.absolute_seconds],
        )


def password_problems(name: str, old: str, new: str) -> tuple[PasswordProblem, ...]:
    """All that is wrong with a new password, so that a person mends it once; () when it is taken.

    It must be long enough, not the old one, and not hold the name. Nothing about digits and signs.
    """
    checks = (
        (PasswordProblem.TOO_SHORT, len(new) < PASSWORD_LENGTH_MIN),
        (PasswordProblem.TOO_LONG, len(new) > PASSWORD_LENGTH_MAX),
        (PasswordProblem.CONTAINS_NAME, len(name) >= 4 and name in new.lower()),
        (PasswordProblem.UNCHANGED, new == old),
    )
    return tuple(problem for problem, holds in checks if holds)


def _row(db: Database, name: str) -> dict[str, Any] | None:
    if not NAME.fullmatch(name):
        return None
    return next(iter(db.rows("SELECT * FROM accounts WHERE name = ?", [name])), None)


def _account(row: dict[str, Any]) -> Account:
    return Account(row["name"], row["role"], bool(row["must_change"]), bool(row["disabled"]), row["created_seconds"])


def _one_time_password() -> str:
    # 79 bits in four groups that can be read out over a telephone: no 0 O 1 l i.
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _normal(password: str) -> str:
    # However a keyboard writes é. A text of a megabyte must not buy a megabyte of hashing.
    return unicodedata.normalize("NFC", password[: PASSWORD_LENGTH_MAX + 1])
