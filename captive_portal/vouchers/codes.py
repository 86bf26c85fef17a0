"""Voucher codes: how they are written, typed, derived and checked. Pure.

A local code is ten characters, 50 bits of an HMAC over its batch and serial: the key and a batch's salt give a sheet
again, the database need not keep it. A district code is twenty characters, 100 bits: 52 that say what it is worth and
48 of an HMAC over them, so that every hub with the district's key reads it without asking anybody. What it is worth is
hidden by a mask made of the HMAC, so that codes of one sheet do not look like neighbours, and tell nobody their number.

Source: Crockford, https://www.crockford.com/base32.html; RFC 2104 (HMAC); RFC 5297 for the idea of a mask made of the
authenticator; NIST SP 800-107 section 5.3.3 for its truncation.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LOCAL_LENGTH: Final = 10
DISTRICT_LENGTH: Final = 20
KEY_BYTES: Final = 32
TYPED_LENGTH_MAX: Final = 64

_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
# What people put between groups, and what telephones make of a hyphen.
_BETWEEN: Final = frozenset(" \t\r\n\u00a0-_.\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
_TYPED: Final = {ord(lower): upper for lower, upper in zip("abcdefghjkmnpqrstvwxyz", ALPHABET[10:], strict=True)} | {
    ord(wrong): right for wrong, right in (("o", "0"), ("O", "0"), ("i", "1"), ("I", "1"), ("l", "1"), ("L", "1"))
}

# A district code has four bits for each of these two: what sheets are sold in.
DISTRICT_MINUTES: Final = (
    30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880, 4_320, 7_200, 10_080, 20_160, 30_240, 43_200,
)  # fmt: skip
DISTRICT_MEGABYTES: Final = (
    0, 50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 20_000, 50_000,
)  # fmt: skip
DISTRICT_BATCH_MAX: Final = 4_095
DISTRICT_SERIAL_MAX: Final = 4_096
DISTRICT_DEVICES_MAX: Final = 8
DISTRICT_SPEED_MAX: Final = 7
DISTRICT_EPOCH: Final = datetime.date(2025, 1, 1)
DISTRICT_LAST_DAY_MAX: Final = DISTRICT_EPOCH + datetime.timedelta(days=4_095)
_VERSION: Final = 0
_PAYLOAD_BITS, _TAG_BITS = 52, 48
# From the highest bit down.
_LAYOUT: Final = (
    ("version", 2), ("batch", 12), ("serial", 12), ("last_day", 12), ("duration", 4), ("data", 4), ("devices", 3),
    ("speed", 3),
)  # fmt: skip


def normalise(typed: str) -> str:
    """Bring what a person typed to a code's characters; "" for what can be no code.

    Case does not matter, O is 0, I and L are 1; spaces, hyphens and their kin are left out.
    """
    if len(typed) > TYPED_LENGTH_MAX:
        return ""
    found = "".join(character for character in typed if character not in _BETWEEN).translate(_TYPED)
    is_code = len(found) in (LOCAL_LENGTH, DISTRICT_LENGTH) and all(character in _VALUE for character in found)
    return found if is_code else ""


def printed(code: str) -> str:
    """Group a code by fives, as on a sheet."""
    return "-".join(code[i : i + 5] for i in range(0, len(code), 5))


def derive_local(key: bytes, salt: bytes, serial: int) -> str:
    """The code of one voucher of the batch with ``salt``: the same each time."""
    mac = _mac(key, b"code", salt, serial.to_bytes(4, "big"))
    return _encode(int.from_bytes(mac[:8], "big") >> 14, LOCAL_LENGTH)


def digest(key: bytes, code: str) -> bytes:
    """What the database knows a code by: 16 bytes that tell nothing without the key, and take one time for any code."""
    return _mac(key, b"digest", code.encode("ascii"))[:16]


@dataclass(frozen=True, slots=True)
class DistrictCode:
    """What a district code says.

    Args:
        batch: 0 to 4095, one number for each sheet the district makes.
        serial: 1 to 4096.
        last_day: the last day on which it can first be used, 2025-01-01 to 2036-03-19.
        minutes: one of `DISTRICT_MINUTES`.
        megabytes: one of `DISTRICT_MEGABYTES`; 0 sets no bound.
        devices: 1 to 8.
        speed_level: 0 for the fair share alone, 1 to 7 for the hub's own classes in their order in hub.toml.

    Raises:
        ValueError: a value is none of these; the text says which are.
    """

    batch: int
    serial: int
    last_day: datetime.date
    minutes: int
    megabytes: int
    devices: int
    speed_level: int

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("batch", self.batch, 0, DISTRICT_BATCH_MAX),
            ("serial", self.serial, 1, DISTRICT_SERIAL_MAX),
            ("last day", self.last_day, DISTRICT_EPOCH, DISTRICT_LAST_DAY_MAX),
            ("devices", self.devices, 1, DISTRICT_DEVICES_MAX),
            ("speed level", self.speed_level, 0, DISTRICT_SPEED_MAX),
        ):
            if not least <= value <= most:  # type: ignore[operator]  # each row's three values are of one type
                raise ValueError(f"{name} {value}: allowed is {least} to {most}")
        for name, value, allowed in (
            ("minutes", self.minutes, DISTRICT_MINUTES),
            ("megabytes", self.megabytes, DISTRICT_MEGABYTES),
        ):
            if value not in allowed:
                raise ValueError(f"{name} {value}: allowed are {', '.join(map(str, allowed))}")


def make_district(key: bytes, what: DistrictCode) -> str:
    """Write a district code."""
    payload = _packed(
        _VERSION, what.batch, what.serial - 1, (what.last_day - DISTRICT_EPOCH).days,
        DISTRICT_MINUTES.index(what.minutes), DISTRICT_MEGABYTES.index(what.megabytes), what.devices - 1,
        what.speed_level,
    )  # fmt: skip
    tag = _tag(key, payload)
    return _encode(tag << _PAYLOAD_BITS | payload ^ _mask(key, tag), DISTRICT_LENGTH)


def numbers_of(key: bytes, subject: str) -> tuple[int, int]:
    """A sheet's number and a serial that stand for ``subject``: always the same, and as good as drawn at random."""
    drawn = int.from_bytes(_mac(key, b"numbers", subject.encode()), "big")
    return drawn % (DISTRICT_BATCH_MAX + 1), 1 + (drawn >> 64) % DISTRICT_SERIAL_MAX


def read_district(key: bytes, code: str) -> DistrictCode | None:
    """What a code of twenty characters says; None when this key did not make it, or a newer release did."""
    number = 0
    for character in code:
        number = number << 5 | _VALUE[character]
    tag, masked = number >> _PAYLOAD_BITS, number & (1 << _PAYLOAD_BITS) - 1
    payload = masked ^ _mask(key, tag)
    if len(code) != DISTRICT_LENGTH or not hmac.compare_digest(
        tag.to_bytes(16, "big"), _tag(key, payload).to_bytes(16, "big")
    ):
        return None
    parts = _unpacked(payload)
    if parts["version"] != _VERSION:
        return None
    return DistrictCode(
        parts["batch"], parts["serial"] + 1, DISTRICT_EPOCH + datetime.timedelta(days=parts["last_day"]),
        DISTRICT_MINUTES[parts["duration"]], DISTRICT_MEGABYTES[parts["data"]], parts["devices"] + 1, parts["speed"],
    )  # fmt: skip


def speed_of_level(level: int, names: Iterable[str]) -> str:
    """The hub's class for a district's speed level: the level-th of ``[[speeds]]``, the last where there are fewer."""
    known = tuple(names)
    return known[min(level, len(known)) - 1] if level and known else ""


def _packed(*values: int) -> int:
    payload = 0
    for (_, bits), value in zip(_LAYOUT, values, strict=True):
        payload = payload << bits | value
    return payload


def _unpacked(payload: int) -> dict[str, int]:
    found = {}
    for name, bits in reversed(_LAYOUT):
        found[name] = payload & (1 << bits) - 1
        payload >>= bits
    return found


def _tag(key: bytes, payload: int) -> int:
    return int.from_bytes(_mac(key, b"district", payload.to_bytes(7, "big"))[: _TAG_BITS // 8], "big")


def _mask(key: bytes, tag: int) -> int:
    mask = _mac(key, b"district mask", tag.to_bytes(16, "big"))[:7]
    return int.from_bytes(mask, "big") & (1 << _PAYLOAD_BITS) - 1


def _mac(key: bytes, purpose: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over a purpose and parts; each part's length goes before it, so that none runs into the next."""
    text = b"".join(len(part).to_bytes(2, "big") + part for part in (b"desahub voucher " + purpose, *parts))
    return hmac.digest(key, text, hashlib.sha256)


def _encode(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * (length - 1 - i) & 31] for i in range(length))
