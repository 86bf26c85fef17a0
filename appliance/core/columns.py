"""Columns of a report: a list of values as what changed from one to the next. Pure; `appliance.core.report` uses it.

A column of ``count`` values is written as one of

- a number or null: each of them is this;
- a list of ``count``: a whole number stands for its difference from the whole number before it (the first from 0), a
  float for itself, null for null, ``undefined`` for a value that is absent;
- a list that holds such a list alone: its differences are themselves written as differences;
- a list of a whole number, the first value, and a byte string: the other differences, each in as many bytes as all have
  (1 to 8), signed and big-endian;
- a map of one entry, from a scale to one of the above. A scale of 0 to 9 is a number of decimals: each whole number is
  to be divided by ten to that power, and is a float then. One of -40 to -1: it is to be multiplied by two to the power
  of 1 to 40, as memory and disks are counted in pages and blocks.

Every value comes out as it went in, to the last bit; where several forms do, the one with the fewest bytes is taken.
"""

from __future__ import annotations

import functools
import itertools
import math
import struct
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import cbor2

from appliance.core.errors import ReportMalformed, ReportUnknown
from appliance.core.samples import (
    LABELS,
    NAMES,
    NUMBER_OF_LABEL,
    NUMBER_OF_NAME,
    is_base_name,
    is_label,
)

INTEGER_MAX: Final = 2**63 - 1
DECIMALS_MAX: Final = 9
BITS_MAX: Final = 40
WIDTH_MAX: Final = 8
_FORMATS: Final = {1: "b", 2: "h", 4: "i", 8: "q"}  # of struct
_EXACT_MAX: Final = 2**53  # up to here every whole number is a float of its own
ABSENT: Final = cbor2.undefined

Value = int | float | None


def write_column(values: Sequence[Any]) -> Any:
    """Write values: int, float, None, or `ABSENT`. They may not all be absent."""
    kinds = {type(each) for each in values}
    if float in kinds and int not in kinds:
        decimals = _decimals([each for each in values if type(each) is float])
        if decimals is not None:
            scale = 10**decimals
            return {decimals: _write([round(each * scale) if type(each) is float else each for each in values])}
    plain = _write(values)
    bits = 0 if float in kinds else _common_bits(values)
    if not bits:
        return plain
    shifted = {-bits: _write([each >> bits if type(each) is int else each for each in values])}
    return min(plain, shifted, key=lambda each: len(cbor2.dumps(each)))


def read_column(written: Any, count: int) -> list[Any]:
    """Read ``count`` values. Raises `ReportMalformed`."""
    if type(written) is not dict:
        return _read(written, count)
    if len(written) != 1:
        _refuse("a scaled column is a map of one entry")
    ((scale, inner),) = written.items()
    if type(scale) is not int or not -BITS_MAX <= scale <= DECIMALS_MAX:
        _refuse(f"the scale of a column is a number from -{BITS_MAX} to {DECIMALS_MAX}")
    found = _read(inner, count)
    if float in set(map(type, found)):
        _refuse("a scaled column holds whole numbers")
    if scale >= 0:
        divisor = 10**scale
        return [each / divisor if type(each) is int else each for each in found]
    return [_checked(each << -scale) if type(each) is int else each for each in found]


def write_names(names: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Write the names of samples as shelves, one for each label; give them also in the order in which they stand.

    A shelf begins with its label (0: without a label; a number of the registry; else the text). Its names follow:
    numbers of the registry, as differences from the one before, then texts.
    """
    shelves: dict[str, list[str]] = {}
    for name in names:
        base, _, label = name.partition(".")
        shelves.setdefault(label, []).append(base)
    written: list[Any] = []
    order: list[str] = []
    for label in sorted(shelves, key=lambda each: (NUMBER_OF_LABEL.get(each, 1 << 16) if each else 0, each)):
        shelf: list[Any] = [NUMBER_OF_LABEL.get(label, label) if label else 0]
        before = 0
        for base in sorted(shelves[label], key=lambda each: (NUMBER_OF_NAME.get(each, 1 << 16), each)):
            number = NUMBER_OF_NAME.get(base)
            shelf.append(base if number is None else number - before)
            before = before if number is None else number
            order.append(f"{base}.{label}" if label else base)
        written.append(shelf)
    return written, order


def read_names(written: Any, at_most: int) -> tuple[str, ...]:
    """Read the names of samples.

    Raises:
        ReportUnknown: a number that a later release has given.
        ReportMalformed: this is no list of shelves, a name stands twice, or there are more than ``at_most``.
    """
    if type(written) is not list or not all(type(shelf) is list and len(shelf) >= 2 for shelf in written):
        _refuse("names is a list of shelves, and a shelf is a label and its names")
    if sum(len(shelf) - 1 for shelf in written) > at_most:
        _refuse(f"a group has at most {at_most} names")
    if any(type(each) not in (int, str) for shelf in written for each in shelf):
        _refuse("a shelf holds whole numbers and texts")
    return _names(tuple(map(tuple, written)))


# A hub measures the same things at each batch; what thousands of hubs measure is much the same too.
@functools.lru_cache(maxsize=512)
def _names(shelves: tuple[tuple[int | str, ...], ...]) -> tuple[str, ...]:
    order: list[str] = []
    for shelf in shelves:
        label = _label(shelf[0])
        number = 0
        for each in shelf[1:]:
            if isinstance(each, int) and each > 0:
                number += each
                base = _registered(NAMES, number, "sample")
            elif isinstance(each, str) and is_base_name(each):
                base = each
            else:
                _refuse(f"{str(each)[:60]!r} does not name a sample")
            order.append(f"{base}.{label}" if label else base)
    if len(set(order)) != len(order):
        _refuse("a name stands twice in a group")
    return tuple(order)


def _refuse(what: str) -> NoReturn:
    raise ReportMalformed(what)


def _label(written: int | str) -> str:
    if isinstance(written, str):
        if is_label(written):
            return written
    elif written >= 0:
        return _registered(LABELS, written, "label") if written else ""
    _refuse(f"{str(written)[:60]!r} is no label of a sample")


def _registered(registry: dict[int, str], number: int, what: str) -> str:
    found = registry.get(number)
    if found is None:
        raise ReportUnknown(f"{what} number {number}; this release knows 1 to {len(registry)}")
    return found


def _decimals(floats: Sequence[float]) -> int | None:
    """The fewest decimals that write every float exactly, None where none do."""
    for decimals in range(DECIMALS_MAX + 1):
        if all(_is_exact(each, 10**decimals) for each in floats):
            return decimals
    return None


def _common_bits(values: Sequence[Any]) -> int:
    """How many of the lowest bits are zero in every whole number of a column; 0 where they all are 0."""
    together = 0
    for each in values:
        if type(each) is int:
            together |= each
    return min(BITS_MAX, (together & -together).bit_length() - 1) if together else 0


def _is_exact(value: float, scale: int) -> bool:
    if not math.isfinite(value) or abs(value * scale) >= _EXACT_MAX:
        return False
    back = round(value * scale) / scale
    return back == value and math.copysign(1, back) == math.copysign(1, value)


def _write(values: Sequence[Any]) -> Any:
    first = values[0]
    if first is not ABSENT and all(type(each) is type(first) and _same(each, first) for each in values):
        return first
    once = _differences(values)
    if any(type(each) is not int for each in values):
        return once
    forms: list[Any] = [once]
    twice = _differences(once)
    if all(abs(each) < 2**64 for each in twice):
        forms.append([twice])
    width = max(each.bit_length() for each in once[1:]) // 8 + 1
    if width <= WIDTH_MAX:
        forms.append([once[0], b"".join(each.to_bytes(width, "big", signed=True) for each in once[1:])])
    return min(forms, key=lambda each: len(cbor2.dumps(each)))


def _same(one: Any, other: Any) -> bool:
    # Of floats only 0.0 and -0.0 are equal and not the same.
    return bool(one == other) and (type(one) is not float or math.copysign(1, one) == math.copysign(1, other))


def _differences(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    before = 0
    for each in values:
        if type(each) is int:
            found.append(each - before)
            before = each
        else:
            found.append(each)
    return found


def _read(written: Any, count: int) -> list[Any]:
    if type(written) is not list:
        return [_checked(written)] * count
    if len(written) == 2 and type(written[1]) is bytes:
        written = _unpacked(written[0], written[1], count)
    elif len(written) == 1 and type(written[0]) is list:
        if set(map(type, written[0])) != {int}:
            _refuse("differences of differences are whole numbers")
        written = list(itertools.accumulate(written[0]))
    if len(written) != count:
        _refuse(f"a column of {count} values has another length")
    if set(map(type, written)) == {int}:
        found = list(itertools.accumulate(written))
        if max(found) > INTEGER_MAX or min(found) < -INTEGER_MAX:
            _refuse("a sample is no finite number of at most 64 bits and not null")
        return found
    found, before = [], 0
    for each in written:
        if type(each) is int:
            before += each
            found.append(_checked(before))
        else:
            found.append(each if each is ABSENT else _checked(each))
    return found


def _unpacked(first: Any, packed: bytes, count: int) -> list[int]:
    width, rest = divmod(len(packed), count - 1) if count > 1 else (0, 0)
    if type(first) is not int or rest or not 1 <= width <= WIDTH_MAX:
        _refuse(f"the differences of a column of {count} values are not of 1 to {WIDTH_MAX} bytes each")
    if width in _FORMATS:
        return [first, *struct.unpack(f">{count - 1}{_FORMATS[width]}", packed)]
    return [
        first,
        *(int.from_bytes(packed[at : at + width], "big", signed=True) for at in range(0, len(packed), width)),
    ]


def _checked(value: Any) -> Value:
    if value is None:
        return None
    if type(value) is int and abs(value) <= INTEGER_MAX:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    _refuse("a sample is no finite number of at most 64 bits and not null")
