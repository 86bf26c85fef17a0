"""What two hub.toml become, byte for byte, and that the programs which read it take it.

``UPDATE_GOLDENS=1 pytest tests/golden`` writes the files anew; read the difference before committing it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.core.config import parse
from appliance.network import nginx
from appliance.network.render import render
from appliance.system import certificate
from tests.authority import Authority

FOLDER = Path(__file__).parent / "rendered"
CASES = ("minimal", "full", "https", "filter", "papers")
# The village whose portal has a certificate.
HTTPS = "https"


def _files(case: str) -> dict[str, str]:
    text = (FOLDER / case / "hub.toml").read_text(encoding="utf-8")
    config = parse(text)
    # The certificate is for every name of this village.
    names = certificate.other_names(config)
    return {file.path: file.text for file in render(config, https=case == HTTPS, https_names=names)}


@pytest.mark.parametrize("case", CASES)
def test_rendered_files_are_the_golden_ones(case: str) -> None:
    made, folder = _files(case), FOLDER / case
    if os.environ.get("UPDATE_GOLDENS") == "1":
        for old in folder.rglob("*"):
            if old.is_file() and old.name != "hub.toml":
                old.unlink()
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    found = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != "hub.toml"
    }
    assert found == made


def _check(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.root
@pytest.mark.parametrize("case", CASES)
def test_nft_takes_the_ruleset_twice(case: str) -> None:
    path = str(FOLDER / case / "nftables.nft")
    _check(["unshare", "--net", "nft", "-c", "-f", path])
    # Loaded over itself: the second time the table is there already.
    _check(["unshare", "--net", "sh", "-euc", 'nft -f "$0"; nft -f "$0"; nft list table inet desahub', path])


@pytest.mark.parametrize("case", CASES)
def test_dnsmasq_takes_its_configuration(case: str) -> None:
    _check([shutil.which("dnsmasq") or "/usr/sbin/dnsmasq", "--test", "-C", str(FOLDER / case / "dnsmasq.conf")])


def test_only_where_a_network_has_the_filter_there_is_anything_of_it() -> None:
    path = FOLDER / "filter" / "filtered-dns.conf"
    _check([shutil.which("dnsmasq") or "/usr/sbin/dnsmasq", "--test", "-C", str(path)])
    for case in ("minimal", "full"):
        files = _files(case)
        assert "filtered-dns.conf" not in files
        assert not any("192.0.0.8" in text or "5300" in text or "8081" in text for text in files.values())


@pytest.mark.root
@pytest.mark.parametrize("case", CASES)
def test_nginx_takes_its_configuration(case: str, tmp_path: Path) -> None:
    text = (FOLDER / case / "nginx.conf").read_text(encoding="utf-8").replace("/run/desahub-web", str(tmp_path))
    chain, key = Authority().server("masuk.sukamaju.desa.id")
    (tmp_path / "portal.pem").write_bytes(key + chain)
    text = text.replace(nginx.CERTIFICATE, str(tmp_path / "portal.pem"))
    (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["unshare", "--net", "nginx", "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr, done.stderr


@pytest.mark.parametrize("case", CASES)
def test_rfc_8910_is_offered_with_a_certificate_only(case: str) -> None:
    text = (FOLDER / case / "dnsmasq.conf").read_text(encoding="utf-8")
    offers = [line for line in text.splitlines() if line.startswith("dhcp-option=tag:")]
    assert offers == (
        ["dhcp-option=tag:warga,114,https://masuk.sukamaju.desa.id/captive-portal/api"] if case == HTTPS else []
    )
    assert ("listen 443" in (FOLDER / case / "nginx.conf").read_text(encoding="utf-8")) is (case == HTTPS)
