"""The networks in the air, one hostapd for each.

Source: hostapd.conf of version 2.10.
"""

from __future__ import annotations

from appliance.core.config import Config
from appliance.core.config.networks import Network, NetworkKind, Radio, RadioBand


def air_interface(config: Config, network: Network) -> str:
    """The interface on which ``network`` is in the air: the radio itself for the first, one made for it for others."""
    if config.radio is not None and network == config.networks[0]:
        return config.radio.interface
    return f"ap-{network.name}"


def render(config: Config, network: Network) -> str | None:
    """The text of ``hostapd-NETWORK.conf``, or None for a box without a radio."""
    if config.radio is None:
        return None
    lines = [
        "# Written by desahub from hub.toml; changes here are lost.",
        f"interface={air_interface(config, network)}",
        f"bridge={network.interface}",
        "driver=nl80211",
        # In hexadecimal: whatever the village is called, it stays a name.
        f"ssid2={network.ssid.encode().hex()}",
        "utf8_ssid=1",
        *_radio(config.radio),
        "wmm_enabled=1",
        *(_office(network) if network.kind is NetworkKind.OFFICE else _RESIDENT),
    ]
    return "\n".join(lines) + "\n"


def _radio(radio: Radio) -> list[str]:
    fast = radio.band is RadioBand.GHZ_5
    return [
        f"country_code={radio.country_code}",
        "ieee80211d=1",
        *(["ieee80211h=1"] if fast else []),
        f"hw_mode={'a' if fast else 'g'}",
        f"channel={radio.channel}",
        "ieee80211n=1",
        *(["ieee80211ac=1"] if fast else []),
    ]


_RESIDENT = (
    "auth_algs=1",
    "wpa=0",
    # Phones in the air do not reach each other.
    "ap_isolate=1",
)


def _office(network: Network) -> list[str]:
    # WPA3 (SAE) would need the passphrase in this very file: hostapd 2.10 reads only WPA2's from a file of its own.
    return [
        "auth_algs=1",
        "wpa=2",
        "wpa_key_mgmt=WPA-PSK WPA-PSK-SHA256",
        "rsn_pairwise=CCMP",
        "ieee80211w=1",
        f"wpa_psk_file={network.passphrase_file}",
    ]
