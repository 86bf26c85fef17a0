"""A resident's own letters: the receipt, where each is, taking one back, correcting one, printing one."""

from __future__ import annotations

import datetime
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import PrinterAway, PrintRefused
from appliance.faces import errors
from appliance.kiosk.actors import RESIDENT
from appliance.kiosk.citizen.session import current_resident_id, resident_required
from appliance.kiosk.letters import codes, flow, paper, resident_pages, resident_words
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.flow import SIGNED_STATES, State, Step
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.places import Place
from appliance.kiosk.services import current_kiosk, current_place
from appliance.papers.printing import Condition, JobState

pages = Blueprint("letters_mine", __name__, url_prefix="/surat/saya", template_folder="templates")
# An approved letter may be printed to be signed by hand; before that there is nothing that bears a number.
_PRINTED: Final = SIGNED_STATES | {State.APPROVED}


@pages.get("")
@resident_required
def mine() -> ResponseReturnValue:
    """Show the resident's letters, the newest first."""
    letters = current_desk().of_resident(_resident())
    return render_template("letters/mine.html", letters=letters, kinds=current_desk().kinds, **_shared())


@pages.get("/<int:letter_id>")
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


@pages.get("/<int:letter_id>/bukti")
@resident_required
def receipt(letter_id: int) -> ResponseReturnValue:
    """Show the receipt, large: to be photographed, or printed."""
    letter = current_desk().own(_resident(), letter_id)
    return render_template("letters/receipt.html", letter=letter, **_shared())


@pages.get("/<int:letter_id>/tarik")
@resident_required
def ask_withdraw(letter_id: int) -> ResponseReturnValue:
    """Ask once more before a request is taken back."""
    return render_template("letters/withdraw.html", letter=current_desk().own(_resident(), letter_id), **_shared())


@pages.post("/<int:letter_id>/tarik")
@resident_required
def withdraw(letter_id: int) -> ResponseReturnValue:
    """Take a request back."""
    desk, resident_id = current_desk(), _resident()
    letter = desk.own(resident_id, letter_id)
    if letter.state is not State.WITHDRAWN:  # pressed twice it is done
        desk.withdraw(RESIDENT, letter_id, _version(letter.version), resident_id=resident_id)
    return redirect(url_for("letters_mine.one", letter_id=letter_id), 303)


@pages.post("/<int:letter_id>/perbaiki")
@resident_required
def correct(letter_id: int) -> ResponseReturnValue:
    """Open the answers again, where the office asked for a correction."""
    letter = current_desk().own(_resident(), letter_id)
    flow.may_step(RESIDENT, Step.CHANGE, letter.standing)
    return resident_pages.begin_correction(letter_id)


@pages.post("/<int:letter_id>/cetak")
@resident_required
def print_letter(letter_id: int) -> ResponseReturnValue:
    """Print an approved letter at the screen; once for each time it was asked for."""
    desk = current_desk()
    letter = desk.own(_resident(), letter_id)
    if not _may_print(letter):
        abort(409)
    document = desk.signed_pdf(letter) or paper.render(desk.paper(letter))
    key = _print_key(letter)
    try:
        current_kiosk().printer.submit(document, codes.shown_code(letter.code), key)
    except (PrinterAway, PrintRefused):
        return _printer_away()
    return redirect(url_for("letters_mine.printing", letter_id=letter_id), 303)


@pages.get("/<int:letter_id>/cetak")
@resident_required
def printing(letter_id: int) -> ResponseReturnValue:
    """Say how the printing goes; the page asks again by itself until it is over."""
    letter, printer = current_desk().own(_resident(), letter_id), current_kiosk().printer
    try:
        job = printer.job(_print_key(letter))
    except PrinterAway:
        return _printer_away()
    return render_template(
        "letters/printing.html",
        letter=letter,
        state=job.state,
        condition=printer.state().condition,
        refresh_seconds=0 if job.state.is_over else 3,
        is_signed=letter.state in SIGNED_STATES,
        **_shared(),
    )


def _print_key(letter: Letter) -> str:
    """One print a letter and version: whoever presses twice, or after the paper was filled in, gets one."""
    return f"letter-{letter.id}-at-screen-{letter.version}"


def _may_print(letter: Letter) -> bool:
    is_here = current_place() is Place.HALL and current_kiosk().printer.state().condition is not Condition.NONE
    return is_here and letter.state in _PRINTED


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
