"""What pages may know of a command: who ordered what, and what became of it. What a hub sent stays with root.

The book of commands is root's alone, and no page reads it (ADR 0042): whoever takes the pages over sees no log and no
configuration. So each line is copied into the fleet book, without values of keys and without what was sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from appliance.core.actions import ActionName
from appliance.core.errors import StoreError
from noc.commands.book import Line
from noc.fleet_book.contract import FleetBook, GivenCommand

DETAIL_MAX: Final = 300


def shown(line: Line) -> GivenCommand:
    """Take from a line of the commands' book what pages show: of a configuration the keys, not their values."""
    ordered, action = line.ordered, json.loads(line.ordered.action)
    if action["do"] == ActionName.CONFIGURE:
        action = {"do": ActionName.CONFIGURE, "changes": sorted(action["changes"])}
    return GivenCommand(
        ordered.hub_id,
        ordered.id,
        ordered.who,
        json.dumps(action, separators=(",", ":")),
        ordered.issued_ms,
        ordered.expires_ms,
        "" if line.status is None else line.status.value,
        line.reason,
        line.detail[:DETAIL_MAX],
        line.received_ms,
    )


def showing(fleet_book: FleetBook, tell: Callable[[str], None]) -> Callable[[Line], None]:
    """Make what copies each line; a command is given and answered also where its copy cannot be written."""

    def show(line: Line) -> None:
        try:
            fleet_book.put_command(shown(line))
        except StoreError as error:
            tell(f"the pages do not show this command: {error}")
        except KeyError:
            tell(f"the pages do not show this command: {line.ordered.hub_id} has no card yet (is the watch running?)")

    return show
