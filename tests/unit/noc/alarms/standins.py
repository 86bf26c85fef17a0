"""Servers that play those that alarms are sent to, on loopback, and remember what they were told."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Answer = Callable[[], tuple[int, dict[str, str], dict[str, Any]]]


def fine() -> tuple[int, dict[str, str], dict[str, Any]]:
    return 200, {}, {"ok": True, "result": {}}


class Web:
    """An HTTP server: Telegram's API, or somebody's webhook."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer: Answer = fine
        self.hold = threading.Event()
        self.hold.set()
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                web.asked.append((self.path, dict(self.headers), body))
                web.hold.wait(30)
                status, headers, said = web.answer()
                data = json.dumps(said).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is no news
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def texts(self) -> list[str]:
        return [body.get("text") or body["message"] for _, _, body in self.asked]

    def end(self) -> None:
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@contextlib.contextmanager
def web(context: ssl.SSLContext | None = None) -> Iterator[Web]:
    made = Web(context)
    try:
        yield made
    finally:
        made.end()


class Mailbox:
    """Takes letters, or refuses."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuse = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuse:
            return self.refuse
        assert isinstance(envelope.content, bytes)
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.letters.append(found)
        return "250 OK"


@contextlib.contextmanager
def mail(context: ssl.SSLContext | None = None, *, password: bytes = b"") -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=isinstance(data, LoginPassword) and data.password == password)

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=context is not None,
        authenticator=authenticate if password else None, auth_required=bool(password),
    )  # fmt: skip
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def certificate(folder: Path, host: str = "localhost") -> ssl.SSLContext:
    """A server's context with a certificate that nobody knows."""
    from cryptography.hazmat.primitives.asymmetric import ec

    from noc import enrol

    authority = enrol.open_authority(folder / "stranger", datetime.datetime.now(datetime.UTC))
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "crt").write_bytes(enrol.server_certificate(authority, key.public_key(), [host, "127.0.0.1"]))
    (folder / "key").write_bytes(enrol.private_pem(key))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "crt", folder / "key")
    return context
