"""Officials: whose names stand below letters, and in whose name they sign."""

from __future__ import annotations

import datetime
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import paper
from appliance.kiosk.letters.answers import Answers, AnswersInvalid
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.kinds import Field, FieldType, Kind
from appliance.kiosk.letters.letter import Official
from appliance.kiosk.letters.office_access import shared, version
from appliance.kiosk.letters.officials import OfficialChanged, Term
from appliance.kiosk.letters.paper import Signing, SigningMode
from appliance.kiosk.office import rules
from appliance.kiosk.office.rules import Permission, Role
from appliance.kiosk.office.session import current_actor, permission_required
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.services import current_kiosk

MODES: Final = {
    SigningMode.SELF: lazy_gettext("Atas nama sendiri"),
    SigningMode.ON_BEHALF: lazy_gettext("a.n. (atas nama) kepala"),
    SigningMode.FOR_DEPUTY: lazy_gettext("u.b. (untuk beliau), di bawah pejabat lain"),
    SigningMode.ACTING: lazy_gettext("Plt. (pelaksana tugas)"),
}
# Asked as a kind asks its fields.
_FORM: Final = Kind(
    slug="pejabat",
    title="Pejabat",
    code="-",
    about="Pejabat",
    body="-",
    fields=(
        Field(name="name", label="Nama dan gelar", max=80),
        Field(name="title", label="Jabatan", max=80),
        Field(name="nip", label="NIP", required=False, max=30),
        Field(name="through_title", label="Di bawah jabatan", required=False, max=80),
        Field(name="nik", label="NIK", type=FieldType.NIK, required=False),
        Field(name="begins", label="Mulai menjabat", type=FieldType.DATE, required=False),
        Field(name="ends", label="Sampai", type=FieldType.DATE, required=False),
    ),
)

pages = Blueprint(
    "letters_officials", __name__, url_prefix=f"{OFFICE_PREFIX}/pejabat", template_folder="templates"
)  # fmt: skip
pages.before_request(refuse_open_air)


@pages.get("/")
@permission_required(Permission.MANAGE_OFFICIALS)
def every() -> ResponseReturnValue:
    """List them, those who sign first."""
    return _page()


@pages.post("/")
@permission_required(Permission.MANAGE_OFFICIALS)
def add() -> ResponseReturnValue:
    """Add one; the same sent twice is one."""
    problems: dict[str, str] = {}
    made = _read(problems)
    if made is None:
        return _page(raw=request.form.to_dict(), problems=problems), 400
    signing, account, nik, term = made
    if _is_own_power(account, problems):
        return _page(raw=request.form.to_dict(), problems=problems), 403
    book = current_desk().officials_book
    if any((each.signing, each.account, each.begins, each.ends) == (signing, account, term.begins, term.ends)
           for each in book.active()):  # fmt: skip
        flash(gettext("Pejabat ini sudah ada di daftar."), "warn")
    else:
        book.add(current_actor(), signing, account=account, nik=nik, term=term)
        flash(gettext("Pejabat ditambahkan."), "good")
    return redirect(url_for("letters_officials.every"), 303)


@pages.get("/<int(max=2147483647):official_id>")
@permission_required(Permission.MANAGE_OFFICIALS)
def one(official_id: int) -> ResponseReturnValue:
    """Show one, to be changed or ended. The NIK is not shown again."""
    found = _official(official_id)
    raw = {
        "name": found.signing.name, "title": found.signing.title, "nip": found.signing.nip,
        "through_title": found.signing.through_title, "mode": found.signing.mode.value, "account": found.account,
        "begins": found.begins.isoformat() if found.begins else "",
        "ends": found.ends.isoformat() if found.ends else "",
    }  # fmt: skip
    return _page(found, raw)


@pages.post("/<int(max=2147483647):official_id>")
@permission_required(Permission.MANAGE_OFFICIALS)
def change(official_id: int) -> ResponseReturnValue:
    """Write an entry anew, end it, or open it again. Letters keep what they were approved with."""
    found, problems = _official(official_id), dict[str, str]()
    made = _read(problems)
    if made is None:
        return _page(found, request.form.to_dict(), problems), 400
    signing, account, nik, term = made
    is_active = "end" not in request.form and (found.is_active or "open" in request.form)
    before = (found.signing, found.account, found.is_active, Term(found.begins, found.ends))
    if before == (signing, account, is_active, term) and not nik:
        flash(gettext("Tidak ada yang berubah."), "plain")
        return redirect(url_for("letters_officials.every"), 303)
    if is_active and _is_own_power(account, problems):
        return _page(found, request.form.to_dict(), problems), 403
    keep_nik = None if not nik and "no_nik" not in request.form else nik
    try:
        current_desk().officials_book.change(
            current_actor(), official_id, version(), signing, account=account, nik=keep_nik, is_active=is_active,
            term=term,
        )  # fmt: skip
    except OfficialChanged:
        problem = {"name": gettext("Data ini baru saja diubah orang lain. Muat ulang, lalu ubah lagi.")}
        return _page(found, request.form.to_dict(), problem), 409
    flash(gettext("Data pejabat tersimpan."), "good")
    return redirect(url_for("letters_officials.every"), 303)


def _is_own_power(account: str, problems: dict[str, str]) -> bool:
    """Would somebody give themself the right to sign, or more of it? Only the head's right is nobody else's to give."""
    actor = current_actor()
    if account != actor.name or actor.role == Role.KEPALA_DESA:
        return False
    head = rules.role_title(Role.KEPALA_DESA, current_kiosk().config.village)
    problems["account"] = gettext("Akun Anda sendiri dipasangkan oleh %(head)s, bukan oleh Anda.", head=head)
    return True


def _official(official_id: int) -> Official:
    found = next((each for each in current_desk().officials_book.every() if each.id == official_id), None)
    return found if found is not None else abort(404)


def _read(problems: dict[str, str]) -> tuple[Signing, str, str, Term] | None:
    """Who signs, whose account that is, the NIK for certificates and the days in office; None with what is wrong."""
    mode, account = request.form.get("mode", ""), request.form.get("account", "")
    try:
        checked = answering.check(_FORM, request.form, current_desk().today().date)
    except AnswersInvalid as error:
        problems.update(error.problems)
        return None
    if mode not in set(SigningMode):
        problems["mode"] = gettext("Pilih salah satu.")
    if account and account not in _accounts():
        problems["account"] = gettext("Pilih salah satu.")
    if mode == SigningMode.FOR_DEPUTY and not checked.values.get("through_title"):
        problems["through_title"] = gettext("Untuk u.b., tulis jabatan yang diwakili, misalnya Sekretaris Desa.")
    term = _term(checked, mode, problems)
    if problems:
        return None
    return _signing(checked, SigningMode(mode)), account, str(checked.values.get("nik", "")), term


def _term(checked: Answers, mode: str, problems: dict[str, str]) -> Term:
    """The days in office. An acting official has both: who acts, acts for a period."""
    begins, ends = (_date(checked.values.get(name)) for name in ("begins", "ends"))
    if begins and ends and ends < begins:
        problems["ends"] = gettext("Tanggal akhir tidak boleh sebelum tanggal mulai.")
    for name, day in (("begins", begins), ("ends", ends)):
        if mode == SigningMode.ACTING and day is None:
            problems[name] = gettext("Plt. menjabat untuk suatu masa: isi tanggal mulai dan tanggal akhirnya.")
    return Term(begins, ends)


def _date(value: object) -> datetime.date | None:
    return value if isinstance(value, datetime.date) else None


def _signing(checked: Answers, mode: SigningMode) -> Signing:
    said = {name: str(value) for name, value in checked.values.items()}
    return Signing(
        name=said["name"],
        title=said["title"],
        nip=said.get("nip", ""),
        mode=mode,
        for_title="" if mode is SigningMode.SELF else paper.head_title(current_kiosk().config.village),
        through_title=said.get("through_title", "") if mode is SigningMode.FOR_DEPUTY else "",
    )


def _accounts() -> dict[str, str]:
    """The accounts that may approve, each with its role's name."""
    kiosk = current_kiosk()
    every_one = open_accounts(kiosk.store, kiosk.hashing).all()
    return {
        each.name: rules.role_title(each.role, kiosk.config.village)
        for each in every_one
        if not each.disabled and rules.may(each.role, Permission.APPROVE_LETTERS)
    }


def _page(
    found: Official | None = None, raw: dict[str, str] | None = None, problems: dict[str, str] | None = None
) -> str:
    kiosk = current_kiosk()
    return render_template(
        "letters_office/officials.html",
        officials=current_desk().officials_book.every(),
        found=found,
        raw=raw or {"title": kiosk.config.village.head_title if found is None else "", "mode": "self"},
        problems=problems or {},
        modes={mode.value: str(text) for mode, text in MODES.items()},
        accounts=_accounts(),
        signer=kiosk.signer.state(),
        today=current_desk().today(),
        **shared(),
    )
