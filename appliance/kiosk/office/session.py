"""Who of the office asks, and whether they may. Every page of the office stands behind this.

``@permission_required(Permission.X)`` stands before a view, ``current_actor()`` goes into whatever it changes or reads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, ParamSpec

from flask import abort
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import errors
from appliance.faces.login import current_account, turn_away
from appliance.kiosk.actors import Actor
from appliance.kiosk.office.rules import Permission, may, role_title, roles_with
from appliance.kiosk.services import current_kiosk

P = ParamSpec("P")
_NEEDS: Final = "needs_permission"


def current_actor() -> Actor:
    """Who is logged in, for the audit and for rules. Without a whole login a 403: the page forgot to ask for one."""
    account = current_account()
    if account is None or account.must_change:
        abort(403)
    return Actor(account.name, account.role)


def is_permitted(permission: Permission) -> bool:
    """Say whether who asks may do this: for a button that others do not see."""
    account = current_account()
    return account is not None and not account.must_change and may(account.role, permission)


def turn_away_without(permission: Permission) -> ResponseReturnValue | None:
    """Lead to the login, or say who may; None for whom it is permitted. For ``before_request`` of a whole room."""
    answer = turn_away()
    if answer is not None:
        return answer
    return None if is_permitted(permission) else _refuse(permission)


def permission_required(
    permission: Permission,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a view be used by those who have ``permission``: others log in first, or read in words whom to ask."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            answer = turn_away_without(permission)
            return view(*args, **kwargs) if answer is None else answer

        setattr(guarded, _NEEDS, permission)
        return guarded

    return decorate


def permission_of(view: object) -> Permission | None:
    """Which permission a view asks for, None when it asks for none: for the test that walks through all of them."""
    found = getattr(view, _NEEDS, None)
    return found if isinstance(found, Permission) else None


def _refuse(permission: Permission) -> ResponseReturnValue:
    unit = current_kiosk().config.village
    who = ", ".join(role_title(role, unit) for role in roles_with(permission))
    return errors.page(
        403,
        gettext("Akun Anda tidak berwenang"),
        gettext("Halaman ini untuk: %(who)s. Minta kepada mereka, atau masuk dengan akun yang berwenang.", who=who),
        "PERAN",
    )
