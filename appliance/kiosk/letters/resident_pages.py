"""Letters for residents: choosing one, answering one question a page, checking, sending."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.faces import errors
from appliance.kiosk.actors import RESIDENT, Look
from appliance.kiosk.citizen.session import current_resident_id, personal_problem, resident_required, session_digest
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import asking, paper, walk
from appliance.kiosk.letters.answers import Answers, AnswersInvalid
from appliance.kiosk.letters.asking import Hindrance
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.forms import Form, Forms
from appliance.kiosk.letters.kinds import Category, Field, Kind
from appliance.kiosk.letters.paper import Paper, Signing, Watermark
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.person import facts
from appliance.kiosk.services import current_kiosk

pages = Blueprint("letters", __name__, url_prefix="/surat", template_folder="templates")

CATEGORY_WORDS: Final = {
    Category.POPULATION: lazy_gettext("Kependudukan"),
    Category.FAMILY: lazy_gettext("Keluarga"),
    Category.BUSINESS: lazy_gettext("Usaha"),
    Category.WELFARE: lazy_gettext("Bantuan"),
    Category.PERMIT: lazy_gettext("Izin dan kehilangan"),
    Category.PROPERTY: lazy_gettext("Tanah dan harta"),
    Category.OTHER: lazy_gettext("Lainnya"),
}
_HINDRANCES: Final = {
    Hindrance.NOT_HERE: lazy_gettext("Menurut data kantor, Anda tidak lagi tinggal di sini."),
    Hindrance.TOO_YOUNG: lazy_gettext("Surat ini untuk yang sudah berumur %(age)d tahun. Mintalah bersama orang tua."),
    Hindrance.NOT_HEAD_OF_FAMILY: lazy_gettext("Surat ini diminta oleh kepala keluarga."),
}


@pages.get("")
def kinds() -> ResponseReturnValue:
    """Show what can be asked for."""
    groups = walk.grouped(current_desk().kinds)
    is_open = personal_problem() is None
    return render_template("letters/kinds.html", groups=groups, category_words=CATEGORY_WORDS, is_open=is_open)


@pages.get("/<slug>")
def kind(slug: str) -> ResponseReturnValue:
    """Say what a letter is for, and what to bring, before anything is asked."""
    return render_template("letters/kind.html", kind=_kind(slug), is_open=personal_problem() is None)


@pages.get("/<slug>/isi")
@resident_required
def begin(slug: str) -> ResponseReturnValue:
    """Lead to the first question without an answer; begin a form where there is none."""
    form = _forms().get(session_digest(), slug)
    if form is None:
        made = _new_form(_kind(slug))
        if not isinstance(made, Form):
            return made
        form = made
    return _onwards(form)


@pages.get("/<slug>/isi/<name>")
@resident_required
def question(slug: str, name: str) -> ResponseReturnValue:
    """Ask one question."""
    form = _forms().get(session_digest(), slug)
    if form is None:
        return redirect(url_for("letters.begin", slug=slug), 303)
    return _ask(form, _field(_kind(slug), name), form.answers.get(name) or form.suggested.get(name, ""))


@pages.post("/<slug>/isi/<name>")
@resident_required
def answer(slug: str, name: str) -> ResponseReturnValue:
    """Take one answer; ask again, in words, where it cannot be right."""
    form, asked = _forms().get(session_digest(), slug), _field(_kind(slug), name)
    if form is None:
        return redirect(url_for("letters.begin", slug=slug), 303)
    text = walk.typed(asked, request.form)
    problem = _problem(_kind(slug), asked, text)
    if problem:
        return _ask(form, asked, text, problem), 400
    kept = {key: value for key, value in form.answers.items() if key != name}
    form = replace(form, answers=kept | ({name: text} if text.strip() else {}))
    _forms().put(session_digest(), form)
    return _onwards(form)


@pages.get("/<slug>/periksa")
@resident_required
def check(slug: str) -> ResponseReturnValue:
    """Show all of it, before it is sent."""
    form, asked = _forms().get(session_digest(), slug), _kind(slug)
    if form is None:
        return redirect(url_for("letters.begin", slug=slug), 303)
    try:
        answers = answering.check(asked, form.answers, current_desk().today().date)
    except AnswersInvalid as error:
        return redirect(url_for("letters.question", slug=slug, name=next(iter(error.problems))), 303)
    return render_template(
        "letters/check.html",
        kind=asked,
        form=form,
        said=_said(asked, answers),
        lines=paper.text_of(_preview(asked, form, answers)),
        walk=walk.steps(asked, frozenset(form.known)),
    )


@pages.post("/<slug>/periksa")
@resident_required
def send(slug: str) -> ResponseReturnValue:
    """Send the request, or the correction: once, however often the button is pressed."""
    form, asked, desk, resident_id = _forms().get(session_digest(), slug), _kind(slug), current_desk(), _resident()
    if form is None or request.form.get("kunci", "") != form.key:
        # The form was sent already, or another one of the same kind was begun meanwhile.
        return redirect(url_for("letters_mine.mine"), 303)
    try:
        answers = answering.check(asked, form.answers, desk.today().date)
    except AnswersInvalid as error:
        return redirect(url_for("letters.question", slug=slug, name=next(iter(error.problems))), 303)
    if form.letter_id:
        desk.change_answers(RESIDENT, form.letter_id, answers, form.version, resident_id=resident_id)
        letter_id = form.letter_id
    else:
        letter_id = desk.submit(RESIDENT, form.key, slug, answers=answers, resident_id=resident_id).letter_id
    _forms().drop(session_digest(), slug)
    return redirect(url_for("letters_mine.receipt", letter_id=letter_id), 303)


def begin_correction(letter_id: int) -> ResponseReturnValue:
    """Open a letter's answers again, as the office asked for it; they are asked anew where the kind has changed."""
    letter = current_desk().own(_resident(), letter_id)
    form = Form(
        slug=letter.slug,
        key=secrets.token_urlsafe(24),
        answers=letter.answers.raw(),
        facts=letter.facts,
        letter_id=letter.id,
        version=letter.version,
    )
    _forms().put(session_digest(), form)
    return _onwards(form)


def _new_form(asked: Kind) -> Form | ResponseReturnValue:
    today = current_desk().today().date
    resident = current_register().get(Look(RESIDENT, "letter"), _resident())
    if resident is None:
        abort(403)
    hindrance = asking.hindrance(asked, resident, today)
    if hindrance is not None:
        advice = str(_HINDRANCES[hindrance]) % {"age": asked.min_age}
        return errors.page(403, gettext("Surat ini belum bisa Anda minta"), advice, "SURAT")
    known = walk.known(asked, resident)
    form = Form(
        slug=asked.slug,
        key=secrets.token_urlsafe(24),
        answers=known,
        facts=facts(resident, today),
        suggested=walk.supposed(asked, resident),
        known=tuple(known),
    )
    _forms().put(session_digest(), form)
    return form


def _onwards(form: Form) -> ResponseReturnValue:
    nearest = walk.first_open(_kind(form.slug), form.answers)
    if nearest is None:
        return redirect(url_for("letters.check", slug=form.slug), 303)
    return redirect(url_for("letters.question", slug=form.slug, name=nearest.name), 303)


def _ask(form: Form, asked: Field, text: str, problem: str = "") -> str:
    kind_ = _kind(form.slug)
    steps = walk.steps(kind_, frozenset(form.known))
    previous = walk.before(steps, asked.name)
    back = (
        url_for("letters.question", slug=form.slug, name=previous.name)
        if previous
        else url_for("letters.kind", slug=form.slug)
    )
    return render_template(
        "letters/question.html",
        kind=kind_,
        field=asked,
        text=text,
        date=walk.date_parts(text),
        problem=problem,
        number=steps.index(asked) + 1 if asked in steps else 0,
        count=len(steps),
        back=back if asked in steps else url_for("letters.check", slug=form.slug),
    )


def _problem(asked: Kind, field: Field, text: str) -> str:
    try:
        answering.check(asked, {field.name: text}, current_desk().today().date)
    except AnswersInvalid as error:
        return error.problems.get(field.name, "")
    return ""


def _said(asked: Kind, answers: Answers) -> dict[str, str]:
    now = datetime.datetime.fromtimestamp(current_kiosk().clock(), ZoneInfo(current_kiosk().config.village.timezone))
    return answering.texts(asked, answers, now.tzname() or "")


def _preview(asked: Kind, form: Form, answers: Answers) -> Paper:
    village = current_kiosk().config.village
    return Paper(
        kind=asked,
        village=village,
        facts=form.facts,
        answers=answers,
        signing=Signing(village.head_name, paper.head_title(village)),
        countersign=asked.countersigned_by_camat,
        watermark=Watermark.PRACTICE if current_kiosk().is_practice else Watermark.DRAFT,
    )


def _kind(slug: str) -> Kind:
    found = current_desk().kinds.get(slug)
    return found if found is not None else abort(404)


def _field(asked: Kind, name: str) -> Field:
    try:
        return asked.field(name)
    except KeyError:
        abort(404)


def _resident() -> int:
    found = current_resident_id()
    return found if found is not None else abort(403)


def _forms() -> Forms:
    return Forms(current_kiosk().store, current_kiosk().vault)
