"""What a hub tells of its letters, so that anybody may check one at the NOC: nothing of what stands in them. Pure.

A mark names a letter by the first 16 bytes of the SHA-256 of its token (the 128 random bits in its QR code): who has
the paper can ask, and who has all marks can ask for nothing. With it go kind, date, last day, how it was signed, and
whether it is void. Of one letter a void mark stands above a valid one, in whatever order they come: to be told twice,
or late, changes nothing.

The kiosk keeps marks in the order in which they were made, and the agent asks for them by a `Cursor`: up to where the
NOC has them. Each mark is chained to those before it; where the kiosk's book is another (a backup came back, a new
card), the chain does not fit, and all is sent again. `appliance.core.letter_marks_wire` has what goes to the NOC.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.errors import OperationError

SOCKET_PATH: Final = "/run/desahub-marks.sock"
DIGEST_BYTES: Final = 16
CHAIN_BYTES: Final = 16
TITLE_LENGTH_MAX: Final = 80
VALID_DAYS_MAX: Final = 3_650
MARKS_AT_ONCE: Final = 250
ANSWER_BYTES_MAX: Final = 512 * 1024
START_CHAIN: Final = bytes(CHAIN_BYTES)


@dataclass(frozen=True, slots=True)
class Mark:
    """One letter: ``digest`` finds it, ``valid_days`` counts from ``date`` and is None where it does not end."""

    digest: bytes
    title: str
    date: datetime.date
    valid_days: int | None
    is_electronic: bool
    is_void: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to which mark of the kiosk's book something holds; ``chain`` is that mark's."""

    sequence: int = 0
    chain: bytes = START_CHAIN


@dataclass(frozen=True, slots=True)
class Found:
    """Marks that lie behind a cursor, as things stand now, and the cursor behind them.

    ``is_all``: there are no more.
    """

    marks: tuple[Mark, ...]
    until: Cursor
    is_all: bool


def digest_of(token: str) -> bytes:
    """By what a letter is known whose QR code holds this token."""
    return short_digest(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())


def short_digest(sha256: bytes) -> bytes:
    """What travels of a token's SHA-256: as many bits as the token has."""
    return sha256[:DIGEST_BYTES]


def title_that_fits(title: str) -> str:
    """A kind's title as it may travel: one line of what can be printed."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in title).split())
    return plain[:TITLE_LENGTH_MAX].strip() or "Surat"


def next_chain(chain: bytes, mark: Mark) -> bytes:
    """Chain a mark to those before it."""
    text = json.dumps(_row(mark), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(chain + text.encode()).digest()[:CHAIN_BYTES]


def encode_question(cursor: Cursor) -> bytes:
    """Write the agent's question as one line."""
    return _line(_cursor_row(cursor))


def decode_question(line: bytes) -> Cursor:
    """Read the agent's question. Raises `OperationError`."""
    try:
        return _cursor(json.loads(line))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise OperationError(f"a question for marks cannot be read: {type(error).__name__}") from None


def encode_answer(found: Found) -> bytes:
    """Write the kiosk's answer as one line."""
    return _line(
        {"marks": [_row(each) for each in found.marks], "until": _cursor_row(found.until), "is_all": found.is_all}
    )


def decode_answer(line: bytes) -> Found:
    """Read the kiosk's answer. Raises `OperationError`."""
    try:
        document: Any = json.loads(line)
        if type(document["is_all"]) is not bool:
            raise TypeError
        return Found(tuple(map(_mark, document["marks"])), _cursor(document["until"]), document["is_all"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise OperationError(f"the kiosk's marks cannot be read: {type(error).__name__}") from None


def _line(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _cursor_row(cursor: Cursor) -> dict[str, object]:
    return {"sequence": cursor.sequence, "chain": cursor.chain.hex()}


def _cursor(document: Any) -> Cursor:
    made = Cursor(document["sequence"], bytes.fromhex(document["chain"]))
    if type(made.sequence) is not int or not 0 <= made.sequence < 2**63 or len(made.chain) != CHAIN_BYTES:
        raise ValueError
    return made


def _row(mark: Mark) -> list[object]:
    return [
        mark.digest.hex(), mark.title, mark.date.isoformat(), mark.valid_days, mark.is_electronic, mark.is_void,
    ]  # fmt: skip


def _mark(row: Any) -> Mark:
    digest, title, date, valid_days, is_electronic, is_void = row
    made = Mark(
        bytes.fromhex(digest), str(title), datetime.date.fromisoformat(date),
        None if valid_days is None else int(valid_days), bool(is_electronic), bool(is_void),
    )  # fmt: skip
    if len(made.digest) != DIGEST_BYTES:
        raise ValueError
    return made
