"""What the portal answers with: its pages, and the way from a durable grant to an open gate."""

from __future__ import annotations

import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.config.networks import Access
from appliance.core.config.portal import DEFAULT_TERMS, RECORDS_TERM
from appliance.core.errors import GateError, GateRefused
from appliance.faces import formats, languages
from appliance.gate.protocol import RefusalCode
from appliance.wifi.accounts import looks_like_name
from captive_portal import words
from captive_portal.parts import parts
from captive_portal.ready_pages import MARK_PLACE
from captive_portal.rules import Decision, Grant, Verdict
from captive_portal.words import Words

RETRY: Final = {"Retry-After": "60"}
# A kiosk that is away is started anew within seconds; one that is busy has room sooner still.
ACCOUNTS_AGAIN_SECONDS: Final = 10
_TRANSLATED: Final = (*DEFAULT_TERMS, RECORDS_TERM)


def page(template: str, **values: Any) -> str:
    """Render one of the portal's pages."""
    given = parts()
    uplink = given.uplink()
    since = datetime.datetime.fromisoformat(uplink.since_wall) if uplink.since_wall else None
    # Terms of the village's own are in the village's language; ours are in the catalogues.
    terms = [
        (gettext(text), languages.current().code) if text in _TRANSLATED else (text, languages.SOURCE.code)
        for text in given.config.terms_of_use
    ]
    network = given.asker().network
    zone = ZoneInfo(given.config.village.timezone)
    opening = formats.opening_hours(network.open_hours, zone) if network is not None else ""
    defaults = {"gate_is_silent": False, "refresh_seconds": 0, "asker": given.asker(), "opening": opening}
    return render_template(template, uplink=uplink, since=since, terms_of_use=terms, **{**defaults, **values})


def explain(found: Words) -> ResponseReturnValue:
    """Say why not, and what to do."""
    return page("portal/explain.html", words=found), found.status, RETRY if found.status == 503 else {}


def refuse(decision: Decision | None = None) -> ResponseReturnValue:
    """Say why the device that asks is not let online; by default by accepting the terms."""
    asker = parts().asker()
    return explain(words.of_decision(decision or parts().decide(), asker.known, parts().policy, asker.now))


def question(*, gate_is_silent: bool = False) -> ResponseReturnValue:
    """The page of the network's first way in, or why there is none now.

    One button comes before fields; of fields those that ``access`` names first.
    """
    decision = parts().decide()
    if decision.verdict is Verdict.WAY_NOT_OFFERED:
        return _other_way(gate_is_silent=gate_is_silent)
    if decision.verdict is not Verdict.ADMIT:
        return refuse(decision)
    body = _home(decision, gate_is_silent=gate_is_silent)
    return (body, 503, RETRY) if gate_is_silent else body


def _other_way(*, gate_is_silent: bool) -> ResponseReturnValue:
    network = parts().asker().network
    if network is not None and network.access[0] is Access.ACCOUNT:
        return account(200, gate_is_silent=gate_is_silent)
    return voucher(200, gate_is_silent=gate_is_silent)


def _home(decision: Decision, *, gate_is_silent: bool) -> str:
    """The question, rendered once for all devices to which it is the same."""
    asker, uplink = parts().asker(), parts().uplink()
    spoken = (languages.current().code, languages.asked() is not None)
    offered = (
        decision.network, decision.lease_seconds, decision.left_bytes, asker.has_vouchers, asker.has_accounts
    )  # fmt: skip

    def render() -> str:
        g.mark_place = MARK_PLACE
        try:
            return page("portal/home.html", offer=decision, gate_is_silent=gate_is_silent)
        finally:
            del g.mark_place

    key = (spoken, offered, uplink.up, uplink.since_wall, gate_is_silent)
    mark = parts().marks.of(asker.client) if asker.client is not None else ""
    return parts().ready.get(key, asker.now.boot_seconds, render, mark)


def voucher(
    status: int, *, typed: str = "", error: str = "", advice: str = "", wait_seconds: int = 0,
    gate_is_silent: bool = False,
) -> ResponseReturnValue:  # fmt: skip
    """The page with the field for a code.

    Args:
        status: HTTP's.
        typed: what stands in the field already.
        error: what is wrong with it; ``advice`` what to do.
        wait_seconds: when the next code may be typed; 0 for at once.
        gate_is_silent: nothing can be opened at the moment.
    """
    body = page(
        "portal/voucher.html",
        typed=typed,
        kept={"kode": typed} if typed else {},
        error=error,
        advice=advice,
        wait_seconds=wait_seconds,
        gate_is_silent=gate_is_silent,
    )
    if gate_is_silent:
        return body, 503, RETRY
    return body, status, {"Retry-After": str(wait_seconds)} if wait_seconds else {}


def account(
    status: int, *, name: str = "", error: str = "", advice: str = "", wait_seconds: int = 0,
    gate_is_silent: bool = False,
) -> ResponseReturnValue:  # fmt: skip
    """The page with the fields for an account's name and PIN; as `voucher`. A typed PIN is never shown again."""
    body = page(
        "portal/account.html",
        name=name,
        # An address is kept by browsers: nothing goes into it that could be somebody's own name or number.
        kept={"nama": name} if looks_like_name(name) else {},
        error=error,
        advice=advice,
        gate_is_silent=gate_is_silent,
    )
    if gate_is_silent:
        return body, 503, RETRY
    if status == 503:
        return body, status, {"Retry-After": str(ACCOUNTS_AGAIN_SECONDS)}
    return body, status, {"Retry-After": str(wait_seconds)} if wait_seconds else {}


def let_in(grant: Grant) -> ResponseReturnValue:
    """Ask the gate for what was kept durably, and lead to the state."""
    standing = parts().standing(grant)
    if standing.end is None:
        try:
            parts().gate.admit(grant.client, standing.seconds, standing.limits)
        except GateRefused as error:
            return refused_by_gate(grant, error)
        except GateError:
            return explain(words.kept())
    return redirect(url_for("portal.status"), 303)


def refused_by_gate(grant: Grant, error: GateRefused) -> ResponseReturnValue:
    """Say that the gate took a grant not; forget it where it will not be better later by itself."""
    if error.code not in (RefusalCode.NOT_A_RESIDENT, RefusalCode.FULL):
        return explain(words.kept())
    parts().grants.drop(grant.client)
    if grant.way is Access.VOUCHER:
        parts().vouchers.give_back(grant, parts().asker().now)
    elif grant.way is Access.ACCOUNT:
        parts().accounts.give_back(grant)
    return explain(words.full() if error.code == RefusalCode.FULL else words.not_a_resident())
