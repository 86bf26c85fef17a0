"""Applying hub.toml: all of it or nothing, and back when a step fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.core.config import parse
from appliance.core.errors import OperationError
from appliance.network.render import RenderedFile
from appliance.system.apply import apply, target
from appliance.system.memory import MemoryOperations
from appliance.system.operations import RealOperations, new_passphrase
from appliance.system.roots import Roots

GOLDEN = Path(__file__).parents[3] / "golden/rendered"
FULL = (GOLDEN / "full/hub.toml").read_text(encoding="utf-8")
MINIMAL = (GOLDEN / "minimal/hub.toml").read_text(encoding="utf-8")
ETC = Path("/etc")
RENDERED = ETC / "desahub/rendered"


@pytest.fixture
def machine() -> MemoryOperations:
    made = MemoryOperations()
    apply(parse(FULL), FULL, made)
    return made


def test_a_new_machine_gets_everything(machine: MemoryOperations) -> None:
    assert machine.files[ETC / "desahub/hub.toml"] == FULL
    assert (RENDERED / "nftables.nft") in machine.files
    assert (ETC / "systemd/network/10-desahub-br-warga.netdev") in machine.files
    assert machine.modes[ETC / "desahub/secrets/kantor.psk"] == 0o600
    reloads = [unit for step, unit in machine.calls if step == "reload"]
    assert reloads == [
        "systemd-networkd.service", "desahub-gate.service", "desahub-dns.service", "desahub-web.service",
        "desahub-radio@warga.service", "desahub-radio@kantor.service",
        "desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service",
    ]  # fmt: skip


def test_applying_again_does_nothing(machine: MemoryOperations) -> None:
    machine.calls.clear()
    done = apply(parse(FULL), FULL, machine)
    assert (done.changed, done.reloaded, done.passphrases) == ((), (), ())
    assert machine.calls == []


def test_a_text_for_people_reloads_only_who_shows_it(machine: MemoryOperations) -> None:
    text = FULL.replace('name = "Sukamaju"', 'name = "Sukamakmur"')
    done = apply(parse(text), text, machine)
    assert "desahub-dns.service" not in done.reloaded
    assert "desahub-portal.service" in done.reloaded


def test_networks_that_are_gone_are_stopped_and_removed(machine: MemoryOperations) -> None:
    done = apply(parse(MINIMAL), MINIMAL, machine)
    assert set(done.stopped) == {"desahub-radio@warga.service", "desahub-radio@kantor.service"}
    assert (RENDERED / "hostapd-kantor.conf") not in machine.files
    assert (ETC / "systemd/network/10-desahub-br-kantor.netdev") not in machine.files


def test_a_failed_check_changes_nothing_and_names_every_refusal(machine: MemoryOperations) -> None:
    before = dict(machine.files)
    machine.calls.clear()
    machine.refused_checks = {"nginx.conf", "dnsmasq.conf"}
    with pytest.raises(OperationError, match=r"(?s)dnsmasq\.conf.*nginx\.conf.*nothing was changed"):
        apply(parse(MINIMAL), MINIMAL, machine)
    assert (machine.files, machine.calls) == (before, [])


def test_a_failed_reload_puts_everything_back(machine: MemoryOperations) -> None:
    before = dict(machine.files)
    machine.calls.clear()
    machine.refused_reloads = {"desahub-web.service"}
    text = FULL.replace("masuk.sukamaju", "gerbang.sukamaju")
    with pytest.raises(OperationError, match="desahub-web"):
        apply(parse(text), text, machine)
    assert machine.files == before
    assert machine.calls.count(("reload", "desahub-dns.service")) == 2


def test_a_full_disk_in_the_middle_puts_everything_back(machine: MemoryOperations) -> None:
    before = dict(machine.files)
    machine.refused_writes = {ETC / "desahub/hub.toml"}
    with pytest.raises(OperationError, match=r"(?s)No space left.*previous files are back"):
        apply(parse(MINIMAL), MINIMAL, machine)
    assert machine.files == before


@pytest.mark.root
def test_the_real_edge_installs_into_given_roots(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    text = FULL.replace("/etc/desahub/secrets", str(tmp_path / "secrets"))
    done = apply(parse(text), text, RealOperations(roots), roots)
    assert target("nginx.conf", roots).read_text(encoding="utf-8").startswith("# Written by desahub")
    [secret] = done.passphrases
    assert secret.stat().st_mode & 0o777 == 0o600
    mac, passphrase = secret.read_text().split()
    assert mac == "00:00:00:00:00:00"
    assert 8 <= len(passphrase) <= 63
    again = apply(parse(text), text, RealOperations(roots), roots)
    assert (again.changed, again.passphrases) == ((), ())


@pytest.mark.root
@pytest.mark.parametrize("path", ["nftables.nft", "dnsmasq.conf", "nginx.conf"])
def test_the_real_programs_refuse_nonsense(path: str) -> None:
    with pytest.raises(OperationError):
        RealOperations().check(RenderedFile(path, "nonsense {\n"))


def test_passphrases_differ() -> None:
    assert len({new_passphrase() for _ in range(100)}) == 100
