"""Which language a request gets, whatever it sends."""

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, redirect, render_template_string, url_for
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Response

from appliance.faces import formats, languages, web

WITA = ZoneInfo("Asia/Makassar")
WORDS = {
    "jv": {"Bahasa Indonesia": "Basa Jawa", "Halaman tidak ditemukan": "Kaca boten kepanggih"},
    "ban": {"Bahasa Indonesia": "Basa Bali", "besok pukul %(clock)s": "benjang galah %(clock)s"},
    "en": {"Bahasa Indonesia": "English", "Halaman tidak ditemukan": "Page not found"},
}


def _catalogue(folder: Path, code: str, words: dict[str, str]) -> None:
    catalog = Catalog()
    for text, translated in words.items():
        catalog.add(text, translated)
    path = folder / code / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalog)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("translations")
    for code, words in WORDS.items():
        _catalogue(folder, code, words)
    made = Flask("test", static_folder=None)
    web.install(made, web.Face("Desa Sukamaju", "Uji"), timezone="Asia/Makassar", catalogues=folder)

    @made.get("/page")
    def page() -> str:
        return render_template_string(
            '{% extends "faces/base.html" %}{% block main %}{{ url_for("form") }}{% endblock %}'
        )

    @made.post("/form")
    def form() -> Response:
        return redirect(url_for("page"), 303)

    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _lang(client: FlaskClient, path: str = "/page", accepts: str = "") -> str:
    page = client.get(path, headers={"Accept-Language": accepts}).get_data(as_text=True)
    return page.split('<html lang="')[1].split('"')[0]


@pytest.mark.parametrize(
    ("accepts", "code"),
    [
        ("", "id"), ("*", "id"), ("id-ID,id;q=0.9,en;q=0.8", "id"), ("in-ID, en-US;q=0.9", "id"), ("en-US", "en"),
        ("jw, id;q=0.5", "jv"), ("jv-ID", "jv"), ("ban, id;q=0.9", "ban"), ("zh-CN, en;q=0.1, id;q=0.9", "id"),
        ("en;q=0, id", "id"), ("de", "id"), ("\x00,;q=9", "id"), ("," * 4000, "id"), ("en" * 4000, "id"),
    ],
)  # fmt: skip
def test_the_browser_is_asked(client: FlaskClient, accepts: str, code: str) -> None:
    assert _lang(client, accepts=accepts) == code


def test_the_address_counts_for_more_and_is_carried_along(client: FlaskClient) -> None:
    assert _lang(client, "/page?bahasa=ban", accepts="en") == "ban"
    page = client.get("/page?bahasa=ban").get_data(as_text=True)
    assert "/form?bahasa=ban" in page and 'href="/?bahasa=ban"' in page
    assert client.post("/form?bahasa=ban").headers["Location"] == "/page?bahasa=ban"
    assert "bahasa" not in client.post("/form", headers={"Accept-Language": "en"}).headers["Location"]


@example("../../../etc/passwd")
@example("id\r\nSet-Cookie: x=1")
@example("ban" * 5000)
@example('"><script>')
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)  # machines of tests are busy
@given(st.text())
def test_what_is_no_language_of_ours_changes_nothing_and_comes_back_nowhere(client: FlaskClient, value: str) -> None:
    response = client.get("/page", query_string={"bahasa": value}, headers={"Accept-Language": "jv"})
    assert response.status_code == 200
    page = response.get_data(as_text=True)
    if value not in (*WORDS, "id"):
        assert '<html lang="jv">' in page
        assert "<script>" not in page and "passwd" not in page
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("query", ["bahasa", "bahasa=", "bahasa=%ff%fe", "bahasa=jv&bahasa=%00", "bahasa[]=jv", "=&&&"])
def test_odd_queries_do_no_harm(client: FlaskClient, query: str) -> None:
    assert client.get(f"/page?{query}").status_code == 200
    assert client.get(f"/none?{query}").status_code == 404


def test_each_language_stands_on_the_page_in_its_own_name(client: FlaskClient) -> None:
    page = client.get("/page?bahasa=jv").get_data(as_text=True)
    for code, name in (("id", "Bahasa Indonesia"), ("ban", "Basa Bali"), ("en", "English")):
        assert f'<a href="/page?bahasa={code}" lang="{code}" hreflang="{code}">{name}</a>' in page
    assert '<b aria-current="true">Basa Jawa</b>' in page
    assert 'href="/?bahasa=en"' in client.get("/none?bahasa=jv").get_data(as_text=True), "a lost page leads home"


def test_errors_are_in_the_same_language(client: FlaskClient) -> None:
    assert "Page not found" in client.get("/none?bahasa=en").get_data(as_text=True)
    assert "Kaca boten kepanggih" in client.get("/none", headers={"Accept-Language": "jv"}).get_data(as_text=True)


def test_a_language_that_cldr_does_not_know_has_indonesian_dates_and_numbers(app: Flask) -> None:
    now = datetime.datetime(2026, 3, 2, 4, 0, tzinfo=datetime.UTC)
    with app.test_request_context("/?bahasa=ban"):
        assert formats.moment(now + datetime.timedelta(days=1), now, WITA) == "benjang galah 12.00 WITA"
        assert formats.moment(now + datetime.timedelta(days=3), now, WITA) == "Kamis pukul 12.00 WITA"
        assert formats.moment(now + datetime.timedelta(days=30), now, WITA) == "1 April 2026 pukul 12.00 WITA"
        assert formats.number(4210) == "4.210"
    with app.test_request_context("/?bahasa=en"):
        assert formats.number(4210) == "4,210"


def test_a_program_without_catalogues_is_indonesian_throughout(tmp_path: Path) -> None:
    made = Flask("test", static_folder=None)
    web.install(made, web.Face("Desa", "Uji"), timezone="Asia/Makassar", catalogues=tmp_path / "none")
    page = made.test_client().get("/none?bahasa=en", headers={"Accept-Language": "en-US,en"}).get_data(as_text=True)
    assert '<html lang="id">' in page and "Halaman tidak ditemukan" in page and "hreflang" not in page


def test_the_noc_offers_indonesian_alone_and_the_kiosk_five_languages() -> None:
    # Half a page in English is worse than none: the NOC's own texts have no catalogue yet.
    repository = Path(__file__).resolve().parents[4]
    assert languages.load(repository / "noc/web" / "translations") == (languages.SOURCE,)
    found = languages.load(repository / "appliance/kiosk" / "translations")
    assert {each.code for each in found} == {"id", "ban", "en", "jv", "su"}


def test_a_broken_catalogue_is_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _catalogue(tmp_path, "jv", WORDS["jv"])
    for code, content in (("su", b""), ("ban", b"\xde\x12\x04\x95" + b"\xff" * 40), ("en", b"not one")):
        path = tmp_path / code / "LC_MESSAGES" / "messages.mo"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    _catalogue(tmp_path, "Klingon", {})
    assert [one.code for one in languages.load(tmp_path)] == ["id", "jv"]
    for code in ("su", "ban", "en", "Klingon"):
        assert f"{code}/LC_MESSAGES/messages.mo: left out" in caplog.text


def test_outside_of_a_request_it_is_indonesian(app: Flask) -> None:
    with app.app_context():
        assert languages.current() is languages.SOURCE
        assert languages.carried("/") == "/"
