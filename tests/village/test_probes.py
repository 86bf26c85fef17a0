"""Each probe with each method and version of HTTP, and any host: to the portal before login, its true answer after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest

from appliance.core.probes import PROBES
from script.village import plan
from script.village.village import Village
from script.village.walk import Walk
from tests.bench import load

pytestmark = [pytest.mark.root, pytest.mark.village]

PHONE = 2
NAMESPACE = f"desa-phone-{PHONE}"
PORTAL = f"http://{plan.PORTAL_HOST}/"
METHODS = ("GET", "HEAD", "POST")
VERSIONS = ("1.0", "1.1")
# A host as a program may name it, or not at all.
ODD_HOSTS = ("", "198.18.0.80", "10.20.0.1:8080", "[2001:db8::1]", "ANYTHING.Example.", "x" * 250, "täst.example", "*")


def _ask(method: str, version: str, host: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, head and body of one answer, to the end of the connection."""
    lines = [f"{method} {path} HTTP/{version}", "User-Agent: probe", "Connection: close"]
    lines += [f"Host: {host}"] if host else []
    lines += ["Content-Length: 0"] if method == "POST" else []
    answer = b""
    with load.connection(NAMESPACE, (plan.WEB_ADDRESS, 80)) as made:
        made.sendall("\r\n".join([*lines, "", ""]).encode())
        while part := made.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    found = re.match(r"HTTP/1\.[01] (\d{3})", first)
    assert found, answer[:200]
    return int(found[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}, body


@pytest.fixture
def offline(village: Village) -> Iterator[Walk]:
    walk = Walk(village, PHONE)
    walk.fetch(f"{PORTAL}keluar", "-X", "POST", "-d", "")
    yield walk
    walk.fetch(f"{PORTAL}keluar", "-X", "POST", "-d", "")


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(("method", "version"), list(product(METHODS, VERSIONS)))
def test_each_probe_is_led_to_the_portal_before_login(method: str, version: str) -> None:
    for probe in PROBES:
        status, head, body = _ask(method, version, probe.host, probe.path)
        assert (status, head.get("location")) == (302, PORTAL), probe
        assert "no-store" in head.get("cache-control", ""), probe
        if method == "HEAD":
            assert body == b"", probe
        assert body.strip() != probe.body.encode() or not probe.body, probe


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("host", ODD_HOSTS)
def test_any_host_is_led_to_the_portal(host: str) -> None:
    for method in METHODS:
        status, head, _ = _ask(method, "1.0" if not host else "1.1", host, "/some/page?x=1&y=%2f")
        assert (status, head.get("location")) == (302, PORTAL), (method, host)


def test_after_login_each_method_gets_the_true_answer(offline: Walk) -> None:
    offline.accept()
    for probe, method, version in product(PROBES, ("GET", "HEAD"), VERSIONS):
        status, head, body = _ask(method, version, probe.host, probe.path)
        assert status == probe.status, (probe, method, version)
        assert "location" not in head
        assert body == (probe.body.encode() if method == "GET" else b""), (probe, method)
