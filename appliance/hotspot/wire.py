"""Frozen dataclasses to JSON objects and back, checked against their annotations. Pure.

It knows what messages need: bool, int, float, str, enums of text, None, tuples of one kind, and dataclasses of these.
The gate's protocol spells its five messages out instead: it is the box's most privileged reader, and its list of a full
network is written and read every two seconds, where going by annotations would cost several times as much.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

INTEGER_MAX: Final = 2**63 - 1  # what SQLite keeps


def to_json(value: Any) -> Any:
    """Turn a message into what `json` writes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [to_json(one) for one in value]
    return value.value if isinstance(value, enum.Enum) else value


def from_json(kind: Any, value: Any, path: str = "") -> Any:
    """Make a ``kind`` of what `json` read.

    Raises:
        ValueError: it has another form; the text names the field by its ``path``.
        DesahubError: what the dataclass itself says about its values.
    """
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, path)
    origin = typing.get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{path} is a list")
        one = typing.get_args(kind)[0]
        return tuple(from_json(one, each, f"{path}[{i}]") for i, each in enumerate(value))
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return from_json(next(one for one in typing.get_args(kind) if one is not type(None)), value, path)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        allowed = {one.value: one for one in kind}
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"{path} is one of {', '.join(map(str, allowed))}")
        return allowed[value]
    return _plain(kind, value, path)


def _plain(kind: Any, value: Any, path: str) -> Any:
    # type(), not isinstance: True is no number here.
    if type(value) is not kind:
        raise ValueError(f"{path} is of type {kind.__name__}")
    if kind is int and abs(value) > INTEGER_MAX:
        raise ValueError(f"{path} is at most {INTEGER_MAX}")
    return value


def _dataclass(kind: Any, value: Any, path: str) -> Any:
    hints = _hints(kind)
    where = path or kind.__name__
    if not isinstance(value, dict) or set(value) != set(hints):
        raise ValueError(f"{where} takes exactly {', '.join(hints) or 'nothing'}")
    dot = f"{path}." if path else ""
    return kind(**{name: from_json(hint, value[name], dot + name) for name, hint in hints.items()})


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
