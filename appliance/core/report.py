"""What a hub says to the NOC and what the NOC answers: the one place that encodes and decodes it.

A message is ``b"DH"``, a byte of version, a byte of schema (`Schema`), then a body of CBOR, compressed with zlib.
``docs/wire.md`` names every field, its unit and its topic; a test holds it to this module.

Identity is per record (boot id and sequence), never per batch: a record may be sent again, in other company, and is
still the same record. Nothing that arrives is trusted: `decode` bounds the bytes before it inflates them, the inflated
bytes before it reads them, and the number, the kind and the size of every value.

Source: RFC 8949 (CBOR), RFC 1950 (zlib).
"""

from __future__ import annotations

import enum
import math
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import cbor2

from appliance.core.clock import WallQuality, parse_boot_id
from appliance.core.errors import ReportMalformed, ReportUnknown

MAGIC: Final = b"DH"
VERSION: Final = 1
MESSAGE_BYTES_MAX: Final = 256 * 1024
INFLATED_BYTES_MAX: Final = 2 * 1024 * 1024
RECORDS_MAX: Final = 1_000
SAMPLES_MAX: Final = 200
RANGES_MAX: Final = 1_000
INTEGER_MAX: Final = 2**63 - 1
_SAMPLE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}(\.[a-z0-9][a-z0-9_]{0,15})?")

Number = int | float


class Schema(enum.IntEnum):
    """What a message is; the numbers go over the wire."""

    REPORT = 1
    STATE = 2
    ACK = 3


@dataclass(frozen=True, slots=True)
class Record:
    """What a box measured at one moment. ``samples`` maps a name to a number, or to None where it could not tell."""

    boot_id: str
    sequence: int
    boottime_ms: int
    wall_ms: int
    wall_quality: WallQuality
    samples: Mapping[str, Number | None]


@dataclass(frozen=True, slots=True)
class Report:
    """A batch of records. ``sent_boot_id`` and ``sent_boottime_ms`` say when it left, by the box's own clock.

    With them the NOC can place a record of the same boot in time although the box does not know the date.
    """

    sent_boot_id: str
    sent_boottime_ms: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Birth (``online``) or will. ``session`` grows with each connection of a boot: a late will is told by it."""

    boot_id: str
    session: int
    online: bool
    software_version: str
    configuration_fingerprint: str


@dataclass(frozen=True, slots=True)
class Committed:
    """The records ``first`` to ``last`` of one boot, both included, are in the NOC's store."""

    boot_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Ack:
    """What the NOC has committed. ``store_epoch`` is 32 hexadecimal digits that change when its store is made anew."""

    store_epoch: str
    committed: tuple[Committed, ...]


Message = Report | State | Ack


def report_topic(hub_id: str) -> str:
    """Name the topic of a hub's records."""
    return f"desahub/1/{hub_id}/report"


def state_topic(hub_id: str) -> str:
    """Name the topic of a hub's birth and will."""
    return f"desahub/1/{hub_id}/state"


def ack_topic(hub_id: str) -> str:
    """Name the topic on which the NOC tells a hub what it has committed."""
    return f"desahub/1/{hub_id}/ack"


def ranges(identities: Iterable[tuple[str, int]]) -> tuple[Committed, ...]:
    """Gather (boot id, sequence) pairs into as few ranges as they need, in order."""
    found: list[Committed] = []
    for boot_id, sequence in sorted(set(identities)):
        if found and found[-1].boot_id == boot_id and found[-1].last == sequence - 1:
            found[-1] = Committed(boot_id, found[-1].first, sequence)
        else:
            found.append(Committed(boot_id, sequence, sequence))
    return tuple(found)


def is_sample_name(text: str) -> bool:
    """Say whether ``text`` may name a sample: ``interface_received_bytes`` or, with a label, ``….uplink``."""
    return _SAMPLE_NAME.fullmatch(text) is not None


def encode(message: Message) -> bytes:
    """Write one message.

    Raises:
        ReportMalformed: a value is outside its bounds; what `decode` would refuse is never sent.
    """
    schema, body = _body(message)
    inflated = cbor2.dumps(body)
    made = MAGIC + bytes((VERSION, schema)) + zlib.compress(inflated, 9)
    if len(made) > MESSAGE_BYTES_MAX or len(inflated) > INFLATED_BYTES_MAX:
        _refuse(f"the message has {len(made)} bytes; at most {MESSAGE_BYTES_MAX} may be sent")
    if decode(made) != message:
        _refuse("the message would not come out as it went in")
    return made


def decode(payload: bytes) -> Message:
    """Read one message.

    Raises:
        ReportUnknown: its version or schema is not of this release.
        ReportMalformed: the bytes are no message, or a value is outside its bounds.
    """
    if len(payload) > MESSAGE_BYTES_MAX:
        _refuse(f"the message has {len(payload)} bytes; at most {MESSAGE_BYTES_MAX} are read")
    if payload[:2] != MAGIC or len(payload) < 4:
        _refuse("the message does not begin with DH, a version and a schema")
    version, number = payload[2], payload[3]
    if version != VERSION or number not in set(Schema):
        raise ReportUnknown(f"version {version}, schema {number}; this release reads version {VERSION}")
    schema = Schema(number)
    body = _loads(_inflate(payload[4:]))
    if schema is Schema.REPORT:
        return _report(body)
    if schema is Schema.STATE:
        return _state(body)
    return _ack(body)


def _body(message: Message) -> tuple[Schema, list[Any]]:
    try:
        if isinstance(message, Report):
            return Schema.REPORT, [
                bytes.fromhex(message.sent_boot_id),
                message.sent_boottime_ms,
                [
                    [
                        bytes.fromhex(r.boot_id),
                        r.sequence,
                        r.boottime_ms,
                        r.wall_ms,
                        int(r.wall_quality),
                        dict(r.samples),
                    ]
                    for r in message.records
                ],
            ]
        if isinstance(message, State):
            return Schema.STATE, [
                bytes.fromhex(message.boot_id),
                message.session,
                message.online,
                message.software_version,
                message.configuration_fingerprint,
            ]
        return Schema.ACK, [
            bytes.fromhex(message.store_epoch),
            [[bytes.fromhex(c.boot_id), c.first, c.last] for c in message.committed],
        ]
    except ValueError:
        _refuse("an id is not made of hexadecimal digits")


def _refuse(what: str) -> NoReturn:
    raise ReportMalformed(what)


def _inflate(compressed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(compressed, INFLATED_BYTES_MAX + 1)
    except zlib.error as error:
        _refuse(f"the body is not zlib's: {error}")
    if len(inflated) > INFLATED_BYTES_MAX:
        _refuse(f"the body grows beyond {INFLATED_BYTES_MAX} bytes")
    if not inflater.eof:
        _refuse("the body is cut off")
    if inflater.unused_data:
        _refuse("bytes follow after the body")
    return inflated


def _refuse_tag(*_: object) -> NoReturn:
    raise ValueError("a tagged value")


# cbor2 gives meaning to these tags (dates, big numbers, patterns to compile, shared values); a report holds none.
_TAGS: Final = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)


def _loads(inflated: bytes) -> Any:
    try:
        return cbor2.loads(
            inflated,
            semantic_decoders=_TAGS,
            max_depth=5,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        _refuse(f"the body is not CBOR as agreed: {str(error)[:120]}")


def _report(body: Any) -> Report:
    boot_id, boottime_ms, rows = _list(body, 3, "a report")
    if not isinstance(rows, list) or len(rows) > RECORDS_MAX:
        _refuse(f"a report holds a list of at most {RECORDS_MAX} records")
    return Report(_id(boot_id), _whole(boottime_ms, "sent_boottime_ms"), tuple(_record(row) for row in rows))


def _record(row: Any) -> Record:
    boot_id, sequence, boottime_ms, wall_ms, quality, samples = _list(row, 6, "a record")
    if not isinstance(samples, dict) or len(samples) > SAMPLES_MAX:
        _refuse(f"samples is a map of at most {SAMPLES_MAX} names")
    for name, value in samples.items():
        if not isinstance(name, str) or not is_sample_name(name):
            _refuse(f"{str(name)[:60]!r} does not name a sample")
        _sample(name, value)
    if type(quality) is not int or quality not in set(WallQuality):
        _refuse("wall_quality is 0, 1 or 2")
    return Record(
        _id(boot_id),
        _whole(sequence, "sequence"),
        _whole(boottime_ms, "boottime_ms"),
        _whole(wall_ms, "wall_ms"),
        WallQuality(quality),
        samples,
    )


def _sample(name: str, value: Any) -> None:
    if value is None:
        return
    if type(value) is int and abs(value) <= INTEGER_MAX:
        return
    if type(value) is float and math.isfinite(value):
        return
    _refuse(f"{name} is no finite number of at most 64 bits and not null")


def _state(body: Any) -> State:
    boot_id, session, online, version, fingerprint = _list(body, 5, "a state")
    if type(online) is not bool:
        _refuse("online is true or false")
    return State(
        _id(boot_id), _whole(session, "session"), online, _text(version, "software_version"),
        _text(fingerprint, "configuration_fingerprint"),
    )  # fmt: skip


def _ack(body: Any) -> Ack:
    epoch, rows = _list(body, 2, "an acknowledgement")
    if not isinstance(rows, list) or len(rows) > RANGES_MAX:
        _refuse(f"committed is a list of at most {RANGES_MAX} ranges")
    return Ack(_id(epoch), tuple(_committed(row) for row in rows))


def _committed(row: Any) -> Committed:
    boot_id, first, last = _list(row, 3, "a range")
    made = Committed(_id(boot_id), _whole(first, "first"), _whole(last, "last"))
    if made.first > made.last:
        _refuse("a range ends before it begins")
    return made


def _list(value: Any, length: int, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        _refuse(f"{what} is a list of {length}")
    return value


def _id(value: Any) -> str:
    if type(value) is not bytes or len(value) != 16:
        _refuse("an id has 16 bytes")
    return parse_boot_id(value.hex())


def _whole(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= INTEGER_MAX:
        _refuse(f"{name} is a whole number from 0 to {INTEGER_MAX}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value) > 64 or not value.isprintable():
        _refuse(f"{name} is a text of at most 64 characters")
    return value
