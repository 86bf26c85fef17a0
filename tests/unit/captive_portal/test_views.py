"""What a resident sees, and what opens the gate."""

import dataclasses
import datetime
import html
import re
from typing import Any

import pytest

from appliance.gate.protocol import Client, Limits, RefusalCode
from appliance.system.uplink_state import UplinkState
from captive_portal.now import Now

PHONE = Client("10.20.0.7", "02:00:00:00:00:01")
PAGE_BYTES_MAX = 30_000


def _text(response: Any) -> str:
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", response.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(html.unescape(body).split())


def _uplink(up: bool) -> UplinkState:
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
    return UplinkState(up, since.isoformat(), 1)


def test_the_first_page_asks_one_question_and_needs_nothing_more(phone: Any) -> None:
    response = phone.get("/")
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "Desa Sukamaju" in page and "Kabupaten Badung" in page
    assert page.count("<button") == 1 and "Sambungkan" in page
    assert "http://layanan.desa.internal/" in page
    assert "<details>" in page and "Dilarang membuka situs judi" in page
    assert len(response.data) < PAGE_BYTES_MAX
    assert "Set-Cookie" not in response.headers
    assert "<script" not in page and "style=" not in page
    # Besides the icon, which no login window waits for, the page is one file.
    assert re.findall(r'(?:src|<link[^>]*href)="([^"?]+)', page) == ["/faces/mark.svg"]


@pytest.mark.parametrize("terms", [None, ("Aturan desa sendiri.",)])
def test_who_is_recorded_is_told_so_whatever_the_village_wrote(world: Any, terms: tuple[str, ...] | None) -> None:
    if terms:
        world.config = dataclasses.replace(world.config, portal=dataclasses.replace(world.config.portal, terms=terms))

    def page(path: str) -> str:
        return _text(world.app().test_client().get(path, headers={"X-Real-IP": PHONE.address}))

    assert "alamat yang dituju" not in page("/")
    records = dataclasses.replace(world.config.records, enabled=True, public_key_file="/etc/desahub/records.pub")
    world.config = dataclasses.replace(world.config, records=records)
    assert "alamat yang dituju setiap sambungan juga dicatat" in page("/")
    assert "the address that each connection goes to is recorded" in page("/?bahasa=en")


def test_accepting_opens_the_gate_for_the_lease_and_tells_so(phone: Any, world: Any) -> None:
    response = phone.post("/sambung")
    assert (response.status_code, response.headers["Location"]) == (303, "/status")
    assert [(one.client, one.remaining_seconds) for one in world.gate.clients()] == [(PHONE, 14_400)]
    world.gate.twin.firewall.count(PHONE, 1_240_000, 48_300_000)
    world.wait(90)
    world.uplink = _uplink(True)
    status = phone.get("/status")
    assert "is-good" in status.get_data(as_text=True).split("</style>")[1]
    assert "Sisa waktu 3 jam 58 menit Diunduh 48,3 MB Dikirim 1,2 MB" in _text(status)
    assert phone.get("/").headers["Location"] == "/status"


def test_the_grant_is_durable_before_the_gate_is_asked(phone: Any, world: Any) -> None:
    seen: list[Any] = []
    admit = world.gate.admit

    def look_and_admit(client: Client, lease_seconds: int, limits: Limits) -> None:
        seen.append(world.grants.of(client, world.now))
        admit(client, lease_seconds, limits)

    world.gate.admit = look_and_admit
    phone.post("/sambung")
    assert seen[0] is not None and seen[0].budget.lease_seconds == 14_400


@pytest.mark.parametrize("uplink", [_uplink(True), _uplink(False), UplinkState(None, None, 0)])
def test_never_green_unless_the_gate_says_admitted(phone: Any, world: Any, uplink: UplinkState) -> None:
    world.uplink = uplink
    for path in ("/", "/status"):
        assert "is-good" not in phone.get(path).get_data(as_text=True).split("</style>")[1]
    phone.post("/sambung")
    status = phone.get("/status").get_data(as_text=True).split("</style>")[1]
    assert ("is-good" in status) is (uplink.up is True)


def test_a_lease_that_ran_out_is_told(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    world.wait(14_400)
    assert "Belum tersambung" in _text(phone.get("/status"))
    assert phone.get("/").status_code == 200


def test_an_uplink_that_is_down_is_told_with_since_when_and_leads_to_local_services(phone: Any, world: Any) -> None:
    world.uplink = _uplink(False)
    first = _text(phone.get("/"))
    assert re.search(r"sedang putus sejak (kemarin )?pukul \d\d\.\d\d WITA", first)
    assert first.index("Buka layanan desa") < first.index("Sambungkan perangkat ini"), "a button, not the foot alone"
    phone.post("/sambung")
    status = phone.get("/status")
    assert "Buka layanan desa" in _text(status) and "langsung tersambung" in _text(status)


def test_an_unknown_uplink_is_unknown(phone: Any) -> None:
    assert "belum diketahui" in _text(phone.get("/"))


def test_logging_out_shuts_the_gate_and_forgets_the_grant(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    assert phone.post("/keluar").headers["Location"] == "/status"
    assert world.gate.clients() == ()
    assert world.grants.of(PHONE, world.now) is None
    assert "Sambungan sudah diputus" in _text(phone.get("/status")), "the status page puts nothing back"
    assert world.gate.clients() == ()


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/status")])
def test_without_the_gate_nothing_is_claimed(phone: Any, world: Any, method: str, path: str) -> None:
    world.gate.is_down = True
    response = phone.open(method, path)
    assert response.status_code == 503
    assert "GERBANG" in _text(response) and "Tersambung" not in _text(response)
    assert response.headers["Retry-After"] == "60"
    assert "Belum bisa menyambungkan, coba sebentar lagi" in _text(response)
    assert "Keadaan internet belum diketahui" in _text(response), "the line of truth stays"
    assert "sambungan Anda" not in _text(response), "they have none"


def test_who_has_a_grant_is_told_so_while_the_gate_is_silent(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    world.gate.is_down = True
    assert phone.get("/").headers["Location"] == "/status"
    response = phone.get("/status")
    assert response.status_code == 503 and response.headers["Retry-After"] == "60"
    assert "belum dapat diperiksa" in _text(response) and "Tersambung" not in _text(response)


def test_leaving_keeps_what_the_gate_has_counted_for_the_keeper(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    world.gate.twin.firewall.count(PHONE, 100, 1_400)
    phone.post("/keluar")
    (left,) = world.grants.departed()
    assert (left.grant.client, left.sent_bytes, left.received_bytes) == (PHONE, 100, 1_400)


def test_who_lost_its_lease_sees_and_ends_its_grant_and_gets_no_new_one(phone: Any, world: Any) -> None:
    """Anybody in the air can send a DHCPRELEASE in another's name."""
    phone.post("/sambung")
    world.leases = {}
    assert phone.get("/status").status_code == 200
    assert phone.post("/sambung").status_code == 403
    assert phone.post("/keluar").status_code == 303
    assert world.gate.clients() == () and phone.get("/status").status_code == 403


def test_leaving_is_said_as_a_known_state(phone: Any) -> None:
    phone.post("/sambung")
    page = phone.get(phone.post("/keluar").headers["Location"]).get_data(as_text=True)
    assert "Sambungan sudah diputus" in page and '"status is-off"' in page
    phone.post("/sambung")
    assert "Sisa waktu" in _text(phone.get("/status"))


def test_a_grant_that_the_gate_did_not_take_is_explained_and_repaired_by_the_next_visit(phone: Any, world: Any) -> None:
    world.gate.is_down = True
    response = phone.post("/sambung")
    assert response.status_code == 503 and "Izin sudah tercatat" in _text(response)
    world.wait(60)
    world.gate.is_down = False
    assert phone.get("/").headers["Location"] == "/status"
    assert "Sisa waktu 3 jam 59 menit" in _text(phone.get("/status"))
    assert [one.remaining_seconds for one in world.gate.clients()] == [14_340]


def test_logging_out_without_the_gate_says_that_it_is_still_open_and_is_not_undone(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    world.gate.is_down = True
    assert "belum dapat diputus" in _text(phone.post("/keluar"))
    world.gate.is_down = False
    assert [one.client for one in world.gate.clients()] == [PHONE]
    assert "Sambungan sudah diputus" in _text(phone.get("/status")), "the next page makes it true"
    assert world.gate.clients() == ()


def test_one_phone_with_many_addresses_keeps_a_few(phone: Any, world: Any) -> None:
    for number in range(10, 60):
        phone.address = f"10.20.0.{number}"
        world.neighbours[phone.address] = PHONE.mac
        world.wait(1)
        assert phone.post("/sambung").status_code == 303
    assert sorted(one.client.address for one in world.grants.all()) == [f"10.20.0.{n}" for n in range(56, 60)]


@pytest.mark.parametrize(
    ("code", "status", "words", "is_kept"),
    [
        (RefusalCode.FULL, 503, "penuh", False),
        (RefusalCode.NOT_A_RESIDENT, 403, "jaringan warga", False),
        (RefusalCode.FAILED, 503, "Izin sudah tercatat", True),
    ],
)
def test_a_refusal_is_explained(
    phone: Any, world: Any, code: RefusalCode, status: int, words: str, is_kept: bool
) -> None:
    world.gate.refuses = code
    response = phone.post("/sambung")
    assert response.status_code == status and words in _text(response)
    assert (world.grants.of(PHONE, world.now) is not None) is is_kept


def test_a_device_that_the_kernel_does_not_know_is_told_what_to_do(phone: Any, world: Any) -> None:
    world.neighbours.clear()
    for response in (phone.get("/"), phone.post("/sambung"), phone.get("/status"), phone.post("/keluar")):
        assert response.status_code == 503 and "Matikan Wi-Fi" in _text(response)
    assert world.gate.clients() == ()


def test_a_device_of_no_resident_network_is_told_what_to_do(phone: Any, world: Any) -> None:
    phone.address = "10.21.0.5"
    world.neighbours["10.21.0.5"] = "02:00:00:00:00:05"
    response = phone.post("/sambung")
    assert response.status_code == 403 and "Wi-Fi warga" in _text(response)
    assert world.gate.clients() == ()


def test_taking_anothers_address_takes_no_grant(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    world.leases = {PHONE.address: PHONE.mac}
    world.neighbours[PHONE.address] = "02:00:00:00:00:66"
    for response in (phone.get("/"), phone.post("/sambung"), phone.get("/status"), phone.post("/keluar")):
        assert response.status_code == 403 and "alamat IP otomatis" in _text(response)
    assert [one.client for one in world.gate.clients()] == [PHONE]
    assert world.grants.of(PHONE, world.now) is not None
    world.leases[PHONE.address] = "02:00:00:00:00:66"  # now it was given to the other one
    assert phone.post("/sambung").status_code == 303
    assert [one.client.mac for one in world.gate.clients()] == ["02:00:00:00:00:66"]


def test_no_header_and_no_parameter_says_who_someone_is(phone: Any, world: Any) -> None:
    world.neighbours["10.20.0.8"] = "02:00:00:00:00:08"
    phone.open(
        "POST",
        "/sambung?mac=02:00:00:00:00:08&address=10.20.0.8&ip=10.20.0.8",
        X_Forwarded_For="10.20.0.8",
        Forwarded="for=10.20.0.8",
        X_MAC="02:00:00:00:00:08",
        Client_IP="10.20.0.8",
    )
    assert [one.client for one in world.gate.clients()] == [PHONE]


@pytest.mark.parametrize("sent", ["", "10.20.0.7, 10.20.0.8", "x", "::ffff:10.20.0.7", "10.20.0.7\t8"])
def test_an_address_that_is_none_admits_nobody(phone: Any, world: Any, sent: str) -> None:
    phone.address = sent
    assert phone.post("/sambung").status_code == 403
    assert world.gate.clients() == ()


def test_over_tcp_the_header_is_not_believed(world: Any) -> None:
    client = world.app(over_unix_socket=False).test_client()
    claimed = {"X-Real-IP": PHONE.address}
    assert client.post("/sambung", headers=claimed).status_code == 403
    own = client.post("/sambung", headers={"X-Real-IP": "1.2.3.4"}, environ_base={"REMOTE_ADDR": PHONE.address})
    assert own.status_code == 303
    assert [one.client for one in world.gate.clients()] == [PHONE]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://jahat.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://[", "Host": "masuk.desa.internal"},
    ],
)
@pytest.mark.parametrize("path", ["/sambung", "/keluar"])
def test_another_sites_page_can_press_no_button(phone: Any, world: Any, headers: dict[str, str], path: str) -> None:
    response = phone.post(path, **headers)
    assert response.status_code == 403 and "Kode: 403" in _text(response)
    assert world.gate.clients() == ()


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://localhost"}, {"Origin": "http://localhost:8123"}, {"Sec_Fetch_Site": "same-origin"}],
)
def test_our_own_page_can_with_and_without_headers(phone: Any, headers: dict[str, str]) -> None:
    assert phone.post("/sambung", **headers).status_code == 303


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sambung", 405),
        ("HEAD", "/", 200),
        ("HEAD", "/tidak-ada", 404),
        ("OPTIONS", "/", 200),
        ("PUT", "/", 405),
        ("TRACE", "/", 405),
        ("BREW", "/", 405),
        ("GET", "/%00", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/faces/../views.py", 404),
        ("GET", "/" + "a" * 3000, 404),
    ],
)
def test_odd_requests_get_readable_answers(phone: Any, method: str, path: str, status: int) -> None:
    response = phone.open(method, path)
    assert response.status_code == status
    assert "Traceback" not in response.get_data(as_text=True)
    if method not in ("HEAD", "OPTIONS"):
        assert f"Kode: {status}" in _text(response)


def test_a_fault_shows_no_traceback(phone: Any, world: Any, caplog: pytest.LogCaptureFixture) -> None:
    def fail(address: str) -> str:
        raise ZeroDivisionError("rahasia")

    world.neighbours = type("Broken", (), {"get": staticmethod(fail)})()
    client = world.app().test_client()
    response = client.get("/", headers={"X-Real-IP": PHONE.address})
    assert response.status_code == 500
    assert "Kode: 500" in _text(response) and "rahasia" not in response.get_data(as_text=True)
    assert "ZeroDivisionError" in caplog.text


def test_a_full_disk_admits_nobody(phone: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.store.database.FREE_BYTES_MIN", 1 << 62)
    response = phone.post("/sambung")
    assert response.status_code == 503 and "PENYIMPANAN" in _text(response)
    assert world.gate.clients() == ()


def test_a_restart_of_the_box_is_survived(phone: Any, world: Any) -> None:
    phone.post("/sambung")
    world.wait(100)
    world.now = Now("b" * 32, 3, 0)
    world.new_gate()
    status = world.app().test_client().get("/status", headers={"X-Real-IP": PHONE.address})
    assert "Sisa waktu 4 jam" in _text(status)
