"""Is this letter true? What its QR code leads to, and a form for the code that is printed beside it.

For everybody, also without an account: what is shown is masked, and no more than who holds the paper reads there.
The web front leads ``letters.verification_host`` here: ``/TOKEN`` of that host is ``/cek/TOKEN`` (see
`appliance.network.nginx`), whose addresses it writes into no log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.kiosk.letters.current import count_wrong_code, current_desk, too_many_tries
from appliance.kiosk.letters.letter import Validity, Verdict
from appliance.kiosk.letters.words import tanggal

pages = Blueprint("letters_check", __name__, url_prefix="/cek", template_folder="templates")


@dataclass(frozen=True, slots=True)
class _Words:
    look: str
    title: Any
    advice: Any


_WORDS: Final[Mapping[Validity, _Words]] = {
    Validity.VALID: _Words(
        "good",
        lazy_gettext("Surat ini sah"),
        lazy_gettext("Cocokkan nomor, tanggal dan nama di bawah dengan kertas yang Anda pegang."),
    ),
    Validity.VOID: _Words(
        "bad",
        lazy_gettext("Surat ini sudah dibatalkan"),
        lazy_gettext("Jangan dipakai lagi. Tanyakan kepada kantor yang menerbitkannya."),
    ),
    Validity.EXPIRED: _Words(
        "warn",
        lazy_gettext("Masa berlaku surat ini sudah habis"),
        lazy_gettext("Surat ini dulu sah. Mintalah surat yang baru."),
    ),
    Validity.NOT_SIGNED: _Words(
        "warn",
        lazy_gettext("Surat ini belum ditandatangani"),
        lazy_gettext("Kantor sudah memberi nomor, tetapi surat ini belum berlaku."),
    ),
    Validity.PRACTICE: _Words(
        "bad",
        lazy_gettext("Ini surat latihan"),
        lazy_gettext("Dibuat untuk belajar, dengan warga rekaan. Tidak berlaku di mana pun."),
    ),
    Validity.UNKNOWN: _Words(
        "bad",
        lazy_gettext("Surat ini tidak kami kenal"),
        lazy_gettext("Mungkin salah ketik, mungkin dari kantor lain, mungkin palsu. Periksa lagi kodenya."),
    ),
}
_WITH_SIGNER: Final = frozenset({Validity.VALID, Validity.EXPIRED, Validity.VOID})


@pages.get("")
def ask() -> ResponseReturnValue:
    """Ask for the code on the paper."""
    return render_template("letters/check_code.html", is_wrong=False)


@pages.post("")
def find() -> ResponseReturnValue:
    """Judge the letter with this code. It travels in the form: an address would stay in the browser."""
    refusal = too_many_tries()
    if refusal is not None:
        return refusal
    verdict = current_desk().check_code(request.form.get("kode", ""))
    if verdict.validity is Validity.UNKNOWN:
        count_wrong_code()
        return _made(render_template("letters/check_code.html", is_wrong=True), 404)
    return _shown(verdict)


@pages.get("/<token>")
def check(token: str) -> ResponseReturnValue:
    """Judge the letter whose QR code was read. 128 bits are not guessed, so that nobody has to wait."""
    return _shown(current_desk().check(token))


def _shown(verdict: Verdict) -> ResponseReturnValue:
    words = _WORDS[verdict.validity]
    text = render_template(
        "letters/checked.html", verdict=verdict, look=words.look, title=words.title, advice=words.advice,
        facts=_facts(verdict), calendar=_calendar(verdict),
    )  # fmt: skip
    return _made(text, 404 if verdict.validity is Validity.UNKNOWN else 200)


def _made(text: str, status: int) -> ResponseReturnValue:
    response = make_response(text, status)
    response.headers["X-Robots-Tag"] = "noindex, noarchive"
    return response


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    facts = [
        (gettext("Jenis surat"), verdict.title),
        (gettext("Nomor"), verdict.number),
        (gettext("Tanggal"), tanggal(verdict.date) if verdict.date else ""),
        (gettext("Berlaku sampai"), tanggal(verdict.valid_until) if verdict.valid_until else ""),
        (gettext("Nama (disamarkan)"), verdict.masked_name),
        (gettext("NIK (disamarkan)"), verdict.masked_nik),
    ]
    if verdict.validity in _WITH_SIGNER and verdict.was_signed:
        facts += [
            (gettext("Penanda tangan"), ", ".join(part for part in (verdict.signed_by, verdict.signed_title) if part)),
            (gettext("Cara tanda tangan"), _manner(verdict)),
        ]
    return facts


def _manner(verdict: Verdict) -> str:
    if verdict.is_electronic:
        return str(gettext("Elektronik, dengan sertifikat. Yang ditandatangani berkas PDF-nya; cetakannya salinan."))
    return str(gettext("Dengan tangan. Lihat tanda tangan dan cap di kertas aslinya."))


def _calendar(verdict: Verdict) -> str:
    """What to look at by oneself, where the box cannot know what day it is."""
    if verdict.validity is not Validity.VALID or verdict.today_is_known or verdict.valid_until is None:
        return ""
    return str(
        gettext(
            "Jam alat ini belum benar. Lihat kalender: sesudah %(date)s surat ini tidak berlaku lagi.",
            date=tanggal(verdict.valid_until),
        )
    )
