"""Who looked at whose records, and who did what: for those who answer for it."""

from __future__ import annotations

import datetime
from typing import Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.rules import Permission, Role, role_title
from appliance.kiosk.office.session import permission_required
from appliance.kiosk.services import current_kiosk
from appliance.store.audit import Audit, Entry

PER_PAGE: Final = 50
SUBJECTS_SHOWN: Final = 6
pages = Blueprint("office_audit", __name__, url_prefix=f"{OFFICE_PREFIX}/jejak", template_folder="templates")
pages.before_request(refuse_open_air)


@pages.get("/", strict_slashes=False)
@permission_required(Permission.SEE_AUDIT)
def entries() -> ResponseReturnValue:
    """List the newest entries: all, of one account (``oleh``), or about one record (``tentang``, an opaque number)."""
    kiosk = current_kiosk()
    audit = Audit(kiosk.store, kiosk.clock)
    by = request.args.get("oleh", "").strip().lower()[:64]
    about = request.args.get("tentang", "").strip()
    subject = int(about) if about.isascii() and about.isdigit() and len(about) <= 16 else 0
    before = max(0, min(request.args.get("sebelum", 0, int), 2**53))
    if subject:
        found = audit.about(subject, PER_PAGE + 1, before=before)
    elif by:
        found = audit.by_actor(by, PER_PAGE + 1, before=before)
    else:
        found = () if about else audit.latest(PER_PAGE + 1, before=before)
    count, link = audit.end()
    is_checked = "periksa" in request.args
    return render_template(
        "office/audit.html",
        shown=found[:PER_PAGE],
        older=found[PER_PAGE - 1].position if len(found) > PER_PAGE else 0,
        by=by,
        about=about,
        count=count,
        link=link,
        is_checked=is_checked,
        broken=audit.verify() if is_checked else None,
        moment_of=_moment,
        what_of=_what,
        title_of=_title,
        subjects_shown=SUBJECTS_SHOWN,
    )


def _moment(entry: Entry) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(entry.at_seconds, datetime.UTC)


def _title(entry: Entry) -> str:
    return role_title(entry.role, current_kiosk().config.village) if entry.role in set(Role) else entry.role


def _what(entry: Entry) -> str:
    """What was done, in words; a deed that has none is shown by its own."""
    words = {
        "resident.seen": gettext("melihat data warga"),
        "residents.listed": gettext("melihat daftar warga"),
        "family.seen": gettext("melihat keluarga"),
        "resident.added": gettext("menambah warga"),
        "resident.changed": gettext("mengubah data warga"),
        "resident.status": gettext("mengubah status warga"),
        "resident.logged_in": gettext("masuk dengan PIN"),
        "pin.given": gettext("memberi PIN"),
        "pin.taken_away": gettext("mencabut PIN"),
        "pin.changed": gettext("mengganti PIN sendiri"),
        "letter.printed": gettext("mencetak surat"),
        "letter.printed_again": gettext("mencetak surat lagi"),
        "letter.print_stopped": gettext("menghentikan cetakan"),
        "account.log_in": gettext("masuk"),
        "account.log_in_refused": gettext("ditolak masuk"),
        "account.code_refused": gettext("kode kedua salah"),
        "account.password_refused": gettext("kata sandi salah"),
        "account.recovery_code_used": gettext("memakai kode cadangan"),
        "account.codes_renewed": gettext("membuat kode cadangan baru"),
        "account.password_changed": gettext("mengganti kata sandi"),
        "account.password_reset": gettext("memberi kata sandi sekali pakai"),
        "account.second_factor_taken": gettext("memakai telepon"),
        "account.factor_reset": gettext("melepas telepon"),
        "account.factor_policy": gettext("mengubah peran yang wajib memakai telepon"),
        "account.added": gettext("membuat akun"),
        "account.role": gettext("mengubah peran"),
        "account.disabled": gettext("menutup akun"),
        "account.enabled": gettext("membuka akun"),
        "account.sessions_ended": gettext("mengeluarkan dari semua perangkat"),
    }
    return str(words.get(entry.what, entry.what))
