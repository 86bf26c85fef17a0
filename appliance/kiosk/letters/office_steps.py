"""The office's steps with a letter, each a plain form.

Sent twice a step is taken once: the version from which the form was made is gone by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.core.errors import CertificateEnded, PassphraseWrong, SignatureRefused, SignerAway, SignerUnknown
from appliance.kiosk.actors import Actor
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import office_access, paper, state_words, words
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.desk import Desk, one_line
from appliance.kiosk.letters.flow import Reason, Step, StepRefused
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.numbering import DateNeeded, DateRefused
from appliance.kiosk.letters.office_access import desk_required, look
from appliance.kiosk.letters.office_pages import letter_page, was_done
from appliance.kiosk.office.session import current_actor
from appliance.kiosk.services import current_kiosk

NOTE_LENGTH_MAX: Final = 400

pages = Blueprint("letters_steps", __name__, url_prefix=f"{OFFICE_PREFIX}/surat", template_folder="templates")
pages.before_request(refuse_open_air)


class _MissingError(Exception):
    """The form lacks something: the sentence says what."""


@pages.post("/<int(max=9007199254740991):letter_id>/langkah")
@desk_required
def take(letter_id: int) -> ResponseReturnValue:
    """Take one step."""
    asked = request.form.get("step", "")
    if asked not in set(Step) or Step(asked) not in _STEPS:
        abort(400)
    step, desk, actor = Step(asked), current_desk(), current_actor()
    letter = desk.get(look(str(state_words.step_word(step))), letter_id)
    try:
        said = _STEPS[step](desk, actor, letter)
    except StepRefused as error:
        if not was_done(letter, error):
            raise
        said = gettext("Langkah ini sudah dicatat tadi.")
    except _MissingError as error:
        return letter_page(letter, step_problem=(step, str(error)), status=400)
    except DateRefused as error:
        return letter_page(letter, step_problem=(step, state_words.date_advice(error)), status=409)
    except DateNeeded:
        missing = gettext("Jam alat ini belum benar: tulis tanggal surat, sesuai kalender.")
        return letter_page(letter, step_problem=(step, missing), status=409)
    flash(said, "good")
    return redirect(url_for("letters_office.one", letter_id=letter_id), 303)


def _note(*, is_needed: bool = True) -> str:
    note = one_line(request.form.get("note", "")[:NOTE_LENGTH_MAX])
    if is_needed and not note:
        raise _MissingError(gettext("Tulis dulu alasannya."))
    return note


def _ask_correction(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.ask_correction(actor, letter.id, office_access.version(), _note())
    return str(gettext("Warga diminta memperbaiki."))


def _refuse(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.refuse(actor, letter.id, office_access.version(), _note())
    return str(gettext("Permohonan ditolak. Warga membaca alasannya."))


def _withdraw(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.withdraw(actor, letter.id, office_access.version())
    return str(gettext("Permohonan ditarik kembali."))


def _ask_rt_letter(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.ask_rt_letter(actor, letter.id, office_access.version(), _note(is_needed=False))
    return str(gettext("Surat menunggu pengantar RT/RW."))


def _got_rt_letter(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.got_rt_letter(actor, letter.id, office_access.version(), _note(is_needed=False))
    return str(gettext("Pengantar RT/RW dicatat."))


def _verify(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.verify(actor, letter.id, office_access.version())
    return str(gettext("Isi surat sudah diperiksa. Sekarang menunggu persetujuan."))


def _approve(desk: Desk, actor: Actor, letter: Letter) -> str:
    official = office_access.whole_number(request.form.get("official", ""))
    if not official:
        raise _MissingError(gettext("Pilih siapa yang menandatangani."))
    typed = request.form.get("date", "").strip()
    date = answering.read_date(typed) if typed else None
    if typed and date is None:
        raise _MissingError(gettext("Tanggal ini tidak ada. Tulis seperti 17-08-2026: tanggal, bulan, tahun."))
    number = desk.approve(actor, letter.id, official, office_access.version(), date)
    said = gettext(
        "Surat disetujui: nomor %(number)s, tanggal %(date)s.", number=number.text, date=words.tanggal(number.date)
    )
    return str(said)


def _sign_by_hand(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.sign_by_hand(actor, letter.id, office_access.version())
    return str(gettext("Tanda tangan dicatat."))


def _countersign(desk: Desk, actor: Actor, letter: Letter) -> str:
    brought_by = one_line(request.form.get("brought_by", "")[:120])
    if not brought_by:
        raise _MissingError(gettext("Tulis siapa yang membawa surat kembali."))
    date = answering.read_date(request.form.get("date", "").strip())
    if date is None:
        raise _MissingError(gettext("Tanggal ini tidak ada. Tulis seperti 17-08-2026: tanggal, bulan, tahun."))
    try:
        desk.countersign(actor, letter.id, office_access.version(), date, brought_by)
    except DateRefused:
        said = gettext("Camat menandatangani pada tanggal surat atau sesudahnya, paling lambat hari ini.")
        raise _MissingError(said) from None
    return str(gettext("Tanda tangan camat dicatat."))


# What the signing service may say, and what to do then.
_SIGNING_ERRORS: Final[Mapping[type[Exception], Any]] = {
    PassphraseWrong: lazy_gettext("Kata sandi sertifikat salah. Coba lagi."),
    CertificateEnded: lazy_gettext(
        "Sertifikat pejabat ini sudah berakhir. Perpanjang, atau tanda tangani dengan tangan."
    ),
    SignerUnknown: lazy_gettext("Pejabat ini belum punya sertifikat. Periksa NIK-nya di daftar pejabat."),
    SignerAway: lazy_gettext("Layanan tanda tangan tidak menjawab. Coba lagi nanti, atau tanda tangani dengan tangan."),
    SignatureRefused: lazy_gettext("Surat ini ditolak layanan tanda tangan. Cetak, lalu tanda tangani dengan tangan."),
}


def _sign_electronically(desk: Desk, actor: Actor, letter: Letter) -> str:
    passphrase = request.form.get("passphrase", "")
    if not passphrase:
        raise _MissingError(gettext("Tulis kata sandi sertifikat."))
    # Before the service is asked: what it has signed cannot be taken back.
    desk.require_electronic(actor, letter)
    if letter.version != office_access.version():
        raise StepRefused(Reason.CHANGED_MEANWHILE, Step.SIGN_ELECTRONICALLY)
    nik = desk.officials_book.nik(look(gettext("Tanda tangan elektronik")), letter.official_id or 0)
    try:
        signed = current_kiosk().signer.sign(paper.render(desk.paper(letter, electronically=True)), nik, passphrase)
    except tuple(_SIGNING_ERRORS) as error:
        raise _MissingError(str(_SIGNING_ERRORS[type(error)])) from None
    desk.sign_electronically(actor, letter.id, office_access.version(), signed)
    return str(gettext("Surat ditandatangani secara elektronik."))


def _make_ready(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.make_ready(actor, letter.id, office_access.version())
    return str(gettext("Surat siap diambil. Warga melihatnya di layar dan ponsel."))


def _hand_over(desk: Desk, actor: Actor, letter: Letter) -> str:
    to_whom = one_line(request.form.get("to_whom", "")[:120])
    if not to_whom:
        raise _MissingError(gettext("Tulis kepada siapa surat diserahkan."))
    desk.hand_over(actor, letter.id, office_access.version(), to_whom)
    return str(gettext("Surat sudah diserahkan."))


def _void(desk: Desk, actor: Actor, letter: Letter) -> str:
    desk.void(actor, letter.id, office_access.version(), _note())
    return str(gettext("Surat dibatalkan. Nomornya tetap tercatat."))


_STEPS: Final[Mapping[Step, Callable[[Desk, Actor, Letter], str]]] = {
    Step.ASK_CORRECTION: _ask_correction,
    Step.REFUSE: _refuse,
    Step.WITHDRAW: _withdraw,
    Step.ASK_RT_LETTER: _ask_rt_letter,
    Step.GOT_RT_LETTER: _got_rt_letter,
    Step.VERIFY: _verify,
    Step.APPROVE: _approve,
    Step.SIGN_BY_HAND: _sign_by_hand,
    Step.SIGN_ELECTRONICALLY: _sign_electronically,
    Step.COUNTERSIGN: _countersign,
    Step.MAKE_READY: _make_ready,
    Step.HAND_OVER: _hand_over,
    Step.VOID: _void,
}
