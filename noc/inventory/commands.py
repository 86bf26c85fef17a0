"""``desahub-noc hub set``, ``hub import`` and ``areas import``: the inventory by hand and by file."""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import pwd
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.core.errors import OperationError
from noc import setup
from noc.fleet_book.contract import Card
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.inventory import rules, tables
from noc.inventory.rules import Changed, Plan, Refused
from noc.rules.alert_state import Deed
from noc.store.contract import Hub, NocStore
from noc.store.opening import open_store_for

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Parsers = _SubParsersAction[argparse.ArgumentParser]

SHOWN: Final = 20
_AREA_COLUMNS: Final = ("code", "name")
_AREA_ALIASES: Final = {"kode": "code", "nama": "name", "kode_wilayah": "code", "nama_wilayah": "name"}
_AREA_FURTHER: Final = ("province_code", "regency_code", "district_code")


def register(commands: Parsers, hub: Parsers, common: argparse.ArgumentParser) -> None:
    """Add the commands; each sets ``command(options, places) -> exit code``."""
    one = hub.add_parser("set", parents=[common], help="write down what is known of a hub")
    one.add_argument("hub_id", metavar="HUB")
    for column in rules.CARD_COLUMNS[1:]:
        about = "a new value, or - for none" if column not in ("name", "kode_wilayah", "timezone") else "a new value"
        one.add_argument(f"--{column.replace('_', '-')}", metavar="VALUE", help=about)
    one.set_defaults(command=_set)

    many = hub.add_parser(
        "import", parents=[common], help="add and change hubs and their contacts by a table; all of it, or nothing"
    )
    many.add_argument("file", type=Path, metavar="FILE.csv", help=f"columns: {', '.join(rules.COLUMNS)}")
    _plan_options(many)
    many.set_defaults(command=_import)

    areas = commands.add_parser("areas", help="names of provinces, kabupaten, kecamatan and villages")
    names = areas.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "import", parents=[common], help="take names over from a list; all of it, or nothing"
    )
    names.add_argument("file", type=Path, metavar="FILE.csv", help="columns: code,name or kode,nama")
    _plan_options(names)
    names.set_defaults(command=_import_areas)


def _plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write every change and refusal there, as CSV")


def _set(options: argparse.Namespace, places: setup.Places) -> int:
    cells = {column: getattr(options, column) for column in rules.CARD_COLUMNS[1:]}
    given = {column: value for column, value in cells.items() if value is not None}
    if not given:
        raise OperationError("nothing is to be set; desahub-noc hub set --help lists what can be")
    with _opened(places) as (store, book):
        known = _known(store, book)
        if options.hub_id not in known:
            raise OperationError(f"{options.hub_id[:60]} is not in the inventory; desahub-noc hub list shows what is")
        plan = rules.plan([tables.Line(1, {"hub_id": options.hub_id, **given})], known, {})
        if plan.refused:
            raise OperationError("\n".join(f"--{each.column.replace('_', '-')} {each.why}" for each in plan.refused))
        _do(plan, store, book, Deed(_now_ms(), _who(), "card", options.hub_id, ", ".join(sorted(given))))
    for each in plan.changes:
        print(f"{each.hub_id}: {each.column} was {each.before or 'not known'}, is {each.after or 'not known'}")
    if not plan.changes:
        print(f"{options.hub_id}: everything is so already; nothing was changed")
    return 0


def _import(options: argparse.Namespace, places: setup.Places) -> int:
    lines = tables.read(options.file.read_bytes(), rules.COLUMNS, rules.REQUIRED, rules.ALIASES)
    with _opened(places) as (store, book):
        known = _known(store, book)
        plan = rules.plan(lines, known, book.contacts_of(known))
        if options.report is not None:
            _write_report(options.report, plan.changes, plan.refused, [card.hub_id for card in plan.added])
        _tell(plan)
        if plan.refused:
            return _nothing_done(plan.refused)
        if options.dry_run:
            print("a dry run: nothing was changed")
        else:
            count = f"{len(plan.added)} added, {len(plan.replaced)} changed, {len(plan.contacts)} contacts"
            _do(plan, store, book, Deed(_now_ms(), _who(), "import", options.file.name[:100], count))
            if plan.added:
                print("new hubs have no claim code yet: desahub-noc hub claim HUB makes one")
    return 0


def _import_areas(options: argparse.Namespace, places: setup.Places) -> int:
    lines = tables.read(options.file.read_bytes(), (*_AREA_COLUMNS, *_AREA_FURTHER), _AREA_COLUMNS, _AREA_ALIASES)
    names, refused = rules.area_names(lines)
    with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        before = book.area_names(names)
        changed = {code: name for code, name in names.items() if before.get(code) != name}
        changes = [Changed(0, code, "name", before.get(code, ""), name) for code, name in changed.items()]
        if options.report is not None:
            _write_report(options.report, changes, refused, ())
        added = sum(code not in before for code in changed)
        print(f"{added} names new, {len(changed) - added} changed, {len(names) - len(changed)} as they are")
        if refused:
            return _nothing_done(refused)
        if options.dry_run:
            print("a dry run: nothing was changed")
        elif changed:
            deed = Deed(_now_ms(), _who(), "areas", options.file.name[:100], f"{len(changed)} names")
            book.put_area_names(changed, deed)
    return 0


@contextlib.contextmanager
def _opened(places: setup.Places) -> Iterator[tuple[NocStore, SqliteFleetBook]]:
    with (
        contextlib.closing(open_store_for(places)) as store,
        contextlib.closing(open_fleet_book(places.fleet_book)) as book,
    ):
        yield store, book


def _known(store: NocStore, book: SqliteFleetBook) -> dict[str, Card]:
    """Cards by id; a hub that the watch has not brought into the fleet book yet has the inventory's."""
    found = {hub.hub_id: Card(hub.hub_id, hub.name, hub.kode_wilayah, hub.timezone) for hub in store.hubs()}
    return found | {card.hub_id: card for card in book.cards()}


def _do(plan: Plan, store: NocStore, book: SqliteFleetBook, deed: Deed) -> None:
    """Write a plan: the inventory first, so that a plan broken off here is done by giving it again."""
    cards = (*plan.added, *plan.replaced)
    if cards:
        store.put_hubs([Hub(card.hub_id, card.name, card.kode_wilayah, card.timezone) for card in cards])
    if cards or plan.contacts:
        book.put_inventory(cards, plan.contacts, deed)


def _tell(plan: Plan) -> None:
    changed = len({each.hub_id for each in plan.changes})
    print(f"{len(plan.added)} hubs new, {changed} changed, {plan.unchanged} as they are")
    for card in plan.added[:SHOWN]:
        print(f"  new: {card.hub_id} {card.kode_wilayah} {card.name}")
    _more(len(plan.added))
    for each in plan.changes[:SHOWN]:
        values = f" {each.before or '(nothing)'} -> {each.after or '(nothing)'}" if each.before or each.after else ""
        print(f"  line {each.line}, {each.hub_id}, {each.column}:{values}")
    _more(len(plan.changes))


def _nothing_done(refused: Sequence[Refused]) -> int:
    print(f"{len({each.line for each in refused})} lines are refused, therefore nothing was changed:")
    for each in refused[:SHOWN]:
        print(f"  line {each.line}, {each.column}: {each.why}")
    _more(len(refused))
    return 1


def _more(count: int) -> None:
    if count > SHOWN:
        print(f"  and {count - SHOWN} more; --report FILE writes all")


def _write_report(path: Path, changes: Sequence[Changed], refused: Sequence[Refused], added: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "hub_or_area", "column", "what", "before", "after", "why"))
        writer.writerows((each.line, "", each.column, "refused", "", "", each.why) for each in refused)
        writer.writerows(("", hub_id, "", "new", "", "", "") for hub_id in added)
        writer.writerows(
            (each.line or "", each.hub_id, each.column, "changed", _inert(each.before), _inert(each.after), "")
            for each in changes
        )


def _inert(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _who() -> str:
    """The person behind sudo, or this user."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
