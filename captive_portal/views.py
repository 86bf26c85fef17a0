"""The portal's pages. They need no cookie and no script: login windows of phones keep neither."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Request, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from appliance.core.config import Config
from appliance.core.config.networks import Access
from appliance.core.errors import GateError, GateRefused
from appliance.faces import village
from appliance.faces.web import Face, install
from appliance.gate.protocol import Admitted, Client, Gate
from appliance.system.uplink_state import UplinkState
from captive_portal import account_views, answers, api, history, words
from captive_portal.accounts import Accounts
from captive_portal.grants import Grants
from captive_portal.marks import FIELD, Marks
from captive_portal.now import Now
from captive_portal.parts import EXTENSION, Parts, parts
from captive_portal.pulse import Pulse
from captive_portal.ready_pages import ReadyPages
from captive_portal.rules import Decision, Grant, Policy, Standing, Verdict
from captive_portal.vouchers.codes import TYPED_LENGTH_MAX
from captive_portal.vouchers.redeeming import Outcome, Vouchers

# A lease that is about to end is not worth opening the gate for: kernel and grant end within a second of each other.
REPAIR_SECONDS_MIN: Final = 5
# Who has less than this left may take a new lease without waiting for the end.
RENEW_SECONDS: Final = 900
_LONGER_SECONDS: Final = 60
# The page asks again by itself: soon where something is awaited, seldom where only the time left changes.
_AWAITED_SECONDS: Final = 30
_SELDOM_SECONDS: Final = 300

pages = Blueprint("portal", __name__, template_folder="templates")


def create_app(
    config: Config,
    *,
    grants: Grants,
    vouchers: Vouchers,
    accounts: Accounts,
    gate: Gate,
    mac_of: Callable[[str, str], str | None],
    leased_mac_of: Callable[[str], str | None],
    uplink: Callable[[], UplinkState],
    clock: Callable[[], Now],
    over_unix_socket: bool,
) -> Flask:
    """Make the portal.

    Args:
        config: the village's ``hub.toml``.
        grants: who may be online, durable.
        vouchers: turns codes into grants.
        accounts: turns residents' names and PINs into grants.
        gate: opens the firewall.
        mac_of: the kernel's neighbour table; the MAC of an address on an interface, or None.
        leased_mac_of: dnsmasq's leases; the MAC an address was given to, or None.
        uplink: reads the line of truth.
        clock: reads the clocks.
        over_unix_socket: only nginx can connect, so that its ``X-Real-IP`` is believed.
    """
    app = Flask("captive_portal", static_folder=None, root_path=str(Path(__file__).parent))
    face = Face(
        name=village.title(config.village),
        part=f"{config.village.kecamatan}, {config.village.kabupaten}",
        services_url=f"http://{config.kiosk.host}/",
    )
    install(
        app,
        face,
        timezone=config.village.timezone,
        catalogues=Path(__file__).parent / "translations",
        inline_style=True,
        body_bytes_max=4_096,
        is_own_form=_is_own_form,
    )
    app.extensions[EXTENSION] = Parts(
        config=config,
        grants=grants,
        vouchers=vouchers,
        accounts=accounts,
        gate=gate,
        mac_of=mac_of,
        leased_mac_of=leased_mac_of,
        uplink=uplink,
        clock=clock,
        policy=Policy.of(config),
        over_unix_socket=over_unix_socket,
        marks=Marks(),
        pulse=Pulse(gate),
        ready=ReadyPages(),
    )
    app.jinja_env.globals["form_mark"] = _form_mark
    app.register_blueprint(pages)
    app.register_blueprint(account_views.pages)
    api.install(app, config, gate, mac_of, over_unix_socket=over_unix_socket)
    return app


def _form_mark() -> str:
    """The mark for a form of this page; empty for who is nobody of ours, and has no form."""
    if "mark_place" in g:
        return str(g.mark_place)
    client = parts().asker().client
    return parts().marks.of(client) if client is not None else ""


def _is_own_form(asked: Request) -> bool:
    client = parts().asker().client
    return client is not None and parts().marks.holds(client, asked.form.get(FIELD, ""))


@pages.get("/")
def home() -> ResponseReturnValue:
    """Ask the one question; who has a grant sees the state instead."""
    asker = parts().asker()
    if asker.client is None:
        return answers.refuse()
    if parts().grants.of(asker.client, asker.now) is not None:
        return redirect(url_for("portal.status"), 303)
    # From a silent gate nothing is known, so that nothing is claimed: the question, and that it must wait.
    return answers.question(gate_is_silent=parts().pulse.is_silent(asker.client))


@pages.post("/sambung")
def connect() -> ResponseReturnValue:
    """Decide, keep the grant durably, and only then ask the gate."""
    decision = parts().decide()
    if decision.client is None:
        return answers.refuse(decision)
    return answers.let_in(parts().grants.keep(decision, parts().asker().now))


@pages.get("/voucher")
def voucher() -> ResponseReturnValue:
    """The field for a code. A sheet's QR code leads here and fills it in; nothing is redeemed by an address alone."""
    asker = parts().asker()
    if asker.client is None:
        return answers.refuse()
    if not asker.has_vouchers:
        return redirect(url_for("portal.home"), 303)
    return answers.voucher(200, typed=_typed(request.args))


@pages.post("/voucher")
def redeem() -> ResponseReturnValue:
    """Take a code: decide and keep the grant in one transaction, and only then ask the gate."""
    asker, typed = parts().asker(), _typed(request.form)
    if asker.client is None or not asker.has_vouchers:
        return answers.refuse(Decision(Verdict.WAY_NOT_OFFERED)) if asker.client else answers.refuse()
    try:
        done = parts().vouchers.redeem(typed, asker.device, asker.now, parts().gate.admitted)
    except GateError:
        return answers.voucher(503, typed=typed, gate_is_silent=True)
    if done.outcome is Outcome.WELCOME and done.grant is not None:
        with contextlib.suppress(GateError):  # the keeper revokes them too
            for client in done.moved_out:
                parts().gate.revoke(client)
        return answers.let_in(done.grant)
    if done.outcome is Outcome.DENIED:
        return answers.refuse(done.decision)
    status, error, advice = words.of_code(done)
    return answers.voucher(status, typed=typed, error=error, advice=advice, wait_seconds=done.wait_seconds)


def _typed(sent: Mapping[str, str]) -> str:
    """A code as it came, no longer than any can be; what cannot stand in a field is left out."""
    return "".join(character for character in sent.get("kode", "")[:TYPED_LENGTH_MAX] if character.isprintable())


@pages.get("/status")
def status() -> ResponseReturnValue:
    """Tell the state as the gate sees it. A grant that the gate has lost is put back first, and the other way round."""
    asker = parts().asker()
    if asker.client is None:
        return answers.refuse()
    grant = parts().grants.of(asker.client, asker.now)
    standing = parts().standing(grant) if grant is not None else None
    try:
        admitted = _reconciled(asker.client, standing)
    except GateRefused as error:
        return answers.refused_by_gate(grant, error) if grant is not None else answers.explain(words.kept())
    except GateError:
        if grant is None:
            return answers.question(gate_is_silent=True)
        silent = answers.page("portal/status.html", gate_is_silent=True, refresh_seconds=_AWAITED_SECONDS)
        return silent, 503, answers.RETRY
    if grant is None or admitted is None:
        return _not_online(standing)
    return _online(admitted, grant)


def _reconciled(client: Client, standing: Standing | None) -> Admitted | None:
    """What the gate says of a client, once it agrees with the database. The keeper would do it 2 s later."""
    admitted = parts().gate.admitted(client)
    if standing is None and admitted is not None:
        parts().gate.revoke(client)
        return None
    if admitted is None and standing is not None and standing.seconds >= REPAIR_SECONDS_MIN:
        parts().gate.admit(client, standing.seconds, standing.limits)
        return parts().gate.admitted(client)
    return admitted


def _online(admitted: Admitted, grant: Grant) -> str:
    """The state of who is let through. With its data used up it is, and yet nothing passes."""
    is_used_up = admitted.quota_left_bytes == 0
    renewed = parts().decide()
    # Just before the network closes, or where the day's share ends first, a new lease would be no longer than this one.
    is_longer = is_used_up or renewed.lease_seconds > admitted.remaining_seconds + _LONGER_SECONDS
    can_renew = grant.way is Access.TERMS and renewed.verdict is Verdict.ADMIT and is_longer
    awaited = parts().uplink().up is not True
    seconds = _AWAITED_SECONDS if awaited else min(_SELDOM_SECONDS, admitted.remaining_seconds + 1)
    return answers.page(
        "portal/status.html",
        admitted=admitted,
        is_used_up=is_used_up,
        speed=next((one.title for one in parts().config.speeds if one.name == admitted.speed), ""),
        voucher_places=history.places(parts().grants.store, grant.voucher) if grant.way is Access.VOUCHER else None,
        account_places=_account_places(grant),
        can_renew=can_renew and (is_used_up or admitted.remaining_seconds < RENEW_SECONDS),
        refresh_seconds=0 if is_used_up else seconds,
    )


def _account_places(grant: Grant) -> tuple[int, int] | None:
    """How many devices are connected with the account of a grant, and for how many it is; None for another way."""
    if grant.way is not Access.ACCOUNT:
        return None
    return history.device_count(parts().grants.store, grant.voucher), parts().config.account_terms.devices


def _not_online(standing: Standing | None) -> ResponseReturnValue:
    """The state of who is not let through: how the last connection ended, and the way to a new one."""
    asker, decision = parts().asker(), parts().decide()
    if decision.verdict not in (Verdict.ADMIT, Verdict.WAY_NOT_OFFERED):
        return answers.refuse(decision)
    end = standing.end if standing is not None else None
    if end is None and asker.client is not None:
        end = history.last_end(parts().grants.store, asker.client)
    title, advice = words.of_end(end)
    return answers.page(
        "portal/status.html",
        admitted=None,
        title=title,
        advice=advice,
        has_terms=decision.verdict is Verdict.ADMIT,
    )


@pages.post("/keluar")
def disconnect() -> ResponseReturnValue:
    """Take the grant back durably, then shut the gate; where the gate is silent the keeper shuts it.

    What the gate has counted is kept with it: its counters end with the admission.
    """
    asker = parts().asker()
    if asker.client is None:
        return answers.refuse()
    try:
        last = parts().gate.admitted(asker.client)
    except GateError:
        parts().grants.take_back(asker.client, asker.now)
        return answers.explain(words.still_open())
    parts().grants.take_back(asker.client, asker.now, last=last)
    try:
        parts().gate.revoke(asker.client)
    except GateError:
        return answers.explain(words.still_open())
    return redirect(url_for("portal.status"), 303)
