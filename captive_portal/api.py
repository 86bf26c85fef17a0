"""What a phone's own system asks: is this device held back, and for how long is it let through? RFC 8908.

Its address is told by DHCP (RFC 8910) where the portal has a certificate that phones trust, and it answers over TLS
alone. The kernel's word counts: what the gate lets through is not captive, whatever a database says.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, Flask, Request, Response, abort, json, request

from appliance.core.config import Config
from appliance.core.errors import GateUnavailable
from appliance.faces.origin import device_address
from appliance.gate.protocol import Admitted, Client, Gate

PATH: Final = "/captive-portal/api"
MEDIA_TYPE: Final = "application/captive+json"
# nginx sets it for what came by TLS, and drops the visitor's own.
TLS_HEADER: Final = "X-Desa-TLS"


def answer(portal_host: str, admitted: Admitted | None, *, is_resident: bool = True) -> Mapping[str, Any]:
    """The object of RFC 8908 section 5 for one device. Pure.

    ``venue-info-url`` is left out: the village's services have no certificate, and the RFC asks for TLS there.

    Args:
        portal_host: the name of the certificate.
        admitted: what the gate says of the device; None when it is not let through.
        is_resident: the device is in a network whose people pass the portal.
    """
    found: dict[str, Any] = {"captive": False, "user-portal-url": f"https://{portal_host}/"}
    if not is_resident:
        return found
    if admitted is None or admitted.quota_left_bytes == 0:
        return found | {"captive": True}
    found |= {"can-extend-session": True, "seconds-remaining": admitted.remaining_seconds}
    if admitted.quota_left_bytes is not None:
        found["bytes-remaining"] = admitted.quota_left_bytes
    return found


def is_by_tls(asked: Request, *, over_unix_socket: bool) -> bool:
    """Did this request come by TLS? nginx's word counts where only nginx can connect."""
    return asked.headers.get(TLS_HEADER) == "yes" if over_unix_socket else asked.is_secure


def install(
    app: Flask, config: Config, gate: Gate, mac_of: Callable[[str, str], str | None], *, over_unix_socket: bool
) -> None:
    """Give the portal its RFC 8908 address. Without TLS, and for whom no network here knows, there is nothing.

    Args:
        app: the portal.
        config: the village's ``hub.toml``.
        gate: says who is let through.
        mac_of: the kernel's neighbour table; the MAC of an address on an interface, or None.
        over_unix_socket: as for `appliance.faces.origin.device_address`.
    """
    api = Blueprint("captive_api", __name__)

    @api.route(PATH, methods=["GET"], provide_automatic_options=False)
    def state() -> Response:
        if not is_by_tls(request, over_unix_socket=over_unix_socket):
            abort(404)
        address = device_address(request, over_unix_socket=over_unix_socket)
        resident = next((one for one in config.resident_networks if _is_in(address, one.address)), None)
        if resident is not None:
            mac = mac_of(address, resident.interface)
            if mac is None:
                raise GateUnavailable(f"no device answers for {address}: nothing is known about it")
            found = answer(config.portal.host, gate.admitted(Client(address, mac)))
        elif any(_is_in(address, network.address) for network in config.office_networks):
            found = answer(config.portal.host, None, is_resident=False)
        else:
            abort(404)
        return Response(json.dumps(found), mimetype=MEDIA_TYPE)

    app.register_blueprint(api)


def _is_in(address: str, interface_address: str) -> bool:
    own = ipaddress.IPv4Interface(interface_address)
    try:
        asked = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return asked in own.network and asked not in (own.ip, own.network.network_address, own.network.broadcast_address)
