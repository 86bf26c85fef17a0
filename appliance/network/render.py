"""Everything that ``hub.toml`` becomes on the machine, as text."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from dataclasses import dataclass

from appliance.core.config import Config
from appliance.core.config.signature import Signature
from appliance.network import cups, dnsmasq, hostapd, networkd, nftables, nginx

NETWORKD_PREFIX = "network/"
# There only where a network has the family filter; its units start only where it is.
FILTERED_DNS = "filtered-dns.conf"
# There only with [signature]; what desahub-signer reads, and all that it needs to know of this box.
SIGNATURE = "signature.json"

# There only with kiosk.screen; desahub-screen starts only where it is.
SCREEN = "screen.env"
# By this address nginx knows the screen in the hall, and no phone has it.
SCREEN_ADDRESS = "http://127.0.0.1/"


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One file. ``path`` is relative: ``network/…`` belongs to systemd-networkd, the rest to ``rendered``."""

    path: str
    text: str
    mode: int = 0o644


def signature(section: Signature) -> str:
    """What the signer reads (`appliance.papers.signer`)."""
    return json.dumps(dataclasses.asdict(section), indent=2) + "\n"


def screen(turn_degrees: int) -> str:
    """What desahub-screen reads. cage(1) turns the picture by 90 degrees for each ``-r``."""
    turns = " ".join(["-r"] * (turn_degrees // 90))
    return f"DESAHUB_SCREEN_ADDRESS={SCREEN_ADDRESS}\nDESAHUB_SCREEN_TURNS={turns}\n"


def render(config: Config, *, https: bool = False, https_names: Collection[str] = ()) -> tuple[RenderedFile, ...]:
    """Every file for ``config``, in a fixed order. No file holds a secret.

    Args:
        config: the village's configuration.
        https: there is a certificate of ``portal.host`` that phones trust, at `nginx.CERTIFICATE`.
        https_names: as `nginx.render`.
    """
    files = [
        RenderedFile("nftables.nft", nftables.render(config)),
        RenderedFile("dnsmasq.conf", dnsmasq.render(config, https=https, https_names=https_names)),
        RenderedFile("nginx.conf", nginx.render(config, https=https, https_names=https_names)),
    ]
    filtered = dnsmasq.render_filtered(config, https=https, https_names=https_names)
    if filtered is not None:
        files.append(RenderedFile(FILTERED_DNS, filtered))
    if config.printer is not None:
        files += [RenderedFile(cups.DAEMON_FILE, cups.daemon()), RenderedFile(cups.FILES_FILE, cups.files())]
    if config.signature is not None:
        files.append(RenderedFile(SIGNATURE, signature(config.signature)))
    if config.kiosk.screen:
        files.append(RenderedFile(SCREEN, screen(config.kiosk.screen_turn)))
    for network in config.networks:
        text = hostapd.render(config, network)
        if text is not None:
            files.append(RenderedFile(f"hostapd-{network.name}.conf", text))
    files += [RenderedFile(f"{NETWORKD_PREFIX}{name}", text) for name, text in sorted(networkd.render(config).items())]
    return tuple(files)
