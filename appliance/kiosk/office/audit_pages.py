"""Who looked at whose records, and who did what: for those who answer for it."""

from __future__ import annotations

import datetime
from typing import Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.rules import Permission, Role, role_title
from appliance.kiosk.office.session import permission_required
from appliance.kiosk.services import current_kiosk
from appliance.store.audit import Audit, Entry

PER_PAGE: Final = 20
SUBJECTS_SHOWN: Final = 6
# A deed that has no words is shown by its own.
WORDS: Final = {
    "resident.seen": lazy_gettext("melihat data warga"),
    "residents.listed": lazy_gettext("melihat daftar warga"),
    "family.seen": lazy_gettext("melihat keluarga"),
    "resident.added": lazy_gettext("menambah warga"),
    "resident.changed": lazy_gettext("mengubah data warga"),
    "resident.status": lazy_gettext("mengubah status warga"),
    "resident.logged_in": lazy_gettext("masuk dengan PIN"),
    "pin.given": lazy_gettext("memberi PIN"),
    "pin.taken_away": lazy_gettext("mencabut PIN"),
    "pin.changed": lazy_gettext("mengganti PIN sendiri"),
    "residents.exported": lazy_gettext("mengekspor data warga"),
    "import.read": lazy_gettext("membaca berkas impor"),
    "import.seen": lazy_gettext("melihat laporan impor"),
    "import.decided": lazy_gettext("memutuskan perbedaan impor"),
    "import.applied": lazy_gettext("menerapkan impor"),
    "import.dropped": lazy_gettext("membuang impor"),
    "letters.queue": lazy_gettext("melihat antrean surat"),
    "letters.go_on_after": lazy_gettext("menetapkan nomor surat terakhir"),
    "letter.seen": lazy_gettext("membuka surat"),
    "letter.submit": lazy_gettext("mengirim permohonan surat"),
    "letter.change": lazy_gettext("mengubah isi surat"),
    "letter.ask_correction": lazy_gettext("meminta perbaikan"),
    "letter.ask_rt_letter": lazy_gettext("meminta pengantar RT/RW"),
    "letter.got_rt_letter": lazy_gettext("mencatat pengantar RT/RW"),
    "letter.refuse": lazy_gettext("menolak surat"),
    "letter.withdraw": lazy_gettext("menarik permohonan"),
    "letter.verify": lazy_gettext("memeriksa surat"),
    "letter.approve": lazy_gettext("menyetujui surat"),
    "letter.sign_by_hand": lazy_gettext("mencatat tanda tangan"),
    "letter.sign_electronically": lazy_gettext("menandatangani secara elektronik"),
    "letter.countersign": lazy_gettext("mencatat tanda tangan camat"),
    "letter.make_ready": lazy_gettext("menyiapkan surat untuk diambil"),
    "letter.hand_over": lazy_gettext("menyerahkan surat"),
    "letter.void": lazy_gettext("membatalkan surat"),
    "official.add": lazy_gettext("menambah pejabat"),
    "official.change": lazy_gettext("mengubah pejabat"),
    "official.nik": lazy_gettext("memakai NIK pejabat"),
    "token.granted": lazy_gettext("menyiapkan token untuk alat"),
    "token.taken": lazy_gettext("mengambil token untuk alat"),
    "token.ended": lazy_gettext("mencabut token alat"),
    "letter.printed": lazy_gettext("mencetak surat"),
    "letter.printed_again": lazy_gettext("mencetak surat lagi"),
    "letter.print_stopped": lazy_gettext("menghentikan cetakan"),
    "wifi.given": lazy_gettext("memberi PIN Wi-Fi"),
    "wifi.ended": lazy_gettext("mengakhiri akun Wi-Fi"),
    "account.log_in": lazy_gettext("masuk"),
    "account.log_in_refused": lazy_gettext("ditolak masuk"),
    "account.code_refused": lazy_gettext("kode kedua salah"),
    "account.password_refused": lazy_gettext("kata sandi salah"),
    "account.recovery_code_used": lazy_gettext("memakai kode cadangan"),
    "account.codes_renewed": lazy_gettext("membuat kode cadangan baru"),
    "account.password_changed": lazy_gettext("mengganti kata sandi"),
    "account.password_reset": lazy_gettext("memberi kata sandi sekali pakai"),
    "account.second_factor_taken": lazy_gettext("memakai telepon"),
    "account.factor_reset": lazy_gettext("melepas telepon"),
    "account.factor_policy": lazy_gettext("mengubah peran yang wajib memakai telepon"),
    "account.added": lazy_gettext("membuat akun"),
    "account.role": lazy_gettext("mengubah peran"),
    "account.disabled": lazy_gettext("menutup akun"),
    "account.enabled": lazy_gettext("membuka akun"),
    "account.sessions_ended": lazy_gettext("mengeluarkan dari semua perangkat"),
}
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
    """What was done, in words."""
    return str(WORDS.get(entry.what, entry.what))
