"""The same as the pages, as JSON, for programs: ``Authorization: Bearer TOKEN``, or a session of the pages.

Source: RFC 6750 (bearer tokens), RFC 9457 is not used: an error is ``{"error": text}``.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from appliance.core.errors import StoreError
from appliance.faces.login import current_account
from noc import fleet
from noc.web.parts import parts, statuses


def read_token(path: Path) -> str:
    """Read the token. Raises `StoreError` when it is missing or short."""
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; run desahub-noc init") from None
    if len(token) < 32:
        raise StoreError(f"{path}: is shorter than 32 characters; delete it and run desahub-noc init")
    return token


def make(token: str) -> Blueprint:
    """Make the blueprint of ``/api``."""
    pages = Blueprint("api", __name__, url_prefix="/api")

    @pages.before_request
    def only_known() -> ResponseReturnValue | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
            return None
        account = current_account()
        if account is not None and not account.must_change:
            return None
        return {"error": "log in, or send Authorization: Bearer with the token of web/api.token"}, 401, {
            "WWW-Authenticate": "Bearer"
        }  # fmt: skip

    pages.add_url_rule("/hubs", "hubs", hubs)
    pages.add_url_rule("/hubs/<hub_id>", "hub", hub)
    return pages


def hubs() -> ResponseReturnValue:
    """List every hub, and what was kept aside."""
    return {"hubs": [document(each) for each in statuses()], "kept_aside": dict(parts().store.aside_counts())}


def hub(hub_id: str) -> ResponseReturnValue:
    """Tell one hub."""
    found = statuses(hub_id)
    if not found:
        return {"error": f"{hub_id[:32]} is not in the inventory"}, 404
    return document(found[0])


def document(status: fleet.HubStatus) -> dict[str, Any]:
    """Write one hub; what is unknown is null. Totals are bytes since the hub's boot."""
    hub, samples = status.facts.hub, status.samples
    said, recent = status.facts.state, status.facts.recent
    return {
        "hub_id": hub.hub_id,
        "name": hub.name,
        "kode_wilayah": hub.kode_wilayah,
        "state": status.state.value,
        "reasons": [reason.value for reason in status.reasons],
        "last_contact_age_seconds": status.contact_age_seconds,
        "last_record_time_ms": recent[-1].time_ms if recent else None,
        "uptime_seconds": status.uptime_seconds,
        "uplink_up": samples.get("uplink_up"),
        "uplink_rx_bytes": samples.get("interface_received_bytes.uplink"),
        "uplink_tx_bytes": samples.get("interface_sent_bytes.uplink"),
        "uplink_rx_bits_per_second": status.rates.received if status.rates else None,
        "uplink_tx_bits_per_second": status.rates.sent if status.rates else None,
        "round_trip_seconds": samples.get("uplink_round_trip_seconds"),
        "clients_online": samples.get("clients_online"),
        "software_version": said.state.software_version if said else None,
        "configuration_fingerprint": said.state.configuration_fingerprint if said else None,
        "samples": dict(samples),
    }
