"""``python -m appliance.papers.signer``: the one process that reaches the signing service. It keeps nothing.

The kiosk has no network, and this has no letters: it signs what it is handed and forgets it. Its log tells how often
and with what end, never whose letter, whose NIK or which passphrase.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import pwd
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from appliance.core import schema
from appliance.core.config.signature import Signature
from appliance.core.errors import DesahubError, OperationError, SignatureError, SignatureRefused
from appliance.papers.esign import EsignService
from appliance.papers.signer_client import SOCKET_PATH
from appliance.papers.signing_wire import (
    LINE_BYTES_MAX,
    Answer,
    AskStanding,
    Here,
    Ping,
    Request,
    Sign,
    Signed,
    Stands,
    decode_request,
    encode_answer,
)
from appliance.unit.heartbeat import Heartbeat
from appliance.unit.local_socket import Dialogue, Limits, LineServer
from appliance.unit.notify import notify

log = logging.getLogger("desahub.signer")
KIOSK: Final = "desahub-kiosk"
SECTION_PATH: Final = Path("/etc/desahub/rendered/signature.json")
CREDENTIALS: Final = "signature"
_WORK_SECONDS_MAX: Final = 1.0  # nothing is done in the loop itself; signatures have threads of their own
# Letters are signed one after the other by one person; nobody else is even listened to.
_LIMITS: Final = Limits(request_bytes=LINE_BYTES_MAX, connections_per_uid=4, connections_of_strangers=0)


def server(service: EsignService, allowed: int) -> LineServer[Request, Answer]:
    """Make the server that answers the one uid ``allowed``."""

    def answer(uid: int, request: Request) -> Answer:
        if uid != allowed:
            return SignatureRefused("this user may not have papers signed")
        return _answer(service, request)

    return LineServer(Dialogue(decode_request, answer, SignatureRefused, encode_answer), [allowed], _LIMITS)


def _answer(service: EsignService, request: Request) -> Answer:
    try:
        match request:
            case Sign(pdf, nik, passphrase):
                signed = Signed(service.sign(pdf, nik, passphrase))
                log.info("a paper was signed")
                return signed
            case AskStanding(nik):
                return Stands(service.standing(nik))
            case Ping():
                return Here()
    except SignatureError as error:
        log.warning("not signed: %s: %s", type(error).__name__, error)
        return error


def read_service(section: Path, credentials: Path) -> EsignService:
    """The service as hub.toml names it, with this box's name and password.

    Raises:
        ConfigError: the section holds problems.
        OperationError: a file is missing or holds something else.
    """
    document: Any = _read_json(section)
    chosen = schema.load(Signature, document)
    try:
        secret = credentials.read_text("utf-8").strip()
        trust = ssl.create_default_context(cafile=chosen.authority_file or None)
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{credentials} or {chosen.authority_file or 'the trust store'}: {error}") from None
    if not secret.isprintable() or not secret.partition(":")[0] or not secret.partition(":")[2]:
        raise OperationError(f"{credentials}: is not NAME:PASSWORD in one line, as the regency gave it")
    return EsignService(chosen.service, secret, chosen.answer_seconds, trust)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise OperationError(f"{path}: cannot be read: {error}; sudo desahub apply writes it") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 1 when it cannot, with the reason on standard error."""
    runtime, given = os.environ.get("RUNTIME_DIRECTORY"), os.environ.get("CREDENTIALS_DIRECTORY")
    parser = argparse.ArgumentParser(prog="python -m appliance.papers.signer", description="Has letters signed.")
    parser.add_argument("--section", type=Path, default=SECTION_PATH, help="[signature] as JSON (%(default)s)")
    parser.add_argument(
        "--credentials", type=Path, default=Path(given or ".") / CREDENTIALS, help="file of NAME:PASSWORD (%(default)s)"
    )
    parser.add_argument(
        "--socket", type=Path, default=Path(runtime) / SOCKET_PATH.name if runtime else SOCKET_PATH, metavar="PATH"
    )
    parser.add_argument("--allow-uid", type=int, metavar="UID", help=f"who may ask, by default the user {KIOSK}")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        service = read_service(chosen.section, chosen.credentials)
        allowed = chosen.allow_uid if chosen.allow_uid is not None else pwd.getpwnam(KIOSK).pw_uid
        asyncio.run(_run(server(service, allowed), chosen.socket))
    except (DesahubError, OSError, KeyError) as error:
        log.error("%s", error)
        return 1
    return 0


async def _run(listener: LineServer[Request, Answer], path: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with listener.listening(path), Heartbeat(_WORK_SECONDS_MAX).beating():
        notify("READY=1")
        await ending.wait()
        notify("STOPPING=1")


if __name__ == "__main__":
    sys.exit(main())
