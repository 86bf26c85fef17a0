"""What a technician reads who has written hub.toml a little wrong: each problem says what to write."""

from __future__ import annotations

import pytest

from appliance.core import config
from appliance.core.errors import ConfigError

WHOLE = """
[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
[hub]
id = "hub-satu"
[uplink]
interface = "eth0"
download_kbit = 20000
upload_kbit = 5000
[radio]
interface = "wlan0"
band = "2.4"
channel = 6
[[networks]]
name = "warga"
kind = "resident"
interface = "br-warga"
address = "10.20.0.1/20"
ssid = "Desa"
[portal]
host = "masuk.desa.internal"
"""
UPLINK = WHOLE[WHOLE.index("[uplink]") : WHOLE.index("[radio]")]
NETWORKS = WHOLE[WHOLE.index("[[networks]]") : WHOLE.index("[portal]")]


def _said(*changes: tuple[str, str]) -> list[str]:
    text = WHOLE
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    with pytest.raises(ConfigError) as caught:
        config.parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_it_is_whole() -> None:
    assert config.parse(WHOLE).hub.id == "hub-satu"


@pytest.mark.parametrize("host", ["captive.apple.com", "connectivitycheck.gstatic.com"])
def test_a_probe_host_is_named_whatever_else_is_wrong(host: str) -> None:
    said = _said(("masuk.desa.internal", host), ("20000", "-3"))
    assert len(said) == 2 and any(one.startswith(f"portal.host: is {host}, which phones ask") for one in said)
    assert any("kiosk.host" in one for one in _said(("[portal]", "[kiosk]"), ("masuk.desa.internal", host)))


@pytest.mark.parametrize(("written", "shown"), [("2.4", "2.4"), ("5", "5"), ("true", "True")])
def test_a_word_without_quotes_is_told_so(written: str, shown: str) -> None:
    assert _said(('band = "2.4"', f"band = {written}")) == [
        f'radio.band: is {shown} without quotes, allowed are, with quotes, "2.4", "5"'
    ]


def test_a_missing_section_is_told_with_its_header_and_keys() -> None:
    assert _said((UPLINK, "")) == [
        "uplink: is missing, write [uplink] with interface, download_kbit, upload_kbit. The way to the internet."
    ]
    assert _said((NETWORKS, "")) == [
        "networks: is missing, write [[networks]] with name, kind, interface, address, ssid. "
        "The networks the box offers, at least one for residents."
    ]
    assert _said(("download_kbit = 20000\n", ""))[0].startswith("uplink.download_kbit: is missing, needed is:")


def test_one_bracket_and_a_text_for_a_list_are_told_as_they_would_be_right() -> None:
    assert _said(("[[networks]]", "[networks]")) == ["networks: is a table, write [[networks]], with two brackets"]
    hours = ('ssid = "Desa"', 'ssid = "Desa"\nopen_hours = "mon-fri 06:00-22:00"')
    assert _said(hours) == ['networks[0].open_hours: is a text, allowed is a list, such as ["mon-fri 06:00-22:00"]']
    odd = ('ssid = "Desa"', 'ssid = "Desa"\nopen_hours = "a\\u001b\\"b"')
    assert _said(odd) == ["networks[0].open_hours: is a text, allowed is a list"]
