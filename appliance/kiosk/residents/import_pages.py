"""Import and export for the office: a file is read and compared, the report shown, conflicts decided, then applied."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import IO, Any, Final

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.formparser import FormDataParser

from appliance.kiosk.actors import Look
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import current_actor, is_permitted, permission_required
from appliance.kiosk.residents import apart, words
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.exports import Kind, export
from appliance.kiosk.residents.importing import Choice, Outcome
from appliance.kiosk.residents.imports import Imports, ImportStale, ImportUndecided, ImportUnknown
from appliance.kiosk.residents.office_pages import area, page_number, pages, pages_count
from appliance.kiosk.residents.workbook import FILE_BYTES_MAX, FileInvalid, FileWrong
from appliance.kiosk.services import current_kiosk

UPLOAD_PATH: Final = "/impor"
# A form round the file: its mark and the boundaries.
UPLOAD_BYTES_MAX: Final = FILE_BYTES_MAX + 64 * 1024
# werkzeug reads 64 kB at a time, and counts them with what may still turn out to be a boundary.
_PARSER_BYTES_MAX: Final = 256 * 1024
PAGE_ROWS: Final = 25
_CHOICE: Final = re.compile(r"pilih-([0-9]{1,7})-([a-z_]{1,30})")
# The mark, the file, the button. Each file of a form takes a descriptor, of which the program has 2,048 in all.
_PARTS_MAX: Final = 8
_CHUNK_BYTES: Final = 64 * 1024


class _MemoryParser(FormDataParser):
    """Takes what is sent into memory: werkzeug would put a large file on the SD card, which forgets nothing."""

    def __init__(self, *_arguments: Any, **named: Any) -> None:
        super().__init__(**{**named, "stream_factory": _in_memory})


def _in_memory(*_arguments: Any, **_named: Any) -> IO[bytes]:
    return apart.memory_file()


@pages.url_value_preprocessor
def widen(endpoint: str | None, _values: object) -> None:
    """Let a file in, for who may import: everybody else's requests stay as small as a form."""
    is_upload = endpoint == "residents.upload" and request.method == "POST"
    if is_upload and is_permitted(Permission.IMPORT_RESIDENTS):
        request.max_content_length = UPLOAD_BYTES_MAX
        request.max_form_memory_size = _PARSER_BYTES_MAX
        request.form_data_parser_class = _MemoryParser
        request.max_form_parts = _PARTS_MAX


@pages.route(UPLOAD_PATH, methods=["GET", "POST"])
@permission_required(Permission.IMPORT_RESIDENTS)
def upload() -> ResponseReturnValue:
    """Show what was imported, or read a file and lead to its report."""
    imports = _imports()
    if current_kiosk().is_practice:
        # Everybody in the office trains here with a password that all know: no place for real people.
        problem = gettext("Impor tidak ada di mode latihan: data warga sungguhan tidak boleh masuk ke sini.")
        return _upload_page(problem if request.method == "POST" else ""), 403 if request.method == "POST" else 200
    if request.method == "GET":
        return _upload_page("")
    sent = request.files.get("berkas")
    if sent is None or not sent.filename:
        return _upload_page(gettext("Pilih berkasnya dulu.")), 400
    register = current_register()
    try:
        with apart.reading(sent.stream, register.today()) as (header, rows):
            import_id = imports.make(current_actor(), header, rows)
    except FileInvalid as error:
        return _upload_page(words.file_wrong(error)), 413 if error.wrong is FileWrong.TOO_LARGE else 400
    return redirect(url_for("residents.report", import_id=import_id), 303)


def _upload_page(problem: str) -> str:
    return render_template(
        "residents/imports.html",
        problem=problem,
        imports=_imports().latest(),
        megabytes=FILE_BYTES_MAX // 1024 // 1024,
        outcomes=tuple(Outcome),
    )


@pages.get("/impor/<int(max=9007199254740991):import_id>")
@permission_required(Permission.IMPORT_RESIDENTS)
def report(import_id: int) -> ResponseReturnValue:
    """Show what would become of each row, and why."""
    imports = _imports()
    try:
        summary = imports.summary(import_id)
    except ImportUnknown:
        return _gone()
    asked = request.args.get("bagian", "")
    shown = Outcome(asked) if asked in set(Outcome) else None
    is_odd = asked == "janggal"
    if shown is None and not is_odd:
        shown = next((each for each in _FIRST if summary.counts.get(each)), Outcome.UNCHANGED)
    number = page_number(request.args.get("hal", ""))
    look = Look(current_actor(), gettext("Laporan impor"))
    rows = imports.rows(look, import_id, shown, odd=is_odd, offset=(number - 1) * PAGE_ROWS, limit=PAGE_ROWS)
    return render_template(
        "residents/report.html",
        summary=summary,
        outcomes=tuple(Outcome),
        shown="janggal" if is_odd else shown,
        rows=rows,
        number=number,
        pages_count=pages_count(rows, PAGE_ROWS),
    )


# What somebody has to look at comes first.
_FIRST: Final = (Outcome.CONFLICT, Outcome.REFUSED, Outcome.CHANGED, Outcome.ADDED, Outcome.UNCHANGED)


@pages.post("/impor/<int(max=9007199254740991):import_id>/putuskan")
@permission_required(Permission.IMPORT_RESIDENTS)
def decide(import_id: int) -> ResponseReturnValue:
    """Keep decisions: those of the page, or one for all that still wait."""
    rest = request.form.get("semua", "")
    try:
        if rest:
            _imports().decide_rest(current_actor(), import_id, Choice(rest) if rest in set(Choice) else abort(400))
        else:
            _imports().decide(current_actor(), import_id, _choices())
    except ImportUnknown:
        return _gone()
    flash(gettext("Keputusan sudah dicatat. Belum ada data warga yang berubah."), "good")
    page = page_number(request.form.get("hal", ""))
    return redirect(url_for("residents.report", import_id=import_id, bagian=Outcome.CONFLICT.value, hal=page), 303)


@pages.post("/impor/<int(max=9007199254740991):import_id>/terapkan")
@permission_required(Permission.IMPORT_RESIDENTS)
def apply(import_id: int) -> ResponseReturnValue:
    """Do what the report says."""
    try:
        done = _imports().apply(current_actor(), import_id)
    except ImportUnknown:
        return _gone()
    except ImportUndecided as error:
        text = gettext(
            "Masih ada %(count)d pertentangan yang perlu diputuskan. Belum ada yang berubah.", count=error.count
        )
        flash(text, "warn")
        return redirect(url_for("residents.report", import_id=import_id, bagian=Outcome.CONFLICT.value), 303)
    except ImportStale:
        flash(gettext("Ada data warga yang berubah sejak laporan dibuat. Ini laporan barunya; periksa lagi."), "warn")
        return redirect(url_for("residents.report", import_id=import_id), 303)
    text = gettext(
        "Impor selesai: %(added)d ditambah, %(changed)d diubah.",
        added=done.counts.get(Outcome.ADDED, 0),
        changed=done.counts.get(Outcome.CHANGED, 0) + done.counts.get(Outcome.CONFLICT, 0),
    )
    flash(text, "good")
    return redirect(url_for("residents.upload"), 303)


@pages.post("/impor/<int(max=9007199254740991):import_id>/buang")
@permission_required(Permission.IMPORT_RESIDENTS)
def drop(import_id: int) -> ResponseReturnValue:
    """Forget an import."""
    try:
        _imports().drop(current_actor(), import_id)
    except ImportUnknown:
        return _gone()
    flash(gettext("Impor dibuang. Tidak ada data warga yang berubah."), "good")
    return redirect(url_for("residents.upload"), 303)


@pages.post("/ekspor")
@permission_required(Permission.IMPORT_RESIDENTS)
def download() -> ResponseReturnValue:
    """Give the whole register as a workbook. A form asks for it, so that no link of another site can."""
    asked = request.form.get("jenis", "")
    if asked not in set(Kind):
        abort(400)
    register = current_register()
    made = export(register, Look(current_actor(), gettext("Ekspor")), Kind(asked))
    name = f"penduduk-{register.today().isoformat()}.{asked}"
    response = Response(_chunks(made), mimetype=Kind(asked).media_type)
    response.call_on_close(made.close)  # also where the browser went away before the first part
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _choices() -> dict[int, dict[str, Choice]]:
    found: dict[int, dict[str, Choice]] = defaultdict(dict)
    for name, text in request.form.items():
        match = _CHOICE.fullmatch(name)
        if match and text in set(Choice):
            found[int(match[1])][match[2]] = Choice(text)
    return found


def _imports() -> Imports:
    return Imports(current_register(), area())


def _gone() -> ResponseReturnValue:
    flash(gettext("Impor itu sudah diterapkan, dibuang, atau terlalu lama menunggu. Kirim berkasnya lagi."), "warn")
    return redirect(url_for("residents.upload"), 303)
