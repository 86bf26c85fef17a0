"""The page of one hub: in words, on one axis, in its own time, and nothing guessed."""

from __future__ import annotations

import re

import pytest

from noc.fleet import HubState
from noc.fleet_book.contract import KeptWindow, Standing
from noc.rules.alert_state import Deed
from noc.rules.states import Window
from noc.store.contract import Hub
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.commanded import seed_commands
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.fleet import DETAILED, HOUR_MS, NEVER, SILENT

ALL_CHARTS = ("bandwidth", "latency", "jitter", "loss", "clients", "logins", "temperature", "use")


def outages_of(page: str) -> list[list[str]]:
    table = page.partition('id="gangguan"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", table, re.DOTALL)
    return [[begin, *re.findall(r"<td[^>]*>(.*?)</td>", rest, re.DOTALL)] for begin, rest in rows]


@pytest.mark.parametrize("hub_id", ["%00", "hub-%00x", "HUB-1", "x" * 99])
def test_what_is_no_hub_s_id_is_asked_of_no_store(
    fleet_app: FleetApp, monkeypatch: pytest.MonkeyPatch, hub_id: str
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    visitor = fleet_app.visitor()
    monkeypatch.setattr(type(fleet_app.store), "facts", refuse)
    for path in (f"/hub/{hub_id}", f"/api/hubs/{hub_id}", f"/api/v1/hubs/{hub_id}", f"/sla/hub/{hub_id}"):
        assert visitor.get(path).status_code == 404, path


def test_a_hub_is_told_in_its_own_time(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get(f"/hub/{DETAILED}?rentang=24j").text
    assert "Terhubung" in page and "sejak kemarin pukul 13.26 WITA" in page
    assert "waktu WITA" in page and "WIB" not in page


def test_what_was_and_why_and_how_that_is_known(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get(f"/hub/{DETAILED}?rentang=24j").text
    power, link = outages_of(page)
    assert power[2:] == ["Tanpa listrik", "listrik padam", "disimpulkan: hub mati lalu hidup lagi, mati tanpa pamit"]
    assert link[2:] == [
        "Jaringan putus", "kabel atau radio ke jaringan mati", "terukur: keadaan jaringan menurut hub",
    ]  # fmt: skip
    assert "24 menit" in power[1] and "39 menit" in link[1]
    assert "Hub menyala setelah mati tanpa pamit" in page
    assert "filter-service" in page and "tidak berjalan" in page


@pytest.mark.parametrize(
    ("span", "keys"),
    [("6j", ALL_CHARTS), ("24j", ALL_CHARTS), ("7h", ALL_CHARTS), ("30h", ("bandwidth", "clients", "logins")),
     ("90h", ("bandwidth", "clients", "logins")), ("nonsense", ALL_CHARTS)],
)  # fmt: skip
def test_each_span_has_its_charts_in_pictures_and_words(fleet_app: FleetApp, span: str, keys: tuple[str, ...]) -> None:
    page = fleet_app.visitor().get(f"/hub/{DETAILED}?rentang={span}").text
    assert tuple(re.findall(r'id="said-(\w+)"', page)) == keys
    assert all(f'aria-labelledby="said-{key}"' in page for key in keys)
    assert "<script" not in page and "<img" not in page and "style=" not in page
    assert re.findall(r"url\((?!#f-)", page) == []
    assert len(page) < 150_000


def test_all_charts_of_a_page_have_one_axis(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get(f"/hub/{DETAILED}?rentang=24j").text
    assert len(set(re.findall(r'<p class="ruler".*?</p>', page, re.DOTALL))) == 1
    assert len(set(re.findall(r'viewBox="0 0 (\d+) 100"', page))) == 1


def test_a_silent_hub_shows_what_it_said_last_with_its_time(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get(f"/hub/{SILENT}").text
    assert "Tidak ada kontak" in page and "is-stale" in page and "Angka terakhir yang diketahui" in page
    assert "Kontak terakhir pukul 01.26 WITA" in page


def test_a_hub_that_never_spoke_is_unknown_and_not_guessed(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get(f"/hub/{NEVER}?rentang=90h").text
    assert "Belum pernah terhubung" in page and page.count("tidak diketahui") >= 8
    assert "Tidak ada data dalam rentang ini" in page and "Tidak diketahui 100,00\u00a0%" in page


def test_a_hub_that_the_watch_does_not_know_yet_is_said_to_be_not_judged(fleet_app: FleetApp) -> None:
    fleet_app.store.add_hub(Hub("hub-baru", "Baru", "94.01.01.2077", "Asia/Jayapura"))
    page = fleet_app.visitor().get("/hub/hub-baru").text
    assert "Keadaan belum dinilai" in page and "waktu WIT<" in page


def test_planned_work_is_excused_and_has_its_own_look(fleet_app: FleetApp) -> None:
    deed = Deed(NOW_MS, "admin", "window", DETAILED)
    window = Window(NOW_MS - 20 * HOUR_MS, NOW_MS - 17 * HOUR_MS)
    fleet_app.book.put_window(KeptWindow(0, "", DETAILED, window, "admin", "ganti antena"), deed)
    page = fleet_app.visitor().get(f"/hub/{DETAILED}?rentang=24j").text
    assert [row[2] for row in outages_of(page)] == ["Tanpa listrik"]
    assert 'fill="url(#f-maintenance)"' in page and "Pemeliharaan 2,7" in page


def test_a_copied_card_is_told(fleet_app: FleetApp) -> None:
    standing = Standing(DETAILED, HubState.ONLINE, (), NOW_MS, NOW_MS, NOW_MS, is_clone=True)
    fleet_app.book.put_standings([standing], NOW_MS)
    assert "Dua kotak memakai identitas hub ini" in fleet_app.visitor().get(f"/hub/{DETAILED}").text


def test_a_page_that_nobody_judges_any_more_does_not_say_how_the_hub_is(fleet_app: FleetApp) -> None:
    visitor = fleet_app.visitor()
    fleet_app.now_ms = NOW_MS + 600_000
    page = visitor.get(f"/hub/{DETAILED}").text
    assert "Keadaan sekarang tidak diketahui" in page and "Terhubung</b>" not in page


def test_commands_are_shown_to_who_may_give_them_and_only_to_copy(fleet_app: FleetApp) -> None:
    line = f"sudo desahub-noc command reboot --hub {DETAILED}"
    assert line in fleet_app.visitor("admin").get(f"/hub/{DETAILED}").text
    assert line not in fleet_app.visitor("operator").get(f"/hub/{DETAILED}").text


def test_what_was_ordered_of_a_hub_stands_on_its_page_with_the_answer(fleet_app: FleetApp) -> None:
    admin = fleet_app.visitor("admin")
    assert "Belum ada perintah kepada hub ini" in admin.get(f"/hub/{DETAILED}").text
    seed_commands(fleet_app.book, DETAILED)
    page = fleet_app.visitor("viewer").get(f"/hub/{DETAILED}").text
    table = page.partition('id="perintah"')[2].partition("</table>")[0]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in table.split("<tr>")[2:]]
    said = [" ".join(row) for row in rows]
    assert "Uji kecepatan, paling banyak 10 MB sari Dimulai" in said[0]
    assert said[1].endswith("Mulai ulang kotak sari Tidak dijawab")
    assert "Ubah konfigurasi: portal.history_days sari Gagal tidak berhasil dikerjakan" in said[2]
    assert "nft says no" in said[2]
    assert "Ditolak hub belum diberi kunci NOC" in said[3]
    assert "Mulai ulang desahub-dns.service sari Selesai" in said[4]
    assert "command show" not in page, "what a hub sent is for root alone"
    assert "command show" in admin.get(f"/hub/{DETAILED}").text
    assert 'id="perintah"' not in fleet_app.visitor("viewer", "51").get(f"/hub/{SILENT}").text


def test_a_hub_in_trouble_leads_to_its_incident_its_guide_and_whom_to_call(fleet_app: FleetApp) -> None:
    page = fleet_app.visitor().get(f"/hub/{SILENT}").text
    part = page.partition('class="card doing"')[2].partition("</section>")[0]
    assert 'href="/insiden/1"' in part and "Belum ditangani siapa pun" in part
    assert 'href="/panduan/no_contact"' in part
    assert "I Wayan Sudarma" in part and 'href="tel:+6281200000001"' in part
    assert 'class="card doing"' not in fleet_app.visitor("viewer").get(f"/hub/{DETAILED}").text
    fleet_app.book.acknowledge(1, Deed(NOW_MS, "sari", "acknowledge", "1"))
    assert "Ditangani sari." in fleet_app.visitor("viewer", "51").get(f"/hub/{SILENT}").text


def test_a_hub_s_page_leads_to_its_sla(fleet_app: FleetApp) -> None:
    assert f'href="/sla/hub/{DETAILED}"' in fleet_app.visitor().get(f"/hub/{DETAILED}").text


@pytest.mark.parametrize("hub_id", [SILENT, NEVER, "hub-tidak-ada", "x" * 300, "%00"])
def test_who_may_not_see_a_hub_learns_nothing_of_it(fleet_app: FleetApp, hub_id: str) -> None:
    visitor = fleet_app.visitor("viewer", "51.03.01")
    assert visitor.get(f"/hub/{hub_id}").status_code == 404
    assert visitor.get(f"/hub/{DETAILED}").status_code == 200
