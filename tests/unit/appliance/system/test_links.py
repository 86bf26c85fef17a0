"""What an interface has, and whether the web front answers."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import netifaces
import pytest

from appliance.system import links, web_front


def test_loopback_has_a_link_and_an_address_but_no_gateway() -> None:
    assert links.look("lo") == links.Link(True, "127.0.0.1", None)


def test_an_interface_that_is_not_there_has_nothing() -> None:
    assert links.look("tidak-ada") == links.Link(False, None, None)


def test_a_carrier_is_the_kernels_word() -> None:
    assert links.has_carrier("lo")
    assert not links.has_carrier("tidak-ada")


def test_only_a_gateway_behind_this_interface_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = {netifaces.AF_INET: [("192.0.2.1", "eth9", True), ("192.0.2.2", "lo", False)]}
    monkeypatch.setattr(netifaces, "gateways", lambda: routes)
    assert links.look("lo").gateway == "192.0.2.2"
    monkeypatch.setattr(netifaces, "gateways", dict)
    assert links.look("lo").gateway is None


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = {"bagus.desa": 200, "pindah.desa": 302, "ditolak.desa": 403}.get(self.headers["Host"], 502)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("host", "wanted"), [("bagus.desa", True), ("pindah.desa", True), ("ditolak.desa", True), ("rusak.desa", False)]
)
def test_a_page_answers_or_not(front: str, host: str, wanted: bool) -> None:
    assert web_front.answers(host, front) is wanted


def test_silence_is_no_answer() -> None:
    assert web_front.answers("masuk.desa", "127.0.0.1:9") is False
