"""The second step of a login, for programs that want one: the code, taking a telephone in use, and being asked again.

``install`` after `appliance.faces.login.install`. A program without it has logins of one step.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import PasswordField, StringField

from appliance.faces import login
from appliance.faces.login import current_account, half_account, parts, session_token, wait_text
from appliance.store.accounts import Account, Outcome
from appliance.store.second_factor import Answer, SecondFactors, Verdict

BLUEPRINT: Final = "second"
ENROL_SECONDS: Final = 900
_LOST: Final = "resend"
_NO_HEADERS: Final[dict[str, str]] = {}


class CodeForm(FlaskForm):  # type: ignore[misc] # Flask-WTF carries no types
    """A code from a telephone, or one of the recovery codes."""

    code = StringField(lazy_gettext("Kode"))


class AgainForm(FlaskForm):  # type: ignore[misc] # as above
    """The password once more."""

    password = PasswordField(lazy_gettext("Kata sandi"))


@dataclass(frozen=True, slots=True)
class SecondStep:
    """A `appliance.faces.login.Second`. ``is_required`` says who must take a telephone in use before working."""

    factors: SecondFactors
    is_required: Callable[[Account], bool]

    def wants_more(self, name: str) -> bool:
        """Say whether a right password is but half a login."""
        return self.factors.has(name)

    def waits_for(self, account: Account, token: str) -> str:
        """Name the endpoint that a session must pass first, "" when it may go on."""
        if self.factors.is_half(account.name, token):
            return f"{BLUEPRINT}.code"
        if not account.must_change and self.is_required(account) and not self.factors.has(account.name):
            return f"{BLUEPRINT}.enrol"
        return ""


def install(
    app: Flask,
    step: SecondStep,
    *,
    url_prefix: str = "",
    guard: Callable[[], ResponseReturnValue | None] | None = None,
) -> None:
    """Add ``/masuk/kode``, ``/masuk/telepon`` and ``/masuk/lagi`` under ``url_prefix``.

    Args:
        app: after `appliance.faces.login.install`.
        step: whose second step, and who must take it.
        url_prefix: such as ``/kantor``.
        guard: as for `appliance.faces.login.install`.
    """
    app.extensions[login.SECOND] = step
    pages = Blueprint(BLUEPRINT, __name__, url_prefix=url_prefix, template_folder="templates")
    if guard is not None:
        pages.before_request(guard)
    for path, view in (("/masuk/kode", code), ("/masuk/telepon", enrol), ("/masuk/lagi", again)):
        pages.add_url_rule(path, view.__name__, view, methods=["GET", "POST"])
    app.register_blueprint(pages)


def second_step() -> SecondStep:
    """What `install` was given."""
    return cast(SecondStep, current_app.extensions[login.SECOND])


def code() -> ResponseReturnValue:
    """Ask for the code of a session whose password was right."""
    account = half_account()
    if account is None or second_step().waits_for(account, session_token()) != f"{BLUEPRINT}.code":
        return login.go_back() if current_account() else redirect(url_for("login.log_in"), 303)
    form, problem, status, headers = CodeForm(), "", 200, _NO_HEADERS
    if form.validate_on_submit():
        answer = _check(account.name, form.code.data or "", "log_in")
        if answer.verdict in (Verdict.RIGHT, Verdict.RECOVERY):
            return login.go_back()
        if answer.verdict is Verdict.ENDED:
            login.forget_session()
            return render_template("faces/second_ended.html"), 403
        problem, status, headers = _problem(answer)
        form.code.errors = [""]
    return render_template("faces/second_code.html", form=form, problem=problem), status, headers


def enrol() -> ResponseReturnValue:
    """Take a telephone in use: its secret and the recovery codes are shown once each, in answers to forms."""
    account = current_account() or half_account()
    if account is None or second_step().factors.is_half(account.name, session_token()):
        return redirect(url_for("login.log_in"), 303)
    factors = second_step().factors
    if factors.has(account.name):
        return login.go_back()
    if current_account() is not None and (answer := turn_away_stale(ENROL_SECONDS)):
        return answer  # whoever finds a session open must not lock its owner out
    form, problem, status = CodeForm(), "", 200
    if form.validate_on_submit() and request.form.get("step") == "begin":
        draft = factors.begin(account, parts().now())
        return render_template("faces/second_enrol.html", form=form, draft=draft, picture=_picture(draft.address))
    if form.is_submitted() and request.form.get("step") == "confirm":
        codes = factors.confirm(account.name, session_token(), form.code.data or "", parts().now())
        if codes:
            parts().tell("second_factor_taken", account.name, parts().address_of(request))
            return render_template("faces/second_codes.html", codes=codes, home=url_for(parts().home_endpoint))
        problem, status = gettext("Kode itu tidak cocok. Periksa jam telepon, lalu ketik kode yang terbaru."), 403
    is_required = current_account() is None
    page = render_template(
        "faces/second_enrol.html", form=form, problem=problem, is_required=is_required,
        home=url_for(parts().home_endpoint),
    )  # fmt: skip
    return page, status


def again() -> ResponseReturnValue:
    """Ask somebody who is logged in who they are: the code where there is one, else the password."""
    account = current_account()
    if account is None:
        return redirect(url_for("login.log_in"), 303)
    with_code = second_step().factors.has(account.name)
    form, problem, status, headers = (CodeForm() if with_code else AgainForm()), "", 200, _NO_HEADERS
    if form.validate_on_submit():
        if with_code:
            answer = _check(account.name, form.code.data or "", "")
        else:
            answer = _check_password(account.name, form.password.data or "")
        if answer.verdict in (Verdict.RIGHT, Verdict.RECOVERY):
            session.pop(_LOST, None)
            return login.go_back()
        if answer.verdict is Verdict.ENDED:
            login.forget_session()
            return render_template("faces/second_ended.html"), 403
        problem, status, headers = _problem(answer)
    page = render_template(
        "faces/second_again.html", form=form, problem=problem, lost=session.get(_LOST),
        home=url_for(parts().home_endpoint),
    )  # fmt: skip
    return page, status, headers


def turn_away_stale(seconds: int) -> ResponseReturnValue | None:
    """Ask who was not asked within ``seconds`` once more; None who may pass. After `login.turn_away`."""
    if second_step().factors.is_fresh(session_token(), parts().now(), seconds):
        return None
    login.remember_where()
    session[_LOST] = request.method not in ("GET", "HEAD")
    return redirect(url_for(f"{BLUEPRINT}.again"), 303)


def _check(name: str, text: str, what: str) -> Answer:
    address = parts().address_of(request)
    answer = second_step().factors.check(name, session_token(), text, address, parts().now())
    if answer.verdict in (Verdict.WRONG, Verdict.ENDED):
        parts().tell("code_refused", name, address)
    elif answer.verdict is Verdict.RECOVERY:
        parts().tell("recovery_code_used", name, address)
    if what and answer.verdict in (Verdict.RIGHT, Verdict.RECOVERY):
        parts().tell(what, name, address)
    return answer


def _check_password(name: str, password: str) -> Answer:
    address = parts().address_of(request)
    found = parts().accounts.check_password(name, password, address, parts().now())
    if found.outcome is Outcome.WELCOME:
        second_step().factors.freshen(session_token(), parts().now())
        return Answer(Verdict.RIGHT)
    if found.outcome is Outcome.WAIT:
        return Answer(Verdict.WAIT, found.wait_seconds)
    parts().tell("password_refused", name, address)
    return Answer(Verdict.WRONG)


def _problem(answer: Answer) -> tuple[str, int, dict[str, str]]:
    if answer.verdict is Verdict.WAIT:
        return wait_text(answer.wait_seconds), 429, {"Retry-After": str(answer.wait_seconds)}
    return gettext("Itu tidak cocok. Tiap kode hanya berlaku sekali; tunggu kode berikutnya."), 403, {}


def _picture(address: str) -> Markup:
    import segno  # noqa: PLC0415 - takes memory, and is needed once in an account's life

    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgclass="qr", lineclass=None, scale=5
    )
    # segno draws it from digits alone: nothing of the address stands in it as text.
    return Markup(out.getvalue().decode())  # noqa: S704 - digits of a drawing
