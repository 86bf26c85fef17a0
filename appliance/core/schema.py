"""Turn a parsed document (TOML, JSON) into frozen dataclasses, reporting every problem at once.

The dataclasses are the schema: each field made with `option` carries its description, an example and the rule its
value must keep. The same metadata writes ``docs/config.md``, so the two cannot drift apart.

Field types understood: ``str``, ``int``, ``float``, ``bool``, a ``StrEnum``, a dataclass, ``tuple[X, ...]`` of these,
and ``X | None``. Anything else is a mistake of the schema's author and raises `TypeError`.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from appliance.core.errors import ConfigError, Problem

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What a value must be: ``allowed`` says it to a person, ``holds`` decides it."""

    allowed: str
    holds: Callable[[Any], bool]


def between(low: float, high: float, unit: str = "") -> Rule:
    """Allow numbers from ``low`` to ``high``, both included."""
    return Rule(f"allowed is {low} to {high}{' ' + unit if unit else ''}", lambda value: low <= value <= high)


def length(low: int, high: int) -> Rule:
    """Allow texts of ``low`` to ``high`` characters, without control characters."""
    return Rule(
        f"allowed are {low} to {high} characters without control characters, and not only blanks",
        lambda value: low <= len(value) <= high and value.isprintable() and (value == "" or value.strip() != ""),
    )


def option(
    *,
    about: str,
    example: object,
    rule: Rule | None = None,
    at_most: int | None = None,
    default: Any = dataclasses.MISSING,
) -> Any:
    """Declare one key of a document.

    Args:
        about: one sentence for the technician, as it appears in the documentation.
        example: a value as it would stand in the document.
        rule: what the value must keep beyond its type; for a list, each of its entries.
        at_most: for a list, how many entries it may hold.
        default: the value when the key is left out; without one the key is required.
    """
    metadata = {"about": about, "example": example, "rule": rule, "at_most": at_most}
    return dataclasses.field(default=default, metadata=metadata)


def section(
    *,
    about: str,
    at_most: int | None = None,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
) -> Any:
    """Declare a table (or an array of at most ``at_most`` tables) of a document."""
    metadata = {"about": about, "at_most": at_most}
    if default_factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def load(kind: type[T], document: Mapping[str, Any]) -> T:
    """Build ``kind`` from ``document``.

    A dataclass may have a method ``problems() -> Iterable[Problem]`` for rules between its fields; it is asked once
    all its fields are right by themselves. ``MOVED`` may say of keys of earlier releases where they are now.

    Raises:
        ConfigError: with every problem found.
    """
    problems: list[Problem] = []
    value = _table(kind, document, "", problems)
    if problems:
        raise ConfigError(problems)
    return typing.cast(T, value)


def nearest(key: str, names: Iterable[str]) -> str:
    """The one of ``names`` that was probably meant; "" where none is near."""
    import difflib  # noqa: PLC0415 - only for a mistake: each resident process reads a configuration without one

    return next(iter(difflib.get_close_matches(key, list(names), n=1)), "")


def _table(kind: type, document: object, path: str, problems: list[Problem]) -> object | None:
    if not isinstance(document, Mapping):
        problems.append(Problem(path, f"is {_name(document)}", "allowed is a table of keys"))
        return None
    found = len(problems)
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in document:
        if key not in fields:
            near = nearest(str(key), fields)
            hint = f"did you mean {near}?" if near else f"allowed are {', '.join(fields)}"
            hint = getattr(kind, "MOVED", {}).get(key, hint)
            problems.append(Problem(_join(path, _shown_key(str(key))), "is not a known key", hint))
    values: dict[str, object] = {}
    for name, field in fields.items():
        where = _join(path, name)
        if name in document:
            if _is_too_long(document[name], field.metadata.get("at_most"), where, problems):
                continue
            values[name] = _value(hints[name], document[name], where, field.metadata.get("rule"), problems)
        elif _is_required(field):
            problems.append(Problem(where, "is missing", _needed(hints[name], name, field.metadata)))
    if len(problems) > found:
        return None
    made = kind(**values)
    check = getattr(made, "problems", None)
    if check is not None:
        between_fields: Iterable[Problem] = check()
        problems.extend(dataclasses.replace(problem, path=_join(path, problem.path)) for problem in between_fields)
    return typing.cast(object, made)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _needed(hint: Any, name: str, metadata: Mapping[str, Any]) -> str:
    """What to write where something is missing: a section with its keys, or a key as it would stand there."""
    about = metadata.get("about", name)
    inner, is_list = _inner(hint)
    if not dataclasses.is_dataclass(inner):
        return f"needed is: {about}"
    header = f"[[{name}]]" if is_list else f"[{name}]"
    keys = [field.name for field in dataclasses.fields(inner) if _is_required(field)]
    return f"write {header} with {', '.join(keys)}. {about}"


def _is_too_long(value: object, at_most: int | None, path: str, problems: list[Problem]) -> bool:
    if at_most is None or not isinstance(value, list | tuple) or len(value) <= at_most:
        return False
    problems.append(Problem(path, f"has {len(value)} entries", f"allowed are at most {at_most}"))
    return True


def _value(hint: Any, value: object, path: str, rule: Rule | None, problems: list[Problem]) -> object | None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        return _value(inner[0], value, path, rule, problems)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            problems.append(Problem(path, f"is {_name(value)}", _as_list(arguments[0], value, path)))
            return None
        return tuple(_value(arguments[0], item, f"{path}[{i}]", rule, problems) for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return _table(typing.cast(type, hint), value, path, problems)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return _word(hint, value, path, problems)
    return _scalar(hint, value, path, rule, problems)


def _word(hint: type[enum.StrEnum], value: object, path: str, problems: list[Problem]) -> object | None:
    choices = [member.value for member in hint]
    if value in choices:
        return hint(value)
    if isinstance(value, str):
        problems.append(Problem(path, f"is {_shown(value)}", f"allowed are {', '.join(choices)}"))
    else:
        quoted = ", ".join(f'"{choice}"' for choice in choices)
        problems.append(Problem(path, f"is {_shown(value)} without quotes", f"allowed are, with quotes, {quoted}"))
    return None


def _as_list(kind: Any, value: object, path: str) -> str:
    """How what stands there would be written as a list."""
    if dataclasses.is_dataclass(kind):
        return f"write [[{path.rpartition('.')[2]}]], with two brackets"
    is_plain = isinstance(value, str) and len(value) <= 80 and value.isprintable() and not set(value) & set('"\\')
    return f'allowed is a list, such as ["{value}"]' if is_plain else "allowed is a list"


def _scalar(hint: Any, value: object, path: str, rule: Rule | None, problems: list[Problem]) -> object | None:
    if hint not in (str, int, float, bool):
        raise TypeError(f"{path}: the schema holds a type this loader does not know: {hint}")
    fits = isinstance(value, hint) or (hint is float and isinstance(value, int))
    # bool is an int in Python; "true" where a number belongs is a mistake all the same.
    if not fits or (isinstance(value, bool) and hint is not bool):
        problems.append(Problem(path, f"is {_name(value)}", f"allowed is {_NAMES[hint]}"))
        return None
    if rule is not None and not rule.holds(value):
        problems.append(Problem(path, f"is {_shown(value)}", rule.allowed))
        return None
    return float(value) if isinstance(value, int) and hint is float else value


_NAMES: dict[Any, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _name(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    return _NAMES.get(type(value), f"a {type(value).__name__}")


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**80:
        return "a number of more than 80 digits"  # Python refuses to write very long ones in decimals
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _shown_key(key: str) -> str:
    """A key as a person may see it: one that is no bare key of TOML could else say anything to the terminal."""
    return key if re.fullmatch("[A-Za-z0-9_-]{1,80}", key) else _shown(key)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """One key of a schema, for its documentation. ``required`` keys have no default."""

    path: str
    type_name: str
    about: str
    allowed: str
    example: object
    default: object
    required: bool
    is_section: bool


def describe(kind: type, path: str = "") -> list[Described]:
    """List every key of the schema ``kind`` in the order in which it is declared, sections before their keys."""
    rows: list[Described] = []
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint, where = hints[field.name], _join(path, field.name)
        inner, is_list = _inner(hint)
        required = _is_required(field)
        default = None if field.default is dataclasses.MISSING else field.default
        rule = field.metadata.get("rule")
        if dataclasses.is_dataclass(inner):
            table = f"{where}[]" if is_list else where
            about = field.metadata.get("about", "")
            most = field.metadata.get("at_most")
            allowed = f"allowed are at most {most}" if most else ""
            name = "tables" if is_list else "table"
            rows.append(Described(table, name, about, allowed, None, None, required, True))
            rows.extend(describe(typing.cast(type, inner), table))
            continue
        allowed = rule.allowed if rule else ""
        if isinstance(inner, type) and issubclass(inner, enum.StrEnum):
            allowed, name = f"allowed are {', '.join(member.value for member in inner)}", "one word of a list"
        else:
            name = _NAMES[inner]
        at_most = field.metadata.get("at_most")
        bound = f" of at most {at_most}" if at_most else ""
        type_name = f"list{bound}, each {name}" if is_list else name
        rows.append(
            Described(
                where,
                type_name,
                field.metadata["about"],
                allowed,
                field.metadata["example"],
                default,
                required,
                False,
            )
        )
    return rows


def _inner(hint: Any) -> tuple[Any, bool]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _inner(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return arguments[0], True
    return hint, False
