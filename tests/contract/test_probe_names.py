"""The probes' names while the line is down, with the real dnsmasq and the real file."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core import probe_names
from appliance.core.config import parse
from appliance.network import dnsmasq
from appliance.system.probe_names import lead_here, lead_nowhere
from tests.contract.small_village import HUB, HUB_TOML, SmallVillage, small_village, wait_until

pytestmark = pytest.mark.root
APPLE, OTHER = "captive.apple.com", "berita.example"
# A second network of the same box: who asks from the first one must not be told its address.
TOML = f"""{HUB_TOML}
[[networks]]
name = "pasar"
kind = "resident"
interface = "br-pasar"
address = "10.30.0.1/24"
ssid = "Pasar"
"""


@pytest.fixture
def names(tmp_path: Path) -> Path:
    folder = tmp_path / "names"
    folder.mkdir()
    return folder


@pytest.fixture
def village(own_network: None, tmp_path: Path, names: Path) -> Iterator[SmallVillage]:
    with small_village(tmp_path) as made:
        made.give_address()
        made.dnsmasq(dnsmasq.render(parse(TOML)).replace(probe_names.DIRECTORY, str(names)))
        yield made


def _asked(village: SmallVillage, name: str, kind: int, seconds: float) -> bytes:
    """The answer to the phone's question, empty if there is none in time."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    with village.socket_in(village.phone, socket.SOCK_DGRAM) as asker:
        asker.settimeout(seconds)
        asker.sendto(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0" + bytes([kind]) + b"\0\1", (HUB, 53))
        try:
            return asker.recv(4096)
        except TimeoutError:
            return b""


def _address_and_ttl(answer: bytes) -> list[tuple[str, int]]:
    count = int.from_bytes(answer[6:8], "big")
    records = [answer[len(answer) - 16 * (at + 1) :][:16] for at in range(count)]
    return [(socket.inet_ntoa(record[12:16]), int.from_bytes(record[6:10], "big")) for record in records]


def test_a_probe_has_the_boxs_address_while_the_line_is_silent(village: SmallVillage, names: Path) -> None:
    # Nobody answers for the internet: as with a dish that sees no satellite.
    assert not _asked(village, APPLE, 1, 1)
    assert lead_here(names, probe_names.text(parse(TOML)))
    wait_until(lambda: _address_and_ttl(_asked(village, APPLE, 1, 1)) == [(HUB, 10)], "the box's address", seconds=5)
    answer = _asked(village, APPLE, 28, 1)
    assert answer[3] & 0x0F == 0, "that there is no IPv6 address is said at once: most ask for both, and wait for both"
    assert answer[6:8] == b"\0\0"
    assert not _asked(village, OTHER, 1, 1), "other names are nobody's to give"


def test_the_internets_answer_is_back_at_once(village: SmallVillage, names: Path) -> None:
    lead_here(names, probe_names.text(parse(TOML)))
    wait_until(lambda: village.resolves(APPLE) == [HUB], "the box's address")
    village.names({APPLE: ("198.18.0.80", 300)})
    assert village.resolves(APPLE) == [HUB]
    assert lead_nowhere(names)
    begun = time.monotonic()
    wait_until(lambda: village.resolves(APPLE) == ["198.18.0.80"], "the true address")
    assert time.monotonic() - begun < 3
    assert not lead_nowhere(names)


def test_a_file_that_is_being_written_is_not_read(village: SmallVillage, names: Path) -> None:
    village.names({APPLE: ("198.18.0.80", 1)})
    (names / ".probes").write_text(f"{HUB} {APPLE}\n{HUB} {OTHER}\n")
    # dnsmasq reads the folder in order: once it has the second file, it would have the first.
    (names / "probes").write_text(f"{HUB} www.apple.com\n")
    wait_until(lambda: village.resolves("www.apple.com") == [HUB], "the second file")
    assert village.resolves(APPLE) == ["198.18.0.80"]
