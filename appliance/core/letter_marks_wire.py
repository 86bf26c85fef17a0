"""Marks of letters as they travel from a hub to the NOC, and the NOC's receipt. Pure.

A message is as `appliance.core.report` has them: ``DH``, version, schema, then CBOR packed by zlib with a dictionary
that both sides have (the titles of common kinds). The NOC's receipt names the message by its digest, and its store's
epoch. ``docs/wire.md`` describes both; a test holds it to this module.

Source: RFC 8949 (CBOR), RFC 1950 (zlib, FDICT).
"""

from __future__ import annotations

import datetime
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import cbor2

from appliance.core.agreed_cbor import load_cbor
from appliance.core.columns import read_column, write_column
from appliance.core.errors import ReportMalformed, ReportUnknown
from appliance.core.letter_marks import DIGEST_BYTES, TITLE_LENGTH_MAX, VALID_DAYS_MAX, Mark, title_that_fits
from appliance.core.report import MAGIC

MARKS_SCHEMA: Final = 6
RECEIPT_SCHEMA: Final = 7
VERSION: Final = 1
MARKS_MAX: Final = 500  # in one message
MARKS_BYTES_MAX: Final = 64 * 1024
INFLATED_BYTES_MAX: Final = 256 * 1024
_RECEIPT_BYTES: Final = 128
_EPOCH_DAY: Final = datetime.date(1970, 1, 1)
_DAYS_MAX: Final = (datetime.date(2199, 12, 31) - _EPOCH_DAY).days
_VOID, _ELECTRONIC = 1, 2
# Titles of letters as villages have them, the most common last: zlib finds what is near the end for fewer bits. It
# never changes: another dictionary would be another version of the message.
DICTIONARY: Final = (
    b"Surat Izin Orang Tua/Suami/Istri|Surat Pengantar Izin Keramaian|Surat Keterangan Ahli Waris|"
    b"Surat Keterangan Beda Identitas|Surat Keterangan Bepergian|Surat Keterangan Janda/Duda|"
    b"Surat Keterangan Jual Beli|Surat Pengantar Laporan Kehilangan|Surat Keterangan Kepemilikan Tanah|"
    b"Surat Keterangan KTP dalam Proses|Surat Keterangan Belum Memiliki Rumah|Surat Keterangan Wali|"
    b"Surat Keterangan Penduduk|Surat Pengantar Pindah|Surat Keterangan Kelahiran|Surat Keterangan Kematian|"
    b"Surat Keterangan Penghasilan|Surat Pengantar Kartu Keluarga|Surat Pengantar KTP Elektronik|"
    b"Surat Pengantar Nikah|Surat Keterangan Belum Menikah|Surat Keterangan Domisili Usaha|"
    b"Surat Pengantar Catatan Kepolisian|Surat Pengantar|Surat Keterangan Domisili|Surat Keterangan Tidak Mampu|"
    b"Surat Keterangan Usaha"
)
DICTIONARY_NUMBER: Final = zlib.adler32(DICTIONARY)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The NOC's word that a message is in its store: the store's epoch, and by `receipt_key` which message."""

    store_epoch: str
    key: str


def receipt_key(payload: bytes) -> str:
    """By what a receipt names a message: 16 hexadecimal digits."""
    return hashlib.sha256(payload).hexdigest()[:16]


def marks_topic(hub_id: str) -> str:
    """Name the topic of a hub's marks."""
    return f"desahub/1/{hub_id}/letter-marks"


def is_receipt(payload: bytes) -> bool:
    """Tell a receipt from the other messages of its topic."""
    return payload[:2] == MAGIC and payload[3:4] == bytes((RECEIPT_SCHEMA,))


def encode_marks(marks: Sequence[Mark]) -> bytes:
    """Write a message of 1 to `MARKS_MAX` marks. Raises `ReportMalformed`: what a reader refuses is never sent."""
    if not marks:
        _refuse("a message holds at least one mark")
    titles = list(dict.fromkeys(each.title for each in marks))
    body = [
        b"".join(each.digest for each in marks),
        titles,
        write_column([titles.index(each.title) for each in marks]),
        write_column([(each.date - _EPOCH_DAY).days for each in marks]),
        write_column([each.valid_days for each in marks]),
        write_column([_VOID * each.is_void + _ELECTRONIC * each.is_electronic for each in marks]),
    ]
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    made = MAGIC + bytes((VERSION, MARKS_SCHEMA)) + packer.compress(cbor2.dumps(body)) + packer.flush()
    if decode_marks(made) != tuple(marks):
        _refuse("the message would not come out as it went in")
    return made


def decode_marks(payload: bytes) -> tuple[Mark, ...]:
    """Read a message of marks.

    Raises:
        ReportUnknown: its version or schema is not of this release.
        ReportMalformed: the bytes are no message, or a value is outside its bounds.
    """
    digests, titles, title_of, dates, lasts, flags = _body(payload, MARKS_SCHEMA, MARKS_BYTES_MAX, 6)
    if not isinstance(digests, bytes) or len(digests) % DIGEST_BYTES:
        _refuse(f"digests are bytes, {DIGEST_BYTES} for each letter")
    count = len(digests) // DIGEST_BYTES
    if not 1 <= count <= MARKS_MAX:
        _refuse(f"a message holds 1 to {MARKS_MAX} marks")
    if not isinstance(titles, list) or not 1 <= len(titles) <= count:
        _refuse("titles are a list, of at most one for each letter")
    names = [_title(each) for each in titles]
    columns = [read_column(each, count) for each in (title_of, dates, lasts, flags)]
    return tuple(
        Mark(
            digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES],
            names[_whole(number, 0, len(names) - 1, "a title's number")],
            _EPOCH_DAY + datetime.timedelta(days=_whole(day, 0, _DAYS_MAX, "a date")),
            None if days is None else _whole(days, 1, VALID_DAYS_MAX, "valid_days"),
            bool(_whole(flag, 0, _VOID | _ELECTRONIC, "a flag") & _ELECTRONIC),
            bool(flag & _VOID),
        )
        for at, (number, day, days, flag) in enumerate(zip(*columns, strict=True))
    )


def encode_receipt(receipt: Receipt) -> bytes:
    """Write the NOC's answer."""
    body = cbor2.dumps([bytes.fromhex(receipt.store_epoch), bytes.fromhex(receipt.key)])
    return MAGIC + bytes((VERSION, RECEIPT_SCHEMA)) + zlib.compress(body, 9)


def decode_receipt(payload: bytes) -> Receipt:
    """Read the NOC's answer. Raises as `decode_marks`."""
    epoch, key = _body(payload, RECEIPT_SCHEMA, _RECEIPT_BYTES, 2)
    if not isinstance(epoch, bytes) or len(epoch) != 16 or not isinstance(key, bytes) or len(key) != 8:
        _refuse("a receipt is an epoch of 16 bytes and a key of 8")
    return Receipt(epoch.hex(), key.hex())


def _body(payload: bytes, schema: int, bytes_max: int, length: int) -> list[Any]:
    if payload[:2] != MAGIC or len(payload) < 4:
        _refuse("the message does not begin with DH, a version and a schema")
    if payload[2:4] != bytes((VERSION, schema)):
        raise ReportUnknown(
            f"version {payload[2]}, schema {payload[3]}; this release reads version {VERSION} of schema {schema} here"
        )
    if len(payload) > bytes_max:
        _refuse(f"the message has {len(payload)} bytes; at most {bytes_max} are read")
    try:
        body = load_cbor(_inflate(payload[4:]))
    except ValueError as error:
        _refuse(str(error))
    if not isinstance(body, list) or len(body) != length:
        _refuse(f"the body is a list of {length}")
    return body


def _inflate(packed: bytes) -> bytes:
    inflater = zlib.decompressobj(zdict=DICTIONARY)
    try:
        inflated = inflater.decompress(packed, INFLATED_BYTES_MAX + 1)
    except zlib.error as error:
        _refuse(f"the body is not zlib's, or has another dictionary than {DICTIONARY_NUMBER:08x}: {error}")
    if len(inflated) > INFLATED_BYTES_MAX:
        _refuse(f"the body grows beyond {INFLATED_BYTES_MAX} bytes")
    if not inflater.eof or inflater.unused_data:
        _refuse("the body is cut off, or bytes follow after it")
    return inflated


def _title(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= TITLE_LENGTH_MAX or title_that_fits(value) != value:
        _refuse(f"a title is one line of 1 to {TITLE_LENGTH_MAX} characters that can be printed")
    return value


def _whole(value: Any, least: int, most: int, what: str) -> int:
    if type(value) is not int or not least <= value <= most:
        _refuse(f"{what} is a whole number from {least} to {most}")
    return value


def _refuse(what: str) -> NoReturn:
    raise ReportMalformed(what)
