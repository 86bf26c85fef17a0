"""The login that the village office and the NOC share: pages, the session, and who is there.

The cookie holds a random token and the form token, signed; the store holds the token's digest only. Every changing
request of the application needs the form token (Flask-WTF).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, ParamSpec, Protocol, cast

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
from appliance.store.accounts import (
    PASSWORD_LENGTH_MIN,
    Account,
    Accounts,
    Login,
    Outcome,
    PasswordProblem,
    password_problems,
)

P = ParamSpec("P")
BLUEPRINT: Final = "login"
SECOND: Final = "desahub_second_step"  # the extension that is a `Second`, where there is one
_EXTENSION: Final = "desahub_login"
_KEY: Final = "token"
# Where somebody was when the session was found ended, and whether what they had sent was lost by it.
_WHERE: Final = "where"
_LOST: Final = "lost"
_WHERE_LENGTH_MAX: Final = 500


class Second(Protocol):
    """What a login asks beyond the password; see `appliance.faces.second_step`."""

    def wants_more(self, name: str) -> bool: ...
    def waits_for(self, account: Account, token: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What these pages are given. ``tell`` takes what happened, to which account, and from which address."""

    accounts: Accounts
    clock: Callable[[], float]
    home_endpoint: str
    address_of: Callable[[Request], str]
    tell: Callable[[str, str, str], None]

    def now(self) -> int:
        """Now, in seconds."""
        return int(self.clock())


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
    tell: Callable[[str, str, str], None] = lambda _what, _name, _address: None,
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
        tell: is told of every login and change, for an audit: what, whose, from which address. A name is as it was
            typed, and may be anything when nobody was let in.
    """
    app.config["SECRET_KEY"] = secret
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a clerk is interrupted; the token lives as long as the session
    CSRFProtect(app)
    address_of = functools.partial(braked_address, over_unix_socket=over_unix_socket, behind_proxy=behind_proxy)
    app.extensions[_EXTENSION] = Parts(accounts, clock, home_endpoint, address_of, tell)
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
    account, step = _standing()
    return None if step else account


def half_account() -> Account | None:
    """Whose password was right, while the second step is still to come."""
    account, step = _standing()
    return account if step else None


def session_token() -> str:
    """The token of this visitor's session, "" without one."""
    token = session.get(_KEY)
    return token if isinstance(token, str) else ""


def _standing() -> tuple[Account | None, str]:
    """Whose session this is, and the endpoint of the step that it waits for."""
    if "account" not in g:
        token = session_token()
        account = parts().accounts.of_session(token, parts().now()) if token else None
        second = _second()
        g.account = account, second.waits_for(account, token) if account and second else ""
    return cast(tuple[Account | None, str], g.account)


def _second() -> Second | None:
    return cast("Second | None", current_app.extensions.get(SECOND))


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
    _, step = _standing()
    if step:
        session.setdefault(_WHERE, _where())
        return redirect(url_for(step), 303)
    is_sent = request.method not in ("GET", "HEAD")
    if is_sent or _KEY in session:
        session[_LOST] = is_sent
    session.pop(_KEY, None)
    session[_WHERE] = _where()
    return redirect(url_for(f"{BLUEPRINT}.log_in"), 303)


def remember_where() -> None:
    """Note the page that is open, to come back to it."""
    session[_WHERE] = _where()


def go_back() -> ResponseReturnValue:
    """Lead to the page that was noted, or to the front page."""
    return redirect(session.pop(_WHERE, None) or url_for(parts().home_endpoint), 303)


def forget_session() -> None:
    """Take the session from the cookie: it has ended in the store, or is to begin anew."""
    session.clear()
    g.pop("account", None)


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
    where = session.get(_WHERE) or url_for(parts().home_endpoint)
    if request.method != "POST" and current_account() is not None:
        return redirect(where, 303)
    form, problem, status, headers = LoginForm(), "", 200, {}
    if form.validate_on_submit():
        answer = _try(form.name.data or "", form.password.data or "")
        if answer.outcome is Outcome.WELCOME:
            forget_session()  # a session from before the login must not become a logged-in one
            session[_KEY] = answer.token
            if where != url_for(parts().home_endpoint):
                session[_WHERE] = where
            return redirect(where, 303)
        if answer.outcome is Outcome.WAIT:
            problem = wait_text(answer.wait_seconds)
            status, headers = 429, {"Retry-After": str(answer.wait_seconds)}
        else:
            form.name.errors, form.password.errors = [""], [""]
            problem, status = gettext("Nama pengguna atau kata sandi salah."), 403
    page = render_template("faces/login.html", form=form, problem=problem, lost=session.get(_LOST))
    return page, status, headers


def _try(name: str, password: str) -> Login:
    second, address = _second(), parts().address_of(request)
    wants_more = second.wants_more if second else lambda _: False
    answer = parts().accounts.log_in(name, password, address, parts().now(), wants_more=wants_more)
    if answer.account is not None and not wants_more(answer.account.name):
        parts().tell("log_in", answer.account.name, address)
    elif answer.outcome is Outcome.WRONG:
        parts().tell("log_in_refused", name.strip().lower(), address)
    return answer


def wait_text(seconds: int) -> str:
    """Say how long to wait after too many wrong tries."""
    minutes = math.ceil(seconds / 60)
    return str(gettext("Terlalu banyak percobaan yang salah. Coba lagi dalam %(minutes)d menit.", minutes=minutes))


def log_out() -> ResponseReturnValue:
    """End the session, here and in the store."""
    token = session_token()
    forget_session()
    if token:
        parts().accounts.log_out(token)
    return redirect(url_for(f"{BLUEPRINT}.log_in"), 303)


def change_password() -> ResponseReturnValue:
    """Let a person replace their password; it ends all their sessions, this one too."""
    account, address = current_account(), parts().address_of(request)
    if account is None:
        return _to_login()
    form, status = PasswordForm(), 200
    if form.validate_on_submit():
        old, new = form.old.data or "", form.new.data or ""
        form.new.errors = [_problem_text(each) for each in password_problems(account.name, old, new)]
        if new != form.again.data:
            form.again.errors = [gettext("Kedua kata sandi baru tidak sama.")]
        if not form.errors:
            found = parts().accounts.change_password(account.name, old, new, address, parts().now())
            if found is None:
                parts().tell("password_changed", account.name, address)
                forget_session()
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
        home=url_for(parts().home_endpoint),
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


def parts() -> Parts:
    """What `install` was given."""
    return cast(Parts, current_app.extensions[_EXTENSION])
