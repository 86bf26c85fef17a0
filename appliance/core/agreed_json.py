"""JSON as it travels in commands and their results: nothing twice, no depth without end, numbers all keep. Pure.

Source: RFC 8259, RFC 7493 (I-JSON).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from appliance.core.errors import CommandMalformed

INTEGER_MAX: Final = 2**53 - 1  # what every reader of JSON keeps exactly


def load_json(text: bytes) -> Any:
    """Read JSON as it is written here: UTF-8, no key twice, no NaN, no depth without end. Raises `CommandMalformed`."""
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        refuse(f"the body is not JSON as agreed: {str(error)[:120]}")


def whole(value: Any, name: str, least: int = 0) -> int:
    """Take a whole number from ``least`` to `INTEGER_MAX`. Raises `CommandMalformed`."""
    if type(value) is not int or not least <= value <= INTEGER_MAX:
        refuse(f"{name} is a whole number from {least} to {INTEGER_MAX}")
    return value


def object_of(value: Any, needed: set[str], allowed: set[str], what: str) -> Mapping[str, Any]:
    """Take an object that has the keys it needs, and no others than allowed. Raises `CommandMalformed`."""
    if not isinstance(value, dict) or not needed <= set(value) <= needed | allowed:
        refuse(f"{what} is an object of {', '.join(sorted(needed | allowed))}")
    return value


def refuse(what: str) -> NoReturn:
    """Raise `CommandMalformed` with what is wrong and what is allowed."""
    raise CommandMalformed(what)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands there twice")
    return made


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
