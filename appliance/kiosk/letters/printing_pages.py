"""Print a letter, for the office: once, again for a reason, and how the print stands while it runs."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import PrinterAway, PrintRefused
from appliance.faces import errors
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.letters import codes, paper, prints
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.flow import PRINTABLE_STATES, State
from appliance.kiosk.letters.office_access import desk_required, look, shared
from appliance.kiosk.letters.prints import Copy, Prints, Reason, ReasonNeeded, TooManyCopies
from appliance.kiosk.office.session import current_actor
from appliance.kiosk.services import current_kiosk
from appliance.papers.printing import Condition, JobState
from appliance.store.audit import Audit

# What a resident has printed: from approval on, to be signed by hand; not what the office has taken to the camat.
PRINTABLE: Final = PRINTABLE_STATES - {State.WAITS_FOR_CAMAT}
# Paper out is to be told within five seconds.
REFRESH_SECONDS: Final = 2
pages = Blueprint("letters_print", __name__, url_prefix=f"{OFFICE_PREFIX}/surat", template_folder="templates")
pages.before_request(refuse_open_air)


@pages.get("/<int(max=9007199254740991):letter_id>/cetak")
@desk_required
def job(letter_id: int) -> ResponseReturnValue:
    """Show how the newest copy stands; the page asks again by itself until it is over. It opens no letter."""
    return _page(letter_id)


@pages.post("/<int(max=9007199254740991):letter_id>/cetak")
@desk_required
def begin(letter_id: int) -> ResponseReturnValue:
    """Print, once for however many presses; a further copy for a reason of the list."""
    actor, desk = current_actor(), current_desk()
    letter = desk.get(look(gettext("Surat dicetak")), letter_id)
    if letter.state not in PRINTABLE_STATES:
        return errors.page(
            409,
            gettext("Surat ini belum bisa dicetak"),
            gettext("Surat dicetak setelah disetujui dan bernomor, dan tidak lagi setelah dibatalkan."),
            "CETAK",
        )
    try:
        current_prints().ask(
            actor,
            letter,
            codes.shown_code(letter.code),
            lambda: desk.signed_pdf(letter) or paper.render(desk.paper(letter)),
            request.form.get("alasan", ""),
        )
    except ReasonNeeded:
        return _page(letter_id, gettext("Pilih dulu mengapa surat dicetak lagi.")), 400
    except TooManyCopies:
        return errors.page(409, gettext("Sudah terlalu banyak salinan"), _look_after_it(), "CETAK")
    except PrinterAway:
        return _page(letter_id, gettext("Pencetak tidak menjawab. Tidak ada yang dicetak dua kali: coba lagi.")), 503
    except PrintRefused:
        return errors.page(409, gettext("Pencetak menolak surat ini"), _look_after_it(), "CETAK")
    return redirect(url_for("letters_print.job", letter_id=letter_id), 303)


@pages.post("/<int(max=9007199254740991):letter_id>/cetak/berhenti")
@desk_required
def stop(letter_id: int) -> ResponseReturnValue:
    """Stop what is not printed so far."""
    try:
        current_prints().cancel(current_actor(), letter_id)
    except PrinterAway:
        return _page(letter_id, gettext("Pencetak tidak menjawab. Coba lagi.")), 503
    return redirect(url_for("letters_print.job", letter_id=letter_id), 303)


def current_prints() -> Prints:
    """The copies of the kiosk whose page is being made."""
    kiosk = current_kiosk()
    return Prints(kiosk.store, Audit(kiosk.store, kiosk.clock), kiosk.printer)


def _page(letter_id: int, problem: str = "") -> str:
    found, known, condition = current_prints(), None, current_kiosk().printer.state().condition
    try:
        known = found.newest(letter_id)
    except PrinterAway:
        condition = Condition.OFFLINE
    copies = found.copies(letter_id)
    newest = known or next(iter(copies), None)
    is_running = newest is not None and newest.was_submitted and not newest.job.state.is_over
    return render_template(
        "letters/print.html",
        letter_id=letter_id,
        newest=newest,
        copies=copies,
        condition=condition,
        problem=problem,
        is_running=is_running,
        refresh_seconds=REFRESH_SECONDS if is_running and not problem else 0,
        # Shown in the page's own words, so that a copy that ended reads so in the list at once.
        state_word=lambda copy: _state_word(newest if newest and copy.number == newest.number else copy),
        reason_word=reason_word,
        reasons=prints.AGAIN,
        JobState=JobState,
        **shared(),
    )


def reason_word(reason: Reason) -> str:
    """Why a copy was printed, in words."""
    words = {
        Reason.FIRST: gettext("cetakan pertama"),
        Reason.SPOILT: gettext("kertas rusak atau cetakan buram"),
        Reason.STOPPED: gettext("cetakan sebelumnya tidak jadi"),
        Reason.LOST: gettext("surat hilang"),
        Reason.ONE_MORE: gettext("perlu satu lagi"),
    }
    return str(words[reason])


def _state_word(copy: Copy) -> tuple[str, str]:
    """A state's symbol and word."""
    if not copy.was_submitted and not copy.job.state.is_over:
        return "warn", gettext("belum terkirim ke pencetak")
    words = {
        JobState.WAITING: ("plain", gettext("menunggu giliran")),
        JobState.PRINTING: ("plain", gettext("sedang dicetak")),
        JobState.FINISHED: ("good", gettext("selesai")),
        JobState.CANCELLED: ("off", gettext("dihentikan")),
        JobState.FAILED: ("bad", gettext("gagal")),
        JobState.GONE: ("unknown", gettext("tidak diketahui")),
    }
    return words[copy.job.state]


def _look_after_it() -> str:
    return str(gettext("Beri tahu teknisi, atau unduh PDF-nya."))
