"""What is kept aside, in PostgreSQL: as `noc.store.aside` does it, with the same measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from noc.store.aside import BYTES_MAX, ROWS_MAX, ROWS_PER_TOPIC_MAX, longest, sampled
from noc.store.contract import AsideKind, SetAside
from noc.store.postgres_server import Connection


def put(db: Connection, found: Sequence[SetAside]) -> None:
    """Count payloads and keep the last of them; the oldest of a noisy topic, then of all, make room."""
    if not found:
        return
    for kind, messages in Counter(each.kind for each in found).items():
        db.execute(
            "INSERT INTO aside_count VALUES (%s, %s)"
            " ON CONFLICT (kind) DO UPDATE SET messages = aside_count.messages + excluded.messages",
            (str(kind), messages),
        )
    kept = [(each, each.payload[: longest(each.kind)]) for each in sampled(found)]
    with (
        db.cursor() as cursor,
        cursor.copy("COPY aside (topic, kind, reason, payload, received_ms) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(("text", "text", "text", "bytea", "int8"))
        for each, payload in kept:
            copy.write_row((_text(each.topic), str(each.kind), _text(each.reason), payload, each.received_ms))
    size = sum(len(payload) for _, payload in kept)
    for topic in {_text(each.topic) for each, _ in kept}:
        size -= _delete(
            db,
            "topic = %s AND position <= (SELECT position FROM aside WHERE topic = %s ORDER BY position DESC"
            " LIMIT 1 OFFSET %s)",
            topic, topic, ROWS_PER_TOPIC_MAX,
        )  # fmt: skip
    size -= _delete(db, "position <= (SELECT position FROM aside ORDER BY position DESC LIMIT 1 OFFSET %s)", ROWS_MAX)
    ((size,),) = db.execute("UPDATE aside_size SET bytes = bytes + %s RETURNING bytes", (size,)).fetchall()
    freed = 0
    while size - freed > BYTES_MAX:
        freed += _delete(db, "position IN (SELECT position FROM aside ORDER BY position LIMIT 50)")
    if freed:
        db.execute("UPDATE aside_size SET bytes = bytes - %s", (freed,))


def counts(db: Connection) -> dict[AsideKind, int]:
    """Count what was ever kept aside, dropped payloads included."""
    rows = db.execute("SELECT kind, messages FROM aside_count").fetchall()
    return dict.fromkeys(AsideKind, 0) | {AsideKind(kind): messages for kind, messages in rows}


def kept(db: Connection, limit: int) -> tuple[SetAside, ...]:
    """List what is kept aside, newest first."""
    rows = db.execute(
        "SELECT topic, kind, reason, payload, received_ms FROM aside ORDER BY position DESC LIMIT %s", (limit,)
    ).fetchall()
    return tuple(SetAside(topic, AsideKind(kind), *rest) for topic, kind, *rest in rows)


def _text(text: str) -> str:
    # PostgreSQL's texts hold every character but this one, and half a pair is none.
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _delete(db: Connection, where: str, *values: object) -> int:
    """Delete and say how many bytes of payload went."""
    rows = db.execute(f"DELETE FROM aside WHERE {where} RETURNING length(payload)", values).fetchall()  # noqa: S608 - constants
    return sum(length for (length,) in rows)
