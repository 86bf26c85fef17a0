"""A letter made at the counter: who it is for, which kind, its fields beside the paper. What clerks do most."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import asking, codes, paper
from appliance.kiosk.letters.answers import NONE, Answers, AnswersInvalid
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.flow import Reason, Step, StepRefused
from appliance.kiosk.letters.kinds import Field, FieldType, Kind, When, Who
from appliance.kiosk.letters.office_access import look, shared
from appliance.kiosk.letters.paper import Paper, Signing, Watermark
from appliance.kiosk.letters.resident_pages import CATEGORY_WORDS
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import current_actor, permission_required
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.person import Resident, facts
from appliance.kiosk.services import current_kiosk

ROWS: Final = 20
NOBODY: Final = 0  # somebody whom the register does not know
_PEOPLE: Final = ("Laki-laki", "Perempuan")
_WEDDED: Final = ("Belum kawin", "Kawin", "Cerai hidup", "Cerai mati")
_FAITHS: Final = ("Islam", "Kristen", "Katolik", "Hindu", "Buddha", "Khonghucu", "Kepercayaan terhadap Tuhan YME")
# What a letter says of somebody from elsewhere, asked as a kind asks its own fields.
STRANGER: Final = Kind(
    slug="orang",
    title="Pemohon",
    code="-",
    about="Pemohon",
    body="-",
    fields=(
        Field(name="nama", label="Nama lengkap", help="Seperti di KTP.", max=80),
        Field(name="nik", label="NIK", type=FieldType.NIK),
        Field(name="tempat_lahir", label="Tempat lahir", max=60),
        Field(name="tanggal_lahir", label="Tanggal lahir", type=FieldType.DATE, when=When.PAST),
        Field(name="jenis_kelamin", label="Jenis kelamin", type=FieldType.CHOICE, choices=_PEOPLE),
        Field(name="agama", label="Agama", type=FieldType.CHOICE, choices=_FAITHS, required=False),
        Field(name="status_kawin", label="Status perkawinan", type=FieldType.CHOICE, choices=_WEDDED, required=False),
        Field(name="pekerjaan", label="Pekerjaan", max=80, required=False),
        Field(name="alamat_lengkap", label="Alamat sesuai KTP", max=160),
    ),
)

pages = Blueprint("letters_counter", __name__, url_prefix=f"{OFFICE_PREFIX}/surat/baru", template_folder="templates")
pages.before_request(refuse_open_air)


@pages.get("/")
@permission_required(Permission.PROCESS_LETTERS)
def begin() -> ResponseReturnValue:
    """Ask who it is for."""
    return render_template("letters_office/who.html", text="", found=None, **shared())


@pages.post("/")
@permission_required(Permission.PROCESS_LETTERS)
def search() -> ResponseReturnValue:
    """Show whom a search finds. By POST: a name or a NIK does not belong into an address."""
    text = request.form.get("text", "")[:100].strip()
    found = current_register().search(look(gettext("Surat di loket")), text, limit=ROWS) if text else None
    if found is not None and found.total == 1:
        return redirect(url_for("letters_counter.choose", resident_id=found.items[0].id), 303)
    return render_template("letters_office/who.html", text=text, found=found, **shared())


@pages.get("/<int(max=9007199254740991):resident_id>")
@permission_required(Permission.PROCESS_LETTERS)
def choose(resident_id: int) -> ResponseReturnValue:
    """Ask which kind; those that are not for this person say why."""
    one, desk = _resident(resident_id), current_desk()
    today = desk.today().date
    hindered = {slug: _hindrance(kind, one, today) for slug, kind in desk.kinds.items()}
    drafts = desk.drafts.slugs(current_actor(), resident_id or None)
    by_category = {
        str(CATEGORY_WORDS[category]): [
            (slug, kind) for slug, kind in sorted(desk.kinds.items()) if kind.category is category
        ]
        for category in CATEGORY_WORDS
    }
    return render_template(
        "letters_office/which.html",
        one=one,
        resident_id=resident_id,
        by_category={words: rows for words, rows in by_category.items() if rows},
        hindered=hindered,
        drafts=drafts,
        **shared(),
    )


@pages.get("/<int(max=9007199254740991):resident_id>/<slug>")
@permission_required(Permission.PROCESS_LETTERS)
def fill(resident_id: int, slug: str) -> ResponseReturnValue:
    """Show the fields beside the paper, filled with what was typed the last time."""
    one, kind = _resident(resident_id), _kind(slug)
    _require_may_ask(kind, one)
    raw = current_desk().drafts.find(current_actor(), slug, resident_id or None)
    return _form_page(one, kind, raw, {}, secrets.token_urlsafe(16))


@pages.post("/<int(max=9007199254740991):resident_id>/<slug>")
@permission_required(Permission.PROCESS_LETTERS)
def send(resident_id: int, slug: str) -> ResponseReturnValue:
    """Show the paper again, or take the request, once for each form."""
    one, kind, desk, actor = _resident(resident_id), _kind(slug), current_desk(), current_actor()
    _require_may_ask(kind, one)
    key = request.form.get("key", "")
    if not codes.is_token(key):
        abort(400)
    raw = {name: request.form.get(f"isi-{name}", "") for name in _names(kind, one)}
    try:
        desk.drafts.save(actor, slug, resident_id or None, raw)
    except ValueError:
        abort(413)
    problems: dict[str, str] = {}
    answers = _checked(kind, raw, problems)
    person = NONE if one is not None else _checked(STRANGER, _of_stranger(raw), problems, "orang-")
    if problems:
        return _form_page(one, kind, raw, problems, key), 400
    if "send" not in request.form:
        return _form_page(one, kind, raw, {}, key)
    said = answering.texts(STRANGER, person, "") if one is None else {}
    receipt = desk.submit(actor, key, slug, answers=answers, resident_id=one.id if one else None, facts=said)
    if receipt.was_there:
        flash(gettext("Permohonan ini sudah tercatat tadi."), "good")
    else:
        flash(gettext("Permohonan tercatat. Kode tanda terima: %(code)s", code=codes.shown_code(receipt.code)), "good")
    return redirect(url_for("letters_office.one", letter_id=receipt.letter_id), 303)


def _checked(kind: Kind, raw: Mapping[str, str], problems: dict[str, str], prefix: str = "") -> Answers:
    try:
        return answering.check(kind, raw, current_desk().today().date)
    except AnswersInvalid as error:
        problems.update({f"{prefix}{name}": problem for name, problem in error.problems.items()})
        return NONE


def _names(kind: Kind, one: Resident | None) -> list[str]:
    strangers = [f"orang-{field.name}" for field in STRANGER.fields] if one is None else []
    return [*strangers, *(field.name for field in kind.fields)]


def _of_stranger(raw: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("orang-"): value for name, value in raw.items() if name.startswith("orang-")}


def _resident(resident_id: int) -> Resident | None:
    if resident_id == NOBODY:
        return None
    found = current_register().get(look(gettext("Surat di loket")), resident_id)
    if found is None:
        abort(404)
    return found


def _kind(slug: str) -> Kind:
    found = current_desk().kinds.get(slug)
    if found is None:
        abort(404)
    return found


def _hindrance(kind: Kind, one: Resident | None, today: datetime.date) -> str:
    if one is None:
        return "" if kind.who is Who.ANYBODY else str(gettext("hanya untuk warga yang terdaftar"))
    found = asking.hindrance(kind, one, today)
    words = {
        None: "",
        asking.Hindrance.NOT_HERE: gettext("bukan lagi warga di sini"),
        asking.Hindrance.TOO_YOUNG: gettext("belum %(age)d tahun", age=kind.min_age),
        asking.Hindrance.NOT_HEAD_OF_FAMILY: gettext("hanya untuk kepala keluarga"),
    }
    return str(words[found])


def _require_may_ask(kind: Kind, one: Resident | None) -> None:
    if _hindrance(kind, one, current_desk().today().date):
        raise StepRefused(Reason.MAY_NOT_ASK, Step.SUBMIT)


def _form_page(one: Resident | None, kind: Kind, raw: Mapping[str, str], problems: Mapping[str, str], key: str) -> str:
    desk, village = current_desk(), current_kiosk().config.village
    shown = Paper(
        kind=kind,
        village=village,
        facts=facts(one, desk.today().date) if one is not None else _shown_stranger(raw),
        answers=_so_far(kind, raw),
        signing=Signing(village.head_name, paper.head_title(village)),
        countersign=kind.countersigned_by_camat,
        watermark=Watermark.DRAFT,
    )
    return render_template(
        "letters_office/fill.html",
        one=one,
        resident_id=one.id if one is not None else NOBODY,
        kind=kind,
        stranger=STRANGER if one is None else None,
        raw=raw,
        problems=problems,
        key=key,
        is_preview="preview" in request.form,
        paper=paper.compose(shown),
        watermark=shown.watermark,
        **shared(),
    )


def _so_far(kind: Kind, raw: Mapping[str, str]) -> Answers:
    """What can be shown of a form that is not yet whole; the rest is dots."""
    values: dict[str, answering.Value] = {}
    for field in kind.fields:
        found = answering.try_one(field, raw.get(field.name, ""), current_desk().today().date)
        if found is not None:
            values[field.name] = found
    return Answers(values)


def _shown_stranger(raw: Mapping[str, str]) -> dict[str, str]:
    return answering.texts(STRANGER, _so_far(STRANGER, _of_stranger(raw)), "")
