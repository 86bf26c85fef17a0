"""How the API writes what the NOC knows. Times are ms of UTC, speeds kbit a second; what nobody knows is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from noc.fleet import HubStatus
from noc.fleet_book.contract import (
    AreaLine,
    AreaSum,
    Card,
    Day,
    IncidentLine,
    KeptOutage,
    MonthSum,
    Row,
    Standing,
)
from noc.rules.sla import Sla, SlaClass, Version
from noc.store.contract import ArrivedRecord, Hour


def row(it: Row) -> dict[str, Any]:
    """Write one line of a list of hubs."""
    return {**_card(it.card), **_standing(it.standing)}


def hub(card: Card, standing: Standing | None, status: HubStatus) -> dict[str, Any]:
    """Write one hub with all that is known now. The state is judged at this moment, also before the watch did."""
    recent = status.facts.recent
    said = status.facts.state
    return {
        **_card(card),
        **_standing(standing or Standing(card.hub_id, status.state, (), None, None, None)),
        "state": status.state.value,
        "contact_ms": status.facts.last_contact_ms,
        "record_ms": recent[-1].time_ms if recent else None,
        "software_version": said.state.software_version if said else None,
        "configuration_fingerprint": said.state.configuration_fingerprint if said else None,
        "samples": dict(status.samples),
    }


def now(status: HubStatus) -> dict[str, Any]:
    """Write one hub from what it said alone. Totals are bytes since the hub's boot."""
    it, samples = status.facts.hub, status.samples
    said, recent = status.facts.state, status.facts.recent
    return {
        "hub_id": it.hub_id,
        "name": it.name,
        "kode_wilayah": it.kode_wilayah,
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


def _card(it: Card) -> dict[str, Any]:
    return {
        "hub_id": it.hub_id,
        "name": it.name,
        "kode_wilayah": it.kode_wilayah,
        "timezone": it.timezone,
        "residents": it.residents,
        "provider": it.provider or None,
        "upstream": it.upstream or None,
        "contracted_download_kbit": it.download_kbit or None,
        "contracted_upload_kbit": it.upload_kbit or None,
        "latitude": it.latitude,
        "longitude": it.longitude,
    }


def _standing(it: Standing) -> dict[str, Any]:
    return {
        "state": it.state.value,
        "problems": [problem.value for problem in it.problems],
        "since_ms": it.since_ms,
        "contact_ms": it.contact_ms,
        "record_ms": it.record_ms,
        "clients_online": it.clients_online,
        "uptime_seconds": it.uptime_seconds,
        "received_kbit": it.received_kbit,
        "sent_kbit": it.sent_kbit,
        "round_trip_ms": it.round_trip_ms,
        "software_version": it.software_version or None,
        "configuration_fingerprint": it.configuration_fingerprint or None,
        "used_ms": it.used_ms,
        "is_clone": it.is_clone,
    }


def hour(it: Hour, names: Sequence[str]) -> dict[str, Any]:
    """Write the sums of an hour, of the samples that were asked for and are there."""
    samples = {
        name: {"count": its.count, "total": its.total, "least": its.least, "greatest": its.greatest, "moved": its.moved}
        for name in names
        if (its := it.samples.get(name)) is not None
    }
    return {"hour_ms": it.hour_ms, "records": it.records, "samples": samples}


def record(it: ArrivedRecord, names: Sequence[str]) -> dict[str, Any]:
    """Write a record; a sample that it does not have, or that failed, is null."""
    return {
        "time_ms": it.time_ms,
        "boot_id": it.record.boot_id,
        "sequence": it.record.sequence,
        "samples": {name: it.record.samples.get(name) for name in names},
    }


def day(it: Day) -> dict[str, Any]:
    """Write a day of a hub."""
    return {
        "day": it.day,
        "seconds": _seconds(it.seconds),
        "long_cuts": it.long_cuts,
        "short_cuts": it.short_cuts,
        "received_bytes": it.received_bytes,
        "sent_bytes": it.sent_bytes,
        "clients_peak": it.clients_peak,
        "logins": it.logins,
    }


def area_sum(it: AreaSum) -> dict[str, Any]:
    """Write a day of an area."""
    return {
        "day": it.day,
        "hub_days": it.hub_days,
        "seconds": _seconds(it.seconds),
        "long_cuts": it.long_cuts,
        "short_cuts": it.short_cuts,
        "received_bytes": it.received_bytes,
        "sent_bytes": it.sent_bytes,
        "logins": it.logins,
    }


def area(it: AreaLine) -> dict[str, Any]:
    """Write an area and how its hubs are."""
    return {
        "code": it.code,
        "name": it.name or None,
        "hubs": it.hubs,
        "states": {state.value: count for state, count in it.states.items()},
        "residents_cut_off": it.residents_cut_off,
        "clients_online": it.clients_online,
    }


def outage(it: KeptOutage) -> dict[str, Any]:
    """Write an outage; where begin or end is not known, it may have lasted longer."""
    its = it.outage
    return {
        "hub_id": it.hub_id,
        "start_ms": its.start_ms,
        "end_ms": its.end_ms,
        "condition": its.condition.value,
        "cause": its.cause.value,
        "basis": its.basis.value,
        "evidence": [each.value for each in its.evidence],
        "is_begin_known": its.is_begin_known,
        "is_end_known": its.is_end_known,
    }


def incident(it: IncidentLine) -> dict[str, Any]:
    """Write an incident without its hubs; counts are of those that who asks may see."""
    return {
        "number": it.number,
        "group": {"kind": it.group.kind.value, "name": it.group.name},
        "problem": it.problem.value,
        "since_ms": it.since_ms,
        "opened_ms": it.opened_ms,
        "ended_ms": it.ended_ms,
        "acknowledged_by": it.acknowledged_by or None,
        "acknowledged_ms": it.acknowledged_ms,
        "hubs_ever": it.seen,
        "hubs_now": it.hubs,
        "residents_now": it.residents,
    }


def version(it: Version) -> dict[str, Any]:
    """Write one version of a month of a hub."""
    changes = [
        {"class": each.sla_class.value, "before_seconds": each.before_seconds, "after_seconds": each.after_seconds}
        for each in it.changes
    ]
    return {"version": it.number, "made_ms": it.made_ms, **_sla(it.sla), "changes": changes}


def month_sum(it: MonthSum) -> dict[str, Any]:
    """Write a month of an area."""
    return {"code": it.code, "name": it.name or None, "hubs": it.hubs, **_sla(it.sla)}


def _sla(it: Sla) -> dict[str, Any]:
    return {
        "seconds": _seconds(it.seconds),
        "long_cuts": it.long_cuts,
        "short_cuts": it.short_cuts,
        "availability_permille": it.availability_permille,
    }


def _seconds(it: Mapping[SlaClass, int]) -> dict[str, int]:
    return {each.value: it.get(each, 0) for each in SlaClass}
