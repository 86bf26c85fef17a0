"""Who asks, what they may do, and which areas they see. Every page of the NOC passes here.

``require(Right.X)`` stands before a view; ``scope()`` goes into every question to a store: what lies outside is a 404,
as if it were not there. ``who()`` is the name for the audit.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec, cast

from flask import Flask, abort, current_app, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import errors, second_step
from appliance.faces.login import current_account, turn_away
from appliance.store.accounts import NAME, Account, Accounts
from appliance.store.second_factor import SecondFactors
from noc.accounts import tokens
from noc.accounts.areas import areas_of
from noc.accounts.desk import AccountDesk
from noc.accounts.policy import roles_with_factor
from noc.accounts.roles import Right, rights_of
from noc.fleet_book.contract import Scope
from noc.rules.alert_state import Deed
from noc.web.parts import parts

__all__ = [
    "Right", "Scope", "Visitor", "desk", "factors", "install", "mark", "may", "people", "require", "right_of", "scope",
    "tell", "visitor", "welcome", "who", "write_deed",
]  # fmt: skip

P = ParamSpec("P")
_log = logging.getLogger(__name__)
ASKED_AGAIN_SECONDS: Final = 900  # who works on accounts is asked who they are at least this often
_KEY: Final = "noc_accounts"
_NEEDS: Final = "needs_right"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: somebody logged in, or a program with a token. ``name`` is the account's."""

    name: str
    rights: frozenset[Right]
    scope: Scope


def install(app: Flask, accounts: Accounts, factors: SecondFactors) -> None:
    """Tell the pages where accounts are, and ask for second factors. After `appliance.faces.login.install`."""
    app.extensions[_KEY] = accounts

    def is_required(account: Account) -> bool:
        return account.role in roles_with_factor(accounts.store)

    second_step.install(app, second_step.SecondStep(factors, is_required))
    app.context_processor(lambda: {"may": may, "Right": Right})


def people() -> Accounts:
    """The accounts of this application."""
    return cast(Accounts, current_app.extensions[_KEY])


def tell(what: str, name: str, address: str) -> None:
    """Write a login, or what came instead, into the audit; tokens end with the password, whoever changed it.

    Only names of accounts: a stranger's word may be a password in the wrong field, and there is no end of them.
    """
    if what == "password_changed":
        tokens.revoke_all(people().store, name)
    if NAME.fullmatch(name) and any(each.name == name for each in people().all()):
        write_deed(Deed(parts().now_ms(), name, what, f"account:{name}", address))
    else:
        _log.warning("%s: a name that nobody has, from %s", what, address)


def write_deed(deed: Deed) -> None:
    """Write into the audit, and into the journal."""
    _log.info("%s by %s: %s %s", deed.what, deed.by, deed.subject, deed.why)
    parts().book.write_deed(deed)


def desk() -> AccountDesk:
    """What who asks does with accounts."""
    return AccountDesk(people(), factors(), write_deed, who(), parts().now_ms() // 1000)


def factors() -> SecondFactors:
    """The second factors of this application's accounts."""
    return second_step.second_step().factors


def visitor() -> Visitor | None:
    """Who asks; None while nobody has logged in, or only with a one-time password."""
    if "visitor" not in g:
        account = current_account()
        known = account is not None and not account.must_change
        g.visitor = welcome(account.name, account.role) if account is not None and known else None
    found: Visitor | None = g.visitor
    return found


def welcome(name: str, role: str) -> Visitor:
    """Say what an account may do and see."""
    return Visitor(name, rights_of(role), Scope(areas_of(people().store, name)))


def may(right: Right) -> bool:
    """Say whether who asks may do this: for a button that others do not see."""
    found = visitor()
    return found is not None and right in found.rights


def scope() -> Scope:
    """Which areas who asks may see. A page that forgot `require` gets no scope but a 403."""
    found = visitor()
    if found is None:
        abort(403)
    return found.scope


def who() -> str:
    """The account's name, for deeds."""
    found = visitor()
    if found is None:
        abort(403)
    return found.name


def require(right: Right) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a view be used by those who have ``right``: others log in first, or read in plain words whom to ask."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            answer = turn_away()
            if answer is not None:
                return answer
            if not may(right):
                return _refuse(right)
            if right is Right.ADMIN:
                answer = second_step.turn_away_stale(ASKED_AGAIN_SECONDS)
                if answer is not None:
                    return answer
            return view(*args, **kwargs)

        return mark(guarded, right)

    return decorate


def mark(view: Callable[P, ResponseReturnValue], right: Right) -> Callable[P, ResponseReturnValue]:
    """Write on a view which right is asked before it."""
    setattr(view, _NEEDS, right)
    return view


def _refuse(right: Right) -> ResponseReturnValue:
    advice = {
        Right.LOOK: gettext("Akun ini belum diberi peran. Minta kepada admin NOC."),
        Right.ACT: gettext("Akun ini hanya untuk melihat. Minta peran operator kepada admin NOC."),
        Right.MANAGE: gettext("Ini dikerjakan oleh admin NOC."),
        Right.ADMIN: gettext("Ini dikerjakan oleh admin NOC."),
    }
    return errors.page(403, gettext("Akun Anda tidak berwenang"), advice[right], "PERAN")


def right_of(view: object) -> Right | None:
    """Which right a view asks, None when it asks none: for the test that walks through all of them."""
    found = getattr(view, _NEEDS, None)
    return found if isinstance(found, Right) else None
