"""What a table of hubs changes in the inventory, and what of it is refused: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from appliance.core.config.village import Timezone
from noc.fleet_book import checks
from noc.fleet_book.contract import Card, Contact
from noc.inventory import tables
from noc.inventory.tables import Line

CONTACTS: Final = 3
CLEARED: Final = "-"
CARD_COLUMNS: Final = tuple(field.name for field in fields(Card))
_CONTACT_PARTS: Final = ("name", "role", "phone")
CONTACT_COLUMNS: Final = tuple(f"contact_{place}_{part}" for place in range(1, CONTACTS + 1) for part in _CONTACT_PARTS)
COLUMNS: Final = (*CARD_COLUMNS, *CONTACT_COLUMNS)
REQUIRED: Final = ("hub_id",)
ALIASES: Final = {
    "hub": "hub_id", "id": "hub_id", "nama": "name", "desa": "name", "kode": "kode_wilayah", "code": "kode_wilayah",
    "zona_waktu": "timezone", "penduduk": "residents", "penyedia": "provider", "jalur": "upstream",
    "unduh_kbit": "download_kbit", "unggah_kbit": "upload_kbit", "alamat": "address", "lintang": "latitude",
    "bujur": "longitude",
    **{f"kontak_{n}_{theirs}": f"contact_{n}_{ours}" for n in range(1, CONTACTS + 1)
       for theirs, ours in (("nama", "name"), ("jabatan", "role"), ("telepon", "phone"))},
}  # fmt: skip
_ZONES: Final = {"WIB": Timezone.WIB, "WITA": Timezone.WITA, "WIT": Timezone.WIT}
# Source: Keppres 41/1987: which provinces are in which zone; those made since lie where they were taken from.
_WITA: Final = ("5", "63", "64", "65", "7")
_WIT: Final = ("8", "9")
_UNDOTTED: Final = re.compile(r"\d{10}", re.ASCII)
_EMPTY: Final[Mapping[str, Any]] = {
    "residents": None,
    "latitude": None,
    "longitude": None,
    "download_kbit": 0,
    "upload_kbit": 0,
}


@dataclass(frozen=True, slots=True)
class Refused:
    """What of a line cannot be taken: its line in the file, its column, and why with what is allowed."""

    line: int
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One value that is another now. ``before`` and ``after`` are "" for contacts: reports name nobody."""

    line: int
    hub_id: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a table amounts to. Where anything is refused nothing of it is done."""

    added: tuple[Card, ...]
    replaced: tuple[Card, ...]
    contacts: tuple[Contact, ...]
    changes: tuple[Changed, ...]
    refused: tuple[Refused, ...]
    unchanged: int


def timezone_of(code: str) -> str:
    """Say in which zone a village lies, by its province."""
    if code.startswith(_WIT):
        return Timezone.WIT.value
    return Timezone.WITA.value if code.startswith(_WITA) else Timezone.WIB.value


def plan(lines: Iterable[Line], known: Mapping[str, Card], contacts: Mapping[str, Sequence[Contact]]) -> Plan:
    """Compare a table with what is known. An empty cell leaves what is there; ``-`` takes it away."""
    made = _Made()
    seen: dict[str, int] = {}
    for line in lines:
        hub_id = line.cells.get("hub_id", "")
        if hub_id in seen:
            made.refused.append(Refused(line.number, "hub_id", f"is {hub_id} again, after line {seen[hub_id]}"))
            continue
        seen[hub_id] = line.number
        _take(line, known.get(hub_id), contacts.get(hub_id, ()), made)
    return Plan(
        tuple(made.added), tuple(made.replaced), tuple(made.contacts), tuple(made.changes), tuple(made.refused),
        made.unchanged,
    )  # fmt: skip


class _Made:
    def __init__(self) -> None:
        self.added: list[Card] = []
        self.replaced: list[Card] = []
        self.contacts: list[Contact] = []
        self.changes: list[Changed] = []
        self.refused: list[Refused] = []
        self.unchanged = 0


def _take(line: Line, before: Card | None, contacts: Sequence[Contact], made: _Made) -> None:
    hub_id = line.cells.get("hub_id", "")
    values, refused = _values(line)
    base = before or Card(hub_id, "", "", "")
    card = replace(base, **values)
    if not card.timezone:
        card = replace(card, timezone=timezone_of(card.kode_wilayah))
    named = {each.column for each in refused}
    refused += [
        Refused(line.number, each.path, f"{each.wrong}; {each.allowed}")
        for each in checks.of_card(card)
        if each.path not in named
    ]
    new_contacts = list(_contacts(line, contacts, refused))
    if refused:
        made.refused += refused
        return
    changes = [] if before is None else list(_card_changes(line.number, before, card))
    changes += [
        Changed(line.number, hub_id, f"contact_{each.order + 1}", "", "") for each in new_contacts if before is not None
    ]
    made.contacts += new_contacts
    made.changes += changes
    if before is None:
        made.added.append(card)
    elif card != before:
        made.replaced.append(card)
    made.unchanged += before is not None and not changes


def _values(line: Line) -> tuple[dict[str, Any], list[Refused]]:
    """Read the cells of a card that say something."""
    values: dict[str, Any] = {}
    refused: list[Refused] = []
    for column in CARD_COLUMNS:
        cell = line.cells.get(column, "")
        if not cell:
            continue
        if why := tables.broken(cell):
            refused.append(Refused(line.number, column, why))
            continue
        try:
            values[column] = _value(column, cell)
        except ValueError as error:
            refused.append(Refused(line.number, column, f"is {cell[:40]!r}; {error}"))
    return values, refused


def _value(column: str, cell: str) -> Any:
    if cell == CLEARED and column not in ("hub_id", "name", "kode_wilayah", "timezone"):
        return _EMPTY.get(column, "")
    if column in ("residents", "download_kbit", "upload_kbit"):
        return tables.whole(cell)
    if column in ("latitude", "longitude"):
        return tables.decimal(cell)
    if column == "timezone":
        return _ZONES.get(cell.upper(), cell)
    if column == "kode_wilayah" and _UNDOTTED.fullmatch(cell):
        return f"{cell[:2]}.{cell[2:4]}.{cell[4:6]}.{cell[6:]}"
    return cell


def _card_changes(number: int, before: Card, after: Card) -> Iterator[Changed]:
    for column in CARD_COLUMNS:
        one, other = getattr(before, column), getattr(after, column)
        if one != other:
            yield Changed(number, after.hub_id, column, *("" if each is None else str(each) for each in (one, other)))


def _contacts(line: Line, known: Sequence[Contact], refused: list[Refused]) -> Iterator[Contact]:
    """Read the contacts of a line that are new or others now; the first of the file is the first to call."""
    for place in range(CONTACTS):
        cells = {part: line.cells.get(f"contact_{place + 1}_{part}", "") for part in _CONTACT_PARTS}
        if not any(cells.values()):
            continue
        before = known[place] if place < len(known) else Contact(0, line.cells.get("hub_id", ""), "", "", "", place)
        said = {part: cell or getattr(before, part) for part, cell in cells.items()}
        contact = replace(before, order=place, name=said["name"], role=said["role"], phone=said["phone"])
        if broken := [part for part, cell in cells.items() if tables.broken(cell)]:
            column = f"contact_{place + 1}_{broken[0]}"
            refused.append(Refused(line.number, column, "was changed by a spreadsheet; format the column as text"))
            continue
        problems = [
            Refused(line.number, f"contact_{place + 1}_{each.path}", f"{each.wrong}; {each.allowed}")
            for each in checks.of_contact(contact)
        ]
        refused += problems
        if not problems and contact != before:
            yield contact


def area_names(lines: Iterable[Line]) -> tuple[dict[str, str], list[Refused]]:
    """Read a list of areas: code and name. Codes may stand without dots, as spreadsheets and registers write them."""
    names: dict[str, str] = {}
    refused: list[Refused] = []
    for line in lines:
        code, name = _dotted(line.cells.get("code", "")), line.cells.get("name", "")
        found = [
            Refused(line.number, each.path, f"{each.wrong}; {each.allowed}") for each in checks.of_area_name(code, name)
        ]
        if not found and names.get(code, name) != name:
            found = [Refused(line.number, "code", f"{code} is there twice, with different names")]
        refused += found
        names[code] = name
    return names, refused


def _dotted(code: str) -> str:
    if not re.fullmatch(r"\d{2}|\d{4}|\d{6}|\d{10}", code, re.ASCII):
        return code
    return ".".join(filter(None, (code[:2], code[2:4], code[4:6], code[6:])))
