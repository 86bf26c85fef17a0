"""With a certificate that phones trust DHCP tells option 114 and TLS answers; with any other neither happens."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.config import Config, parse
from appliance.network import nftables, nginx
from appliance.network.render import render
from appliance.system import certificate
from appliance.system.certificate import WallClock
from appliance.system.roots import Roots
from tests.authority import DAY, Authority, pem
from tests.contract.small_village import HUB, HUB_TOML, SmallVillage, run, small_village, wait_until

pytestmark = pytest.mark.root
HOST = "masuk.sukamaju.desa.id"
API = f"https://{HOST}/captive-portal/api"
LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
echo "$opt114" >"$FOLDER/opt114"
echo "$ip" >"$FOLDER/ip"
"""


@pytest.fixture
def config() -> Config:
    return parse(HUB_TOML + f'[portal]\nhost = "{HOST}"\n')


@pytest.fixture
def village(own_network: None, tmp_path: Path) -> Iterator[SmallVillage]:
    with small_village(tmp_path) as made:
        yield made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(datetime.datetime.now(datetime.UTC))
    made.trust(tmp_path / "etc")
    return made


def delivered(authority: Authority, case: str) -> tuple[bytes, bytes] | None:
    good = authority.server(HOST)
    return {
        "none": None,
        "valid": good,
        "expired": authority.server(HOST, begins=-90 * DAY, ends=-DAY),
        "about to expire": authority.server(HOST, begins=-90 * DAY, ends=DAY),
        "another name": authority.server("masuk.lain.desa.id"),
        "another key": (good[0], authority.server(HOST)[1]),
        "self-signed": authority.server(HOST, self_signed=True),
        "unknown authority": Authority(authority.now).server(HOST),
    }[case]


def ask_dhcp(village: SmallVillage) -> tuple[str, str]:
    """Join as a phone that asks for option 114: the address, and the option's text."""
    script = village.folder / "lease.sh"
    script.write_text(LEASE_SCRIPT)
    script.chmod(0o755)
    subprocess.run(
        ["nsenter", "--target", str(village.phone), "--net", "busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0",
         "-t", "10", "-T", "1", "-O", "114", "-s", str(script)],
        env={"FOLDER": str(village.folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        check=True, timeout=40, capture_output=True,
    )  # fmt: skip
    option = (village.folder / "opt114").read_text().strip()
    return (village.folder / "ip").read_text().strip(), bytes.fromhex(option).decode()


@contextlib.contextmanager
def web(village: SmallVillage, config: Config, pem_text: str, names: tuple[str, ...] = ()) -> Iterator[None]:
    """The real nginx, with a portal and a kiosk behind it that say which header came."""
    folder = village.folder
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    text = nginx.render(config, https=bool(pem_text), https_names=names)
    (folder / "portal.pem").write_text(pem_text)
    (folder / "run").mkdir()
    for old, new in (
        (nginx.CERTIFICATE, folder / "portal.pem"), (nginx.PORTAL_SOCKET, folder / "portal.sock"),
        (nginx.KIOSK_SOCKET, folder / "kiosk.sock"), ("/run/desahub-web", folder / "run"),
    ):  # fmt: skip
        text = text.replace(old, str(new))
    (folder / "nginx.conf").write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    argv = [program, "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with _behind(folder / "portal.sock"), _behind(folder / "kiosk.sock"), subprocess.Popen(argv) as process:
        try:
            wait_until(lambda: (folder / "run/nginx.pid").exists() or process.poll() is not None, "nginx")
            assert process.poll() is None
            yield
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def _behind(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as program:
        program.bind(str(path))
        program.listen()
        path.chmod(0o666)
        thread = threading.Thread(target=_tell_tls, args=(program,))
        thread.start()
        try:
            yield
        finally:
            program.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _tell_tls(portal: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = portal.accept()
            with connection:
                asked = connection.recv(65536).decode().lower()
                word = asked.partition("\r\nx-desa-tls: ")[2].partition("\r\n")[0]
                path = asked.split()[1]
                told = {"yes": "by tls", "offered": "offered"}.get(word, "plainly") + ("" if path == "/" else path)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n"
                connection.sendall(f"{head}{told}".encode())


def answer(
    village: SmallVillage,
    authority: Authority,
    name: str = HOST,
    *,
    version: ssl.TLSVersion | None = None,
    path: str = "/",
) -> str:
    """Ask by TLS as a phone that knows the test's authority: what the portal was told, or the failure's name."""
    context = ssl.create_default_context(cadata=pem(authority.root).decode())
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with village.socket_in(village.phone) as plain:
        plain.settimeout(5)
        try:
            plain.connect((HUB, 443))
            with context.wrap_socket(plain, server_hostname=name) as connection:
                connection.sendall(
                    f"GET {path} HTTP/1.1\r\nHost: {name}\r\nX-Desa-TLS: no\r\nConnection: close\r\n\r\n".encode()
                )
                return b"".join(iter(lambda: connection.recv(4096), b"")).decode().rpartition("\r\n")[2].strip()
        except OSError as error:
            return type(error).__name__


@pytest.mark.parametrize(
    "case",
    ["valid", "none", "expired", "about to expire", "another name", "another key", "self-signed", "unknown authority"],
)
def test_option_114_and_tls_only_with_a_certificate_that_phones_trust(
    village: SmallVillage, config: Config, authority: Authority, case: str
) -> None:
    roots = Roots.under(village.folder)
    pair = delivered(authority, case)
    if pair is not None:
        certificate.folder(roots).mkdir(parents=True)
        (certificate.folder(roots) / certificate.CHAIN_FILE).write_bytes(pair[0])
        (certificate.folder(roots) / certificate.KEY_FILE).write_bytes(pair[1])
        (certificate.folder(roots) / certificate.KEY_FILE).chmod(0o600)
    found = certificate.look(config, roots, WallClock(authority.now, WallQuality.NTP))
    assert found.is_usable is (case == "valid")
    files = {file.path: file.text for file in render(config, https=found.is_usable)}
    run("nft", "-f", "-", text=nftables.render(config))
    village.dnsmasq(files["dnsmasq.conf"])
    with web(village, config, found.pem):
        address, option = ask_dhcp(village)
        run("ip", "address", "add", f"{address}/20", "dev", "eth0", inside=village.phone)
        assert village.resolves(HOST) == [HUB]
        if case == "valid":
            assert option == API
            for version in (None, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                assert answer(village, authority, version=version) == "by tls"
            assert answer(village, authority, "lain.desa.id") == "SSLError", "no lie about another name"
        else:
            assert option == ""
            assert answer(village, authority) == "ConnectionRefusedError", "told at once, not by a silence"
        with village.socket_in(village.phone) as plain:
            plain.connect((HUB, 80))
            plain.sendall(f"GET / HTTP/1.0\r\nHost: {HOST}\r\nX-Desa-TLS: yes\r\n\r\n".encode())
            assert plain.recv(4096).decode().rpartition("\r\n")[2].strip() == "plainly"


def plainly(village: SmallVillage, name: str, path: str = "/") -> str:
    """Ask without TLS, with a header that only nginx may write."""
    with village.socket_in(village.phone) as plain:
        plain.settimeout(5)
        plain.connect((HUB, 80))
        plain.sendall(f"GET {path} HTTP/1.0\r\nHost: {name}\r\nX-Desa-TLS: yes\r\n\r\n".encode())
        return b"".join(iter(lambda: plain.recv(4096), b"")).decode().rpartition("\r\n")[2].strip()


@pytest.mark.parametrize("is_covered", [True, False])
def test_residents_pages_and_the_check_of_letters_by_tls_where_the_certificate_is_for_their_names(
    village: SmallVillage, authority: Authority, is_covered: bool
) -> None:
    kiosk, check, token = "layanan.sukamaju.desa.id", "cek.sukamaju.desa.id", "Abcdefghijklmnopqrst-_"
    names = f'[portal]\nhost = "{HOST}"\n[kiosk]\nhost = "{kiosk}"\n[letters]\nverification_host = "{check}"\n'
    config = parse(HUB_TOML + names)
    roots = Roots.under(village.folder)
    certificate.folder(roots).mkdir(parents=True)
    pair = authority.server(HOST, *((kiosk, check) if is_covered else ()))
    for name, content in ((certificate.CHAIN_FILE, pair[0]), (certificate.KEY_FILE, pair[1])):
        (certificate.folder(roots) / name).write_bytes(content)
        (certificate.folder(roots) / name).chmod(0o600)
    found = certificate.look(config, roots, WallClock(authority.now, WallQuality.NTP))
    assert found.names == ((HOST, kiosk, check) if is_covered else (HOST,))
    run("nft", "-f", "-", text=nftables.render(config))
    village.give_address()
    with web(village, config, found.pem, found.names):
        assert answer(village, authority) == "by tls"
        if is_covered:
            assert answer(village, authority, kiosk) == "by tls"
            assert answer(village, authority, check, path=f"/{token}") == f"by tls/cek/{token}".lower()
            assert plainly(village, kiosk) == "offered"
        else:
            assert [answer(village, authority, name) for name in (kiosk, check)] == ["SSLError", "SSLError"]
            assert plainly(village, kiosk) == "plainly"
        assert plainly(village, check, f"/{token}") == f"plainly/cek/{token}".lower()
        assert plainly(village, check) == "plainly/cek"
        for elsewhere in ("/kantor/masuk", "/surat", "/cekx", "/masuk-warga", "/cek/../kantor/"):
            assert "Permintaan tidak dapat dibaca" in plainly(village, check, elsewhere)


def test_443_to_elsewhere_is_never_answered_by_the_hub(village: SmallVillage, config: Config) -> None:
    run("nft", "-f", "-", text=nftables.render(config))
    village.give_address()
    village.greet(village.internet, 443, b"internet")
    village.greet(None, 443, b"hub")
    assert village.reaches("198.18.0.1", 443) in ("TimeoutError", "ConnectionRefusedError", "ConnectionResetError")
