"""A public authority for tests: Debian's pebble (ACME), knot (the zone, RFC 2136), and one that only refuses."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.authority import DAY, Authority, pem

ZONE = "hub.kab.test"
_SECONDS = 60.0


@dataclass
class Acme:
    """Where both listen, and what a NOC must know of them."""

    folder: Path
    dns: int
    directory: str
    management: int
    secret: str
    authority: Authority

    @property
    def credentials(self) -> dict[str, str]:
        """The words of ``portal.env``."""
        return {
            "RFC2136_NAMESERVER": f"127.0.0.1:{self.dns}",
            "RFC2136_TSIG_KEY": "noc",
            "RFC2136_TSIG_ALGORITHM": "hmac-sha256.",
            "RFC2136_TSIG_SECRET": self.secret,
            "RFC2136_PROPAGATION_TIMEOUT": "30",
            "RFC2136_POLLING_INTERVAL": "1",
            "RFC2136_SEQUENCE_INTERVAL": "1",
            "LEGO_CA_CERTIFICATES": str(self.folder / "root.pem"),
        }

    def plan(self, **changed: object) -> str:
        """The text of ``portal.toml``."""
        values = {
            "zones": [ZONE], "provider": "rfc2136", "email": "noc@kab.test", "terms_agreed": True,
            "directory": self.directory, "resolvers": [f"127.0.0.1:{self.dns}"], "asks_nameservers": False,
        } | changed  # fmt: skip
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())

    def root(self) -> bytes:
        """The root of what pebble gives, which it made when it started."""
        context = ssl.create_default_context(cadata=pem(self.authority.root).decode())
        with urllib.request.urlopen(f"https://localhost:{self.management}/roots/0", context=context, timeout=30) as got:
            found: bytes = got.read()
        return found


@contextlib.contextmanager
def acme(folder: Path) -> Iterator[Acme]:
    """Both, with a zone `ZONE` in which the key ``noc`` may write TXT records."""
    folder.mkdir()
    dns, port, management = _ports(3)
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    authority = Authority()
    chain, key = authority.server("localhost", ends=3_000 * DAY)
    for name, content in (("root.pem", pem(authority.root)), ("server.pem", chain), ("server.key", key)):
        (folder / name).write_bytes(content)
    (folder / "zone").write_text(
        f"{ZONE}. 60 IN SOA ns.{ZONE}. noc.{ZONE}. 1 60 60 60 60\n"
        f"{ZONE}. 60 IN NS ns.{ZONE}.\nns.{ZONE}. 60 IN A 127.0.0.1\n"
    )
    (folder / "knot.conf").write_text(_knot(folder, dns, secret))
    (folder / "run").mkdir()
    address = {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{management}"}
    files = {"certificate": str(folder / "server.pem"), "privateKey": str(folder / "server.key")}
    (folder / "pebble.json").write_text(json.dumps({"pebble": {**address, **files, "httpPort": 5002, "tlsPort": 5001}}))
    # As fast as it can, and without the errors that it makes up for clients' exercise.
    quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    argv = ["pebble", "-strict", "-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}"]
    knotd = shutil.which("knotd") or "/usr/sbin/knotd"
    with (
        _running([knotd, "-c", str(folder / "knot.conf")], folder / "knot.log", dns),
        _running(argv, folder / "pebble.log", port, quick),
    ):
        yield Acme(folder, dns, f"https://localhost:{port}/dir", management, secret, authority)


@contextlib.contextmanager
def refusing_authority(kind: str, status: int) -> Iterator[str]:
    """An authority that takes an account, and answers each order with an error of ACME; gives its directory."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._say(200, {})

        def do_GET(self) -> None:
            here = f"http://127.0.0.1:{self.connection.getsockname()[1]}"
            paths = ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")
            self._say(200, {path: f"{here}/{path}" for path in paths})

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/newAccount":
                self._say(201, {"status": "valid"})
            else:
                self._say(status, {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "not now"})

        def _say(self, code: int, content: dict[str, str]) -> None:
            body = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/problem+json" if code >= 400 else "application/json")
            self.send_header("Replay-Nonce", secrets.token_urlsafe(12))
            self.send_header("Location", f"http://127.0.0.1:{self.connection.getsockname()[1]}/account/1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/dir"
        finally:
            server.shutdown()
            thread.join(10)


def _knot(folder: Path, port: int, secret: str) -> str:
    return f"""\
server:
    rundir: "{folder}/run"
    listen: 127.0.0.1@{port}
database:
    storage: "{folder}/db"
log:
  - target: stderr
    any: info
key:
  - id: noc
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: challenges
    key: noc
    action: update
    update-type: [TXT]
    update-owner: name
    update-owner-match: sub
    update-owner-name: [{ZONE}.]
zone:
  - domain: {ZONE}
    storage: "{folder}"
    file: zone
    acl: challenges
    zonefile-sync: -1
    journal-content: none
"""


def _ports(count: int) -> list[int]:
    """Free for UDP and for TCP; the kernel chooses. Held together, so that no two are the same."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            stream = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            stream.bind(("127.0.0.1", 0))
            datagram = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):
                datagram.bind(stream.getsockname())
                found.append(int(stream.getsockname()[1]))
    return found


@contextlib.contextmanager
def _running(argv: list[str], log: Path, port: int, more: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("wb") as file, subprocess.Popen(argv, stdout=file, stderr=file, env=os.environ | (more or {})) as one:
        try:
            deadline = time.monotonic() + _SECONDS
            while not _listens(port):
                assert one.poll() is None, log.read_text("utf-8", "replace")
                assert time.monotonic() < deadline, f"{argv[0]} does not listen"
                time.sleep(0.05)
            yield
        finally:
            one.terminate()
            one.wait(30)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
