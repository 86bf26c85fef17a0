"""The door of the API: who asks, what may be said, and how mistakes are told.

Only from the office's network or the hall, as all pages of the office; with a token and nothing else: cookies do not
count, so there is no form's mark either. Reads a request by its `Operation`, lets its view answer, and does nothing
twice that carries the same ``Idempotency-Key``.

Source: RFC 6750 (bearer tokens), RFC 9110 section 13 (If-Match), RFC 9457 (problem details),
draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import datetime
import functools
import logging
import time
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from appliance.core import faults
from appliance.core.errors import StoreBusy, StoreError, StoreFull
from appliance.faces.origin import braked_address
from appliance.kiosk.letters import state_words
from appliance.kiosk.letters.flow import Reason, StepRefused
from appliance.kiosk.letters.store import KindGone, LetterNotFound
from appliance.kiosk.office_api import keys, problems, shapes
from appliance.kiosk.office_api.keys import Done, Key, KeyTaken, KeyUsed
from appliance.kiosk.office_api.operations import IN_PATH, KEY, SEEN, Answer, Asked, Operation
from appliance.kiosk.office_api.problems import Problem, ProblemError
from appliance.kiosk.office_api.rules import Standing, scopes_of
from appliance.kiosk.office_api.shapes import Fault, JsonMalformed, Shape, Whole
from appliance.kiosk.office_api.tokens import Token
from appliance.kiosk.office_api.visit import current_visit, let_in, now, parts
from appliance.kiosk.services import current_kiosk, current_place

PREFIX: Final = f"{problems.HOME}v1"
BODY_BYTES_MAX: Final = 64 * 1024
_log = logging.getLogger(__name__)
_STANDINGS: Final = {
    Standing.REVOKED: Problem.TOKEN_REVOKED,
    Standing.EXPIRED: Problem.TOKEN_EXPIRED,
    Standing.CLOSED: Problem.TOKEN_RESTS,
    Standing.TAKE_AGAIN: Problem.TOKEN_RESTS,
}
_OF_HTTP: Final = {
    403: Problem.REFUSED, 404: Problem.NOT_THERE, 405: Problem.METHOD, 413: Problem.TOO_LARGE,
}  # fmt: skip
_NOT_RIGHT: Final = frozenset({Reason.NOT_ALLOWED, Reason.SAME_PERSON, Reason.NOT_THIS_OFFICIAL})


def install(app: Flask, operations: tuple[Operation, ...]) -> None:
    """Add every address of ``operations``, and let mistakes there be told as JSON."""
    pages = Blueprint("office_api", __name__, url_prefix=PREFIX)
    pages.before_request(_guard)
    for each in operations:
        view = functools.partial(_serve, each)
        pages.add_url_rule(each.rule, each.name, view, methods=[each.method])
    pages.register_error_handler(Exception, _told)
    pages.register_error_handler(HTTPException, _told)
    app.register_blueprint(pages)
    app.extensions["csrf"].exempt(pages)
    _tell_as_json(app)


def _guard() -> None:
    """Let nobody in but who shows a token that counts."""
    if not current_place().is_private:
        raise ProblemError(Problem.NOT_FROM_HERE)
    moment = time.monotonic()
    token = _shown(moment)
    if token.standing is not Standing.GOOD:
        raise ProblemError(_STANDINGS[token.standing])
    if seconds := parts().pace.wait_seconds(token.number, moment):
        raise ProblemError(Problem.TOO_OFTEN, wait_seconds=seconds)
    let_in(token)


def _shown(moment: float) -> Token:
    """The token that is shown, whether or not it counts. Who shows what nobody was given must wait after some."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise ProblemError(Problem.TOKEN_MISSING)
    token = parts().tokens.find(secret.strip(), now(), today())
    if token is None:
        # A forgotten program with an old token must not keep out the good ones on the same computer.
        device, tries = _device(), parts().tries
        if seconds := tries.wait_seconds(device, moment):
            raise ProblemError(Problem.TOO_MANY_WRONG, wait_seconds=seconds)
        tries.count(device, moment)
        _log.warning("a token that nobody was given")
        raise ProblemError(Problem.TOKEN_WRONG)
    return token


def today() -> datetime.date:
    """The day in the village."""
    kiosk = current_kiosk()
    return datetime.datetime.fromtimestamp(kiosk.clock(), ZoneInfo(kiosk.config.village.timezone)).date()


def _device() -> str:
    return braked_address(request, over_unix_socket=current_kiosk().over_unix_socket)


def _serve(operation: Operation, **path: Any) -> ResponseReturnValue:
    token = current_visit().token
    if operation.scope is not None and operation.scope not in token.scopes & scopes_of(token.role):
        raise ProblemError(Problem.NOT_IN_SCOPE)
    asked = _read(operation, path)
    if not operation.deed:
        return _written(operation, operation.view(asked))
    return _done_once(operation, asked)


def _done_once(operation: Operation, asked: Asked) -> ResponseReturnValue:
    """Do what is asked; or answer as when it was done."""
    visit, store = current_visit(), current_kiosk().store
    visit.key, visit.deed = _key(operation, asked), operation.deed
    before = keys.find(store, visit.key)
    if before is not None:
        return _again(operation, before)
    try:
        return _written(operation, operation.view(asked))
    except (ProblemError, StepRefused, KeyTaken):
        # What refuses it may be its own doing, by another connection of the same sender a moment ago.
        meanwhile = keys.find(store, visit.key)
        if meanwhile is None:
            raise
        return _again(operation, meanwhile)


def _key(operation: Operation, asked: Asked) -> Key:
    vault, number = current_kiosk().vault, current_visit().token.number
    said = shapes.canonical([operation.name, dict(asked.path), asked.version, asked.body])
    return Key(
        token=number,
        key=vault.index(asked.key, "office_api.key"),
        request=vault.index(said, "office_api.request"),
        version=asked.version + 1,
    )


def _again(operation: Operation, done: Done) -> Response:
    response = _written(operation, Answer({"id": done.subject, "version": done.version}, done.version))
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _read(operation: Operation, path: Mapping[str, Any]) -> Asked:
    """Read all of a request; whatever is wrong with it is told at once."""
    faults: list[Fault] = []
    for name, value in path.items():
        IN_PATH[name].read(value, name, faults)
    if faults:
        raise ProblemError(Problem.NOT_THERE)
    query = _query(operation, faults)
    key = version = ""
    if operation.deed:
        key = _header("Idempotency-Key", KEY, faults)
    if operation.needs_version:
        if "If-Match" not in request.headers:
            raise ProblemError(Problem.VERSION_MISSING)
        version = _header("If-Match", SEEN, faults)
    body = _body(operation.body, faults) if operation.body is not None else None
    if faults:
        raise ProblemError(Problem.MALFORMED, faults=faults)
    own = f"alat-{current_visit().token.number}-{key}" if key else ""
    return Asked(path, query, body, int(version.strip('"') or 0), own)


def _query(operation: Operation, faults: list[Fault]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in request.args.lists():
        shape = operation.query.get(name)
        if shape is None:
            faults.append(Fault("?", f"ada nama yang tidak dikenal; yang ada: {', '.join(operation.query) or '-'}"))
        elif len(values) > 1:
            faults.append(Fault(name, "hanya boleh sekali"))
        else:
            typed = shapes.read_whole(values[0]) if isinstance(shape, Whole) else values[0]
            found[name] = shape.read(typed, name, faults)
    return found


def _header(name: str, shape: Shape, faults: list[Fault]) -> str:
    text = request.headers.get(name)
    if text is None:
        faults.append(Fault(name, "kepala ini harus ada"))
        return ""
    before = len(faults)
    shape.read(text, name, faults)
    return text if len(faults) == before else ""


def _body(shape: Shape, faults: list[Fault]) -> Any:
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise ProblemError(Problem.TOO_LARGE)
    if request.mimetype != "application/json":
        raise ProblemError(Problem.NOT_JSON)
    try:
        value = shapes.parse(request.get_data(cache=False))
    except JsonMalformed:
        raise ProblemError(
            Problem.MALFORMED, faults=[Fault("isi", "harus JSON dalam UTF-8, tanpa nama yang disebut dua kali")]
        ) from None
    return shape.read(value, "", faults)


def _written(operation: Operation, answer: Answer) -> Response:
    if operation.answer is None:
        response = make_response(answer.body)
        response.content_type = "application/pdf"
        # The file bears no name: programs keep lists of what they fetched.
        response.headers["Content-Disposition"] = 'inline; filename="surat.pdf"'
    else:
        response = make_response(jsonify(answer.body), operation.status)
    if answer.version:
        response.headers["ETag"] = f'"{answer.version}"'
    return response


def _told(error: Exception) -> Response:
    """Any exception as a problem. Nothing that was sent is repeated, in the answer or the journal."""
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, ProblemError):
        return problems.answer(error)
    if isinstance(error, StepRefused):
        return problems.answer(_of_step(error))
    for kind, problem in _KNOWN:
        if isinstance(error, kind):
            if isinstance(error, StoreError):
                _log.error("%s", error)
            return problems.answer(ProblemError(problem))
    _log.error("the API failed: %s\n%s", type(error).__name__, faults.trace(error))
    return problems.answer(ProblemError(Problem.FAULT))


_KNOWN: Final[tuple[tuple[type[Exception], Problem], ...]] = (
    (KeyUsed, Problem.KEY_USED),
    (LetterNotFound, Problem.NO_LETTER),
    (KindGone, Problem.KIND_GONE),
    (StoreFull, Problem.STORE_FULL),
    (StoreBusy, Problem.STORE_BUSY),
    (StoreError, Problem.STORE_FAILS),
)


def _of_step(error: StepRefused) -> ProblemError:
    if error.reason is Reason.CHANGED_MEANWHILE:
        return ProblemError(Problem.VERSION_OLD)
    title, advice = state_words.refusal(error.reason)
    status = 403 if error.reason in _NOT_RIGHT else 0
    return ProblemError(Problem.STEP_REFUSED, title=title, detail=advice, status=status, reason=error.reason.value)


def _of_http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    response = problems.answer(
        ProblemError(_OF_HTTP.get(error.code, Problem.MALFORMED if error.code < 500 else Problem.FAULT))
    )
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _tell_as_json(app: Flask) -> None:
    # What no route answers (another method, a broken address) comes to the application's handler.
    of_pages: Any = app.error_handler_spec[None][None][HTTPException]

    def handle(error: HTTPException) -> ResponseReturnValue:
        if request.path.startswith(f"{PREFIX}/"):
            return _of_http(error)
        answer: ResponseReturnValue = of_pages(error)
        return answer

    app.register_error_handler(HTTPException, handle)
