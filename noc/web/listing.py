"""The filters of the list of hubs, as they stand in an address. What is not allowed is left out, and said."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from noc.fleet import HubState
from noc.fleet_book.contract import Order, Query, Scope
from noc.rules.problems import Problem

HUBS_PER_PAGE: Final = 25
TEXT_LENGTH_MAX: Final = 64
PAGE_MAX: Final = 1_000_000
AREA: Final = re.compile(r"\d\d(\.\d\d(\.\d\d(\.[123]\d{3})?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which hubs a list shows. ``ignored`` are the values that were asked for and mean nothing."""

    area: str = ""
    state: HubState | None = None
    problem: Problem | None = None
    provider: str = ""
    text: str = ""
    order: Order = Order.URGENCY
    page: int = 1
    ignored: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether nothing is filtered out."""
        return replace(self, order=Order.URGENCY, page=1, ignored=()) == Filters()

    @property
    def more(self) -> bool:
        """Whether a filter is set that has no place of its own above the list."""
        return bool(self.area or self.problem or self.provider or self.order is not Order.URGENCY)

    def query(self, scope: Scope, *, limit: int = HUBS_PER_PAGE) -> Query:
        """Ask the fleet book for this page of the list."""
        return Query(
            scope, self.area, () if self.state is None else (self.state,), self.problem, self.provider, self.text,
            self.order, (self.page - 1) * limit, limit,
        )  # fmt: skip

    def address(self, **changes: Any) -> dict[str, Any]:
        """Name these filters, changed, for an address: None for those that are as they are without one."""
        now = replace(self, **{"page": 1, **changes})
        return {
            "area": now.area or None,
            "state": None if now.state is None else now.state.value,
            "masalah": None if now.problem is None else now.problem.value,
            "penyedia": now.provider or None,
            "q": now.text or None,
            "urut": None if now.order is Order.URGENCY else now.order.value,
            "hal": None if now.page == 1 else now.page,
        }


def is_area(code: str) -> bool:
    """Say whether a text is the code of an area, or "" for the country."""
    return not code or AREA.fullmatch(code) is not None


def is_visible(scope: Scope, code: str) -> bool:
    """Say whether an account sees an area, as a whole or a part of it."""
    return scope.sees(code) or any(not code or area.startswith(f"{code}.") for area in scope.areas)


def read(arguments: MultiDict[str, str]) -> Filters:
    """Read an address."""
    ignored = []

    def word(name: str, allowed: Any) -> Any:
        given = arguments.get(name, "")
        if not given:
            return None
        try:
            return allowed(given)
        except ValueError:
            ignored.append(given[:TEXT_LENGTH_MAX])
            return None

    def code(text: str) -> str:
        if not is_area(text):
            raise ValueError(text)
        return text

    return Filters(
        area=word("area", lambda text: code(text.strip())) or "",
        state=word("state", HubState),
        problem=word("masalah", Problem),
        provider=_line(arguments.get("penyedia", "")),
        text=_line(arguments.get("q", "")),
        order=word("urut", Order) or Order.URGENCY,
        page=min(PAGE_MAX, max(1, arguments.get("hal", 1, int))),
        ignored=tuple(ignored),
    )


def _line(text: str) -> str:
    return " ".join(text.split())[:TEXT_LENGTH_MAX]
