"""What is kept aside, in SQLite: every payload is counted, and as many are kept as have room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from appliance.store.database import Database
from noc.store.contract import AsideKind, SetAside

ROWS_MAX: Final = 10_000
ROWS_PER_TOPIC_MAX: Final = 200
ROWS_PER_COMMIT_MAX: Final = 200  # of a flood a sample is enough
BYTES_MAX: Final = 64 * 1024 * 1024
PAYLOAD_BYTES_MAX: Final = 4_096
UNKNOWN_BYTES_MAX: Final = 256 * 1024  # a later release can read these, so they are kept whole


def put(db: Database, found: Sequence[SetAside]) -> None:
    """Count payloads and keep the last of them; the oldest of a noisy topic, then of all, make room."""
    if not found:
        return
    for kind, messages in Counter(each.kind for each in found).items():
        db.execute(
            "INSERT INTO aside_count VALUES (?, ?)"
            " ON CONFLICT (kind) DO UPDATE SET messages = messages + excluded.messages",
            (kind, messages),
        )
    kept = [(each, each.payload[: _longest(each.kind)]) for each in _sample(found)]
    db.executemany(
        "INSERT INTO aside (topic, kind, reason, payload, received_ms) VALUES (?, ?, ?, ?, ?)",
        ((each.topic, each.kind, each.reason, payload, each.received_ms) for each, payload in kept),
    )
    size = sum(len(payload) for _, payload in kept)
    for topic in {each.topic for each, _ in kept}:
        size -= _delete(
            db,
            "topic = ? AND position <= (SELECT position FROM aside WHERE topic = ? ORDER BY position DESC"
            " LIMIT 1 OFFSET ?)",
            topic, topic, ROWS_PER_TOPIC_MAX,
        )  # fmt: skip
    size -= _delete(db, "position <= (SELECT position FROM aside ORDER BY position DESC LIMIT 1 OFFSET ?)", ROWS_MAX)
    ((size,),) = db.execute("UPDATE aside_size SET bytes = bytes + ? RETURNING bytes", (size,)).fetchall()
    freed = 0
    while size - freed > BYTES_MAX:
        freed += _delete(db, "position IN (SELECT position FROM aside ORDER BY position LIMIT 50)")
    if freed:
        db.execute("UPDATE aside_size SET bytes = bytes - ?", (freed,))


def counts(db: Database) -> dict[AsideKind, int]:
    """Count what was ever kept aside, dropped payloads included."""
    rows = db.execute("SELECT kind, messages FROM aside_count").fetchall()
    return dict.fromkeys(AsideKind, 0) | {AsideKind(kind): messages for kind, messages in rows}


def kept(db: Database, limit: int) -> tuple[SetAside, ...]:
    """List what is kept aside, newest first."""
    rows = db.execute(
        "SELECT topic, kind, reason, payload, received_ms FROM aside ORDER BY position DESC LIMIT ?", (limit,)
    ).fetchall()
    return tuple(SetAside(topic, AsideKind(kind), *rest) for topic, kind, *rest in rows)


def _longest(kind: AsideKind) -> int:
    return UNKNOWN_BYTES_MAX if kind is AsideKind.UNKNOWN_VERSION else PAYLOAD_BYTES_MAX


def _sample(found: Sequence[SetAside]) -> Sequence[SetAside]:
    """The last of a flood, and before them what a later release can read: a flood of nonsense must not hide it."""
    if len(found) <= ROWS_PER_COMMIT_MAX:
        return found
    ordered = sorted(range(len(found)), key=lambda at: (found[at].kind is AsideKind.UNKNOWN_VERSION, at))
    return [found[at] for at in sorted(ordered[-ROWS_PER_COMMIT_MAX:])]


def _delete(db: Database, where: str, *values: object) -> int:
    """Delete and say how many bytes of payload went."""
    rows = db.execute(f"DELETE FROM aside WHERE {where} RETURNING length(payload)", values).fetchall()  # noqa: S608 - constants
    return sum(length for (length,) in rows)
