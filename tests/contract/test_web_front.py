"""The real nginx with the rendered configuration: what a phone, a mistaken program and a liar get."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from appliance.core import config as hub_config
from appliance.core.config import Config
from appliance.network import nginx

pytestmark = pytest.mark.root
HUB_TOML = Path(__file__).parents[1] / "golden/rendered/full/hub.toml"
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
    with serving(nginx.render(config), tmp_path) as folder:
        yield folder


@contextmanager
def serving(text: str, tmp_path: Path) -> Iterator[Path]:
    """nginx with the configuration ``text``, but for its sockets and its temporary folder."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    for path in (nginx.PORTAL_SOCKET, nginx.KIOSK_SOCKET, nginx.PRACTICE_SOCKET):
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


def odd(host: str = "x") -> list[bytes]:
    """Requests that no browser sends, to ``host``."""
    name = host.encode()
    many = "".join(f"X-A{number}: 1\r\n" for number in range(200))
    return [
        get("captive.apple.com", "/hotspot-detect.html"),
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        get("a b{}"),
        get("\x01"),
        get("_", "/%00"),
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        *(get(host, "/" + "a" * length) for length in (3_900, 4_080, 4_100, 5_000, 8_000, 20_000)),
        *(get(host, path) for path in (
            "/%ff%00%c0", "/%zz", "//evil.example/%2f..", "/?" + "[]{}|^`" * 9, "/a%0d%0aX: y",
        )),
        *(get(host, "/", f"{head}\r\n") for head in (
            "Cookie: " + "a" * 4_060, "Cookie: " + "a" * 9_000, "Cookie: " + "a" * 40_000, "X-A: a\x01b", "X-A : b",
            "X-A: b\r\n c", "Range: bytes=999999-", "Expect: foo", "Upgrade: websocket", "If-Match: \"x\"",
            "Content-Length: 1\r\nContent-Length: 2", "Content-Type: multipart/form-data",
        )),
        get(host, "/", many),
        *(get(host, "/faces/tokens.css", head) for head in (
            'If-Match: "x"\r\n', "If-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT\r\n", "Range: bytes=999999-\r\n",
        )),
        *(get(host).replace(b"GET", method, 1) for method in (
            b"TRACE", b"BREW", b"PROPFIND", b"PUT", b"DELETE", b"OPTIONS", b"A_B-C", b"get", b"A" * 60, b"GE",
        )),
        b"OPTIONS * HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % name,
        b"CONNECT x:443 HTTP/1.1\r\nHost: %s\r\n\r\n" % name,
        b"GET http://evil.example/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % name,
        b"GET /\xff\xc0?\xff=\xff HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % name,
        b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nCookie: sesi=\xff\xfe\r\n\r\n" % name,
        b"GET / HTTP/9.9\r\nHost: %s\r\n\r\n" % name,
        *(b"POST /keluar HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s" % (name, rest) for rest in (
            b"Content-Length: 99999999\r\n\r\n",
            b"Content-Length: -1\r\n\r\n",
            b"Transfer-Encoding: nonsense\r\n\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        )),
    ]  # fmt: skip


@pytest.mark.parametrize("port", [8080, 80])
def test_every_request_is_led_to_the_portal(web: Path, port: int) -> None:
    wrong = {}
    for request in odd():
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


@pytest.fixture(scope="module")
def program_sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Portal and kiosk as they run on a hub, with the real gunicorn."""
    folder = tmp_path_factory.mktemp("programs")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    (folder / "proc/sys/kernel/random").mkdir(parents=True)
    (folder / "proc/net").mkdir()
    (folder / "proc/net/arp").write_text("IP address  HW type  Flags  HW address  Mask  Device\n", "ascii")
    (folder / "proc/sys/kernel/random/boot_id").write_text("0c9d3f5e-6b1a-4b7e-9a50-2f0a1c3e5d77\n", "ascii")
    with ExitStack() as stack:
        sockets = {}
        for name, module in (("portal", "captive_portal"), ("kiosk", "appliance.kiosk")):
            sockets[name] = folder / f"{name}.sock"
            (folder / name).mkdir()
            argv = [sys.executable, "-m", module, "--config", str(HUB_TOML), "--roots", str(folder)]
            argv += ["--state-directory", str(folder / name), "--gate-socket", str(folder / "no-gate.sock")]
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen([*argv, "--bind", f"unix:{sockets[name]}"], stdout=log, stderr=log)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
            deadline = time.monotonic() + 30
            while not sockets[name].exists():
                assert process.poll() is None, (folder / f"{name}.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield sockets


@pytest.mark.parametrize(("name", "host"), [("portal", PORTAL), ("kiosk", KIOSK)])
def test_no_request_gets_a_servers_own_english_page(
    web: Path, program_sockets: dict[str, Path], name: str, host: str
) -> None:
    (web / f"desahub-{name}.sock").symlink_to(program_sockets[name])
    wrong = {}
    for request in odd(host):
        head, _, body = said(80, request).partition("\r\n\r\n")
        moved = re.match(r"HTTP/1.1 30[0-9] ", head)
        style = "\r\nContent-Type: text/css" in head
        if not (moved or style or (head.startswith("HTTP/1.1 ") and 'lang="id"' in body and "Traceback" not in body)):
            wrong[request[:90]] = head + body[:200]
    assert wrong == {}


@pytest.mark.parametrize("name", ["portal", "kiosk"])
def test_what_slips_through_nginx_gets_the_programs_own_readable_page(
    program_sockets: dict[str, Path], name: str
) -> None:
    for request in (
        b"\x00\r\n\r\n",
        b"A" * 60 + b" / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/7\r\n\r\n",
    ):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(program_sockets[name]))
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        assert answer.startswith("HTTP/1.1 400 "), answer
        assert 'lang="id"' in answer


def test_a_hung_portal_is_told_within_seconds(web: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(web / "desahub-portal.sock"))
        (web / "desahub-portal.sock").chmod(0o666)
        hung.listen()
        begun = time.monotonic()
        assert "Layanan sedang disiapkan" in said(80, get(PORTAL))
        assert time.monotonic() - begun < 7


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


def test_the_practice_mode_is_for_the_office_alone_and_its_errors_say_what_they_are(web: Path) -> None:
    host = f"latihan.{KIOSK}"
    assert "<b>LATIHAN Desa" in said(80, get(host), "10.30.0.1", "10.30.0.1"), "nobody answers"
    echo = Echo(web / "desahub-practice.sock")
    try:
        assert "X-Desa-Place: office" in said(80, get(host), "10.30.0.1", "10.30.0.1")
        for address in ("10.20.0.1", "127.0.0.1"):
            for path in ("/", "/latihan", "/kantor/"):
                assert said(80, get(host, path), address, address).startswith("HTTP/1.1 400 "), address
        # The real services' name does not lead there, wherever one is.
        assert "Layanan sedang disiapkan" in said(80, get(KIOSK), "10.30.0.1", "10.30.0.1")
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


def test_a_handshake_for_the_portal_opens_nothing_else(own_network: None, tmp_path: Path) -> None:
    """What a device asks for behind the portal's name in the handshake is led to the portal, however it is asked."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    golden = HUB_TOML.parents[1] / "https"
    host = hub_config.parse((golden / "hub.toml").read_text("utf-8")).portal.host
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    made += ["-subj", f"/CN={host}", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt")]
    subprocess.run(made, check=True, timeout=30, capture_output=True)
    (tmp_path / "portal.pem").write_text((tmp_path / "key").read_text() + (tmp_path / "crt").read_text())
    text = (golden / "nginx.conf").read_text("utf-8").replace(nginx.CERTIFICATE, str(tmp_path / "portal.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with serving(text, tmp_path):
        for request in (
            get("evil.example"),
            get(KIOSK, "/kantor/"),
            b"GET / HTTP/1.1\r\n\r\n",
            b"BREW / HTTP/1.0\r\n\r\n",
        ):
            with (
                socket.create_connection(("127.0.0.1", 443), 5) as plain,
                context.wrap_socket(plain, server_hostname=host) as made_safe,
            ):
                made_safe.sendall(request)
                answer = made_safe.recv(65_536).decode()
            assert answer.startswith("HTTP/1.1 302 "), answer
            assert f"\nLocation: https://{host}/\r" in answer and "Welcome" not in answer
        assert said(443, get("evil.example")).startswith("HTTP/1.1 302 "), "without TLS too"
