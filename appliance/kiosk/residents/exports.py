"""The whole register as OpenSID's workbook."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import IO

from appliance.kiosk.actors import Look
from appliance.kiosk.residents import apart, workbook
from appliance.kiosk.residents.register import Register

_BATCH_ROWS = 250


class Kind(enum.StrEnum):
    """The kind of file, as its name ends."""

    XLSX = "xlsx"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        """What a browser is told."""
        if self is Kind.CSV:
            return "text/csv; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def export(register: Register, look: Look, kind: Kind) -> IO[bytes]:
    """Write everybody into a file that lies in memory alone.

    Raises:
        appliance.core.errors.OperationError: the workbook could not be made.
    """
    rows = _everybody(register, look)
    if kind is Kind.XLSX:
        return apart.write_xlsx(rows)
    made = apart.memory_file()
    workbook.write_csv(rows, lambda text: made.write(text.encode()))
    made.seek(0)
    return made


def _everybody(register: Register, look: Look) -> Iterator[Mapping[str, str]]:
    """All records by family, as a family card has them, and noted as one look at each."""
    with register.store.transaction() as db:
        ids = [id_ for (id_,) in db.execute("SELECT id FROM residents ORDER BY family_index, id")]
        register.note(db, look.actor, "residents.exported", ids, look.purpose)
    for begin in range(0, len(ids), _BATCH_ROWS):
        part = ids[begin : begin + _BATCH_ROWS]
        with register.store.reading() as db:
            marks = ",".join("?" * len(part))
            sql = f"SELECT id, sealed FROM residents WHERE id IN ({marks})"  # noqa: S608 - question marks
            found = {id_: register.safe.open(id_, sealed) for id_, sealed in db.execute(sql, part)}
        yield from (found[id_] for id_ in part if id_ in found)
