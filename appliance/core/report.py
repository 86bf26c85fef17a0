"""What a hub says to the NOC and what the NOC answers: the one place that encodes and decodes it.

A message is ``b"DH"``, a byte of version, a byte of schema (`Schema`), then a body of CBOR, compressed with zlib.
``docs/wire.md`` names every field, its unit and its topic; a test holds it to this module. A report's records are
written as columns (`appliance.core.columns`): most of what a box measures is as it was a minute ago.

Identity is per record (boot id and sequence), never per batch: a record may be sent again, in other company, and is
still the same record. Nothing that arrives is trusted: `decode` bounds the bytes before it inflates them, the inflated
bytes before it reads them, and the number, the kind and the size of every value.

Source: RFC 8949 (CBOR), RFC 1950 (zlib).
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, NoReturn

import cbor2

from appliance.core.agreed_cbor import load_cbor
from appliance.core.clock import WallQuality, parse_boot_id
from appliance.core.columns import (
    ABSENT,
    INTEGER_MAX,
    check_columns,
    read_column,
    read_names,
    write_column,
    write_names,
)
from appliance.core.errors import ReportMalformed, ReportUnknown
from appliance.core.report_dictionary import DICTIONARY
from appliance.core.report_dictionary import NUMBER as DICTIONARY_NUMBER
from appliance.core.samples import is_event, is_sample_name

MAGIC: Final = b"DH"
MESSAGE_BYTES_MAX: Final = 256 * 1024
INFLATED_BYTES_MAX: Final = 2 * 1024 * 1024
RECORDS_MAX: Final = 1_000
SAMPLES_MAX: Final = 200
CELLS_MAX: Final = (
    96_000  # of records times names: columns that never change pack to nothing, and take memory all the same
)
RANGES_MAX: Final = 1_000

Number = int | float


class Schema(enum.IntEnum):
    """What a message is; the numbers go over the wire."""

    REPORT = 1
    STATE = 2
    ACK = 3


VERSIONS: Final = {Schema.REPORT: 2, Schema.STATE: 2, Schema.ACK: 1}
# What is read is more than what is written: boxes of an earlier release say of themselves less.
_READ: Final = {Schema.REPORT: (2,), Schema.STATE: (1, 2), Schema.ACK: (1,)}
_STATE_FIELDS: Final = {1: 5, 2: 7}
RHYTHM_SECONDS_MAX: Final = 86_400
_QUALITIES: Final = dict(enumerate(WallQuality))
# What a short body packs best with differs with its content: each is tried (zlib.h, deflateInit2).
_HAS_DICTIONARY: Final = 0x20  # of zlib's two bytes of header, which 31 divides (RFC 1950, FLG.FDICT, FCHECK)
_STRATEGIES: Final = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_FIXED)


@dataclass(frozen=True, slots=True)
class Record:
    """What a box measured at one moment. ``samples`` maps a name to a number, or to None where it could not tell."""

    boot_id: str
    sequence: int
    boottime_ms: int
    wall_ms: int
    wall_quality: WallQuality
    samples: Mapping[str, Number | None]

    @property
    def is_event(self) -> bool:
        """Whether it tells of an event (a sample named ``event.NAME``), which is sent at once."""
        return any(is_event(name) for name in self.samples)


class Stamp(NamedTuple):
    """Which record it is and when it was made: a `Record` without its samples."""

    boot_id: str
    sequence: int
    boottime_ms: int
    wall_ms: int
    wall_quality: WallQuality


@dataclass(frozen=True, slots=True)
class Outline:
    """A `Report` whose samples were looked at and not made."""

    sent_boot_id: str
    sent_boottime_ms: int
    records: tuple[Stamp, ...]


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
    """Birth (``online``) or will. ``session`` grows with each connection of a boot: a late will is told by it.

    ``interval_seconds`` is how often the box makes a record and ``batch_seconds`` how long records wait to be sent
    together; 0 where it did not say.
    """

    boot_id: str
    session: int
    online: bool
    software_version: str
    configuration_fingerprint: str
    interval_seconds: int = 0
    batch_seconds: int = 0


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


def encode(message: Message) -> bytes:
    """Write one message.

    Raises:
        ReportMalformed: a value is outside its bounds; what `decode` would refuse is never sent.
    """
    schema, body = _body(message)
    inflated = cbor2.dumps(body)
    made = MAGIC + bytes((VERSIONS[schema], schema)) + _deflate(inflated, schema)
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
    schema, version, packed = _opened(payload)
    body = _loads(_inflate(packed, schema))
    if schema is Schema.REPORT:
        return _report(body)
    if schema is Schema.STATE:
        return _state(body, version)
    return _ack(body)


def outline(payload: bytes) -> Outline | State | Ack:
    """Read one message, of a report only what a store files it by; that takes a third of the time.

    It takes what `decode` takes and raises where that raises: who keeps a payload can read it later.
    """
    schema, version, packed = _opened(payload)
    if schema is not Schema.REPORT:
        body = _loads(_inflate(packed, schema))
        return _state(body, version) if schema is Schema.STATE else _ack(body)
    ids, sent_after_ms, groups = _parts(_loads(_inflate(packed, schema)))
    stamps: list[Stamp] = []
    cells_left = CELLS_MAX
    for group in groups:
        found, _, columns = _stamps(group, ids, RECORDS_MAX - len(stamps), cells_left)
        check_columns(columns, len(found))
        stamps.extend(found)
        cells_left -= len(found) * len(columns)
    return Outline(ids[0], _sent_ms(sent_after_ms, ids[0], stamps), tuple(stamps))


def _opened(payload: bytes) -> tuple[Schema, int, bytes]:
    if len(payload) > MESSAGE_BYTES_MAX:
        _refuse(f"the message has {len(payload)} bytes; at most {MESSAGE_BYTES_MAX} are read")
    if payload[:2] != MAGIC or len(payload) < 4:
        _refuse("the message does not begin with DH, a version and a schema")
    version, number = payload[2], payload[3]
    if number not in set(Schema) or version not in _READ[Schema(number)]:
        reads = ", ".join(f"version {' and '.join(map(str, _READ[each]))} of schema {each}" for each in Schema)
        raise ReportUnknown(f"version {version}, schema {number}; this release reads {reads}")
    return Schema(number), version, payload[4:]


def _body(message: Message) -> tuple[Schema, list[Any]]:
    try:
        if isinstance(message, Report):
            return Schema.REPORT, _report_body(message)
        if isinstance(message, State):
            return Schema.STATE, [
                bytes.fromhex(message.boot_id),
                message.session,
                message.online,
                message.software_version,
                message.configuration_fingerprint,
                message.interval_seconds,
                message.batch_seconds,
            ]
        return Schema.ACK, [
            bytes.fromhex(message.store_epoch),
            [[bytes.fromhex(c.boot_id), c.first, c.last] for c in message.committed],
        ]
    except ValueError:
        _refuse("an id is not made of hexadecimal digits")


def _refuse(what: str) -> NoReturn:
    raise ReportMalformed(what)


def _deflate(inflated: bytes, schema: Schema) -> bytes:
    if schema is not Schema.REPORT:
        return zlib.compress(inflated, 9)

    def packed(strategy: int) -> bytes:
        made = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy, DICTIONARY)
        return made.compress(inflated) + made.flush()

    return min((packed(strategy) for strategy in _STRATEGIES), key=len)


def _inflate(compressed: bytes, schema: Schema) -> bytes:
    header = int.from_bytes(compressed[:2], "big")
    if len(compressed) >= 6 and header % 31 == 0 and header & _HAS_DICTIONARY:
        number = int.from_bytes(compressed[2:6], "big")
        if schema is not Schema.REPORT or number != DICTIONARY_NUMBER:
            raise ReportUnknown(f"dictionary {number:08x}; this release has {DICTIONARY_NUMBER:08x}, for reports")
    inflater = zlib.decompressobj(zdict=DICTIONARY)
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


def _loads(inflated: bytes) -> Any:
    try:
        return load_cbor(inflated)
    except ValueError as error:
        _refuse(str(error))


def _report_body(report: Report) -> list[Any]:
    if len(report.records) > RECORDS_MAX:
        _refuse(f"the report has {len(report.records)} records; at most {RECORDS_MAX} may be sent")
    boots = list(dict.fromkeys([report.sent_boot_id, *(each.boot_id for each in report.records)]))
    return [
        [bytes.fromhex(boot_id) for boot_id in boots],
        report.sent_boottime_ms - _anchor_ms(report.sent_boot_id, report.records),
        [_group_body(boots.index(run[0].boot_id), run) for run in _runs(report.records)],
    ]


def _anchor_ms(boot_id: str, records: Sequence[Record | Stamp]) -> int:
    """When the last record of ``boot_id`` was made; 0 without one. The report left soon after: few bytes say when."""
    return next((each.boottime_ms for each in reversed(records) if each.boot_id == boot_id), 0)


def _runs(records: Iterable[Record]) -> list[list[Record]]:
    """Records that follow each other, are of one boot, and have together no more names than a group may have."""
    runs: list[list[Record]] = []
    names: set[str] = set()
    for record in records:
        for name, value in record.samples.items():
            if not is_sample_name(name):
                _refuse(f"{name[:60]!r} does not name a sample")
            if isinstance(value, bool) or not isinstance(value, int | float | None):
                _refuse(f"{name} is no number")
        together = names | set(record.samples)
        if runs and runs[-1][0].boot_id == record.boot_id and len(together) <= SAMPLES_MAX:
            runs[-1].append(record)
            names = together
        else:
            runs.append([record])
            names = set(record.samples)
    return runs


def _group_body(boot: int, run: list[Record]) -> list[Any]:
    names, order = write_names(list(dict.fromkeys(name for each in run for name in each.samples)))
    return [
        boot,
        len(run),
        write_column([each.sequence for each in run]),
        write_column([each.boottime_ms for each in run]),
        write_column([each.wall_ms - each.boottime_ms for each in run]),
        write_column([int(each.wall_quality) for each in run]),
        names,
        [write_column([each.samples.get(name, ABSENT) for each in run]) for name in order],
    ]


def _report(body: Any) -> Report:
    ids, sent_after_ms, groups = _parts(body)
    records: list[Record] = []
    cells_left = CELLS_MAX
    for group in groups:
        stamps, order, columns = _stamps(group, ids, RECORDS_MAX - len(records), cells_left)
        records.extend(_group(stamps, order, columns))
        cells_left -= len(stamps) * len(columns)
    return Report(ids[0], _sent_ms(sent_after_ms, ids[0], records), tuple(records))


def _parts(body: Any) -> tuple[list[str], Any, list[Any]]:
    boots, sent_after_ms, groups = _list(body, 3, "a report")
    if not isinstance(boots, list) or not 1 <= len(boots) <= RECORDS_MAX + 1:
        _refuse(f"a report holds a list of 1 to {RECORDS_MAX + 1} boot ids")
    ids = [_id(each) for each in boots]
    if not isinstance(groups, list) or len(groups) > RECORDS_MAX:
        _refuse(f"a report holds a list of at most {RECORDS_MAX} groups")
    return ids, sent_after_ms, groups


def _sent_ms(sent_after_ms: Any, boot_id: str, records: Sequence[Record | Stamp]) -> int:
    if type(sent_after_ms) is not int:
        _refuse("sent_boottime_ms is a whole number")
    return _whole(sent_after_ms + _anchor_ms(boot_id, records), "sent_boottime_ms")


def _group(stamps: list[Stamp], order: tuple[str, ...], columns: list[Any]) -> list[Record]:
    cells = [read_column(each, len(stamps)) for each in columns]
    rows: Any = zip(*cells, strict=True) if cells else [()] * len(stamps)
    found = []
    for stamp, row in zip(stamps, rows, strict=True):
        samples = dict(zip(order, row, strict=True))
        if ABSENT in row:
            samples = {name: value for name, value in samples.items() if value is not ABSENT}
        found.append(Record(*stamp, samples))
    return found


def _stamps(
    group: Any, ids: list[str], at_most: int, cells_left: int
) -> tuple[list[Stamp], tuple[str, ...], list[Any]]:
    """Read a group but for its samples: their names, and their columns as they are written."""
    boot, count, sequences, boottimes, offsets, qualities, names, columns = _list(group, 8, "a group")
    if type(boot) is not int or not 0 <= boot < len(ids):
        _refuse("a group names its boot by its place in the list")
    if type(count) is not int or not 1 <= count <= at_most:
        _refuse(f"a report holds at most {RECORDS_MAX} records, and a group at least one")
    order = read_names(names, SAMPLES_MAX)
    if count * len(order) > cells_left:
        _refuse(f"a report holds at most {CELLS_MAX} samples: of each group its records times its names")
    if not isinstance(columns, list) or len(columns) != len(order):
        _refuse("a group has a column for each name")
    boot_id, found = ids[boot], []
    for sequence, boottime, offset_ms, quality in zip(
        *(read_column(each, count) for each in (sequences, boottimes, offsets, qualities)), strict=True
    ):
        if type(quality) is not int or quality not in _QUALITIES:
            _refuse("wall_quality is 0, 1 or 2")
        if type(offset_ms) is not int:
            _refuse("wall_ms less boottime_ms is a whole number")
        boottime_ms = _whole(boottime, "boottime_ms")
        wall_ms = _whole(boottime_ms + offset_ms, "wall_ms")
        found.append(Stamp(boot_id, _whole(sequence, "sequence"), boottime_ms, wall_ms, _QUALITIES[quality]))
    return found, order, columns


def _state(body: Any, of_version: int) -> State:
    boot_id, session, online, version, fingerprint, *rhythm = _list(body, _STATE_FIELDS[of_version], "a state")
    if type(online) is not bool:
        _refuse("online is true or false")
    for name, seconds in zip(("interval_seconds", "batch_seconds"), rhythm, strict=False):
        if _whole(seconds, name) > RHYTHM_SECONDS_MAX:
            _refuse(f"{name} is at most {RHYTHM_SECONDS_MAX}")
    return State(
        _id(boot_id), _whole(session, "session"), online, _text(version, "software_version"),
        _text(fingerprint, "configuration_fingerprint"), *rhythm,
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
