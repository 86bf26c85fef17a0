"""``desahub residents``: import and export the register on the box itself.

Printed are rows, columns and reasons, never what stands in a cell: terminals keep what they show.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from appliance.core.errors import DesahubError, StoreError
from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.app import open_database, open_keys, services
from appliance.kiosk.commands import STATE_DIRECTORY, as_owner_of
from appliance.kiosk.residents import apart
from appliance.kiosk.residents.exports import Kind, export
from appliance.kiosk.residents.importing import Choice, Outcome
from appliance.kiosk.residents.imports import Imports, Summary
from appliance.kiosk.residents.register import Register
from appliance.kiosk.residents.workbook import FileInvalid
from appliance.store.audit import Audit
from appliance.unit.config import APPLIED_PATH, read_config

ROOT: Final = Actor("root", "root")
_PAGE_ROWS: Final = 200
_CONFLICTS: Final = ("ask", *(choice.value for choice in Choice))


class ImportRefused(DesahubError):  # noqa: N818
    """The file is not taken as it is; the text says why."""


def register(subparsers: Any) -> None:
    """Add ``residents`` to ``desahub``; each command sets ``run``, parsed options to an exit status."""
    residents = subparsers.add_parser("residents", help="import and export the register of residents")
    commands = residents.add_subparsers(required=True, metavar="COMMAND")
    bring = commands.add_parser("import", help="take OpenSID's workbook (.xlsx or CSV) into the register")
    bring.add_argument("file", type=Path, metavar="FILE")
    bring.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    bring.add_argument(
        "--conflicts",
        choices=_CONFLICTS,
        default="ask",
        help="what holds where register and file were both changed; by default somebody decides in the office",
    )
    bring.set_defaults(run=_import)
    take = commands.add_parser("export", help="write the whole register as such a workbook")
    take.add_argument("file", type=Path, metavar="FILE", help="ends with .xlsx or .csv; must not exist")
    take.set_defaults(run=_export)
    for command in (bring, take):
        command.add_argument("--config", type=Path, default=APPLIED_PATH, help="hub.toml, by default %(default)s")
        command.add_argument(
            "--state-directory", type=Path, default=STATE_DIRECTORY, help="where kiosk.db is, by default %(default)s"
        )


def _import(options: argparse.Namespace) -> int:
    # Opened as whoever typed this: the kiosk's own user may not read what root can.
    with _opened(options.file) as file, _register(options) as (kept, area):
        imports = Imports(kept, area)
        try:
            with apart.reading(file, kept.today()) as (header, rows):
                import_id = imports.make(ROOT, header, rows)
        except FileInvalid as error:
            raise ImportRefused(f"{options.file}: cannot be read: {error}") from None
        if options.conflicts != "ask":
            imports.decide_rest(ROOT, import_id, Choice(options.conflicts))
        summary = imports.summary(import_id)
        _tell(imports, summary)
        if options.dry_run:
            imports.drop(ROOT, import_id)
            sys.stdout.write("Nothing was changed: this was a dry run.\n")
            return 0
        if summary.undecided:
            sys.stdout.write(
                f"Nothing was changed: {summary.undecided} conflicts wait for a decision in the office, under "
                "Impor dan ekspor; or say --conflicts here, or --conflicts file.\n"
            )
            return 1
        imports.apply(ROOT, import_id)
        sys.stdout.write("Applied.\n")
    return 0


def _export(options: argparse.Namespace) -> int:
    kind = options.file.suffix.lstrip(".").lower()
    if kind not in set(Kind):
        raise ImportRefused(f"{options.file}: must end with .xlsx or .csv")
    with _register(options) as (kept, _):
        made = export(kept, Look(ROOT, "desahub residents export"), Kind(kind))
    with made:
        _write(options.file, made)
    sys.stdout.write(f"{options.file}: holds NIKs, and is not sealed. Keep it safe, and delete it when it was used.\n")
    return 0


def _write(path: Path, made: IO[bytes]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            while chunk := made.read(64 * 1024):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from None


def _tell(imports: Imports, summary: Summary) -> None:
    said = ", ".join(f"{summary.counts.get(outcome, 0)} {outcome.value}" for outcome in Outcome)
    sys.stdout.write(f"{said}\n")
    if summary.header.others:
        sys.stdout.write(f"Columns that are not OpenSID's, and left alone: {', '.join(summary.header.others)}\n")
    look = Look(ROOT, "desahub residents import")
    for outcome in (Outcome.REFUSED, Outcome.CONFLICT, Outcome.CHANGED):
        offset = 0
        while (page := imports.rows(look, summary.id, outcome, offset=offset, limit=_PAGE_ROWS)).items:
            for row in page.items:
                lines = [f"{name}: {wrong}" for name, wrong in row.problems.items()]
                lines += [f"{each.column}: changed here and in the file" for each in row.comparison.conflicts]
                lines += [f"{each.column}: changed" for each in row.comparison.changes]
                sys.stdout.write("".join(f"row {row.number}: {outcome.value}: {line}\n" for line in lines))
            offset += _PAGE_ROWS


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from None
    with file:
        yield file


@contextlib.contextmanager
def _register(options: argparse.Namespace) -> Iterator[tuple[Register, str]]:
    village = read_config(options.config).village
    with as_owner_of(options.state_directory):
        store = open_database(options.state_directory, services())
        try:
            vault, _ = open_keys(options.state_directory, store)
            kept = Register(store, vault, Audit(store, time.time), time.time, village.timezone)
            yield kept, village.kode_wilayah.replace(".", "")[:6]
        finally:
            store.close()
