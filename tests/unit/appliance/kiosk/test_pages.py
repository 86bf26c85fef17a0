"""What visitors see: the village's own name and data, and nothing that leads nowhere."""

import dataclasses
import html
import re
from typing import Any

import pytest

from appliance.core.config.networks import Access
from appliance.core.config.village import VillageKind
from appliance.system.uplink_state import UplinkState


def _text(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


def _links(page: str) -> set[str]:
    return set(re.findall(r'href="(/[^"#]*)"', page))


@pytest.mark.parametrize("place", ["office", "hall", "resident"])
def test_no_tile_and_no_link_is_dead(visitor: Any, place: str) -> None:
    visitor.place = place
    seen: set[str] = set()
    waiting = {"/"}
    while waiting:
        path = waiting.pop()
        response = visitor.get(path)
        assert response.status_code in (200, 303), path
        seen.add(path)
        if response.mimetype == "text/html":
            waiting |= _links(response.get_data(as_text=True)) - seen
        response.close()
    assert {"/", "/desa", "/internet"} <= seen
    assert ("/kantor/" in seen) is (place != "resident")


def test_home_says_who_and_when(visitor: Any) -> None:
    text = _text(visitor.get("/"))
    for words in ("Desa Sukamaju", "Kecamatan Kuta, Kabupaten Badung, Bali", "Senin-Jumat 08.00-15.00", "0361 000000"):
        assert words in text
    assert "Keadaan internet belum diketahui" in text


@pytest.mark.parametrize(
    ("kind", "name", "tile"),
    [
        (VillageKind.DESA, "Desa Sukamaju", "Tentang desa"),
        (VillageKind.KELURAHAN, "Kelurahan Sukamaju", "Tentang kelurahan"),
        (VillageKind.DESA_ADAT, "Desa Adat Sukamaju", "Tentang desa adat"),
    ],
)
def test_the_kind_of_unit_drives_the_words(world: Any, kind: VillageKind, name: str, tile: str) -> None:
    village = dataclasses.replace(world.config.village, kind=kind, head_title="Lurah")
    world.config = dataclasses.replace(world.config, village=village)
    client = world.app().test_client()
    text = _text(client.get("/"))
    assert name in text and tile in text
    assert "Lurah I Made Contoh" in _text(client.get("/desa"))


def test_the_rules_of_the_internet_tell_that_connections_are_recorded(world: Any) -> None:
    assert "dicatat dan disimpan terkunci" not in _text(world.app().test_client().get("/internet"))
    records = dataclasses.replace(world.config.records, enabled=True, public_key_file="/etc/desahub/records.pub")
    world.config = dataclasses.replace(world.config, records=records)
    assert "dicatat dan disimpan terkunci" in _text(world.app().test_client().get("/internet"))


def test_about_shows_figures_and_leaves_out_what_is_unknown(visitor: Any, world: Any) -> None:
    text = _text(visitor.get("/desa"))
    for words in (
        "4.210 jiwa",
        "1.180 KK",
        "640 hektare",
        "658 jiwa per km²",
        "51.03.01.2001",
        "Perbekel I Made Contoh",
    ):
        assert words in text
    village = dataclasses.replace(world.config.village, population=None, head_name="", office_phone="")
    world.config = dataclasses.replace(world.config, village=village)
    text = _text(world.app().test_client().get("/desa"))
    for words in ("None", "Penduduk", "Kepadatan", "Perbekel", "Telepon"):
        assert words not in text


def test_the_internet_page_tells_how_and_the_state(visitor: Any, world: Any) -> None:
    world.uplink = UplinkState(False, "2020-01-02T23:12:00+00:00", 1)
    response = visitor.get("/internet")
    text = _text(response)
    assert "sedang putus sejak 3 Januari 2020 pukul 07.12 WITA" in text
    assert "http://masuk.desa.internal" in text
    assert "Desa &lt;b&gt;Sukamaju&lt;/b&gt;" in response.get_data(as_text=True), "names are text, never markup"


@pytest.mark.parametrize(
    ("access", "words"),
    [
        ([Access.TERMS], "Tekan tombol Sambungkan."),
        ([Access.TERMS, Access.VOUCHER], "atau masukkan kode voucher dari kantor."),
        ([Access.VOUCHER], "Masukkan kode voucher dari kantor, lalu tekan Sambungkan."),
    ],
)
def test_the_internet_page_names_the_ways_in(world: Any, access: list[Access], words: str) -> None:
    networks = tuple(dataclasses.replace(one, access=tuple(access)) for one in world.config.networks)
    world.config = dataclasses.replace(world.config, networks=networks)
    assert words in _text(world.app().test_client().get("/internet"))


def test_the_standing_screen_renews_itself_a_phone_does_not(visitor: Any) -> None:
    assert 'http-equiv="refresh"' in visitor.get("/").get_data(as_text=True)
    visitor.place = "resident"
    assert "refresh" not in visitor.get("/").get_data(as_text=True)


@pytest.mark.parametrize("path", ["/", "/desa", "/internet", "/kantor/masuk", "/tidak-ada"])
@pytest.mark.parametrize("place", ["hall", "resident"])
def test_every_page_has_the_headers_and_no_script_within(visitor: Any, place: str, path: str) -> None:
    """The hall's screen has a file of ours, for its letters and its wipe; a phone none at all."""
    visitor.place = place
    response = visitor.get(path)
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    page = response.get_data(as_text=True)
    if place == "hall":
        page = re.sub(r'<script src="/layar/berkas/touch\.js\?v=[0-9a-f]+" defer></script>', "", page)
    assert "<script" not in page and "style=" not in page and "onclick" not in page
