"""``[printer]``: what letters and tickets are printed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.errors import Problem
from appliance.core.schema import Rule, between, option

_QUEUE = Rule(
    "allowed are 1 to 60 letters, digits, hyphens and underscores, as lpadmin -p named it",
    lambda v: bool(re.fullmatch("[A-Za-z0-9_-]{1,60}", v)),
)


@dataclass(frozen=True, slots=True)
class Printer:
    """``[printer]``: leave the whole section out where nothing is printed; CUPS then does not run."""

    queue: str = option(
        about="The CUPS queue for letters; made once with lpadmin, see docs/operations.md.",
        example="surat",
        rule=_QUEUE,
    )
    ticket_queue: str = option(
        about="The raw CUPS queue of a receipt printer that understands ESC/POS; empty where there is none.",
        example="struk",
        rule=Rule(f"{_QUEUE.allowed}, or empty", lambda v: v == "" or _QUEUE.holds(v)),
        default="",
    )
    ticket_columns: int = option(
        about="How many characters a line of the receipt printer holds: 32 on 58 mm paper, 48 on 80 mm.",
        example=32,
        rule=between(24, 64, "characters"),
        default=32,
    )

    def problems(self) -> Iterator[Problem]:
        """A PDF on a receipt printer is metres of nonsense."""
        if self.ticket_queue == self.queue:
            yield Problem("ticket_queue", f"is {self.queue!r}, as printer.queue", "allowed is a queue of its own")
