"""The second factor of a login: codes of a telephone's app, recovery codes, and which sessions have shown one.

Secrets lie sealed in the database, with a key that is in a file beside it: a copy of the database alone opens nothing.
Recovery codes lie as keyed digests. Time is an argument, whole seconds of UTC.

Source: RFC 6238 (TOTP: SHA-1, 30 s, 6 digits, which every app knows), section 5.2 (one step of delay either way; a
code counts once).
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.core.errors import StoreError
from appliance.store import brake
from appliance.store.accounts import Account, Accounts
from appliance.store.database import Database
from appliance.store.migrations import Migrations

if TYPE_CHECKING:
    import sqlite_utils

STEP_SECONDS: Final = 30
STEPS_OF_SKEW: Final = 1
RECOVERY_CODES: Final = 10
HALF_SECONDS_MAX: Final = 300  # from the password to the code
WRONG_MAX: Final = 5  # codes in one half session; then the password again
_NONCE_BYTES: Final = 12

MIGRATIONS: Final = Migrations("second-factor")


@MIGRATIONS()
def m001_factors(db: sqlite_utils.Database) -> None:
    """Sealed secrets, digests of recovery codes, and what each session has shown."""
    db.executescript(
        """
        CREATE TABLE second_factors (
            name TEXT PRIMARY KEY REFERENCES accounts (name) ON DELETE CASCADE,
            sealed BLOB NOT NULL,
            is_confirmed INTEGER NOT NULL CHECK (is_confirmed IN (0, 1)),
            last_step INTEGER NOT NULL,
            since_seconds INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE recovery_codes (
            name TEXT NOT NULL REFERENCES second_factors (name) ON DELETE CASCADE,
            digest TEXT NOT NULL,
            PRIMARY KEY (name, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE session_marks (
            token_sha256 TEXT PRIMARY KEY REFERENCES sessions (token_sha256) ON DELETE CASCADE,
            is_proven INTEGER NOT NULL DEFAULT 0 CHECK (is_proven IN (0, 1)),
            wrong_codes INTEGER NOT NULL DEFAULT 0,
            asked_seconds INTEGER
        ) STRICT;
        """
    )


class Verdict(enum.StrEnum):
    """What came of a code."""

    RIGHT = "right"
    RECOVERY = "recovery"  # right, and used up
    WRONG = "wrong"
    WAIT = "wait"
    ENDED = "ended"  # too many, or too late: the password again


@dataclass(frozen=True, slots=True)
class Answer:
    """``wait_seconds`` is set with WAIT, ``codes_left`` with RECOVERY."""

    verdict: Verdict
    wait_seconds: int = 0
    codes_left: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A secret that is shown once: as base32, and as the address that a telephone reads from a QR code."""

    secret: str
    address: str


class SecondFactors:
    """The second factors of ``accounts``, whose store was opened with `MIGRATIONS` among its migrations.

    Args:
        accounts: whose.
        key: at least 32 random bytes, kept apart from the database.
        issuer: what the telephone shows beside the code.
    """

    def __init__(self, accounts: Accounts, key: bytes, issuer: str) -> None:
        self.accounts = accounts
        self._seal_key = hmac.digest(key, b"second factor: seal", "sha256")
        self._digest_key = hmac.digest(key, b"second factor: recovery codes", "sha256")
        self.issuer = issuer

    def has(self, name: str) -> bool:
        """Say whether an account logs in with a second factor."""
        with self.accounts.store.reading() as db:
            return _confirmed(db, name)

    def all(self) -> frozenset[str]:
        """Name the accounts that have one."""
        with self.accounts.store.reading() as db:
            return frozenset(name for (name,) in db.execute("SELECT name FROM second_factors WHERE is_confirmed = 1"))

    def codes_left(self, name: str) -> int:
        """Say how many recovery codes an account has not used."""
        with self.accounts.store.reading() as db:
            return int(db.execute("SELECT count(*) FROM recovery_codes WHERE name = ?", [name]).fetchone()[0])

    def is_half(self, name: str, token: str) -> bool:
        """Say whether a session still waits for its code."""
        key = brake.digest(token)
        with self.accounts.store.reading() as db:
            proven = db.execute("SELECT 1 FROM session_marks WHERE token_sha256 = ? AND is_proven = 1", [key])
            return proven.fetchone() is None and _confirmed(db, name)

    def begin(self, account: Account, now: int) -> Draft:
        """Make a secret for an account without a factor; it counts from `confirm` on. An earlier draft is void.

        Raises:
            StoreError: the account has a factor already, which only a reset takes away.
        """
        import pyotp  # noqa: PLC0415 - a box where nobody has a second factor does without

        secret = pyotp.random_base32(32)
        sealed = self._seal(account.name, secret)
        with self.accounts.store.transaction() as db:
            if _confirmed(db, account.name):
                raise StoreError(f"{account.name}: has a second factor; reset it first")
            db.execute(
                "INSERT OR REPLACE INTO second_factors (name, sealed, is_confirmed, last_step, since_seconds)"
                " VALUES (?, ?, 0, 0, ?)",
                [account.name, sealed, now],
            )
        address = pyotp.TOTP(secret).provisioning_uri(name=account.name, issuer_name=self.issuer)
        return Draft(secret, address)

    def confirm(self, name: str, token: str, code: str, now: int) -> tuple[str, ...]:
        """Take a draft in use with its first code; () when the code is wrong.

        This session counts as proven, all others of the account end. Returns recovery codes, which are kept nowhere.
        """
        codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
        with self.accounts.store.transaction() as db:
            row = next(iter(db.rows("SELECT * FROM second_factors WHERE name = ? AND is_confirmed = 0", [name])), None)
            step = self._step(name, row["sealed"], code, now) if row else None
            if step is None:
                return ()
            db.execute("UPDATE second_factors SET is_confirmed = 1, last_step = ? WHERE name = ?", [step, name])
            self._keep(db, name, codes)
            db.execute("DELETE FROM sessions WHERE name = ? AND token_sha256 <> ?", [name, brake.digest(token)])
            _mark(db, token, now)
        return codes

    def renew_codes(self, name: str, *, together: Callable[[Database], None] = lambda _: None) -> tuple[str, ...]:
        """Make new recovery codes; the old ones are void."""
        codes = tuple(_recovery_code() for _ in range(RECOVERY_CODES))
        with self.accounts.store.transaction() as db:
            together(db)
            self._keep(db, name, codes)
        return codes

    def check(self, name: str, token: str, code: str, device: str, now: int) -> Answer:
        """Judge a session's code; it is proven when that is right. The brake is the login's, and one of its own."""
        subjects = brake.subjects_of(name, device) | {"code": brake.digest(name)}
        key = brake.digest(token)
        with self.accounts.store.transaction() as db:
            if seconds := brake.wait_seconds(db, subjects, now):
                return Answer(Verdict.WAIT, seconds)
            if self._is_late(db, key, now):
                db.execute("DELETE FROM sessions WHERE token_sha256 = ?", [key])
                return Answer(Verdict.ENDED)
            answer = self._judge(db, name, code, now)
            if answer.verdict is not Verdict.WRONG:
                brake.forgive(db, subjects)
                brake.remember(db, subjects, now)
                _mark(db, token, now)
                return answer
            brake.count_failure(db, subjects, now)
            db.execute(
                "INSERT INTO session_marks (token_sha256, wrong_codes) VALUES (?, 1)"
                " ON CONFLICT (token_sha256) DO UPDATE SET wrong_codes = wrong_codes + 1",
                [key],
            )
            wrong = db.execute("SELECT wrong_codes FROM session_marks WHERE token_sha256 = ?", [key]).fetchone()[0]
            if wrong >= WRONG_MAX:
                db.execute("DELETE FROM sessions WHERE token_sha256 = ?", [key])
                return Answer(Verdict.ENDED)
        return answer

    def reset(self, name: str, *, together: Callable[[Database], None] = lambda _: None) -> bool:
        """Take an account's factor away and end its sessions. Returns whether there was one.

        ``together`` writes in the same transaction, where there was one.
        """
        with self.accounts.store.transaction() as db:
            had = _confirmed(db, name)
            if had:
                together(db)
            db.execute("DELETE FROM second_factors WHERE name = ?", [name])
            db.execute("DELETE FROM sessions WHERE name = ?", [name])
            db.execute("DELETE FROM failures WHERE kind = 'code' AND subject = ?", [brake.digest(name)])
        return had

    def is_fresh(self, token: str, now: int, seconds: int) -> bool:
        """Say whether this session's person was asked who they are within the last ``seconds``."""
        with self.accounts.store.reading() as db:
            row = db.execute(
                "SELECT max(begun_seconds, coalesce(asked_seconds, 0)) FROM sessions"
                " LEFT JOIN session_marks USING (token_sha256) WHERE token_sha256 = ?",
                [brake.digest(token)],
            ).fetchone()
        return row is not None and abs(now - row[0]) < seconds

    def freshen(self, token: str, now: int) -> None:
        """Note that this session's person was asked just now."""
        with self.accounts.store.transaction() as db:
            db.execute(
                "INSERT INTO session_marks (token_sha256, asked_seconds) VALUES (?, ?)"
                " ON CONFLICT (token_sha256) DO UPDATE SET asked_seconds = excluded.asked_seconds",
                [brake.digest(token), now],
            )

    def _is_late(self, db: Database, key: str, now: int) -> bool:
        row = db.execute(
            "SELECT begun_seconds, coalesce(is_proven, 0) FROM sessions LEFT JOIN session_marks USING (token_sha256)"
            " WHERE token_sha256 = ?",
            [key],
        ).fetchone()
        return row is None or (not row[1] and now - row[0] > HALF_SECONDS_MAX)

    def _judge(self, db: Database, name: str, code: str, now: int) -> Answer:
        row = next(iter(db.rows("SELECT * FROM second_factors WHERE name = ? AND is_confirmed = 1", [name])), None)
        if row is None:
            return Answer(Verdict.WRONG)
        step = self._step(name, row["sealed"], code, now)
        if step is not None:
            # A code counts once, and none before it: who looked over a shoulder comes too late.
            if step <= row["last_step"]:
                return Answer(Verdict.WRONG)
            db.execute("UPDATE second_factors SET last_step = ? WHERE name = ?", [step, name])
            return Answer(Verdict.RIGHT)
        used = db.execute(
            "DELETE FROM recovery_codes WHERE name = ? AND digest = ?", [name, self._digest(name, code)]
        ).rowcount
        left = db.execute("SELECT count(*) FROM recovery_codes WHERE name = ?", [name]).fetchone()[0]
        return Answer(Verdict.RECOVERY, codes_left=left) if used else Answer(Verdict.WRONG)

    def _step(self, name: str, sealed: bytes, code: str, now: int) -> int | None:
        """Say of which step a code is, None when of none that counts now."""
        import pyotp  # noqa: PLC0415 - as above

        digits = "".join(code.split())
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            return None
        totp = pyotp.TOTP(self._open(name, sealed))
        steps = range(now // STEP_SECONDS - STEPS_OF_SKEW, now // STEP_SECONDS + STEPS_OF_SKEW + 1)
        right = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), digits)]
        return right[-1] if right else None

    def _keep(self, db: Database, name: str, codes: tuple[str, ...]) -> None:
        db.execute("DELETE FROM recovery_codes WHERE name = ?", [name])
        db.executemany(
            "INSERT INTO recovery_codes (name, digest) VALUES (?, ?)", [(name, self._digest(name, c)) for c in codes]
        )

    def _digest(self, name: str, code: str) -> str:
        plain = "".join(each for each in code.lower() if each.isalnum())
        return hmac.new(self._digest_key, f"{name}\0{plain}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _seal(self, name: str, secret: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._seal_key).encrypt(nonce, secret.encode(), name.encode())

    def _open(self, name: str, sealed: bytes) -> str:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        try:
            return AESGCM(self._seal_key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode()).decode()
        except InvalidTag:
            raise StoreError(
                f"{name}: the secret of the second factor was sealed with another key; bring its key file back, "
                "or reset the factor"
            ) from None


def _confirmed(db: Database, name: str) -> bool:
    found = db.execute("SELECT 1 FROM second_factors WHERE name = ? AND is_confirmed = 1", [name])
    return found.fetchone() is not None


def _mark(db: Database, token: str, now: int) -> None:
    db.execute(
        "INSERT OR REPLACE INTO session_marks (token_sha256, is_proven, asked_seconds)"
        " SELECT token_sha256, 1, ? FROM sessions WHERE token_sha256 = ?",
        [now, brake.digest(token)],
    )


def _recovery_code() -> str:
    # 59 bits behind the brake; no 0 O 1 l i.
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))
