"""A resident's own letters: the receipt, where each is, taking one back, correcting one, printing one."""

from __future__ import annotations

import contextlib
import datetime
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import PrinterAway, PrintRefused
from appliance.faces import errors
from appliance.kiosk.actors import RESIDENT
from appliance.kiosk.citizen.session import current_resident_id, resident_required
from appliance.kiosk.letters import codes, flow, paper, receipts, resident_pages, resident_words
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.flow import SIGNED_STATES, State, Step
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.printing_pages import PRINTABLE, REFRESH_SECONDS, current_prints
from appliance.kiosk.letters.prints import ReasonNeeded
from appliance.kiosk.places import Place
from appliance.kiosk.services import current_kiosk, current_place
from appliance.papers.printing import Condition, JobState

PAGE_ROWS: Final = 20
pages = Blueprint("letters_mine", __name__, url_prefix="/surat/saya", template_folder="templates")


@pages.get("")
@resident_required
def mine() -> ResponseReturnValue:
    """Show the resident's letters, the newest first; in the address the last one of the page before."""
    asked = request.args.get("sebelum", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 16 else 0
    letters = current_desk().of_resident(_resident(), PAGE_ROWS + 1, before=before)
    return render_template(
        "letters/mine.html",
        letters=letters[:PAGE_ROWS],
        older=letters[PAGE_ROWS - 1].id if len(letters) > PAGE_ROWS else 0,
        kinds=current_desk().kinds,
        **_shared(),
    )


@pages.get("/<int(max=9007199254740991):letter_id>")
@resident_required
def one(letter_id: int) -> ResponseReturnValue:
    """Show where a letter is, in plain words, and what can be done with it."""
    letter = current_desk().own(_resident(), letter_id)
    steps = flow.steps_for(RESIDENT, letter.standing)
    return render_template(
        "letters/one.html",
        letter=letter,
        may_withdraw=Step.WITHDRAW in steps,
        may_correct=Step.CHANGE in steps,
        may_print=_may_print(letter),
        **_shared(),
    )


@pages.get("/<int(max=9007199254740991):letter_id>/bukti")
@resident_required
def receipt(letter_id: int) -> ResponseReturnValue:
    """Show the receipt, large: to be photographed, or printed."""
    letter = current_desk().own(_resident(), letter_id)
    return render_template("letters/receipt.html", letter=letter, has_ticket=_has_ticket(), **_shared())


@pages.post("/<int(max=9007199254740991):letter_id>/bukti")
@resident_required
def print_receipt(letter_id: int) -> ResponseReturnValue:
    """Print the receipt on the ticket printer beside the screen, once."""
    letter, kiosk = current_desk().own(_resident(), letter_id), current_kiosk()
    if not _has_ticket():
        return errors.page(
            409, gettext("Tanda terima tidak bisa dicetak di sini"), gettext("Foto atau catat kodenya."), "CETAK"
        )
    paper_roll = receipts.ticket(letter, kiosk.config, url_for("letters_track.track"))
    try:
        kiosk.ticket_printer.submit(paper_roll, codes.shown_code(letter.code), receipts.print_key(letter_id))
    except (PrinterAway, PrintRefused):
        return _printer_away()
    return redirect(url_for("letters_mine.receipt", letter_id=letter_id, cetak=1), 303)


@pages.get("/<int(max=9007199254740991):letter_id>/tarik")
@resident_required
def ask_withdraw(letter_id: int) -> ResponseReturnValue:
    """Ask once more before a request is taken back."""
    return render_template("letters/withdraw.html", letter=current_desk().own(_resident(), letter_id), **_shared())


@pages.post("/<int(max=9007199254740991):letter_id>/tarik")
@resident_required
def withdraw(letter_id: int) -> ResponseReturnValue:
    """Take a request back."""
    desk, resident_id = current_desk(), _resident()
    letter = desk.own(resident_id, letter_id)
    if letter.state is not State.WITHDRAWN:  # pressed twice it is done
        desk.withdraw(RESIDENT, letter_id, _version(letter.version), resident_id=resident_id)
    return redirect(url_for("letters_mine.one", letter_id=letter_id), 303)


@pages.post("/<int(max=9007199254740991):letter_id>/perbaiki")
@resident_required
def correct(letter_id: int) -> ResponseReturnValue:
    """Open the answers again, where the office asked for a correction."""
    letter = current_desk().own(_resident(), letter_id)
    flow.may_step(RESIDENT, Step.CHANGE, letter.standing)
    return resident_pages.begin_correction(letter_id)


@pages.post("/<int(max=9007199254740991):letter_id>/cetak")
@resident_required
def print_letter(letter_id: int) -> ResponseReturnValue:
    """Print an approved letter at the screen: once, for further copies one asks the office."""
    desk = current_desk()
    letter = desk.own(_resident(), letter_id)
    if not _may_print(letter):
        return errors.page(
            409, gettext("Surat ini belum bisa dicetak di sini"), gettext("Tanyakan kepada petugas."), "CETAK"
        )
    with contextlib.suppress(ReasonNeeded):  # it is printed: the next page says so
        try:
            current_prints().ask(
                RESIDENT,
                letter,
                codes.shown_code(letter.code),
                lambda: desk.signed_pdf(letter) or paper.render(desk.paper(letter)),
            )
        except (PrinterAway, PrintRefused):
            return _printer_away()
    return redirect(url_for("letters_mine.printing", letter_id=letter_id), 303)


@pages.get("/<int(max=9007199254740991):letter_id>/cetak")
@resident_required
def printing(letter_id: int) -> ResponseReturnValue:
    """Say how the printing goes; the page asks again by itself until it is over."""
    letter, condition = current_desk().own(_resident(), letter_id), current_kiosk().printer.state().condition
    try:
        copy = current_prints().newest(letter_id)
    except PrinterAway:
        return _printer_away()
    if copy is None or not (copy.was_submitted or copy.job.state.is_over):  # the printer was away: ask again there
        return redirect(url_for("letters_mine.one", letter_id=letter_id), 303)
    return render_template(
        "letters/printing.html",
        letter=letter,
        state=copy.job.state,
        condition=condition,
        refresh_seconds=0 if copy.job.state.is_over else REFRESH_SECONDS,
        is_signed=letter.state in SIGNED_STATES,
        **_shared(),
    )


def _may_print(letter: Letter) -> bool:
    """At the screen beside which the printer stands, a letter with a number that was not printed yet."""
    is_here = current_place() is Place.HALL and current_kiosk().printer.state().condition is not Condition.NONE
    was_printed = any(copy.was_submitted or copy.job.state.is_over for copy in current_prints().copies(letter.id))
    return is_here and letter.state in PRINTABLE and not was_printed


def _has_ticket() -> bool:
    is_there = current_kiosk().ticket_printer.state().condition is not Condition.NONE
    return is_there and current_place() is Place.HALL


def _printer_away() -> ResponseReturnValue:
    return errors.page(
        503,
        gettext("Pencetak tidak menjawab"),
        gettext("Permohonan Anda aman. Beri tahu petugas, lalu coba lagi."),
        "PENCETAK",
    )


def _version(otherwise: int) -> int:
    text = request.form.get("versi", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _shared() -> dict[str, object]:
    return {"words": resident_words, "moment_of": _moment, "shown_code": codes.shown_code, "JobState": JobState}


def _moment(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _resident() -> int:
    found = current_resident_id()
    return found if found is not None else abort(403)
