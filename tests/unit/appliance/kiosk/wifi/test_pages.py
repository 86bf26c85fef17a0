"""A resident makes, renews and ends an account at the screen in the hall; the office does it for somebody."""

import contextlib
from typing import Any

import pytest

from appliance.core import config as hub_config
from appliance.core.errors import HotspotRefused, HotspotUnavailable, StoreBusy
from appliance.hotspot.protocol import MakeTravelCode, RefusalCode
from appliance.kiosk.actors import RESIDENT
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.wifi.accounts import WifiAccounts
from appliance.kiosk.wifi.rules import Slip
from appliance.store.audit import Audit
from appliance.wifi.accounts import AccountOutcome
from tests.unit.appliance.kiosk.citizen.people import WAYAN
from tests.unit.appliance.kiosk.conftest import HUB_TOML, Visitor
from tests.unit.appliance.kiosk.wifi.conftest import Wifi, slip, words

WELCOME, WRONG = AccountOutcome.WELCOME, AccountOutcome.WRONG


def test_an_account_is_shown_once_and_works(wifi: Wifi) -> None:
    assert "Buat akun Wi-Fi" in words(wifi.hall.get("/wifi"))
    made = wifi.make()
    name, pin = slip(made)
    assert made.headers["Cache-Control"] == "no-store"
    assert wifi.check(name, pin) is WELCOME
    later = words(wifi.hall.get("/wifi"))
    assert name in later and pin not in later and "2 GB" in later and "4 jam" in later


def test_nothing_of_a_resident_stands_in_name_pin_or_reference(wifi: Wifi) -> None:
    name, pin = slip(wifi.make())
    held = wifi.accounts.of(wifi.id)
    assert held is not None
    for text in (name, pin.replace(" ", ""), held.reference):
        assert "wayan" not in text.lower() and text not in WAYAN and WAYAN not in text


def test_a_new_pin_ends_the_old_one_and_keeps_the_name(wifi: Wifi) -> None:
    name, old = slip(wifi.make())
    again, new = slip(wifi.make())
    assert again == name and new != old
    assert (wifi.check(name, old), wifi.check(name, new)) == (WRONG, WELCOME)


def test_an_account_that_ended_can_be_made_again(wifi: Wifi) -> None:
    name, pin = slip(wifi.make())
    before = wifi.accounts.of(wifi.id)
    assert wifi.make("end").status_code == 303
    assert wifi.check(name, pin) is WRONG and "Buat akun Wi-Fi" in words(wifi.hall.get("/wifi"))
    wifi.make()
    after = wifi.accounts.of(wifi.id)
    assert before is not None and after is not None and after.reference == before.reference


def test_who_makes_pins_again_and_again_waits_in_the_queue_of_logins(wifi: Wifi) -> None:
    hashing = wifi.hall.world.kiosk().hashing
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(StoreBusy):
            while True:
                taken.enter_context(hashing.place())
        answer = wifi.make()
        assert answer.status_code == 503 and "Sedang ramai" in words(answer)
        assert wifi.accounts.of(wifi.id) is None
    slip(wifi.make())


def test_ending_twice_is_written_down_once(wifi: Wifi) -> None:
    wifi.make()
    for _ in range(2):
        wifi.accounts.end(RESIDENT, wifi.id)
    audit = Audit(wifi.hall.world.store, lambda: 0.0)
    deeds = [one.what for one in audit.about(wifi.id, 10)]
    assert [what for what in deeds if what.startswith("wifi.")] == ["wifi.ended", "wifi.given"]


@pytest.mark.parametrize("form", [{}, {"do": "x"}, {"do": ""}, {"do": "give"}])
def test_another_form_changes_nothing(wifi: Wifi, form: dict[str, str]) -> None:
    assert wifi.hall.send("/wifi", form).status_code == 400
    assert wifi.accounts.of(wifi.id) is None


def test_without_a_session_one_logs_in_first(visitor: Any, hall: Any) -> None:
    for answer in (visitor.get("/wifi"), hall.send("/wifi", {"do": "make"}, "/masuk-warga")):
        assert answer.status_code == 303 and answer.headers["Location"].endswith("/masuk-warga")


def test_in_the_open_air_no_pin_is_shown(wifi: Wifi) -> None:
    wifi.hall.visitor.place = "resident"
    assert wifi.hall.get("/wifi").status_code == 403
    assert "Akun Wi-Fi saya" not in words(wifi.hall.get("/"))


def test_where_no_network_takes_accounts_there_are_none(wifi: Wifi, world: Any, hall: Any) -> None:
    assert "Akun Wi-Fi saya" in words(hall.get("/"))
    world.config = hub_config.parse(HUB_TOML)
    visitor = Visitor(world.app().test_client())
    hall.visitor = visitor
    hall.enter()
    assert hall.get("/wifi").status_code == 404 and "Akun Wi-Fi saya" not in words(hall.get("/"))


def test_a_code_for_other_villages_is_shown_once_and_not_again_for_a_week(wifi: Wifi) -> None:
    wifi.take_key()
    assert "Minta kode untuk desa lain" not in words(wifi.hall.get("/wifi")), "without an account"
    assert wifi.make("travel").status_code == 409
    wifi.make()
    assert "Minta kode untuk desa lain" in words(wifi.hall.get("/wifi"))
    shown = words(wifi.make("travel"))
    assert "4 jam" in shown and "1 GB" in shown and "28 September 2026" in shown
    own = words(wifi.hall.get("/wifi"))
    assert "bisa diminta lagi mulai 28 September 2026" in own and "Minta kode" not in own
    assert words(wifi.make("travel")) == shown, "a button that is pressed twice costs nobody their code"


def test_without_the_districts_key_or_the_keeper_no_code_is_offered(
    wifi: Wifi, monkeypatch: pytest.MonkeyPatch
) -> None:
    wifi.make()
    assert "desa lain" not in words(wifi.hall.get("/wifi"))

    def silent(_: object) -> None:
        raise HotspotUnavailable("no keeper")

    monkeypatch.setattr(wifi.hall.world.hotspot, "ask", silent)
    assert "Akun ini berlaku" in words(wifi.hall.get("/wifi"))
    assert wifi.make("travel").status_code == 503


def test_a_keeper_whose_disk_is_full_is_said_to_have_given_no_code(wifi: Wifi, monkeypatch: pytest.MonkeyPatch) -> None:
    wifi.take_key()
    wifi.make()
    ask = wifi.hall.world.hotspot.ask

    def full(request: Any) -> Any:
        if isinstance(request, MakeTravelCode):
            raise HotspotRefused(RefusalCode.FAILED, "the disk is full")
        return ask(request)

    monkeypatch.setattr(wifi.hall.world.hotspot, "ask", full)
    answer = wifi.make("travel")
    assert answer.status_code == 503 and "Kode belum bisa dibuat" in words(answer)


def test_the_office_gives_somebody_an_account_on_paper(wifi: Wifi, office: Any) -> None:
    path = f"/kantor/wifi/{wifi.id}"
    assert path in office.get(f"/kantor/warga/{wifi.id}").get_data(as_text=True)
    assert office.send(path, {"do": "give"}).status_code == 400, "the card was not looked at"
    assert wifi.accounts.of(wifi.id) is None
    name, pin = slip(office.send(path, {"do": "give", "seen": "yes"}))
    assert wifi.check(name, pin) is WELCOME
    assert pin not in words(office.get(path)) and "sejak" in words(office.get(path))
    assert office.send(path, {"do": "end"}).status_code == 303
    assert wifi.check(name, pin) is WRONG


def test_without_the_date_no_wrong_day_is_named(wifi: Wifi, office: Any) -> None:
    wifi.hall.world.clock_is_known = False
    path = f"/kantor/wifi/{wifi.id}"
    office.send(path, {"do": "give", "seen": "yes"})
    shown = words(office.get(path))
    assert "Akun ini berlaku" in shown and "sejak" not in shown


def test_who_moved_away_is_given_no_account(wifi: Wifi, office: Any) -> None:
    office.set_status(WAYAN, StatusDasar.PINDAH)
    path = f"/kantor/wifi/{wifi.id}"
    token_page = f"/kantor/warga/{wifi.id}"
    assert office.send(path, {"do": "give", "seen": "yes"}, token_page).status_code == 409
    assert wifi.accounts.of(wifi.id) is None


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999"])
def test_nobody_has_no_account(office: Any, number: str) -> None:
    assert office.get(f"/kantor/wifi/{number}").status_code == 404


def test_a_name_that_is_taken_is_given_to_nobody_else(wifi: Wifi, world: Any) -> None:
    made = [("melati1111", "482913"), ("melati1111", "190735"), ("melati1111", "604217"), ("elang2222", "730164")]
    slips = (Slip(name, pin) for name, pin in made)
    kiosk = world.kiosk()
    accounts = WifiAccounts(kiosk.store, Audit(kiosk.store, kiosk.clock), kiosk.hashing, b"p" * 32, lambda: next(slips))
    assert accounts.give(RESIDENT, 71, 0).name == "melati1111"
    assert accounts.give(RESIDENT, 72, 0) == Slip("elang2222", "730164")
