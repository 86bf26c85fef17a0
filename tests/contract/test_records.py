"""Connection records with the real kernel: a phone's connections, as the recorder's own process writes them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.core.config import parse
from appliance.network import nftables
from appliance.records import keys, sealed
from tests.contract.small_village import (
    HUB,
    HUB_TOML,
    INTERNET,
    PHONE,
    PHONE_MAC,
    SmallVillage,
    run,
    small_village,
    wait_until,
)

pytestmark = pytest.mark.root


@pytest.fixture
def village(own_network: None, tmp_path: Path) -> Iterator[SmallVillage]:
    with small_village(tmp_path) as made:
        made.give_address()
        run("ip", "route", "add", "default", "via", "198.18.0.10", inside=made.internet)
        for name in ("acct", "timestamp"):
            Path(f"/proc/sys/net/netfilter/nf_conntrack_{name}").write_text("1")
        # What ended is told at once, not after two minutes of TIME_WAIT.
        for name in ("tcp_timeout_time_wait", "tcp_timeout_close", "udp_timeout"):
            Path(f"/proc/sys/net/netfilter/nf_conntrack_{name}").write_text("1")
        yield made


def records_in(folder: Path, key: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.sealed")):
        reading = sealed.Reading()
        with path.open("rb") as file:
            content = b"".join(sealed.read(file, keys.private(key, "key"), reading))
        assert reading.is_whole, reading.trouble
        found += [json.loads(line) for line in content.decode().splitlines()]
    return found


def test_a_residents_connections_are_recorded_and_the_portals_are_not(village: SmallVillage, tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(HUB_TOML + '[records]\nenabled = true\npublic_key_file = "/x"\n')
    private, public = keys.make()
    (tmp_path / "records.pub").write_bytes(public)
    state = tmp_path / "state"
    state.mkdir()
    element = f"{{ {PHONE} . {PHONE_MAC} timeout 1h }}"
    run("nft", "-f", "-", text=nftables.render(
        parse(HUB_TOML), f"add element inet desahub admitted {element}\n"
        f"add element inet desahub admitted_return {{ {PHONE} timeout 1h }}\n",
    ))  # fmt: skip
    village.greet(village.internet, 443, b"x" * 50_000)
    village.greet(None, 80, b"portal")
    argv = [sys.executable, "-m", "appliance.records", "--config", str(config), "--state-directory", str(state)]
    log = tmp_path / "records.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen([*argv, "--public-key", str(tmp_path / "records.pub")], stderr=errors) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or _listens_to_netlink(process.pid), "the recorder")
            assert process.poll() is None, log.read_text()
            assert village.reaches(INTERNET, 443).startswith("x")
            assert village.reaches(HUB, 80) == "portal"
            # The last packet of a connection that is over lets the kernel forget it.
            wait_until(lambda: "198.18.0.1" not in _connections(), "the kernel to forget the connection", seconds=30)
            wait_until(lambda: "dport=80 " not in _connections(), "the kernel to forget the portal's", seconds=30)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0, log.read_text()
    [record] = records_in(state, private)
    assert record["mac"] == PHONE_MAC
    assert (record["source"], record["destination"], record["destination_port"]) == (PHONE, INTERNET, 443)
    assert record["protocol"] == "tcp"
    assert record["received_bytes"] >= 100
    assert 0 <= record["seconds"] < 60
    assert {path.stat().st_mode & 0o777 for path in state.iterdir()} == {0o600}
    assert PHONE.encode() not in b"".join(path.read_bytes() for path in state.iterdir())


def _connections() -> str:
    return Path("/proc/thread-self/net/nf_conntrack").read_text("ascii")


def _listens_to_netlink(pid: int) -> bool:
    """Has the process joined the group of ended connections (bit 2 of the groups, netlink(7))?"""
    rows = Path("/proc/thread-self/net/netlink").read_text("ascii").splitlines()[1:]
    return any(row.split()[1] == "12" and int(row.split()[3], 16) & 0x4 for row in rows)


@pytest.mark.parametrize(
    ("key", "words"), [(b"", "is no public key for records"), (b"-----BEGIN PUBLIC KEY-----\n", "is no public key")]
)
def test_without_a_key_nothing_is_recorded(tmp_path: Path, key: bytes, words: str) -> None:
    (tmp_path / "hub.toml").write_text(HUB_TOML)
    (tmp_path / "records.pub").write_bytes(key)
    argv = ["--config", str(tmp_path / "hub.toml"), "--public-key", str(tmp_path / "records.pub")]
    done = subprocess.run(
        [sys.executable, "-m", "appliance.records", *argv, "--state-directory", str(tmp_path)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
