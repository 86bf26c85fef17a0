"""The description of the API as OpenAPI 3.1: written here by hand, parameters taken from the table that reads them.

Tests hold it to the specification and every answer to it (`tests/unit/noc/web/test_api_document.py`).

Source: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from noc.fleet import HubState
from noc.rules.affected import Part
from noc.rules.groups import GroupKind
from noc.rules.problems import Problem
from noc.rules.sla import SlaClass
from noc.rules.states import Basis, Cause, Condition, Evidence
from noc.web import api_parameters as allowed
from noc.web.api_parameters import Parameter

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_INTEGER: Final[Schema] = {"type": "integer"}
_NUMBER: Final[Schema] = {"type": "number"}
_BOOLEAN: Final[Schema] = {"type": "boolean"}
_MS: Final[Schema] = {"type": "integer", "description": "ms of UTC"}


def _object(about: str = "", /, **members: Schema) -> Schema:
    said: Schema = {"type": "object", "required": list(members), "properties": members, "additionalProperties": False}
    return {**said, "description": about} if about else said


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _words(of: Any) -> Schema:
    return {"type": "string", "enum": [each.value for each in of]}


def _or_null(of: Schema) -> Schema:
    if "enum" in of:
        return {"anyOf": [of, {"type": "null"}]}
    return {**of, "type": [of["type"], "null"]}


def _map(of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_CARD: Final = {
    "hub_id": _TEXT,
    "name": _TEXT,
    "kode_wilayah": _TEXT,
    "timezone": _TEXT,
    "residents": _or_null(_COUNT),
    "provider": _or_null(_TEXT),
    "upstream": _or_null(_TEXT),
    "contracted_download_kbit": _or_null(_COUNT),
    "contracted_upload_kbit": _or_null(_COUNT),
    "latitude": _or_null(_NUMBER),
    "longitude": _or_null(_NUMBER),
}
_STANDING: Final = {
    "state": _words(HubState),
    "problems": _list(_words(Problem)),
    "since_ms": _or_null(_MS),
    "contact_ms": _or_null(_MS),
    "record_ms": _or_null(_MS),
    "clients_online": _or_null(_COUNT),
    "uptime_seconds": _or_null(_COUNT),
    "received_kbit": _or_null(_COUNT),
    "sent_kbit": _or_null(_COUNT),
    "round_trip_ms": _or_null(_COUNT),
    "software_version": _or_null(_TEXT),
    "configuration_fingerprint": _or_null(_TEXT),
    "used_ms": _or_null(_MS),
    "is_clone": _BOOLEAN,
}
_PAGE: Final = {
    "total": _COUNT,
    "offset": _COUNT,
    "limit": _COUNT,
    "next": {**_or_null(_TEXT), "description": "the address of the next page; null on the last"},
}
_SECONDS: Final = _object("seconds of each class", **{each.value: _COUNT for each in SlaClass})
_SLA: Final = {
    "seconds": _SECONDS,
    "long_cuts": _COUNT,
    "short_cuts": _COUNT,
    "availability_permille": {
        **_or_null(_NUMBER),
        "description": "of the time the line's provider answers for and that is known, without cuts longer than 300 s",
    },
}
_INCIDENT: Final = {
    "number": _COUNT,
    "group": _object("what its hubs share", kind=_words(GroupKind), name=_TEXT),
    "problem": _words(Problem),
    "since_ms": _MS,
    "opened_ms": _MS,
    "ended_ms": _or_null(_MS),
    "acknowledged_by": _or_null(_TEXT),
    "acknowledged_ms": _or_null(_MS),
    "hubs_ever": _COUNT,
    "hubs_now": _COUNT,
    "residents_now": _COUNT,
}
_PART: Final = _object(hubs=_COUNT, residents=_COUNT)
_SCHEMAS: Final[dict[str, Schema]] = {
    "Problem": {
        "type": "object",
        "description": "a mistake, as in RFC 9457",
        "required": ["type", "title", "status", "detail"],
        "properties": {"type": _TEXT, "title": _TEXT, "status": _INTEGER, "detail": _TEXT},
    },
    "HubLine": _object("a hub as the watch judged it last", **_CARD, **_STANDING),
    "Hub": _object(
        "a hub judged now, with the samples of its last record while that is recent",
        **_CARD,
        **_STANDING,
        samples=_map(_or_null(_NUMBER)),
    ),
    "Area": _object(
        code=_TEXT,
        name=_or_null(_TEXT),
        hubs=_COUNT,
        states=_map(_COUNT),
        residents_cut_off=_COUNT,
        clients_online=_COUNT,
    ),
    "Outage": _object(
        hub_id=_TEXT,
        start_ms=_MS,
        end_ms=_MS,
        condition=_words(Condition),
        cause=_words(Cause),
        basis=_words(Basis),
        evidence=_list(_words(Evidence)),
        is_begin_known=_BOOLEAN,
        is_end_known=_BOOLEAN,
    ),
    "Incident": _object("an incident, counted within the areas of who asks", **_INCIDENT),
}
_USE: Final = {"received_bytes": _or_null(_COUNT), "sent_bytes": _or_null(_COUNT), "logins": _or_null(_COUNT)}
_CUTS: Final = {"seconds": _SECONDS, "long_cuts": _COUNT, "short_cuts": _COUNT}
_OUTAGES: Final = _object(**_PAGE, from_ms=_MS, to_ms=_MS, outages=_list(_ref("Outage")))
_CHANGE: Final = _object(**{"class": _words(SlaClass), "before_seconds": _COUNT, "after_seconds": _COUNT})
_SUMMARY: Final = _object(count=_COUNT, total=_NUMBER, least=_NUMBER, greatest=_NUMBER, moved=_NUMBER)
_HOUR: Final = _object(hour_ms=_MS, records=_COUNT, samples=_map(_SUMMARY))
_RECORD: Final = _object(time_ms=_or_null(_MS), boot_id=_TEXT, sequence=_COUNT, samples=_map(_or_null(_NUMBER)))
_SPAN: Final = {"hub_id": _TEXT, "from_ms": _MS, "to_ms": _MS}

# Each address: what it tells, its parameters, and what the answer is made of.
_PATHS: Final[dict[str, tuple[str, tuple[Parameter, ...], Schema]]] = {
    "/hubs": (
        "List hubs, with the filters of the page.",
        allowed.HUBS,
        _object(**_PAGE, states=_map(_COUNT), judged_ms=_or_null(_MS), hubs=_list(_ref("HubLine"))),
    ),
    "/hubs/{hub_id}": ("Tell one hub.", (), _ref("Hub")),
    "/hubs/{hub_id}/series": (
        "Tell samples over time: sums of hours (at most 31 days), or records (at most one day).",
        allowed.SERIES,
        {"oneOf": [_object(**_SPAN, hours=_list(_HOUR)), _object(**_SPAN, records=_list(_RECORD))]},
    ),
    "/hubs/{hub_id}/days": (
        "Tell how days of a hub were, in its own time zone; at most 366.",
        allowed.DAYS,
        _object(
            hub_id=_TEXT,
            timezone=_TEXT,
            days=_list(_object(day=_TEXT, **_CUTS, **_USE, clients_peak=_or_null(_COUNT))),
        ),
    ),
    "/hubs/{hub_id}/outages": ("List what was down at a hub; at most 93 days.", allowed.OUTAGES, _OUTAGES),
    "/hubs/{hub_id}/sla/{month}": (
        "Tell a month of a hub in its versions, of the running one in the newest: late records change it.",
        (),
        _object(
            hub_id=_TEXT,
            timezone=_TEXT,
            month=_TEXT,
            versions=_list(_object(version=_COUNT, made_ms=_MS, **_SLA, changes=_list(_CHANGE))),
        ),
    ),
    "/areas": ("List the areas within another.", allowed.AREAS, _object(parent=_TEXT, areas=_list(_ref("Area")))),
    "/areas/{code}": ("Tell how the hubs of an area are.", (), _ref("Area")),
    "/areas/{code}/days": (
        "Tell how days were in an area, its hubs added up; at most 366.",
        allowed.DAYS,
        _object(code=_TEXT, days=_list(_object(day=_TEXT, hub_days=_COUNT, **_CUTS, **_USE))),
    ),
    "/areas/{code}/outages": (
        "List what was down in a kabupaten or kecamatan; at most 7 days.",
        allowed.OUTAGES,
        _OUTAGES,
    ),
    "/areas/{code}/sla/{month}": (
        "Tell a month of the areas within another, the hubs of each added up.",
        (),
        _object(code=_TEXT, month=_TEXT, areas=_list(_object(code=_TEXT, name=_or_null(_TEXT), hubs=_COUNT, **_SLA))),
    ),
    "/incidents": ("List incidents.", allowed.INCIDENTS, _object(**_PAGE, incidents=_list(_ref("Incident")))),
    "/incidents/{number}": (
        "Tell one incident; its parts add up to all hubs it ever had.",
        (),
        _object(**_INCIDENT, parts=_map(_PART)),
    ),
    "/incidents/{number}/hubs": (
        "List the hubs of one part of an incident, those with most residents first.",
        allowed.INCIDENT_HUBS,
        _object(**_PAGE, part=_words(Part), hubs=_list(_ref("HubLine"))),
    ),
}
_IN_PATH: Final[dict[str, Schema]] = {
    "hub_id": {"type": "string", "pattern": r"^[^/]+$", "description": "a hub's id"},
    "code": {"type": "string", "pattern": r"^[^/]+$", "description": "51, 51.03 or 51.03.01; id for the country"},
    "month": {"type": "string", "pattern": r"^20[0-9]{2}-(?:0[1-9]|1[0-2])$", "description": "such as 2026-08"},
    "number": {"type": "integer", "minimum": 1, "maximum": allowed.INTEGER_MAX, "description": "an incident's number"},
}


@functools.cache
def document() -> dict[str, Any]:
    """Make the whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Internet Desa Hub: NOC",
            "version": "1",
            "description": "What the pages show, for programs. An account sees its own areas: what lies outside is "
            "404. Answers carry an ETag. Fields may be added within version 1.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": {path: {"get": _operation(path, *said)} for path, said in _PATHS.items()},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "made on /akun/saya, or web/api.token"}
            },
            "schemas": _SCHEMAS,
        },
    }


def _operation(path: str, about: str, parameters: tuple[Parameter, ...], answer: Schema) -> Schema:
    names = re.findall(r"{(\w+)}", path)
    in_path = [{"name": name, "in": "path", "required": True, "schema": _IN_PATH[name]} for name in names]
    in_query = [
        {
            "name": each.name,
            "in": "query",
            "description": each.about,
            "required": each.name == "samples",
            "schema": each.schema(),
        }
        for each in parameters
    ]
    said: Schema = {
        "operationId": "_".join(re.findall(r"\w+", path)),
        "summary": about,
        "parameters": in_path + in_query,
        "responses": {
            "200": {"description": "what was asked for", "content": {"application/json": {"schema": answer}}},
            "400": _mistake("a parameter is not allowed"),
            "401": _mistake("no token, or one that counts no more"),
            **({"404": _mistake("it does not exist, or lies outside of the areas of who asks")} if names else {}),
            "503": _mistake("the data cannot be read at the moment"),
        },
    }
    return said


def _mistake(about: str) -> Schema:
    return {"description": about, "content": {"application/problem+json": {"schema": _ref("Problem")}}}
