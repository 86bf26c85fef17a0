"""A resident comes in with NIK and PIN, from where that is safe, and goes out again."""

import threading
from typing import Any

import pytest

from appliance.kiosk.residents.codes import StatusDasar
from appliance.store.slow_hash import Cost, SlowHash
from tests.unit.appliance.kiosk.citizen.conftest import words
from tests.unit.appliance.kiosk.citizen.people import MADE, PIN, STRANGER, WAYAN

NEW = "739105"


def test_login_leads_on_and_logging_out_leaves_nothing(hall: Any) -> None:
    assert hall.get("/pin").headers["Location"] == "/masuk-warga"
    assert hall.enter().headers["Location"] == "/pin"
    assert "Pilih PIN baru" in words(hall.get("/pin"))
    kept = hall.visitor.client.get_cookie("sesi-kiosk").value
    assert hall.send("/keluar-warga", {}, page="/pin").headers["Location"] == "/keluar-warga"
    assert "Anda sudah keluar" in words(hall.get("/keluar-warga"))
    hall.visitor.client.set_cookie("sesi-kiosk", kept)
    assert hall.get("/pin").headers["Location"] in ("/", "/masuk-warga"), "also for who kept the cookie"


def test_every_wrong_try_looks_the_same(hall: Any) -> None:
    pages = {words(hall.enter(nik, pin)) for nik, pin in ((WAYAN, "482914"), (STRANGER, PIN), (MADE, PIN))}
    assert len(pages) == 1 and "NIK atau PIN salah." in pages.pop()
    answer = hall.enter(WAYAN, "482914")
    assert answer.status_code == 403 and answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("nik", "pin", "said"),
    [
        ("510301170890000", PIN, "yang diketik 15"), ("", PIN, "yang diketik 0"), ("51030117089000011", PIN, "17"),
        ("5103O11708900001", PIN, "tanpa huruf"), ("<script>", PIN, "tanpa huruf"), (WAYAN, "12", "PIN terdiri dari 6"),
        (WAYAN, "", "PIN terdiri dari 6"), ("5" * 10_000, PIN, "NIK terdiri"),
    ],
)  # fmt: skip
def test_what_has_another_form_is_said_and_not_counted(hall: Any, nik: str, pin: str, said: str) -> None:
    answer = hall.enter(nik, pin)
    assert answer.status_code == 400 and said in words(answer) and "<script>" not in answer.get_data(as_text=True)
    with hall.world.store.reading() as db:
        assert db.rows("SELECT * FROM pin_failures") == []


def test_nik_may_be_typed_as_on_the_card(hall: Any) -> None:
    assert hall.enter(f" {WAYAN[:6]} {WAYAN[6:12]}.{WAYAN[12:]} ").status_code == 303


def test_guessing_is_slowed_readably(hall: Any) -> None:
    for _ in range(5):
        hall.enter(WAYAN, "000001")
    answer = hall.enter()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert "Coba lagi dalam 1 menit" in words(answer) and PIN not in answer.get_data(as_text=True)


def test_a_full_queue_is_a_readable_503(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hashing = SlowHash(Cost(8, 1), waiting_max=0)
    monkeypatch.setattr(hall.visitor.client.application.extensions["kiosk_pins"], "hashing", hashing)
    with hashing.place():
        answer = hall.enter()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10") and "Sedang ramai" in words(answer)
    assert hall.enter().status_code == 303


def test_the_first_pin_must_be_changed_before_anything_else(hall: Any) -> None:
    hall.give(MADE, "305917", is_first=True)
    hall.enter(MADE, "305917")
    page = words(hall.get("/pin"))
    assert "PIN dari kantor hanya untuk masuk pertama kali" in page
    app = hall.visitor.client.application
    with app.test_request_context(
        "/",
        headers={"X-Desa-Place": "hall", "Cookie": f"sesi-kiosk={hall.visitor.client.get_cookie('sesi-kiosk').value}"},
    ):
        from appliance.kiosk.citizen.session import current_resident_id, current_visit

        visit = current_visit()
        assert visit is not None and visit.must_change and current_resident_id() is None
    form = {"old": "305917", "new": NEW, "again": NEW}
    assert "PIN sudah diganti" in words(hall.send("/pin", form))
    assert "PIN dari kantor hanya" not in words(hall.get("/pin")), "the new session waits for nothing"
    hall.visitor.forget()
    assert hall.enter(MADE, NEW).status_code == 303


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": PIN, "new": "123456", "again": "123456"}, "angka berurutan"),
        ({"old": PIN, "new": "170890", "again": "170890"}, "tanggal lahir"),
        ({"old": PIN, "new": "510301", "again": "510301"}, "diambil dari NIK"),
        ({"old": PIN, "new": "111111", "again": "222222"}, "Kedua PIN baru tidak sama"),
        ({"old": PIN, "new": PIN, "again": PIN}, "sama dengan yang sekarang"),
        ({"old": "999999", "new": NEW, "again": NEW}, "PIN sekarang salah"),
        ({}, "terdiri dari 6 angka"),
    ],
)
def test_a_new_pin_that_is_not_taken_is_explained(hall: Any, form: dict[str, str], said: str) -> None:
    hall.enter()
    answer = hall.send("/pin", form)
    assert answer.status_code == 400 and said in words(answer)
    hall.visitor.forget()
    assert hall.enter().status_code == 303, "the old one still holds"


@pytest.mark.parametrize("path", ["/masuk-warga", "/pin"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_in_the_open_air_it_says_why_and_shows_the_public_services(hall: Any, path: str, method: str) -> None:
    hall.visitor.place = "resident"
    headers = {"X-Desa-Place": "resident", "X-Real-IP": "10.20.0.7"}
    answer = hall.visitor.client.get(path, headers=headers)
    text = words(answer)
    assert answer.status_code == 403 and "tidak terkunci" in text and "Lihat layanan umum" in text
    assert "<input" not in answer.get_data(as_text=True).split("<main")[1] and "http:" not in text
    if method == "post":
        sent = hall.visitor.client.post(path, data={"nik": WAYAN, "pin": PIN}, headers=headers)
        assert sent.status_code in (400, 403)
    with hall.world.store.reading() as db:
        assert db.rows("SELECT * FROM pin_failures") == []


def test_a_cookie_from_the_hall_shows_nothing_in_the_open_air(hall: Any) -> None:
    hall.enter()
    hall.visitor.place = "resident"
    assert hall.get("/pin").status_code == 403


def test_where_there_is_a_certificate_the_page_leads_there(hall: Any) -> None:
    headers = {"X-Desa-Place": "resident", "X-Real-IP": "10.20.0.7", "X-Desa-TLS": "offered", "Host": "jahat.example"}
    page = hall.visitor.client.get("/masuk-warga", headers=headers).get_data(as_text=True)
    assert f'href="https://{hall.world.config.kiosk.host}/masuk-warga"' in page and "jangan lanjutkan" in page


def _by_tls(hall: Any, path: str) -> Any:
    headers = {"X-Desa-Place": "resident", "X-Real-IP": "10.20.0.7", "X-Desa-TLS": "yes"}
    return hall.visitor.client.get(path, headers=headers, base_url="https://localhost")


def test_by_tls_a_phone_logs_in_with_a_cookie_that_never_travels_in_the_open(hall: Any) -> None:
    answer = _by_tls(hall, "/masuk-warga")
    assert answer.status_code == 200
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-sesi-kiosk=") and "Secure" in cookie and "HttpOnly" in cookie
    assert "Secure" not in hall.get("/masuk-warga").headers["Set-Cookie"]


def test_a_cookie_from_the_open_air_counts_for_nothing_by_tls(hall: Any) -> None:
    hall.enter()
    assert _by_tls(hall, "/pin").headers["Location"] == "/masuk-warga"


def test_over_tcp_nobody_can_claim_to_come_by_tls(world: Any, hall: Any) -> None:
    client = world.app(over_unix_socket=False).test_client()
    headers = {"X-Desa-TLS": "yes", "X-Desa-Place": "hall"}
    answer = client.get("/masuk-warga", headers=headers, environ_base={"REMOTE_ADDR": "10.20.0.7"})
    assert answer.status_code == 403


@pytest.mark.parametrize("status", [StatusDasar.MATI, StatusDasar.PINDAH])
def test_a_session_ends_with_life_or_residence(hall: Any, status: StatusDasar) -> None:
    hall.enter()
    assert hall.get("/pin").status_code == 200
    hall.set_status(WAYAN, status)
    assert hall.get("/pin").status_code == 303
    assert "NIK atau PIN salah." in words(hall.enter())


def test_a_minute_without_a_touch_ends_the_session_in_the_hall(hall: Any) -> None:
    hall.enter()
    hall.world.now += 59
    assert hall.get("/pin").status_code == 200
    hall.world.now += 60
    assert hall.get("/pin").status_code == 303


def test_who_logs_in_at_a_screen_logs_the_officer_out_there(hall: Any) -> None:
    hall.put_in_front("siti", "operator")
    assert hall.get("/kantor/").status_code == 200
    kept = hall.visitor.client.get_cookie("sesi-kiosk").value
    hall.enter()
    assert hall.get("/kantor/").headers["Location"] == "/kantor/masuk"
    hall.visitor.client.set_cookie("sesi-kiosk", kept)
    assert hall.get("/kantor/").headers["Location"] == "/kantor/masuk", "and in the store"


def test_a_login_leads_to_no_other_site(hall: Any) -> None:
    for path in ("//jahat.example/pin", "/pin?" + "x" * 3_000):
        hall.get(path)
    assert hall.enter().headers["Location"] in ("/", "/pin")


def test_the_cookie_holds_neither_nik_nor_pin(hall: Any) -> None:
    cookie = hall.enter().headers["Set-Cookie"]
    assert WAYAN not in cookie and PIN not in cookie and str(hall.ids[WAYAN]) not in cookie


def test_a_form_without_its_mark_is_refused_readably(hall: Any) -> None:
    hall.enter()
    for path in ("/masuk-warga", "/pin", "/keluar-warga"):
        answer = hall.visitor.post(path, {"nik": WAYAN, "pin": PIN})
        assert answer.status_code == 400 and "FORMULIR" in words(answer)


def test_a_login_that_cannot_be_stored_says_so(hall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hall.get("/masuk-warga")
    monkeypatch.setattr("appliance.store.database.FREE_BYTES_MIN", 1 << 62)
    answer = hall.enter()
    assert answer.status_code == 503 and "PENYIMPANAN" in words(answer)


def test_many_at_once_are_let_in_or_told_to_wait_a_moment(hall: Any) -> None:
    app, found, guard = hall.visitor.client.application, [], threading.Lock()

    def enter(number: int) -> None:
        client = app.test_client()
        headers = {"X-Desa-Place": "office", "X-Real-IP": f"10.21.0.{number + 1}"}
        page = client.get("/masuk-warga", headers=headers).get_data(as_text=True)
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"csrf_token": token, "nik": WAYAN, "pin": PIN}
        status = client.post("/masuk-warga", data=form, headers=headers).status_code
        with guard:
            found.append(status)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 20 and set(found) <= {303, 503, 429} and found.count(303) >= 1


def test_who_comes_with_a_first_pin_is_led_straight_to_one_of_their_own(hall: Any) -> None:
    hall.give(MADE, "470862", is_first=True)
    hall.get("/surat/saya")  # what was wanted is come back to, after the PIN
    assert hall.enter(MADE, "470862").headers["Location"] == "/pin"
    assert hall.get("/masuk-warga").headers["Location"] == "/pin"
    changed = hall.send("/pin", {"old": "470862", "new": "805293", "again": "805293"})
    assert changed.status_code == 200 and 'href="/surat/saya"' in changed.get_data(as_text=True)
    hall.send("/keluar-warga", {}, page="/surat/saya")
    assert hall.enter(MADE, "805293").headers["Location"] != "/pin"
