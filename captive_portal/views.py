"""The portal's pages. They need no cookie and no script: login windows of phones keep neither."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Flask, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.config import Config, Network
from appliance.core.errors import GateError, GateRefused
from appliance.faces import errors, village
from appliance.faces.origin import device_address
from appliance.faces.web import Face, install
from appliance.gate.protocol import Admitted, Gate, RefusalCode
from appliance.system.uplink_state import UplinkState
from captive_portal import local_time, rules
from captive_portal.grants import Grants
from captive_portal.now import Now
from captive_portal.rules import Decision, Device, Grant, Known, Policy, Standing, Verdict

# A lease that is about to end is not worth opening the gate for: kernel and grant end within a second of each other.
REPAIR_SECONDS_MIN: Final = 5
_RETRY: Final = {"Retry-After": "60"}

pages = Blueprint("portal", __name__, template_folder="templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the composition point gave; kept with the application, never in the module."""

    config: Config
    grants: Grants
    gate: Gate
    mac_of: Callable[[str], str | None]
    leased_mac_of: Callable[[str], str | None]
    uplink: Callable[[], UplinkState]
    clock: Callable[[], Now]
    policy: Policy
    over_unix_socket: bool

    def decide(self) -> tuple[Decision, Now]:
        """Decide about the device that sent this request, as the kernel knows it."""
        address = device_address(request, over_unix_socket=self.over_unix_socket)
        now = self.clock()
        macs = (self.mac_of(address), self.leased_mac_of(address)) if address else (None, None)
        known = self.known(macs[0], now) if macs[0] else rules.NOTHING_KNOWN
        return rules.decide(self.policy, Device(address, *macs), now, known), now

    def known(self, mac: str, now: Now) -> Known:
        """What is known of a device today."""
        return self.grants.known(mac, local_time.day(now, self.policy.timezone), now)

    def standing(self, grant: Grant, now: Now) -> Standing:
        """What a grant gives from now on."""
        return rules.standing(self.policy, grant, self.known(grant.client.mac, now), now)

    def admitted(self, decision: Decision) -> Admitted | None:
        """What the gate says about the client. Raises `GateUnavailable`."""
        return self.gate.admitted(decision.client) if decision.client is not None else None


def create_app(
    config: Config,
    *,
    grants: Grants,
    gate: Gate,
    mac_of: Callable[[str], str | None],
    leased_mac_of: Callable[[str], str | None],
    uplink: Callable[[], UplinkState],
    clock: Callable[[], Now],
    over_unix_socket: bool,
) -> Flask:
    """Make the portal.

    Args:
        config: the village's ``hub.toml``.
        grants: who may be online, durable.
        gate: opens the firewall.
        mac_of: the kernel's neighbour table; an address's MAC or None.
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
    )
    app.extensions["portal"] = _Parts(
        config=config,
        grants=grants,
        gate=gate,
        mac_of=mac_of,
        leased_mac_of=leased_mac_of,
        uplink=uplink,
        clock=clock,
        policy=Policy.of(config),
        over_unix_socket=over_unix_socket,
    )
    app.register_blueprint(pages)
    return app


def _parts() -> _Parts:
    found: _Parts = current_app.extensions["portal"]
    return found


def _network(parts: _Parts) -> Network | None:
    """The network of the device that asks."""
    return rules.network_of(parts.policy, device_address(request, over_unix_socket=parts.over_unix_socket))


def _page(template: str, **values: Any) -> str:
    uplink = _parts().uplink()
    since = datetime.datetime.fromisoformat(uplink.since_wall) if uplink.since_wall else None
    return render_template(template, config=_parts().config, uplink=uplink, since=since, **values)


@pages.get("/")
def home() -> ResponseReturnValue:
    """Ask the one question; who is connected already sees the state instead."""
    parts = _parts()
    decision, now = parts.decide()
    if decision.client is None:
        return _explain(decision.verdict)
    if parts.grants.of(decision.client, now) is not None:
        return redirect(url_for("portal.status"), 303)
    try:
        admitted = parts.admitted(decision)
    except GateError:
        # Nothing is known of a connection here, so that nothing is claimed of one: the question, and that it must wait.
        return _page("portal/home.html", network=_network(parts), gate_is_silent=True), 503, _RETRY
    if admitted is not None:
        return redirect(url_for("portal.status"), 303)
    return _page("portal/home.html", network=_network(parts))


@pages.post("/sambung")
def connect() -> ResponseReturnValue:
    """Decide, keep the grant durably, and only then ask the gate."""
    parts = _parts()
    decision, now = parts.decide()
    if decision.client is None:
        return _explain(decision.verdict)
    standing = parts.standing(parts.grants.keep(decision, now), now)
    try:
        parts.gate.admit(decision.client, standing.seconds, standing.limits)
    except GateRefused as error:
        if error.code in (RefusalCode.NOT_A_RESIDENT, RefusalCode.FULL):
            parts.grants.drop(decision.client)  # it will not be better later by itself
        return _explain_refusal(error)
    except GateError:
        return errors.page(503, *_kept(), code="GERBANG")
    return redirect(url_for("portal.status"), 303)


@pages.get("/status")
def status() -> ResponseReturnValue:
    """Tell the state as the gate sees it. A grant that the gate has lost is put back first."""
    parts = _parts()
    decision, now = parts.decide()
    if decision.client is None:
        return _explain(decision.verdict)
    grant = parts.grants.of(decision.client, now)
    try:
        admitted = parts.admitted(decision)
    except GateError:
        if grant is None:
            return _page("portal/home.html", network=_network(parts), gate_is_silent=True), 503, _RETRY
        return _page("portal/status.html", gate_is_silent=True, admitted=None), 503, _RETRY
    standing = parts.standing(grant, now) if grant is not None else None
    if admitted is None and standing is not None and standing.seconds >= REPAIR_SECONDS_MIN:
        try:
            parts.gate.admit(decision.client, standing.seconds, standing.limits)
        except GateRefused as error:
            return _explain_refusal(error)
        except GateError:
            return errors.page(503, *_kept(), code="GERBANG")
        admitted = parts.admitted(decision)
    return _page("portal/status.html", admitted=admitted, is_ended="putus" in request.args)


@pages.post("/keluar")
def disconnect() -> ResponseReturnValue:
    """Take the grant back durably, then shut the gate; a gate that is silent shuts when it is next spoken to."""
    parts = _parts()
    decision, now = parts.decide()
    if decision.client is None:
        return _explain(decision.verdict)
    parts.grants.take_back(decision.client, now)
    try:
        parts.gate.revoke(decision.client)
    except GateError:
        title = gettext("Sambungan belum dapat diputus")
        advice = gettext("Sambungan Anda masih terbuka. Tunggu satu menit, lalu tekan Putuskan sekali lagi.")
        return errors.page(503, title, advice, "GERBANG")
    return redirect(url_for("portal.status", putus="ya"), 303)


def _kept() -> tuple[str, str]:
    return (
        gettext("Izin sudah tercatat, tetapi internet belum terbuka"),
        gettext(
            "Jalan ke internet belum bisa dibuka. Tunggu satu menit, lalu buka halaman depan: "
            "sambungan Anda dilanjutkan di sana."
        ),
    )


def _explain(verdict: Verdict) -> ResponseReturnValue:
    if verdict is Verdict.NO_MAC:
        return errors.page(
            503,
            gettext("Perangkat Anda belum terlihat di jaringan"),
            gettext("Matikan Wi-Fi di perangkat, nyalakan lagi, lalu buka halaman ini."),
            "PERANGKAT",
        )
    if verdict is Verdict.NO_LEASE:
        return errors.page(
            403,
            gettext("Alamat perangkat ini tidak otomatis"),
            gettext(
                "Di pengaturan Wi-Fi perangkat, pilih alamat IP otomatis (DHCP). "
                "Lalu matikan Wi-Fi, nyalakan lagi, dan buka halaman ini."
            ),
            "ALAMAT",
        )
    return errors.page(
        403,
        gettext("Perangkat ini tidak di jaringan warga"),
        gettext(
            "Sambungkan perangkat ke Wi-Fi warga, lalu buka halaman ini. "
            "Di jaringan kantor internet terbuka tanpa halaman ini."
        ),
        "JARINGAN",
    )


def _explain_refusal(error: GateRefused) -> ResponseReturnValue:
    if error.code == RefusalCode.NOT_A_RESIDENT:
        return _explain(Verdict.NOT_A_RESIDENT)
    if error.code == RefusalCode.FULL:
        return errors.page(
            503,
            gettext("Jaringan sedang penuh"),
            gettext("Semua tempat sedang dipakai. Coba lagi dalam beberapa menit."),
            "PENUH",
        )
    return errors.page(503, *_kept(), code="GERBANG")
