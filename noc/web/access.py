"""Who asks, what they may do, and which areas they see. Every page of the NOC passes here.

``require(Right.X)`` stands before a view; ``scope()`` goes into every question to a store: what lies outside is a 404,
as if it were not there. ``who()`` is the name for the audit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec, cast

from flask import Flask, abort, current_app, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import errors
from appliance.faces.login import current_account, turn_away
from appliance.store.accounts import Accounts
from noc.accounts.areas import areas_of
from noc.accounts.roles import Right, rights_of
from noc.fleet_book.contract import Scope

__all__ = ["Right", "Scope", "Visitor", "install", "may", "people", "require", "right_of", "scope", "visitor", "who"]

P = ParamSpec("P")
_KEY: Final = "noc_accounts"
_NEEDS: Final = "needs_right"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: somebody logged in, or a program with a token. ``name`` is the account's."""

    name: str
    rights: frozenset[Right]
    scope: Scope


def install(app: Flask, accounts: Accounts) -> None:
    """Tell the pages where accounts are. After `appliance.faces.login.install`."""
    app.extensions[_KEY] = accounts
    app.context_processor(lambda: {"may": may, "Right": Right})


def people() -> Accounts:
    """The accounts of this application."""
    return cast(Accounts, current_app.extensions[_KEY])


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
            return view(*args, **kwargs)

        setattr(guarded, _NEEDS, right)
        return guarded

    return decorate


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
