"""The register's pages for the office: search, somebody with their family, add, change, status, totals.

What is searched for travels in the body: a name or a NIK in an address would stay in the browser's history.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.kiosk.actors import Look
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import current_actor, is_permitted, permission_required
from appliance.kiosk.residents import person, words
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.census import Counts
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.columns import BY_NAME, Kind, ValueWrong, Wrong, clean
from appliance.kiosk.residents.person import Draft, DraftInvalid, Resident
from appliance.kiosk.residents.register import NikTaken, Outdated, Page, ResidentUnknown
from appliance.kiosk.services import current_kiosk

PAGE_ROWS: Final = 20
TEXT_LENGTH_MAX: Final = 100
# In the order in which a clerk reads a family card; the status has a page of its own.
GROUPS: Final = (
    (
        lazy_gettext("Pribadi"),
        ("nama", "nik", "sex", "tempatlahir", "tanggallahir", "agama_id", "golongan_darah_id", "suku"),
    ),
    (lazy_gettext("Keluarga"), ("no_kk", "kk_level", "status_kawin", "nama_ayah", "ayah_nik", "nama_ibu", "ibu_nik")),
    (lazy_gettext("Tempat tinggal"), ("alamat", "dusun", "rt", "rw", "alamat_sekarang", "lat", "lng")),
    (lazy_gettext("Pekerjaan dan pendidikan"), ("pekerjaan_id", "pendidikan_kk_id", "pendidikan_sedang_id")),
    (
        lazy_gettext("Dokumen"),
        (
            "warganegara_id", "akta_lahir", "akta_perkawinan", "tanggalperkawinan", "akta_perceraian",
            "tanggalperceraian", "dokumen_pasport", "tanggal_akhir_paspor", "dokumen_kitas", "ktp_el", "status_rekam",
            "tag_id_card",
        ),
    ),
    (lazy_gettext("Kesehatan"), ("cacat_id", "cara_kb_id", "hamil", "id_asuransi", "no_asuransi")),
)  # fmt: skip
EDITABLE: Final = tuple(name for _, names in GROUPS for name in names)
_NUMBERS: Final = frozenset(name for name in EDITABLE if BY_NAME[name].kind in (Kind.NIK, Kind.FAMILY))

pages = Blueprint(
    "residents",
    __name__,
    url_prefix=f"{OFFICE_PREFIX}/warga",
    template_folder="templates",
    static_folder="static",
    static_url_path="/gaya",
)
pages.before_request(refuse_open_air)


@pages.get("/")
@permission_required(Permission.SEE_RESIDENTS)
def home() -> ResponseReturnValue:
    """Show the search, and how many there are; nobody's name."""
    register = current_register()
    return render_template("residents/home.html", dusuns=register.dusuns(), total=register.counts().all, asked=None)


@pages.post("/cari")
@permission_required(Permission.SEE_RESIDENTS)
def search() -> ResponseReturnValue:
    """Show whom a search finds."""
    register = current_register()
    asked = {
        "text": request.form.get("text", "")[:TEXT_LENGTH_MAX].strip(),
        "dusun": request.form.get("dusun", "")[:TEXT_LENGTH_MAX],
        "status": request.form.get("status", StatusDasar.HIDUP.value),
    }
    if asked["status"] and asked["status"] not in set(StatusDasar):
        abort(400)
    number = page_number(request.form.get("hal", ""))
    found = register.search(
        _look(gettext("Pencarian")),
        asked["text"],
        dusun=asked["dusun"],
        status=asked["status"],
        offset=(number - 1) * PAGE_ROWS,
        limit=PAGE_ROWS,
    )
    return render_template(
        "residents/home.html",
        dusuns=register.dusuns(),
        total=register.counts().all,
        asked=asked,
        found=found,
        number=number,
        pages_count=pages_count(found),
    )


@pages.route("/<int:id_>", methods=["GET", "POST"])
@permission_required(Permission.SEE_RESIDENTS)
def one(id_: int) -> ResponseReturnValue:
    """Show somebody with their family; numbers in full where the form asks for them."""
    is_whole = request.method == "POST"
    purpose = gettext("Data dibuka dengan nomor lengkap") if is_whole else gettext("Data dibuka")
    found = _get(id_, purpose)
    family = current_register().family(_look(gettext("Keluarga")), id_)
    values = person.values_of(found)
    return render_template(
        "residents/one.html",
        one=found,
        values=values,
        family=[each for each in family if each.id != id_],
        groups=GROUPS,
        is_whole=is_whole,
        oddities=person.oddities(values, area()),
        age=found.age(current_register().today()),
    )


@pages.route("/tambah", methods=["GET", "POST"])
@permission_required(Permission.CHANGE_RESIDENTS)
def add() -> ResponseReturnValue:
    """Add somebody."""
    if request.method == "GET":
        return _form_page(None, {}, {})
    raw = _form()
    try:
        draft = person.draft(raw, current_register().today())
        id_ = current_register().add(current_actor(), draft)
    except DraftInvalid as error:
        return _form_page(None, raw, error.problems), 400
    except NikTaken as error:
        return _form_page(None, raw, {"nik": ValueWrong(Wrong.TAKEN)}, other_id=error.resident_id), 409
    flash(gettext("Warga sudah ditambahkan."), "good")
    return redirect(url_for("residents.one", id_=id_), 303)


@pages.route("/<int:id_>/ubah", methods=["GET", "POST"])
@permission_required(Permission.CHANGE_RESIDENTS)
def change(id_: int) -> ResponseReturnValue:
    """Change somebody's record; a form that was overtaken is shown again beside what is there now."""
    if request.method == "GET":
        found = _get(id_, gettext("Formulir ubah"))
        return _form_page(found, person.values_of(found), {})
    # A number that was left blank stays as it is: it is never sent to the page.
    raw = {name: text for name, text in _form().items() if text or name not in _NUMBERS}
    try:
        draft = person.draft(raw, current_register().today(), is_whole=False)
        return _change(id_, raw, draft)
    except DraftInvalid as error:
        return _form_page(_get(id_, gettext("Formulir ubah")), raw, error.problems), 400


def _change(id_: int, raw: Mapping[str, str], draft: Draft) -> ResponseReturnValue:
    try:
        current_register().change(current_actor(), id_, draft, seen_version())
    except ResidentUnknown:
        abort(404)
    except NikTaken as error:
        found = _get(id_, gettext("Formulir ubah"))
        return _form_page(found, raw, {"nik": ValueWrong(Wrong.TAKEN)}, other_id=error.resident_id), 409
    except Outdated:
        found = _get(id_, gettext("Formulir ubah"))
        stored = person.values_of(found)
        other = {name: stored.get(name, "") for name in draft.names if stored.get(name) != draft.values.get(name)}
        return _form_page(found, raw, {}, other=other), 409
    flash(gettext("Perubahan sudah disimpan."), "good")
    return redirect(url_for("residents.one", id_=id_), 303)


@pages.route("/<int:id_>/status", methods=["GET", "POST"])
@permission_required(Permission.CHANGE_RESIDENTS)
def status(id_: int) -> ResponseReturnValue:
    """Write down that somebody died, moved away, or came back."""
    register = current_register()
    if request.method == "GET":
        return _status_page(_get(id_, gettext("Formulir status")), {}, {})
    raw = {name: request.form.get(name, "") for name in ("status", "on", "note")}
    wanted, on, note, problems = _read_status(raw, register.today())
    if problems or wanted is None:
        return _status_page(_get(id_, gettext("Formulir status")), raw, problems), 400
    try:
        register.set_status(current_actor(), id_, wanted, seen_version(), on=on, note=note)
    except ResidentUnknown:
        abort(404)
    except Outdated:
        return _status_page(_get(id_, gettext("Formulir status")), raw, {}, is_outdated=True), 409
    flash(gettext("Status sudah disimpan."), "good")
    return redirect(url_for("residents.one", id_=id_), 303)


@pages.get("/jumlah")
@permission_required(Permission.SEE_AGGREGATES)
def totals() -> ResponseReturnValue:
    """Show how many live here, by what tells a planner something."""
    return render_template("residents/totals.html", counts=current_register().counts(), tables=_tables)


def _tables(counts: Counts) -> list[tuple[str, list[tuple[str, Any]]]]:
    unknown = gettext("Belum diisi")

    def coded(parts: Mapping[int | None, Any], name: str) -> list[tuple[str, Any]]:
        return [(words.value(name, str(code)) if code is not None else unknown, part) for code, part in parts.items()]

    ages = [
        (gettext("%(first)d–%(last)d tahun", first=group[0], last=group[1]) if group else unknown, part)
        for group, part in counts.by_age.items()
    ]
    return [
        (gettext("Menurut dusun"), [(dusun or unknown, part) for dusun, part in counts.by_dusun.items()]),
        (gettext("Menurut umur"), ages),
        (gettext("Menurut agama"), coded(counts.by_religion, "agama_id")),
        (gettext("Menurut pendidikan di KK"), coded(counts.by_education, "pendidikan_kk_id")),
        (gettext("Menurut pekerjaan"), coded(counts.by_occupation, "pekerjaan_id")),
        (gettext("Menurut status perkawinan"), coded(counts.by_marital_status, "status_kawin")),
    ]


def area() -> str:
    """The first six digits of NIKs that are issued here."""
    return current_kiosk().config.village.kode_wilayah.replace(".", "")[:6]


def page_number(text: str) -> int:
    """The page asked for, from 1; nonsense is the first."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def pages_count(found: Page[Any], rows: int = PAGE_ROWS) -> int:
    """How many pages a list has, at least one."""
    return max(1, -(-found.total // rows))


def seen_version() -> int:
    """The version that a form was made of."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _look(purpose: str) -> Look:
    return Look(current_actor(), purpose)


def _get(id_: int, purpose: str) -> Resident:
    found = current_register().get(_look(purpose), id_)
    if found is None:
        abort(404)
    return found


def _form() -> dict[str, str]:
    return {name: request.form[name].strip() for name in EDITABLE if name in request.form}


def _form_page(
    found: Resident | None,
    raw: Mapping[str, str],
    problems: Mapping[str, ValueWrong],
    *,
    other: Mapping[str, str] | None = None,
    other_id: int = 0,
) -> str:
    return render_template(
        "residents/form.html",
        one=found,
        raw=raw,
        stored=person.values_of(found) if found else {},
        problems=problems,
        other=other or {},
        is_outdated=other is not None,
        other_id=other_id,
        groups=GROUPS,
        columns=BY_NAME,
        dusuns=current_register().dusuns(),
    )


def _read_status(
    raw: Mapping[str, str], today: datetime.date
) -> tuple[StatusDasar | None, datetime.date | None, str, dict[str, str]]:
    problems: dict[str, str] = {}
    wanted = StatusDasar(raw["status"]) if raw["status"] in set(StatusDasar) else None
    if wanted is None:
        problems["status"] = gettext("Pilih salah satu status.")
    on, note = None, ""
    try:
        on = datetime.date.fromisoformat(raw["on"]) if raw["on"] else None
        if on is not None and not datetime.date(1900, 1, 1) <= on <= today:
            problems["on"] = gettext("Tanggalnya belum tiba atau terlalu lama berlalu.")
    except ValueError:
        problems["on"] = gettext("Bukan tanggal; tulis seperti 2026-08-17.")
    try:
        note = clean(raw["note"])
        if len(note) > person.STATUS_NOTE_LENGTH_MAX:
            raise ValueWrong(Wrong.TOO_LONG, str(person.STATUS_NOTE_LENGTH_MAX))
    except ValueWrong as error:
        problems["note"] = words.sentence(error)
    return wanted, on, note, problems


def _status_page(
    found: Resident, raw: Mapping[str, str], problems: Mapping[str, str], *, is_outdated: bool = False
) -> str:
    return render_template(
        "residents/status.html",
        one=found,
        raw=raw,
        problems=problems,
        is_outdated=is_outdated,
        statuses=words.STATUSES,
        today=current_register().today(),
        note_length_max=person.STATUS_NOTE_LENGTH_MAX,
    )


@pages.context_processor
def _values() -> dict[str, object]:
    return {
        "words": words,
        "person": person,
        "village_zone": ZoneInfo(current_kiosk().config.village.timezone),
        "may_change": is_permitted(Permission.CHANGE_RESIDENTS),
        "may_import": is_permitted(Permission.IMPORT_RESIDENTS),
        "may_see": is_permitted(Permission.SEE_RESIDENTS),
        "may_count": is_permitted(Permission.SEE_AGGREGATES),
        "area_code": area(),
    }
