"""The description of the API as OpenAPI 3.1, made of the very tables that read requests and refuse them.

Source: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from appliance.kiosk.office_api import problems
from appliance.kiosk.office_api.operations import IN_PATH, KEY, SEEN, Operation
from appliance.kiosk.office_api.problems import Problem
from appliance.kiosk.office_api.shapes import Schema, Shape

VERSION: Final = "1"
_ABOUT: Final = (
    "Untuk alat milik kantor sendiri: lembar kerja, OpenSID, skrip. Hanya dari jaringan kantor atau layar balai, "
    "dengan token yang dibuat di halaman Alat dan token. Menyetujui, memberi nomor dan menandatangani surat tetap "
    "pekerjaan orang di halaman kantor. Setiap data warga yang dilihat tercatat di jejak dengan nama token dan "
    "pemiliknya."
)


def document(operations: Sequence[Operation], server: str) -> dict[str, Any]:
    """Make the whole document. ``server`` is the address before the paths."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for each in operations:
        paths[each.path][each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "API kantor", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": problems.SHAPE.schema()},
        },
    }


def _operation(each: Operation) -> Schema:
    said: Schema = {
        "operationId": each.name,
        "summary": each.about,
        "description": f"Lingkup token: {each.scope.value if each.scope else 'token apa pun'}.",
        "parameters": _parameters(each),
        "responses": _responses(each),
    }
    if each.body is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": each.body.schema()}}}
    return said


def _parameters(each: Operation) -> list[Schema]:
    found = [_parameter(name, "path", IN_PATH[name], is_needed=True) for name in each.names]
    found += [_parameter(name, "query", shape, is_needed=False) for name, shape in each.query.items()]
    if each.deed:
        found.append(_parameter("Idempotency-Key", "header", KEY, is_needed=True))
    if each.needs_version:
        found.append(_parameter("If-Match", "header", SEEN, is_needed=True))
    return found


def _parameter(name: str, where: str, shape: Shape, *, is_needed: bool) -> Schema:
    return {"name": name, "in": where, "required": is_needed, "schema": shape.schema()}


def _responses(each: Operation) -> Schema:
    kind = "application/pdf" if each.answer is None else "application/json"
    schema = {"type": "string", "format": "binary"} if each.answer is None else each.answer.schema()
    by_status: dict[int, list[Problem]] = defaultdict(list)
    for problem in each.all_problems():
        by_status[problem.status].append(problem)
    if Problem.STEP_REFUSED in each.all_problems():
        by_status[403].append(Problem.STEP_REFUSED)  # where the account's role is the reason
    said: Schema = {str(each.status): {"description": "yang diminta", "content": {kind: {"schema": schema}}}}
    for status, found in sorted(by_status.items()):
        said[str(status)] = {
            "description": "; ".join(f"{problem.value}: {problem.heading}" for problem in found),
            "content": {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return said
