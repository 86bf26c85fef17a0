"""The real nginx with the rendered configuration: what a phone, a mistaken program and a liar get."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import Config
from appliance.network import nginx

pytestmark = pytest.mark.root
PORTAL, KIOSK = "masuk.sukamaju.internal", "layanan.sukamaju.internal"


class Echo:
    """A program behind nginx that answers with the request it got."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        path.chmod(0o666)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                got = connection.recv(65536)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(got)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + got)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def web(own_network: None, config: Config, tmp_path: Path) -> Iterator[Path]:
    """nginx in a network of its own; yields the folder in which the programs' sockets belong."""
    for command in ("link set lo up", "address add 10.30.0.1/24 dev lo", "address add 10.20.0.1/20 dev lo"):
        subprocess.run(["ip", *command.split()], check=True, timeout=10)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    text = nginx.render(config)
    for path in (nginx.PORTAL_SOCKET, nginx.KIOSK_SOCKET):
        text = text.replace(path, str(tmp_path / Path(path).name))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (tmp_path / "nginx.conf").write_text(text.replace("/run/desahub-web", str(temporary)))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with subprocess.Popen(
        [program, "-e", "stderr", "-c", str(tmp_path / "nginx.conf")], stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + 10
            while not (temporary / "nginx.pid").exists() or not said(8080, b"GET / HTTP/1.0\r\n\r\n"):
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.02)
            yield tmp_path
        finally:
            process.terminate()
            process.wait(10)


def said(port: int, request: bytes, source: str = "127.0.0.1", host: str = "127.0.0.1") -> str:
    received = b""
    try:
        with socket.create_connection((host, port), 5, (source, 0)) as connection:
            connection.settimeout(10)
            connection.sendall(request)
            while chunk := connection.recv(65536):
                received += chunk
    except ConnectionError:
        pass  # not there yet, or reset after the answer, since our request was never finished
    return received.decode("utf-8")


def get(host: str, path: str = "/", extra: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{extra}\r\n".encode()


ODD = [
    get("captive.apple.com", "/hotspot-detect.html"),
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    get("a b{}"),
    get("\x01"),
    get("_", "/%00"),
    get("x", "/" + "a" * 20_000),
    get("x", "/", "Cookie: " + "a" * 40_000 + "\r\n"),
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
]


@pytest.mark.parametrize("port", [8080, 80])
def test_every_request_is_led_to_the_portal(web: Path, port: int) -> None:
    wrong = {}
    for request in ODD:
        answer = said(port, request)
        right = (
            answer.startswith("HTTP/1.1 302 ")
            and f"\r\nLocation: http://{PORTAL}/\r\n" in answer
            and "\r\nCache-Control: no-store\r\n" in answer
            and "\r\nConnection: close\r\n" in answer
        )
        if not right:
            wrong[request[:60]] = answer[:300]
    assert wrong == {}


def test_the_programs_get_what_the_connection_says_and_no_lies(web: Path) -> None:
    lies = (
        "X-Real-IP: 6.6.6.6\r\nX-Desa-Place: hall\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\n"
        "X-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nProxy: evil\r\nX_Real_IP: 6.6.6.6\r\n"
    )
    places = {
        ("127.0.0.1", "127.0.0.1"): "hall",
        ("10.30.0.1", "10.30.0.1"): "office",
        ("10.20.0.1", "10.20.0.1"): "resident",
    }
    for name, host in (("portal", PORTAL), ("kiosk", KIOSK)):
        echo = Echo(web / f"desahub-{name}.sock")
        try:
            for (source, to), place in places.items():
                answer = said(80, get(host, "/kantor", lies), source, to).lower()
                assert f"x-real-ip: {source}\r\n" in answer
                assert f"x-desa-place: {place}\r\n" in answer
                assert f"\r\nhost: {host}\r\n" in answer
                assert "6.6.6.6" not in answer
                assert "evil" not in answer
                assert "x-forwarded" not in answer
        finally:
            echo.close()


def test_the_boxs_own_screen_reaches_the_kiosk_as_localhost(web: Path) -> None:
    echo = Echo(web / "desahub-kiosk.sock")
    try:
        for host in ("localhost", "127.0.0.1"):
            assert "X-Desa-Place: hall" in said(80, get(host))
    finally:
        echo.close()


def test_errors_are_readable_indonesian_pages(web: Path) -> None:
    large = f"POST / HTTP/1.1\r\nHost: {PORTAL}\r\nContent-Length: 9999999\r\nConnection: close\r\n\r\n".encode()
    for request, status, words in (
        (get(PORTAL), "503", "Layanan sedang disiapkan"),
        (large, "413", "Kiriman terlalu besar"),
        (get(PORTAL, "/", "Cookie: " + "a" * 9_000 + "\r\n"), "400", "Permintaan tidak dapat dibaca"),
    ):
        answer = said(80, request)
        assert answer.startswith(f"HTTP/1.1 {status} "), answer[:200]
        assert words in answer
        assert "Content-Security-Policy: default-src 'none'; style-src 'sha256-" in answer
        assert "nginx/" not in answer
