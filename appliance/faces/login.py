"""The login that the village office and the NOC share: pages, the session, and who is there.

The cookie holds a random token and the form token, signed; the store holds the token's digest only. Every changing
request of the application needs the form token (Flask-WTF).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, ParamSpec

from flask import Blueprint, Flask, Request, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from wtforms import PasswordField, StringField

from appliance.faces import errors
from appliance.faces.origin import braked_address
from appliance.store.accounts import PASSWORD_LENGTH_MIN, Account, Accounts, Outcome, PasswordProblem, password_problems

P = ParamSpec("P")
BLUEPRINT: Final = "login"
_KEY: Final = "token"
# Where somebody was when the session was found ended, and whether what they had sent was lost by it.
_WHERE: Final = "where"
_LOST: Final = "lost"
_WHERE_LENGTH_MAX: Final = 500


class LoginForm(FlaskForm):  # type: ignore[misc] # Flask-WTF carries no types
    """Name and password."""

    name = StringField(lazy_gettext("Nama pengguna"))
    password = PasswordField(lazy_gettext("Kata sandi"))


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The old password, and the new one twice."""

    old = PasswordField(lazy_gettext("Kata sandi sekarang"))
    new = PasswordField(lazy_gettext("Kata sandi baru"))
    again = PasswordField(lazy_gettext("Kata sandi baru, sekali lagi"))


def install(
    app: Flask,
    accounts: Accounts,
    *,
    secret: bytes,
    clock: Callable[[], float],
    home_endpoint: str,
    over_unix_socket: bool,
    behind_proxy: bool = False,
    url_prefix: str = "",
    guard: Callable[[], ResponseReturnValue | None] | None = None,
) -> None:
    """Add ``/masuk``, ``/keluar`` and ``/sandi`` under ``url_prefix``, and CSRF protection to the whole of ``app``.

    Args:
        app: already given its face by `appliance.faces.web.install`.
        accounts: who may log in.
        secret: signs the cookie; see `appliance.faces.secret.load_or_make`.
        clock: seconds, wall time.
        home_endpoint: where a login leads.
        over_unix_socket: as for `appliance.faces.origin.device_address`.
        behind_proxy: as for `appliance.faces.origin.braked_address`.
        url_prefix: such as ``/kantor``.
        guard: called before each of these pages; answers in their place where login is not allowed.
    """
    app.config["SECRET_KEY"] = secret
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a clerk is interrupted; the token lives as long as the session
    CSRFProtect(app)
    address_of = functools.partial(braked_address, over_unix_socket=over_unix_socket, behind_proxy=behind_proxy)
    app.extensions["desahub_login"] = (accounts, clock, home_endpoint, address_of)
    pages = Blueprint(BLUEPRINT, __name__, url_prefix=url_prefix, template_folder="templates")
    if guard is not None:
        pages.before_request(guard)
    pages.add_url_rule("/masuk", "log_in", log_in, methods=["GET", "POST"])
    pages.add_url_rule("/keluar", "log_out", log_out, methods=["POST"])
    pages.add_url_rule("/sandi", "change_password", change_password, methods=["GET", "POST"])
    app.register_blueprint(pages)
    app.register_error_handler(CSRFError, functools.partial(_of_form, f"{url_prefix}/"))
    app.context_processor(lambda: {"current_account": current_account})


def current_account() -> Account | None:
    """Who is logged in, asked of the store once a request."""
    if "account" not in g:
        accounts, clock, _, _ = _parts()
        token = session.get(_KEY)
        g.account = accounts.of_session(token, int(clock())) if isinstance(token, str) else None
    found: Account | None = g.account
    return found


def login_required(
    *roles: str,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a view be seen by those who are logged in, with one of ``roles`` when any are named."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            answer = turn_away(roles)
            return view(*args, **kwargs) if answer is None else answer

        return guarded

    return decorate


def turn_away(roles: Sequence[str] = ()) -> ResponseReturnValue | None:
    """Send to the login who is not logged in, or to a new password; None who may pass. Fits ``before_request``."""
    account = current_account()
    if account is None:
        return _to_login()
    if account.must_change:
        return redirect(url_for(f"{BLUEPRINT}.change_password"), 303)
    if roles and account.role not in roles:
        abort(403)
    return None


def _to_login() -> ResponseReturnValue:
    """Lead to the login, and remember what was open: in the cookie, which is signed, not in an address."""
    is_sent = request.method not in ("GET", "HEAD")
    if is_sent or _KEY in session:
        session[_LOST] = is_sent
    session.pop(_KEY, None)
    session[_WHERE] = _where()
    return redirect(url_for(f"{BLUEPRINT}.log_in"), 303)


def _where() -> str:
    """The page that was asked for; for a form the nearest page above it, since a form is not sent twice."""
    path = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else request.path
    if not path.isprintable():
        # %0A in an address is a line feed here: it fits into no answer's head. A tab would vanish between two slashes.
        return ""
    adapter = current_app.url_map.bind("")
    while path.strip("/") and not path.startswith("//") and len(path) <= _WHERE_LENGTH_MAX:
        try:
            adapter.match(path.partition("?")[0], "GET")
        except (HTTPException, RequestRedirect):
            # /a/b/c, /a/b/, /a/b, /a/
            path = path[:-1] if path.endswith("/") else path.rpartition("/")[0] + "/"
        else:
            return path
    return ""


def _of_form(prefix: str, error: CSRFError) -> ResponseReturnValue:
    """A form without its mark: where nobody is logged in any more, that is what has to be mended first."""
    if current_account() is None and request.path.startswith(prefix) and request.blueprint != BLUEPRINT:
        return _to_login()
    return errors.of_form(error)


def log_in() -> ResponseReturnValue:
    """Show the form, or check it."""
    accounts, clock, home_endpoint, address_of = _parts()
    where = session.get(_WHERE) or url_for(home_endpoint)
    if request.method != "POST" and current_account() is not None:
        return redirect(where, 303)
    form, problem, status, headers = LoginForm(), "", 200, {}
    if form.validate_on_submit():
        answer = accounts.log_in(form.name.data or "", form.password.data or "", address_of(request), int(clock()))
        if answer.outcome is Outcome.WELCOME:
            session.clear()  # a session from before the login must not become a logged-in one
            session[_KEY] = answer.token
            return redirect(where, 303)
        if answer.outcome is Outcome.WAIT:
            minutes = math.ceil(answer.wait_seconds / 60)
            problem = gettext(
                "Terlalu banyak percobaan yang salah. Coba lagi dalam %(minutes)d menit.", minutes=minutes
            )
            status, headers = 429, {"Retry-After": str(answer.wait_seconds)}
        else:
            form.name.errors, form.password.errors = [""], [""]
            problem, status = gettext("Nama pengguna atau kata sandi salah."), 403
    page = render_template("faces/login.html", form=form, problem=problem, lost=session.get(_LOST))
    return page, status, headers


def log_out() -> ResponseReturnValue:
    """End the session, here and in the store."""
    accounts, _, _, _ = _parts()
    token = session.get(_KEY)
    session.clear()
    if isinstance(token, str):
        accounts.log_out(token)
    return redirect(url_for(f"{BLUEPRINT}.log_in"), 303)


def change_password() -> ResponseReturnValue:
    """Let a person replace their password; it ends all their sessions, this one too."""
    accounts, clock, home_endpoint, address_of = _parts()
    account = current_account()
    if account is None:
        return _to_login()
    form, status = PasswordForm(), 200
    if form.validate_on_submit():
        old, new = form.old.data or "", form.new.data or ""
        form.new.errors = [_problem_text(each) for each in password_problems(account.name, old, new)]
        if new != form.again.data:
            form.again.errors = [gettext("Kedua kata sandi baru tidak sama.")]
        if not form.errors:
            found = accounts.change_password(account.name, old, new, address_of(request), int(clock()))
            if found is None:
                session.clear()
                return render_template("faces/password_changed.html")
            form.old.errors = [_problem_text(found)]
        status = 400
    problems = [text for texts in form.errors.values() for text in texts]
    page = render_template(
        "faces/password.html",
        form=form,
        problems=problems,
        account=account,
        length_min=PASSWORD_LENGTH_MIN,
        home=url_for(home_endpoint),
    )
    return page, status


def _problem_text(problem: PasswordProblem) -> str:
    texts = {
        PasswordProblem.TOO_SHORT: gettext(
            "Kata sandi baru terlalu pendek: paling sedikit %(length)d huruf.", length=PASSWORD_LENGTH_MIN
        ),
        PasswordProblem.TOO_LONG: gettext("Kata sandi baru terlalu panjang."),
        PasswordProblem.CONTAINS_NAME: gettext("Kata sandi baru tidak boleh memuat nama pengguna."),
        PasswordProblem.UNCHANGED: gettext("Kata sandi baru sama dengan yang lama."),
        PasswordProblem.OLD_WRONG: gettext("Kata sandi sekarang salah."),
        PasswordProblem.WAIT: gettext("Terlalu banyak percobaan yang salah. Tunggu beberapa menit."),
    }
    return str(texts[problem])


def _parts() -> tuple[Accounts, Callable[[], float], str, Callable[[Request], str]]:
    parts: Any = current_app.extensions["desahub_login"]
    return (*parts,)
