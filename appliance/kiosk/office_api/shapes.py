"""What may be said to the API, and what it answers: one table that reads, refuses and describes. Pure.

A shape reads a value of JSON and tells all that is wrong with it; the same shape writes the JSON Schema of the
description, so that the two cannot differ. Faults say what is allowed, and never repeat what was sent.

Source: https://json-schema.org/draft/2020-12/json-schema-validation
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

Schema = dict[str, Any]
ID_MAX: Final = 2**53 - 1  # what JSON and JavaScript keep whole


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: ``values.nama``, or a header's or parameter's name."""

    at: str
    text: str


class Shape(Protocol):
    """One value of JSON."""

    def schema(self) -> Schema:
        """Describe it."""
        ...

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        """Return the value as the views take it, or add to ``faults``."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text; ``pattern`` fits the whole of it, ``words`` are all that is allowed."""

    about: str = ""
    length_min: int = 0
    length_max: int = 200
    pattern: str = ""
    words: tuple[str, ...] = ()

    def schema(self) -> Schema:
        said: Schema = {"type": "string"}
        if self.about:
            said["description"] = self.about
        if self.words:
            return {**said, "enum": list(self.words)}
        if self.length_min:
            said["minLength"] = self.length_min
        said["maxLength"] = self.length_max
        return {**said, "pattern": f"^(?:{self.pattern})$"} if self.pattern else said

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        if not isinstance(value, str):
            faults.append(Fault(at, "harus berupa teks"))
        elif self.words and value not in self.words:
            faults.append(Fault(at, f"pilih salah satu: {', '.join(word or '(kosong)' for word in self.words)}"[:400]))
        elif not self.words and not self.length_min <= len(value) <= self.length_max:
            faults.append(Fault(at, f"harus {self.length_min} sampai {self.length_max} huruf"))
        elif self.pattern and not re.fullmatch(self.pattern, value, re.ASCII):
            faults.append(Fault(at, f"bentuknya lain; yang diterima: {self.about or self.pattern}"))
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds. In an address it is written in digits."""

    about: str = ""
    least: int = 0
    most: int = ID_MAX

    def schema(self) -> Schema:
        said: Schema = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {**said, "description": self.about} if self.about else said

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        # JSON Schema counts 1.0 among the whole numbers, and JSON has no true that is 1.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            faults.append(Fault(at, f"harus bilangan bulat {self.least} sampai {self.most}"))
        return value


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""

    about: str = ""

    def schema(self) -> Schema:
        return {"type": "boolean", "description": self.about} if self.about else {"type": "boolean"}

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        if not isinstance(value, bool):
            faults.append(Fault(at, "harus true atau false"))
        return value


@dataclass(frozen=True, slots=True)
class Nullable:
    """A value, or null where there is none."""

    of: Shape

    def schema(self) -> Schema:
        return {"anyOf": [self.of.schema(), {"type": "null"}]}

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        return None if value is None else self.of.read(value, at, faults)


@dataclass(frozen=True, slots=True)
class Rows:
    """A list."""

    of: Shape
    most: int = 200

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema(), "maxItems": self.most}

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        if not isinstance(value, list) or len(value) > self.most:
            faults.append(Fault(at, f"harus daftar dengan paling banyak {self.most} isi"))
            return value
        return [self.of.read(each, f"{at}[{index}]", faults) for index, each in enumerate(value)]


@dataclass(frozen=True, slots=True)
class Named:
    """Values by names that the village chooses itself, such as the questions of a kind of letter."""

    of: Shape
    about: str = ""
    name: str = r"[A-Za-z][A-Za-z0-9_]{0,63}"
    most: int = 100

    def schema(self) -> Schema:
        said: Schema = {
            "type": "object",
            "additionalProperties": self.of.schema(),
            "propertyNames": {"pattern": f"^(?:{self.name})$"},
            "maxProperties": self.most,
        }
        return {**said, "description": self.about} if self.about else said

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        if not isinstance(value, dict) or len(value) > self.most:
            faults.append(Fault(at, f"harus objek dengan paling banyak {self.most} isi"))
            return value
        if not all(re.fullmatch(self.name, name, re.ASCII) for name in value):
            faults.append(Fault(at, "ada nama isian yang bentuknya lain"))
            return value
        return {name: self.of.read(each, f"{at}.{name}", faults) for name, each in value.items()}


@dataclass(frozen=True, slots=True)
class Record:
    """Named members, of which ``needed`` must be there; others than these are refused. ``least``: at least so many."""

    members: Mapping[str, Shape]
    needed: frozenset[str] | None = None  # None: all
    about: str = ""
    least: int = 0

    def schema(self) -> Schema:
        said: Schema = {
            "type": "object",
            "properties": {name: shape.schema() for name, shape in self.members.items()},
            "additionalProperties": False,
        }
        if required := [name for name in self.members if name in self._needed()]:
            said["required"] = required
        if self.least:
            said["minProperties"] = self.least
        return {**said, "description": self.about} if self.about else said

    def read(self, value: object, at: str, faults: list[Fault]) -> Any:
        if not isinstance(value, dict):
            faults.append(Fault(at or "isi", "harus objek JSON"))
            return value
        dot = f"{at}." if at else ""
        if unknown := value.keys() - self.members.keys():
            # Which names they are stays unsaid: somebody's number may stand in the wrong place.
            allowed = ", ".join(self.members)
            faults.append(Fault(at or "isi", f"{len(unknown)} nama tidak dikenal; yang ada: {allowed}"))
        faults += [Fault(f"{dot}{name}", "harus ada") for name in self.members if name in self._needed() - value.keys()]
        if len(value) < self.least:
            faults.append(Fault(at or "isi", f"harus ada paling sedikit {self.least} isi"))
        return {
            name: shape.read(value[name], f"{dot}{name}", faults)
            for name, shape in self.members.items()
            if name in value
        }

    def _needed(self) -> frozenset[str]:
        return frozenset(self.members) if self.needed is None else self.needed


def optional(about: str = "", /, *, needed: tuple[str, ...], **members: Shape) -> Record:
    """A record of which only ``needed`` must be there."""
    return Record(members, frozenset(needed), about)


def record(about: str = "", /, **members: Shape) -> Record:
    """A record of which everything must be there."""
    return Record(members, None, about)


class JsonMalformed(ValueError):  # noqa: N818 - reads as the sentence it is where it is caught
    """The bytes are no JSON that everybody reads alike."""


def parse(data: bytes) -> object:
    """Read JSON: UTF-8, no name twice, no NaN, no half of a surrogate pair. Raises `JsonMalformed`."""
    try:
        text = data.decode("utf-8")
        value: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        # A lone surrogate can be written as an escape, and by nobody as UTF-8.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise JsonMalformed("not JSON") from error
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


def _no_constant(_: str) -> Any:
    raise ValueError("no number")


def canonical(value: object) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def read_whole(text: str) -> object:
    """A number as it stands in an address; the text itself where it is none, for the shape to refuse."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,17}", text, re.ASCII) else text
