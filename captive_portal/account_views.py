"""The page on which residents log in with an account of their own: no cookies, no scripts, as all of the portal."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Final

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from appliance.core.errors import AccountsUnavailable, GateError
from appliance.wifi.accounts import TYPED_LENGTH_MAX
from captive_portal import account_words, answers
from captive_portal.accounts import Outcome
from captive_portal.parts import parts
from captive_portal.rules import Decision, Verdict

pages: Final = Blueprint("account", __name__, template_folder="templates")


# One rule for both: after a form, the links to other languages lead here again.
@pages.route("/akun", methods=["GET", "POST"])
def form() -> ResponseReturnValue:
    """Log in with an account."""
    return _enter() if request.method == "POST" else _empty()


def _empty() -> ResponseReturnValue:
    """The fields for a name and a PIN. Who changes the language brings the name along."""
    asker = parts().asker()
    if asker.client is None:
        return answers.refuse()
    if not asker.has_accounts:
        return redirect(url_for("portal.home"), 303)
    name = _typed(request.args, "nama")
    return answers.account(200, name=name, gate_is_silent=parts().pulse.is_silent(asker.client))


def _enter() -> ResponseReturnValue:
    """Ask the kiosk, decide and keep the grant in one transaction, and only then ask the gate."""
    asker, name = parts().asker(), _typed(request.form, "nama")
    if asker.client is None or not asker.has_accounts:
        return answers.refuse(Decision(Verdict.WAY_NOT_OFFERED)) if asker.client else answers.refuse()
    try:
        done = parts().accounts.enter(name, _typed(request.form, "pin"), asker.device, asker.now, parts().gate.admitted)
    except AccountsUnavailable:
        status, error, advice = account_words.accounts_away()
        return answers.account(status, name=name, error=error, advice=advice)
    except GateError:
        return answers.account(503, name=name, gate_is_silent=True)
    with contextlib.suppress(GateError):  # the keeper revokes them too
        for client in done.moved_out:
            parts().gate.revoke(client)
    if done.outcome is Outcome.WELCOME and done.grant is not None:
        return answers.let_in(done.grant)
    if done.outcome is Outcome.DENIED and (done.decision is None or not account_words.is_used_today(done.decision)):
        return answers.refuse(done.decision)
    status, error, advice = account_words.of_entrance(done, parts().policy, asker.now)
    return answers.account(status, name=name, error=error, advice=advice, wait_seconds=done.wait_seconds)


def _typed(sent: Mapping[str, str], field: str) -> str:
    """What came, no longer than any name or PIN; what cannot stand in a field is left out."""
    typed = sent.get(field, "")[:TYPED_LENGTH_MAX]
    return "".join(character for character in typed if character.isprintable())
