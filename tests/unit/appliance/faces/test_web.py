"""What every program's pages share."""

import base64
import dataclasses
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, abort, redirect, render_template_string, request
from flask.testing import FlaskClient

from appliance.core.config.village import Timezone, Village, VillageKind
from appliance.core.errors import GateUnavailable, StoreError, StoreFull
from appliance.faces import errors, village, web
from appliance.faces.origin import braked_address, device_address

RAISED: dict[str, Exception] = {
    "full": StoreFull("/var/lib/x.db: full"),
    "store": StoreError("/var/lib/x.db: held"),
    "gate": GateUnavailable("/run/gate.sock"),
    "fault": ZeroDivisionError("rahasia"),
}


def _app(tmp_path: Path, **options: Any) -> Flask:
    made = Flask("test", static_folder=None)
    web.install(
        made, web.Face("Desa Sukamaju", "Uji"), timezone="Asia/Makassar", catalogues=tmp_path / "none", **options
    )

    @made.route("/abort/<int:status>")
    def stop(status: int) -> str:
        abort(status)

    @made.route("/raise/<name>")
    def fail(name: str) -> str:
        raise RAISED[name]

    @made.post("/form")
    def form() -> str:
        return request.form.get("text", "")

    @made.get("/page")
    def page() -> str:
        return render_template_string('{% extends "faces/base.html" %}{% block main %}{{ _("Masuk") }}{% endblock %}')

    return made


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return _app(tmp_path)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    yield app.test_client()


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 418, 429, 500, 502, 503])
def test_every_error_is_a_readable_page_with_its_code(client: FlaskClient, status: int) -> None:
    response = client.get(f"/abort/{status}")
    page = response.get_data(as_text=True)
    assert response.status_code == status
    assert f"Kode: {status}" in page and "Desa Sukamaju" in page and "Ke halaman depan" in page
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("full", 503, "PENYIMPANAN"), ("store", 503, "DATA"), ("gate", 503, "GERBANG"), ("fault", 500, "500")],
)
def test_what_our_programs_raise_is_a_page_and_a_line_in_the_journal(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, name: str, status: int, code: str
) -> None:
    response = client.get(f"/raise/{name}")
    page = response.get_data(as_text=True)
    assert response.status_code == status and code in page
    for inner in ("rahasia", "/var/lib", "/run/", "Traceback"):
        assert inner not in page
    assert caplog.records
    assert "rahasia" not in caplog.text, "a fault's text may be somebody's data"
    assert name != "fault" or "test_web.py" in caplog.text


def test_every_status_with_words_of_its_own_has_both() -> None:
    assert {400, 403, 404, 405, 413, 429, 500, 503} <= set(errors._WORDS)


def test_a_long_body_is_refused_readably(client: FlaskClient) -> None:
    assert client.post("/form", data={"text": "x" * 1000}).status_code == 200
    response = client.post("/form", data={"text": "x" * web.BODY_BYTES_MAX})
    assert response.status_code == 413 and "Kode: 413" in response.get_data(as_text=True)


def test_a_405_says_which_methods_are_allowed(client: FlaskClient) -> None:
    response = client.get("/form")
    assert response.status_code == 405 and "POST" in response.headers["Allow"]


@pytest.mark.parametrize("host", ["", "bad host", "a/b", "a" * 300, "[::1", "x\x7f"])
def test_any_host_header_gets_a_readable_answer(client: FlaskClient, host: str) -> None:
    for method in ("GET", "POST"):
        response = client.open("/abort/404", method=method, headers={"Host": host, "Origin": "http://x"})
        assert response.status_code in (400, 403, 404, 405)
        assert "Kode:" in response.get_data(as_text=True)


@pytest.mark.parametrize(
    "headers",
    [{"Accept-Language": "\x00,;q=9"}, {"Cookie": "sesi-test=\xff" * 9}, {"Content-Length": "x"}, {"Range": "x"}],
)
def test_odd_headers_do_no_harm(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/page", headers=headers).status_code == 200


def test_static_files_are_kept_for_a_year_under_their_hash_only(client: FlaskClient) -> None:
    page = client.get("/page").get_data(as_text=True)
    address = re.search(r'href="(/faces/tokens\.css\?v=[0-9a-f]{12})"', page)
    assert address is not None
    for path, kept in ((address[1], "public, max-age=31536000, immutable"), ("/faces/tokens.css?v=0", "no-cache")):
        with client.get(path) as response:
            assert (response.status_code, response.headers["Cache-Control"]) == (200, kept)
    assert client.get("/faces/none.css?v=1").headers["Cache-Control"] == "no-store"
    assert client.get("/page").headers["Cache-Control"] == "no-store"


def test_the_style_in_the_page_is_the_one_the_policy_allows(tmp_path: Path) -> None:
    response = _app(tmp_path, inline_style=True).test_client().get("/page")
    style = re.search(r"<style>(.*?)</style>", response.get_data(as_text=True), flags=re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_with_https_cookies_and_transport_are_bound_to_it(tmp_path: Path) -> None:
    app = _app(tmp_path, https=True)
    assert app.config["SESSION_COOKIE_SECURE"] and app.config["SESSION_COOKIE_NAME"] == "__Host-sesi-test"
    assert "max-age" in app.test_client().get("/page").headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in _app(tmp_path).test_client().get("/page").headers


def test_another_language_is_a_catalogue_in_the_programs_folder(tmp_path: Path) -> None:
    folder = tmp_path / "translations" / "jv" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    po = tmp_path / "messages.po"
    po.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Masuk"\nmsgstr "Mlebu"\n')
    with po.open("rb") as source, (folder / "messages.mo").open("wb") as target:
        write_mo(target, read_po(source, locale="jv"))
    app = Flask("test", static_folder=None)
    web.install(app, web.Face("Desa", "Uji"), timezone="Asia/Jakarta", catalogues=tmp_path / "translations")
    app.add_url_rule(
        "/",
        view_func=lambda: render_template_string(
            '{% extends "faces/base.html" %}{% block main %}{{ _("Masuk") }}{% endblock %}'
        ),
    )
    client = app.test_client()
    javanese = client.get("/", headers={"Accept-Language": "jv, id;q=0.5"}).get_data(as_text=True)
    assert "Mlebu" in javanese and '<html lang="jv">' in javanese
    for accepted in ("id", "en-US", "", "*"):
        assert "Masuk" in client.get("/", headers={"Accept-Language": accepted}).get_data(as_text=True)


def test_the_device_is_whom_nginx_names_or_the_connection(app: Flask) -> None:
    sent = {"X-Real-IP": "10.20.0.7", "X-Forwarded-For": "1.2.3.4"}
    with app.test_request_context("/", headers=sent, environ_base={"REMOTE_ADDR": "10.20.0.9"}):
        assert device_address(request, over_unix_socket=True) == "10.20.0.7"
        assert device_address(request, over_unix_socket=False) == "10.20.0.9"
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": ""}):
        assert device_address(request, over_unix_socket=True) == device_address(request, over_unix_socket=False) == ""


@pytest.mark.parametrize(
    ("connection", "named", "behind_proxy", "found"),
    [
        ("127.0.0.1", "203.0.113.7", True, "203.0.113.7"),
        ("::1", "203.0.113.7", True, "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7", False, "127.0.0.1"),
        ("192.0.2.5", "203.0.113.7", True, "192.0.2.5"),
        ("127.0.0.1", "", True, "127.0.0.1"),
        ("127.0.0.1", "2001:db8:1:2:3:4:5:6", True, "2001:db8:1:2::/64"),
        ("127.0.0.1", "::ffff:203.0.113.7", True, "203.0.113.7"),
        ("127.0.0.1", "nonsense", True, "?"),
        ("", "203.0.113.7", True, "?"),
    ],
)
def test_failed_logins_are_counted_for_whom_the_proxy_names(
    app: Flask, connection: str, named: str, behind_proxy: bool, found: str
) -> None:
    with app.test_request_context("/", headers={"X-Real-IP": named}, environ_base={"REMOTE_ADDR": connection}):
        assert braked_address(request, over_unix_socket=False, behind_proxy=behind_proxy) == found


def test_names_of_units(app: Flask) -> None:
    desa = Village("Sukamaju", "51.03.01.2001", "Kuta", "Kabupaten Badung", "Bali", Timezone.WITA)
    with app.test_request_context():
        assert [village.title(dataclasses.replace(desa, kind=kind)) for kind in VillageKind] == [
            "Desa Sukamaju",
            "Kelurahan Sukamaju",
            "Desa Adat Sukamaju",
        ]
        assert village.office(desa) == "Kantor Desa"


def test_a_redirect_says_so_in_indonesian(tmp_path: Path) -> None:
    app = _app(tmp_path)

    @app.get("/moved")
    def moved() -> Any:
        return redirect('/page?"><b>', 303)

    response = app.test_client().get("/moved")
    body = response.get_data(as_text=True)
    assert response.status_code == 303 and response.headers["Location"]
    assert "Halaman ini pindah" in body and "Redirect" not in body and "<b>" not in body


def test_a_fault_names_whom_to_tell(tmp_path: Path) -> None:
    app = Flask("test", static_folder=None)
    face = web.Face("NOC", "Uji", helper="pengelola server NOC")
    web.install(app, face, timezone="Asia/Makassar", catalogues=tmp_path / "none")

    @app.get("/full")
    def full() -> str:
        raise RAISED["full"]

    @app.get("/fault")
    def fault() -> str:
        raise RAISED["fault"]

    for path in ("/full", "/fault"):
        assert "pengelola server NOC" in app.test_client().get(path).get_data(as_text=True)
