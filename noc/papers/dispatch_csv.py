"""The list that a team takes along: hubs of an incident, with whom to call. Personal data: only for who asks for it.

Semicolons, UTF-8 with a byte order mark and CRLF: an Excel with Indonesian settings, where the comma is the decimal
sign, then opens it by a double click with a column for each field.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Final

from flask_babel import gettext

from noc.fleet_book.contract import Card, IncidentHub
from noc.papers.cells import BYTE_ORDER_MARK, safe
from noc.rules.affected import Part

DISTRICT_LENGTH: Final = len("51.03.01")


def write(
    hubs: Iterable[tuple[Part, IncidentHub]],
    *,
    parts: dict[Part, str],
    since: Callable[[IncidentHub], str],
    area_name: Callable[[str], str],
    by_district: bool,
) -> str:
    """Write the table.

    Args:
        hubs: in the order in which they matter.
        parts: what each part is called.
        since: since when a hub is as it is, in words.
        area_name: of a kecamatan, by its code.
        by_district: put hubs of one kecamatan together, the kecamatan of the first hub first.
    """
    out = io.StringIO(newline="")
    out.write(BYTE_ORDER_MARK)
    table = csv.writer(out, delimiter=";")
    table.writerow(
        safe(name)
        for name in (
            gettext("No"), gettext("Kecamatan"), gettext("Desa"), gettext("Kode wilayah"), gettext("Hub"),
            gettext("Penduduk"), gettext("Keadaan"), gettext("Sejak"), gettext("Kontak"), gettext("Peran"),
            gettext("Telepon"), gettext("Kontak lain"), gettext("Alamat"), gettext("Koordinat"), gettext("Penyedia"),
        )
    )  # fmt: skip
    rows = list(hubs)
    if by_district:
        first: dict[str, int] = {}
        for i, (_, hub) in enumerate(rows):
            first.setdefault(_district(hub), i)
        rows.sort(key=lambda each: first[_district(each[1])])
    for number, (part, hub) in enumerate(rows, 1):
        card, contacts = hub.row.card, hub.contacts
        cells = (
            str(number),
            area_name(_district(hub)) or _district(hub),
            card.name,
            card.kode_wilayah,
            card.hub_id,
            "" if card.residents is None else str(card.residents),
            parts[part],
            since(hub),
            contacts[0].name if contacts else "",
            contacts[0].role if contacts else "",
            phone_text(contacts[0].phone) if contacts else "",
            ", ".join(f"{each.name} {phone_text(each.phone)}" for each in contacts[1:]),
            card.address,
            _point(card),
            card.provider,
        )
        table.writerow(safe(cell) for cell in cells)
    return out.getvalue()


def phone_text(phone: str) -> str:
    """``+6281234567890`` -> ``0812-3456-7890``, which a spreadsheet leaves a text; other countries keep their code."""
    if not phone.startswith("+"):
        return phone
    bare = "".join(each for each in phone if each.isascii() and each.isdigit())
    digits = f"0{bare[2:]}" if bare.startswith("62") else f"00{bare}"
    return "-".join(part for part in (digits[:4], digits[4:8], digits[8:]) if part)


def _district(hub: IncidentHub) -> str:
    return hub.row.card.kode_wilayah[:DISTRICT_LENGTH]


def _point(card: Card) -> str:
    """``8.50000S, 115.25000E``: maps take it, and no spreadsheet does for a formula."""
    if card.latitude is None or card.longitude is None:
        return ""
    south, west = card.latitude < 0, card.longitude < 0
    return f"{abs(card.latitude):.5f}{'S' if south else 'N'}, {abs(card.longitude):.5f}{'W' if west else 'E'}"
