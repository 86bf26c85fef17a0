"""The door of the JSON API: who asks, how mistakes are told, and what need not be sent again.

``Authorization: Bearer TOKEN`` with a token of an account (``/akun/saya``) or the machine's own (``web/api.token``,
which looks at the whole country), or a session of the pages. Everything here only looks.

Source: RFC 6750 (bearer tokens), RFC 9457 (problem+json), RFC 9110 sections 8.8.3 and 13 (ETag, If-None-Match).
"""

from __future__ import annotations

import functools
import hmac
import http
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, current_app, g, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from appliance.core.errors import StoreError
from noc.accounts import tokens
from noc.web import access, api_document, api_views
from noc.web.access import Right, Scope, Visitor
from noc.web.api_parameters import ParameterError
from noc.web.parts import parts

PREFIX: Final = "/api/"
MACHINE: Final = "api.token"


def read_token(path: Path) -> str:
    """Read the machine's token. Raises `StoreError` when it is missing or short."""
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; run desahub-noc init") from None
    if len(token) < 32:
        raise StoreError(f"{path}: is shorter than 32 characters; delete it and run desahub-noc init")
    return token


def install(app: Flask, token: str) -> None:
    """Add ``/api`` to the application, and let every mistake there be told as JSON."""
    app.extensions[MACHINE] = token
    pages = Blueprint("api", __name__, url_prefix="/api")
    pages.before_request(_only_known)
    pages.after_request(_once)
    pages.add_url_rule("/openapi.json", "document", document)
    for path, view in api_views.VIEWS.items():
        pages.add_url_rule(f"/v1{path}", view.__name__, _looking(view))
    pages.add_url_rule("/hubs/<hub_id>", "hub_now", _looking(api_views.hub_now))
    pages.add_url_rule("/<path:rest>", "nothing", _looking(nothing))
    app.register_blueprint(pages)
    for kind, tell in ((HTTPException, _of_http), (StoreError, _of_store), (Exception, _of_fault)):
        _tell_as_json(app, kind, tell)


def document() -> ResponseReturnValue:
    """Send the description of the API; it says nothing about hubs, and needs no login."""
    return jsonify(api_document.document())


def nothing(rest: str) -> ResponseReturnValue:
    """Say that there is nothing at an address."""
    return problem(404, f"/api/{rest[:100]} does not exist; /api/openapi.json lists what does")


def problem(status: int, detail: str) -> Response:
    """Tell a mistake (RFC 9457)."""
    body = {"type": "about:blank", "title": http.HTTPStatus(status).phrase, "status": status, "detail": detail}
    response = make_response(jsonify(body), status)
    response.content_type = "application/problem+json"
    return response


def _only_known() -> ResponseReturnValue | None:
    if request.endpoint == "api.document":
        return None
    found = visitor()
    if found is not None and Right.LOOK in found.rights:
        g.visitor = found
        return None
    answer = problem(401, "log in, or send Authorization: Bearer with a token of /akun/saya")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def visitor() -> Visitor | None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return access.visitor()
    if scheme.lower() != "bearer":
        return None
    given = given.strip()
    if hmac.compare_digest(given.encode("utf-8", "surrogatepass"), current_app.extensions[MACHINE].encode()):
        return Visitor(MACHINE, frozenset({Right.LOOK}), Scope())
    account = tokens.owner(access.people().store, given, parts().now_ms() // 1000)
    return None if account is None else access.welcome(account.name, account.role)


def _looking(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Let a view tell what it cannot read; `_only_known` was the door."""

    @functools.wraps(view)
    def guarded(**arguments: str) -> ResponseReturnValue:
        try:
            return view(**arguments)
        except ParameterError as error:
            return problem(400, str(error))

    return access.mark(guarded, Right.LOOK)


def _once(response: Response) -> Response:
    """Let who asks again be told that nothing has changed."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Authorization", "Cookie"))
    if response.status_code == 200:
        response.add_etag()
        response.make_conditional(request)
    return response


def _tell_as_json(app: Flask, kind: type[Exception], tell: Callable[[Exception], Response]) -> None:
    # What no route of the blueprint answers (another method, a broken address) comes to the application's handlers.
    of_pages = app.error_handler_spec[None][None][kind]

    def handle(error: Exception) -> ResponseReturnValue:
        answer: ResponseReturnValue = app.ensure_sync(of_pages)(error)
        return tell(error) if request.path.startswith(PREFIX) else answer

    app.register_error_handler(kind, handle)


def _of_http(error: Exception) -> Response:
    if not isinstance(error, HTTPException) or error.code is None:
        return _of_fault(error)
    if error.code < 400:
        return make_response(error.get_response())
    answer = problem(error.code, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _of_store(_: Exception) -> Response:
    answer = problem(503, "the NOC's data cannot be read at the moment; try again")
    answer.headers["Retry-After"] = "60"
    return answer


def _of_fault(_: Exception) -> Response:
    return problem(500, "a fault of the NOC; its journal says more")
