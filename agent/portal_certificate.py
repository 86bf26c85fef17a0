"""Carry the request for the portal's certificate to the NOC, and what comes of it back, for root to judge.

Part of the short-lived ``python -m agent.enrolment portal``, which a timer starts as long as there is a request
(desahub-portal-request.timer). It has the identity to ask with, and nothing of the portal's key.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from agent import identity
from agent.enrolment_link import EnrolmentLink, Refused
from appliance.core.clock import Moment
from appliance.core.config.reporting import Noc
from appliance.core.enrolment import NONCE_PATH, PORTAL_PATH, PortalState, portal_text
from appliance.core.errors import OperationError

REQUEST: Final = Path("/etc/desahub/rendered/portal-request.pem")
FOLDER: Final = Path("/run/desahub-portal-request")
CHAIN, ANSWER = "fullchain.pem", "answer.json"
_REQUEST_BYTES_MAX: Final = 8 * 1024
# Who waits for long, or is refused, asks more seldom: a line is paid by the byte.
_SOON_SECONDS: Final = 3_600
_LONG_SECONDS: Final = 6 * 3_600
_DONE_SECONDS: Final = 24 * 3_600
_SHORTLY: Final = frozenset({"busy", "proof", "too_soon"})


def carry(directory: Path, noc: Noc, moment: Moment, *, request: Path = REQUEST, folder: Path = FOLDER) -> str:
    """Ask once, and write down what was said; returns a `PortalState`, or "" where there is nothing to ask now.

    Raises:
        Unreachable: later it may work; nothing was written.
        Refused: the NOC says no; that is written down.
        OperationError: no identity, or a file cannot be read or written.
    """
    try:
        asked = request.read_bytes()[:_REQUEST_BYTES_MAX]
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise OperationError(f"{request}: {error.strerror}") from None
    now_s = moment.wall_ms // 1000
    if _rests(_answer(folder), hashlib.sha256(asked).hexdigest(), now_s):
        return ""
    identity.settle(directory)
    try:
        authority = (directory / identity.AUTHORITY).read_bytes()
        shown = (directory / identity.CERTIFICATE).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{directory}: no identity to ask with: {error}; get one with desahub claim") from None
    with EnrolmentLink(noc, moment) as link:
        link.trust_authority(authority)
        nonce = link.ask("GET", NONCE_PATH).get("nonce", "")
        fields = {
            "certificate": shown,
            "request": asked.decode("ascii", "replace"),
            "nonce": nonce,
            "signature": identity.prove(directory, nonce, asked, portal_text),
        }
        try:
            told = link.ask("POST", PORTAL_PATH, fields)
        except Refused as refused:
            _put(folder, asked, refused.code or "refused", str(refused), now_s)
            raise
    return _take(folder, asked, told, now_s)


def _take(folder: Path, asked: bytes, told: dict[str, str], now_s: int) -> str:
    state = told.get("state", "")
    if state == PortalState.DONE and told.get("certificate"):
        # The chain first: who sees the answer finds it.
        identity.write(folder / CHAIN, told["certificate"].encode(), 0o644)
        _put(folder, asked, state, "", now_s)
    elif state == PortalState.WAITING:
        _put(folder, asked, state, told.get("message", ""), now_s)
    else:
        raise OperationError("the NOC's answer is none; is it of another release?")
    return state


def _rests(answer: dict[str, Any], digest: str, now_s: int) -> bool:
    """Was this asked so lately that asking again tells nothing new?"""
    if answer.get("request") != digest:
        return False
    code, first_s, at_s = (answer.get(name) for name in ("code", "first_s", "at_s"))
    if not isinstance(first_s, int) or not isinstance(at_s, int):
        return False
    if code == PortalState.DONE:
        # Root takes it within seconds, and then there is no request. Where it could not, something must begin to move.
        pause = _DONE_SECONDS
    elif code == PortalState.WAITING or code in _SHORTLY:
        pause = 0 if 0 <= now_s - first_s < _SOON_SECONDS else _SOON_SECONDS
    else:
        pause = _LONG_SECONDS
    return 0 <= now_s - at_s < pause


def _put(folder: Path, asked: bytes, code: str, message: str, now_s: int) -> None:
    digest = hashlib.sha256(asked).hexdigest()
    before = _answer(folder)
    first_s = before.get("first_s") if before.get("request") == digest else None
    answer = {"request": digest, "code": code, "message": message[:300], "first_s": first_s or now_s, "at_s": now_s}
    identity.write(folder / ANSWER, json.dumps(answer).encode(), 0o644)


def _answer(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads((folder / ANSWER).read_bytes())
        if isinstance(found, dict):
            return found
    return {}
