"""What an address of the API is: who may ask, what may be said, what is answered. One table serves and describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from appliance.kiosk.office_api.problems import Problem
from appliance.kiosk.office_api.rules import Scope
from appliance.kiosk.office_api.shapes import ID_MAX, Shape, Text, Whole, record

KEY: Final = Text("8 sampai 64 huruf, angka, - atau _; baru untuk setiap permintaan", 8, 64, r"[A-Za-z0-9_-]{8,64}")
SEEN: Final = Text('ETag dari bacaan terakhir, seperti "3"', 3, 11, r'"[0-9]{1,9}"')
IN_PATH: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "resident_id": Whole("nomor data warga, acak; bukan NIK", 1, ID_MAX),
        "letter_id": Whole("nomor data surat, acak", 1, ID_MAX),
        "kind": Text("slug jenis surat", 2, 48, r"[a-z][a-z0-9-]{1,47}"),
    }
)
DONE: Final = record(
    "apa yang dikerjakan",
    id=Whole("nomor data warga atau surat", 1, ID_MAX),
    version=Whole("versinya sesudah itu; sama dengan ETag", 1),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was read: what stands in the address, behind the question mark, in the body, in ``If-Match``.

    ``key`` is the sender's own for this request, made unlike any other token's.
    """

    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Any
    version: int
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: JSON, or a PDF; ``version`` becomes the ETag, 0 none."""

    body: Any
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One address and method.

    Args:
        name: of the operation, in the description and of the endpoint.
        method: GET or POST; nginx lets no other through.
        path: as in the description, with names of `IN_PATH` in braces.
        about: what it does, for who reads the description.
        view: does it.
        scope: what the token must be for; None: any token.
        answer: what is answered; None is a PDF.
        query: what may stand behind the question mark; nothing of it is needed.
        body: what is sent.
        deed: what the audit calls what is done; "" only looks. With one, an ``Idempotency-Key`` is needed.
        is_new: something new comes of it; else a deed needs ``If-Match``.
        problems: what can go wrong beyond what can everywhere.
    """

    name: str
    path: str
    about: str
    view: Callable[[Asked], Answer]
    scope: Scope | None
    answer: Shape | None
    method: str = "GET"
    query: Mapping[str, Shape] = field(default_factory=dict)
    body: Shape | None = None
    deed: str = ""
    is_new: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def status(self) -> int:
        """Of an answer without a problem."""
        return 201 if self.is_new else 200

    @property
    def needs_version(self) -> bool:
        """Is something changed that must have been read?"""
        return bool(self.deed) and not self.is_new

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        # Bounds are the shape's: a converter with bounds lets another method's rule speak of the address.
        converters = {"resident_id": "int:", "letter_id": "int:"}
        return re.sub(r"{(\w+)}", lambda found: f"<{converters.get(found[1], '')}{found[1]}>", self.path)

    def all_problems(self) -> tuple[Problem, ...]:
        """Everything that can go wrong."""
        found = [Problem.MALFORMED, *_ALWAYS]
        if self.scope is not None:
            found.append(Problem.NOT_IN_SCOPE)
        if self.names:
            found.append(Problem.NOT_THERE)
        if self.body is not None:
            found += [Problem.NOT_JSON, Problem.TOO_LARGE]
        if self.deed:
            found += [Problem.KEY_USED, Problem.STORE_FULL]
        if self.needs_version:
            found += [Problem.VERSION_MISSING, Problem.VERSION_OLD]
        return tuple(dict.fromkeys([*found, *self.problems]))


_ALWAYS: Final = (
    Problem.NOT_FROM_HERE, Problem.TOKEN_MISSING, Problem.TOKEN_WRONG, Problem.TOKEN_REVOKED, Problem.TOKEN_EXPIRED,
    Problem.TOKEN_RESTS, Problem.REFUSED, Problem.TOO_OFTEN, Problem.TOO_MANY_WRONG, Problem.STORE_FULL,
    Problem.STORE_BUSY, Problem.STORE_FAILS, Problem.FAULT,
)  # fmt: skip
