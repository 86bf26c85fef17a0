"""The SLA of a month as CSV: one line for each hub, whole seconds, one version of each.

The file is the record of a version: `versions` reads it again, so that the next one can say what changed. Comma, UTF-8
with a byte order mark and CRLF, as spreadsheets want it (RFC 4180).
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable
from typing import Final

from noc.papers.months import HubMonth
from noc.rules.sla import Month, Sla, SlaClass, Version

_SECONDS: Final = {
    SlaClass.UP: "berfungsi_detik",
    SlaClass.LINK_LONG: "jaringan_putus_lebih_300_detik",
    SlaClass.LINK_SHORT: "jaringan_putus_sampai_300_detik",
    SlaClass.UNUSABLE: "tidak_layak_pakai_detik",
    SlaClass.POWER: "listrik_padam_detik",
    SlaClass.MAINTENANCE: "pemeliharaan_detik",
    SlaClass.UNKNOWN: "tidak_diketahui_detik",
    SlaClass.AHEAD: "belum_berlalu_detik",
}
_COLUMNS: Final = (
    "kode_wilayah", "hub", "nama", "zona_waktu", "bulan", "versi", "dibuat", *_SECONDS.values(), "jumlah_detik",
    "putus_lebih_300", "putus_sampai_300", "ketersediaan_persen", "perubahan",
)  # fmt: skip
# A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write(months: Iterable[HubMonth]) -> str:
    """Write the table."""
    out = io.StringIO(newline="")
    out.write("\ufeff")
    table = csv.DictWriter(out, _COLUMNS)
    table.writeheader()
    for each in months:
        table.writerow({name: _text(value) for name, value in _row(each).items()})
    return out.getvalue()


def versions(text: str) -> dict[str, Version]:
    """Read the versions of a table again, by hub.

    Raises:
        ValueError: it is no such table; says in which line.
    """
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if tuple(table.fieldnames or ()) != _COLUMNS:
        raise ValueError("this is no table of desahub-noc sla: the first line names other columns")
    found = {}
    for row in table:
        try:
            found[row["hub"]] = _version(row)
        except (ValueError, TypeError) as error:
            raise ValueError(f"line {table.line_num} of the earlier table: {error}") from None
    return found


def _row(each: HubMonth) -> dict[str, str]:
    version, sla = each.version, each.version.sla
    permille = sla.availability_permille
    made = datetime.datetime.fromtimestamp(version.made_ms // 1000, datetime.UTC)
    return {
        "kode_wilayah": each.hub.kode_wilayah,
        "hub": each.hub.hub_id,
        "nama": each.hub.name,
        "zona_waktu": each.hub.timezone,
        "bulan": str(sla.month),
        "versi": str(version.number),
        "dibuat": made.isoformat(),
        **{name: str(sla.seconds[sla_class]) for sla_class, name in _SECONDS.items()},
        "jumlah_detik": str(sla.total_seconds),
        "putus_lebih_300": str(sla.long_cuts),
        "putus_sampai_300": str(sla.short_cuts),
        "ketersediaan_persen": "" if permille is None else f"{int(permille * 10) / 100:.2f}",
        "perubahan": "; ".join(
            f"{_SECONDS[c.sla_class]} {c.after_seconds - c.before_seconds:+d}" for c in version.changes
        ),
    }


def _version(row: dict[str, str]) -> Version:
    seconds = {sla_class: int(row[name]) for sla_class, name in _SECONDS.items()}
    made = datetime.datetime.fromisoformat(row["dibuat"])
    sla = Sla(Month.parse(row["bulan"]), seconds, int(row["putus_lebih_300"]), int(row["putus_sampai_300"]))
    return Version(int(row["versi"]), int(made.timestamp()) * 1000, sla)


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
