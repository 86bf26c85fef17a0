"""Letters for the office: today's queue, and one letter with its paper beside the form."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import flow, office_access, paper
from appliance.kiosk.letters.answers import Answers, AnswersInvalid
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.flow import (
    NUMBERED_STATES,
    PRINTABLE_STATES,
    SIGNED_STATES,
    WORK_STATES,
    State,
    Step,
)
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.office_access import desk_required, look, shared
from appliance.kiosk.letters.reading import Only
from appliance.kiosk.office.session import current_actor
from appliance.kiosk.services import current_kiosk

ROWS: Final = 20
# What is asked for in the address, and the states behind it.
FILTERS: Final = {
    "kerja": (lazy_gettext("Perlu dikerjakan"), WORK_STATES),
    "baru": (lazy_gettext("Baru masuk"), frozenset({State.SUBMITTED})),
    "pengantar": (lazy_gettext("Menunggu RT/RW"), frozenset({State.WAITS_FOR_RT})),
    "setuju": (lazy_gettext("Menunggu persetujuan"), frozenset({State.VERIFIED})),
    "tanda-tangan": (lazy_gettext("Menunggu tanda tangan"), frozenset({State.APPROVED})),
    "camat": (lazy_gettext("Menunggu camat"), frozenset({State.WAITS_FOR_CAMAT})),
    "ambil": (lazy_gettext("Siap diambil"), frozenset({State.SIGNED, State.READY})),
    "perbaikan": (lazy_gettext("Menunggu perbaikan warga"), frozenset({State.NEEDS_CORRECTION})),
    "selesai": (
        lazy_gettext("Selesai"),
        frozenset({State.COLLECTED, State.REFUSED, State.WITHDRAWN, State.VOID}),
    ),
}
FIRST_FILTER: Final = "kerja"

pages = Blueprint(
    "letters_office",
    __name__,
    url_prefix=f"{OFFICE_PREFIX}/surat",
    template_folder="templates",
    static_folder="static",
    static_url_path="/gaya",
)
pages.before_request(refuse_open_air)


@pages.get("/")
@desk_required
def queue() -> ResponseReturnValue:
    """Show what waits, the oldest first. State and kind stand in the address: they say nothing of anybody."""
    desk = current_desk()
    asked = request.args.get("keadaan", "")
    chosen = asked if asked in FILTERS else FIRST_FILTER
    slug = request.args.get("jenis", "")
    slug = slug if slug in desk.kinds else ""
    number = max(1, office_access.whole_number(request.args.get("hal", ""), 10_000))
    states = FILTERS[chosen][1]
    only = Only(
        states=states, slug=slug, newest_first=chosen == "selesai", offset=(number - 1) * ROWS, limit=ROWS
    )  # fmt: skip
    counts = desk.standing()
    total = sum(count for (kind, state), count in counts.items() if state in states and slug in ("", kind))
    return render_template(
        "letters_office/queue.html",
        rows=desk.queue(look(gettext("Antrean surat")), only),
        chosen=chosen,
        slug=slug,
        number=number,
        pages_count=max(1, math.ceil(total / ROWS)),
        filters=[
            (key, str(text), sum(count for (_, state), count in counts.items() if state in each))
            for key, (text, each) in FILTERS.items()
        ],
        kinds=desk.kinds,
        text="",
        wrong_kinds=office_access.wrong_kinds(),
        **shared(),
    )


@pages.post("/cari")
@desk_required
def find() -> ResponseReturnValue:
    """Find by the receipt's code, the code on the paper, or how a number begins."""
    desk, text = current_desk(), request.form.get("text", "")[: office_access.TEXT_LENGTH_MAX].strip()
    if not text:
        return redirect(url_for("letters_office.queue"), 303)
    only = Only(states=frozenset(State), text=text, newest_first=True, limit=ROWS)
    rows = desk.queue(look(gettext("Pencarian surat")), only)
    if len(rows) == 1:
        return redirect(url_for("letters_office.one", letter_id=rows[0].id), 303)
    return render_template(
        "letters_office/queue.html",
        rows=rows,
        chosen="",
        slug="",
        number=1,
        pages_count=1,
        filters=[(key, str(words), -1) for key, (words, _) in FILTERS.items()],
        kinds=desk.kinds,
        text=text,
        **shared(),
    )


@pages.get("/<int(max=9007199254740991):letter_id>")
@desk_required
def one(letter_id: int) -> ResponseReturnValue:
    """Show a letter: its paper beside the form of its answers, the steps, and what was done."""
    return letter_page(current_desk().get(look(gettext("Surat dibuka")), letter_id))


@pages.post("/<int(max=9007199254740991):letter_id>/isi")
@desk_required
def change(letter_id: int) -> ResponseReturnValue:
    """Write other answers, or show how they would look first."""
    desk = current_desk()
    letter = desk.get(look(gettext("Isi surat diubah")), letter_id)
    raw = _typed(letter)
    if "facts" in request.form:
        return _changed(letter, lambda: desk.refresh_facts(current_actor(), letter_id, office_access.version()))
    try:
        answers = answering.check(letter.kind, raw, desk.today().date)
    except AnswersInvalid as error:
        return letter_page(letter, raw=raw, problems=error.problems, status=400)
    if "preview" in request.form:
        return letter_page(letter, raw=raw, answers=answers)
    return _changed(letter, lambda: desk.change_answers(current_actor(), letter_id, answers, office_access.version()))


@pages.get("/<int(max=9007199254740991):letter_id>/pdf")
@desk_required
def pdf(letter_id: int) -> ResponseReturnValue:
    """Show the letter as it is printed. The file bears no name: browsers keep a list of what was opened."""
    desk = current_desk()
    letter = desk.get(look(gettext("PDF surat")), letter_id)
    response = make_response(desk.signed_pdf(letter) or paper.render(desk.paper(letter)))
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = 'inline; filename="surat.pdf"'
    return response


def letter_page(
    letter: Letter,
    *,
    raw: dict[str, str] | None = None,
    answers: Answers | None = None,
    problems: dict[str, str] | None = None,
    step_problem: tuple[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    """The page of one letter.

    Args:
        letter: as the desk gave it.
        raw: what was typed, where it is not yet kept.
        answers: the same checked, for the paper.
        problems: by field, what is wrong with what was typed.
        step_problem: the step's name and what is wrong with its form.
        status: HTTP's.
    """
    desk, actor, kiosk = current_desk(), current_actor(), current_kiosk()
    steps = flow.steps_for(actor, letter.standing)
    shown = desk.paper(letter if answers is None else dataclasses.replace(letter, answers=answers))
    mine = [official for official in desk.officials() if flow.may_sign_as(actor, official.account)]
    page = render_template(
        "letters_office/one.html",
        letter=letter,
        paper=paper.compose(shown),
        watermark=shown.watermark,
        raw=raw if raw is not None else letter.answers.raw(),
        is_unsaved=raw is not None,
        problems=problems or {},
        step_problem=step_problem,
        steps=steps,
        may_change=Step.CHANGE in steps,
        lacks_rt_letter=letter.kind.needs_rt_letter and not letter.has_rt_letter,
        is_own_work=letter.state is State.VERIFIED and actor.name in letter.handlers,
        officials=mine,
        all_officials=desk.officials(),
        today=desk.today(),
        is_numbered=letter.state in NUMBERED_STATES,
        is_signed=letter.state in SIGNED_STATES,
        may_print=letter.state in PRINTABLE_STATES,
        printer=kiosk.printer.state(),
        signer=kiosk.signer.state(),
        **shared(),
    )
    return page, status


def _changed(letter: Letter, do: Callable[[], None]) -> ResponseReturnValue:
    """Do it, and go back to the letter; a form that came twice is told that it was done."""
    try:
        do()
    except flow.StepRefused as error:
        if not was_done(letter, error):
            raise
        flash(gettext("Perubahan ini sudah tersimpan tadi."), "good")
    else:
        flash(gettext("Isi surat tersimpan."), "good")
    return redirect(url_for("letters_office.one", letter_id=letter.id), 303)


def was_done(letter: Letter, error: flow.StepRefused) -> bool:
    """Was this very step taken by the form that came a moment ago, from the same hand?"""
    last = letter.history[-1]
    is_mine = last.actor_name == current_actor().name and last.step is error.step
    return is_mine and letter.version == office_access.version() + 1


def _typed(letter: Letter) -> dict[str, str]:
    return {field.name: request.form.get(f"isi-{field.name}", "") for field in letter.kind.fields}
