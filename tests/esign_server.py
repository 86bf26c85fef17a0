"""A stand-in for an eSign Client Service (BSrE), over TLS, with the refusals of the real one and the line's own faults.

It reads the form as a server does, and keeps what it was asked, so that a test can see what travelled.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import email
import email.policy
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.authority import Authority, pem

CREDENTIALS = "desa:rahasia kotak"
HOST = "localhost"
SIGNATURE = b"\n<< /Type /Sig /ByteRange [0 1 2 3] >>\n%%EOF\n"


@dataclass
class Standin:
    """How the service behaves.

    ``fault`` names what goes wrong: of the line or of the server (`_Handler._is_faulty`), or of the paper that is given
    back (`_Handler._give`).
    """

    passphrases: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    not_yet: set[str] = field(default_factory=set)
    fault: str = ""
    fields: list[dict[str, bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)
    address: str = ""
    authority_file: str = ""
    let_go: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def esign_service(folder: Path) -> Iterator[Standin]:
    """Serve on a port of its own; ``authority_file`` is whom to trust."""

    authority = Authority(now=datetime.datetime.now(datetime.UTC))
    chain, key = authority.server(HOST)
    for name, data in (("chain.pem", chain), ("key.pem", key), ("authority.pem", pem(authority.root))):
        (folder / name).write_bytes(data)
    made = Standin(authority_file=str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")

    class Handler(_Handler):
        standin = made

    server = _Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.address = f"https://{HOST}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.let_go.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    standin: Standin
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        """``/api/sign/pdf``."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.standin.paths.append(self.path)
        if not self._is_let_in() or self._is_faulty():
            return
        form = _form(self.headers["Content-Type"], body)
        self.standin.fields.append(form)
        nik, passphrase = form["nik"].decode(), form["passphrase"].decode()
        if self.path != "/api/sign/pdf" or not form["file"].startswith(b"%PDF-"):
            self._json(400, {"error": "File harus berupa PDF", "status_code": 2005})
        elif nik not in self.standin.passphrases and nik not in self.standin.not_yet:
            self._json(400, {"error": "User tidak terdaftar", "status_code": 2011})
        elif nik in self.standin.ended or nik in self.standin.not_yet:
            self._json(400, {"error": f"Proses signing gagal {nik}", "status_code": 2021})
        elif self.standin.passphrases[nik] != passphrase:
            self._json(400, {"error": "Passphrase anda salah", "status_code": 2031})
        elif self.standin.fault == "odd_refusal":
            self._json(400, {"error": f"Kuota habis untuk {nik} " + "x" * 5_000, "status_code": 2999})
        else:
            self._give(form["file"])

    def do_GET(self) -> None:
        """``/api/user/status/NIK`` and ``/api/sign/download/ID``."""
        self.standin.paths.append(self.path)
        if not self._is_let_in() or self._is_faulty():
            return
        what, _, last = self.path.rpartition("/")
        if what == "/api/sign/download" and last in self.standin.kept:
            self._send(200, "application/pdf", self.standin.kept.pop(last))
        elif what == "/api/user/status":
            status = "ISSUE" if last in self.standin.passphrases else "NOT_REGISTERED"
            status = "EXPIRED" if last in self.standin.ended else "NEW" if last in self.standin.not_yet else status
            self._json(200, {"status_code": 1110 if status == "NOT_REGISTERED" else 1111, "status": status})
        else:
            self._json(404, {"error": "Not Found", "status": 404})

    def _give(self, pdf: bytes) -> None:
        signed = pdf + SIGNATURE
        match self.standin.fault:
            case "cut":
                self._send(200, "application/pdf", signed[: len(pdf) - 4], announced=len(signed))
            case "unsigned":
                self._send(200, "application/pdf", pdf)
            case "not_pdf":
                self._send(200, "application/pdf", b"\0\1\2 not a paper")
            case "by_id":
                self.standin.kept["doc-1"] = signed
                self._json(200, {"id_dokumen": "doc-1"})
            case "evil_id":
                self._json(200, {"id_dokumen": "../../user/status/1"})
            case _:
                self._send(200, "application/pdf", signed)

    def _is_let_in(self) -> bool:
        wanted = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
        if self.headers.get("Authorization") == wanted:
            return True
        self._json(401, {"error": "Unauthorized", "status": 401})
        return False

    def _is_faulty(self) -> bool:
        match self.standin.fault:
            case "html_500":
                self._send(500, "text/html", b"<html><h1>Whitelabel Error Page</h1></html>")
            case "html_200":
                self._send(200, "text/html", b"<html>Selamat datang di hotspot hotel</html>")
            case "empty_500":
                self._send(502, "text/plain", b"")
            case "json_500":
                self._json(500, {"timestamp": 1, "status": 500, "path": "/api/sign/pdf"})
            case "json_list":
                self._send(200, "application/json", b"[1, 2, 3]")
            case "silent":
                self.standin.let_go.wait(30)
            case "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n%PDF-")
                while not self.standin.let_go.is_set():
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            case "hang_up":
                self.close_connection = True
            case "redirect":
                self.send_response(302)
                self.send_header("Location", "https://elsewhere.example/")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                return False
        return True

    def _json(self, status: int, said: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(said).encode())

    def _send(self, status: int, kind: str, body: bytes, announced: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(announced or len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True


def _form(content_type: str, body: bytes) -> dict[str, bytes]:
    """A form's fields, read by another program than ours."""
    head = f"Content-Type: {content_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    found: dict[str, bytes] = {}
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        name = part.get_param("name", header="content-disposition")
        found[str(name)] = content
    return found
