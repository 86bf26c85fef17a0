"""Forms of all sizes, cookies that were kept or made up, a full queue before the logins: words, and nobody gets in."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from appliance.kiosk.app import create_app, services
from tests.unit.appliance.kiosk.citizen.conftest import Hall, hall  # noqa: F401 - a fixture
from tests.unit.appliance.kiosk.citizen.people import PIN, WAYAN
from tests.unit.appliance.kiosk.conftest import CHEAP, Visitor, World

HEADERS = {"X-Desa-Place": "hall", "X-Real-IP": "127.0.0.1"}


def _words(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"kode=" + b"9" * 10_000_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"k%d=1" % number for number in range(10_000)), "application/x-www-form-urlencoded"),
        (b"kode=%" + b"%%" * 30_000, "application/x-www-form-urlencoded"),
        (
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 1_200 + b"--x--",
            "multipart/form-data; boundary=x",
        ),
        (
            b"--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n" + b"1" * 60_000,
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\n" * 10_000, "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data; boundary=" + "y" * 5_000),
        (b"x", "multipart/form-data"),
        (b"[" * 60_000, "application/json"),
    ],
    ids=[
        "10 MB",
        "10,000 fields",
        "percents",
        "many parts",
        "no end",
        "empty parts",
        "long boundary",
        "no boundary",
        "deep",
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # werkzeug leaves a part without an end
def test_a_form_of_any_size_and_shape_is_answered(visitor: Visitor, body: bytes, kind: str) -> None:
    for path in ("/masuk-warga", "/kantor/masuk", "/cek", "/surat/lacak", "/layar/tutup", "/kantor/api/v1/letters"):
        answer = visitor.client.post(path, data=body, content_type=kind, headers=HEADERS, buffered=True)
        # The end of a session does not read what is sent, and the API nothing without a token.
        is_unread = (path, answer.status_code) in (("/layar/tutup", 303), ("/kantor/api/v1/letters", 401))
        assert is_unread or answer.status_code == (413 if len(body) > 10_000_000 else 400) or answer.status_code == 413
        assert "Traceback" not in answer.text and len(answer.data) < 60_000


def _cookies(visitor: Visitor) -> list[tuple[str, str]]:
    return [(each.key, each.value) for each in (visitor.client._cookies or {}).values()]


def _with(visitor: Visitor, cookies: list[tuple[str, str]], path: str, **headers: str) -> Any:
    visitor.forget()
    said = "; ".join(f"{name}={value}" for name, value in cookies)
    return visitor.get(path, Cookie=said, **headers)


def test_a_cookie_that_was_kept_opens_nothing_after_the_end(hall: Hall) -> None:  # noqa: F811 - the fixture
    hall.enter()
    kept = _cookies(hall.visitor)
    assert hall.get("/surat/saya").status_code == 200
    hall.send("/keluar-warga", {}, page="/surat/saya")
    assert _with(hall.visitor, kept, "/surat/saya").location in ("/masuk-warga", "/")
    hall.visitor.place = "office"
    hall.put_in_front("siti", "operator")
    kept = _cookies(hall.visitor)
    assert hall.get("/kantor/warga/").status_code == 200
    hall.send("/kantor/keluar", {}, page="/kantor/")
    assert _with(hall.visitor, kept, "/kantor/warga/").location == "/kantor/masuk"


def test_what_was_begun_in_the_open_is_nothing_by_tls_and_no_login_keeps_what_was_before(hall: Hall) -> None:  # noqa: F811
    before = hall.get("/masuk-warga").headers["Set-Cookie"]
    hall.enter()
    cookies = _cookies(hall.visitor)
    assert cookies and all(f"{name}={value}" not in before for name, value in cookies), "the session was not made anew"
    assert hall.visitor.client._cookies
    hall.visitor.place = "resident"
    answer = _with(hall.visitor, cookies, "/surat/saya", **{"X-Desa-TLS": "yes"})
    assert answer.location == "/masuk-warga"
    renamed = [(f"__Host-{name}", value) for name, value in cookies]
    assert _with(hall.visitor, renamed, "/surat/saya", **{"X-Desa-TLS": "yes"}).location == "/masuk-warga"


def test_a_made_up_cookie_is_none(hall: Hall) -> None:  # noqa: F811
    hall.enter()
    ((name, value),) = _cookies(hall.visitor)
    body, _, rest = value.partition(".")
    forged = [
        value[:-1] + ("A" if value[-1] != "A" else "B"),
        f"{body}A.{rest}",
        "",
        "e30.e30.e30",
        "\x7f" * 9,
        "." * 4_000,
    ]
    for each in forged:
        assert _with(hall.visitor, [(name, each)], "/surat/saya").location in ("/masuk-warga", "/")


def test_a_full_queue_is_said_in_words_at_both_logins(hall: Hall, world: World) -> None:  # noqa: F811
    for _ in range(9):
        CHEAP._places.acquire()
    try:
        hall.visitor.client = create_app(world.kiosk(), services()).test_client()
        for path, form in (
            ("/masuk-warga", {"nik": WAYAN, "pin": PIN}),
            ("/kantor/masuk", {"name": "siti", "password": "x"}),
        ):
            answer = hall.send(path, form)
            assert answer.status_code == 503 and answer.headers["Retry-After"] == "10"
            assert "Sedang ramai" in _words(answer)
    finally:
        for _ in range(9):
            CHEAP._places.release()
    assert hall.enter().status_code == 303
