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
APPLIED = RENDERED / "hub.toml"
MARK = RENDERED / "unfinished"
RENAMED = FULL.replace("masuk.sukamaju", "gerbang.sukamaju")
MOVED = FULL.replace("10.20.0.1/20", "10.21.0.1/20")


@pytest.fixture
def machine() -> MemoryOperations:
    made = MemoryOperations()
    apply(parse(FULL), FULL, made)
    assert MARK not in made.files
    return made


def test_a_new_machine_gets_everything(machine: MemoryOperations) -> None:
    assert machine.files[APPLIED] == FULL
    assert ETC / "desahub/hub.toml" not in machine.files, "the technician's own file is not touched"
    assert (RENDERED / "nftables.nft") in machine.files
    assert (ETC / "systemd/network/10-desahub-br-warga.netdev") in machine.files
    assert machine.modes[ETC / "desahub/secrets/kantor.psk"] == 0o600
    reloads = [unit for step, unit in machine.calls if step == "reload"]
    assert machine.running >= {
        "systemd-networkd.service", "desahub-firewall.service", "desahub.target", "desahub-radio@warga.service",
    }  # fmt: skip
    assert reloads == [
        "desahub-gate.service", "desahub-dns.service", "desahub-web.service",
        "desahub-radio@warga.service", "desahub-radio@kantor.service",
        "desahub-keeper.service", "desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service",
    ]  # fmt: skip


def test_applying_again_does_nothing(machine: MemoryOperations) -> None:
    machine.calls.clear()
    done = apply(parse(FULL), FULL, machine)
    assert (done.changed, done.started, done.reloaded, done.passphrases) == ((), (), (), ())
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
    # It refuses the old files too: what is left over lets the next apply reload everything.
    assert machine.files.pop(MARK)
    assert machine.files == before
    assert machine.calls.count(("reload", "desahub-dns.service")) == 2


def test_a_full_disk_in_the_middle_puts_everything_back(machine: MemoryOperations) -> None:
    before = dict(machine.files)
    machine.refused_writes = {APPLIED}
    with pytest.raises(OperationError, match=r"(?s)No space left.*previous files are back"):
        apply(parse(MINIMAL), MINIMAL, machine)
    assert machine.files == before


def test_the_applied_hub_toml_is_written_last(machine: MemoryOperations) -> None:
    machine.calls.clear()
    apply(parse(MINIMAL), MINIMAL, machine)
    files = [Path(what) for step, what in machine.calls if step in ("write", "remove")]
    assert (files[0], files[-2], files[-1]) == (MARK, APPLIED, MARK)


def test_a_gate_that_does_not_take_the_rules_puts_everything_back(machine: MemoryOperations) -> None:
    before, running = dict(machine.files), set(machine.running)
    machine.calls.clear()
    machine.gate_holds = "old"
    with pytest.raises(OperationError, match=r"(?s)the gate did not take the new rules.*previous files are back"):
        apply(parse(MOVED), MOVED, machine)
    assert (machine.files, machine.running) == (before, running)
    assert machine.calls.count(("reload", "systemd-networkd.service")) == 2
    assert machine.calls.count(("reload", "desahub-gate.service")) == 2
    assert ("reload", "desahub-dns.service") not in machine.calls


@pytest.mark.parametrize("unit", ["systemd-networkd.service", "desahub-firewall.service", "desahub.target"])
def test_what_does_not_run_is_brought_up_without_a_change(machine: MemoryOperations, unit: str) -> None:
    machine.running.discard(unit)
    assert apply(parse(FULL), FULL, machine).started == (unit,)
    assert unit in machine.running


def test_on_a_new_machine_a_failure_leaves_nothing_running() -> None:
    machine = MemoryOperations()
    machine.refused_reloads = {"desahub.target"}
    with pytest.raises(OperationError, match="previous files are back"):
        apply(parse(MINIMAL), MINIMAL, machine)
    assert (machine.files, machine.running) == ({}, set())


def test_a_network_that_was_to_go_is_in_the_air_again_after_a_failure(machine: MemoryOperations) -> None:
    machine.refused_reloads = {"desahub-web.service"}
    with pytest.raises(OperationError):
        apply(parse(MINIMAL), MINIMAL, machine)
    stops = [step for step in machine.calls if step == ("stop", "desahub-radio@kantor.service")]
    assert stops
    assert ("reload", "desahub-radio@kantor.service") in machine.calls[machine.calls.index(stops[-1]) :]


class _PowerCutError(BaseException):
    pass


class _CutMachine(MemoryOperations):
    """Loses its power before the given number of writes and removals is done."""

    left = 10_000

    def write(self, path: Path, text: str, mode: int, group: str = "") -> None:
        self._count()
        super().write(path, text, mode, group)

    def remove(self, path: Path) -> None:
        self._count()
        super().remove(path)

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _PowerCutError


@pytest.mark.parametrize("steps", range(1, 6))
def test_after_a_power_cut_the_next_apply_repairs_and_reloads_all(steps: int) -> None:
    machine, whole = _CutMachine(), MemoryOperations()
    apply(parse(FULL), FULL, machine)
    apply(parse(MOVED), MOVED, whole)
    machine.left = steps
    with pytest.raises(_PowerCutError):
        apply(parse(MOVED), MOVED, machine)
    machine.left = 10_000
    done = apply(parse(MOVED), MOVED, machine)
    assert machine.files == whole.files
    assert {"systemd-networkd.service", "desahub-gate.service", "desahub-web.service"} <= set(done.reloaded)


def test_an_end_in_the_middle_puts_everything_back(machine: MemoryOperations) -> None:
    before = dict(machine.files)

    def end(path: Path, text: str, mode: int, group: str = "") -> None:
        if path == APPLIED and text == RENAMED:
            raise OperationError("told to end by SIGTERM")
        MemoryOperations.write(machine, path, text, mode, group)

    machine.write = end  # type: ignore[method-assign]
    with pytest.raises(OperationError, match="SIGTERM"):
        apply(parse(RENAMED), RENAMED, machine)
    assert machine.files == before


def test_a_machine_without_a_place_for_temporary_files_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.mkdtemp", nowhere)
    with pytest.raises(OperationError, match="No usable temporary directory found; free or mount /tmp"):
        RealOperations().check(RenderedFile("nginx.conf", ""))


def test_the_gate_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    monkeypatch.setattr("appliance.system.operations._GATE_SECONDS", 0.3)
    asked: list[str] = ["old", "old", "new"]
    RealOperations(Roots.under(tmp_path), lambda: asked.pop(0)).wait_for_gate("new")
    assert asked == []
    with pytest.raises(OperationError, match="it holds other rules"):
        RealOperations(Roots.under(tmp_path), lambda: "old").wait_for_gate("new")


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


PEM = RENDERED / "portal.pem"
NGINX = RENDERED / "nginx.conf"
DNSMASQ = RENDERED / "dnsmasq.conf"


def test_a_certificate_comes_before_nginx_reads_it_and_goes_after(machine: MemoryOperations) -> None:
    machine.calls.clear()
    done = apply(parse(FULL), FULL, machine, certificate_pem="key and chain")
    assert (machine.files[PEM], machine.modes[PEM], machine.groups[PEM]) == ("key and chain", 0o640, "desahub-web")
    assert "portal.pem" in machine.beside
    assert "listen 443" in machine.files[NGINX]
    assert ",114,https://masuk.sukamaju.internal/captive-portal/api" in machine.files[DNSMASQ]
    assert set(done.reloaded) == {"desahub-dns.service", "desahub-web.service"}
    writes = [path for step, path in machine.calls if step == "write"]
    assert writes.index(str(PEM)) < writes.index(str(NGINX))

    machine.calls.clear()
    apply(parse(FULL), FULL, machine)
    assert PEM not in machine.files
    assert "listen 443" not in machine.files[NGINX]
    assert ",114," not in machine.files[DNSMASQ]
    assert machine.calls.index(("write", str(NGINX))) < machine.calls.index(("remove", str(PEM)))


def test_a_renewed_certificate_reloads_nginx_alone(machine: MemoryOperations) -> None:
    apply(parse(FULL), FULL, machine, certificate_pem="old")
    assert apply(parse(FULL), FULL, machine, certificate_pem="old").changed == ()
    done = apply(parse(FULL), FULL, machine, certificate_pem="new")
    assert (done.changed, done.reloaded) == ((PEM,), ("desahub-web.service",))


@pytest.mark.parametrize("after", ["new", ""])
def test_a_certificate_that_is_put_back_stays_secret(machine: MemoryOperations, after: str) -> None:
    apply(parse(FULL), FULL, machine, certificate_pem="old")
    machine.refused_reloads = {"desahub-web.service"}
    with pytest.raises(OperationError, match="ended with status 1"):
        apply(parse(FULL), FULL, machine, certificate_pem=after)
    assert (machine.files[PEM], machine.modes[PEM], machine.groups[PEM]) == ("old", 0o640, "desahub-web")
    assert "listen 443" in machine.files[NGINX]


@pytest.mark.parametrize(("garden", "asked_anew"), [("bansos.example.go.id", True), ("192.0.2.53", False)])
def test_new_rules_let_the_names_of_the_garden_be_asked_anew(
    machine: MemoryOperations, garden: str, asked_anew: bool
) -> None:
    before = FULL.replace('["192.0.2.54", "192.0.2.53"]', f'["{garden}"]')
    apply(parse(before), before, machine)
    after = before.replace('kind = "resident"', 'kind = "resident"\nsession_seconds = 60')
    done = apply(parse(after), after, machine)
    assert ("desahub-dns.service" in done.reloaded) is asked_anew
    if asked_anew:
        assert done.reloaded.index("desahub-gate.service") < done.reloaded.index("desahub-dns.service")


RECORDED = FULL + '\n[records]\nenabled = true\npublic_key_file = "/etc/desahub/records.pub"\n'
PUBLIC = Path("/etc/desahub/records.pub")
RECORDS = "desahub-records.service"


@pytest.mark.parametrize(("key", "words"), [(None, "there is no such file"), ("nonsense", "is no public key")])
def test_records_without_a_key_change_nothing(machine: MemoryOperations, key: str | None, words: str) -> None:
    if key is not None:
        machine.files[PUBLIC] = key
    before = dict(machine.files)
    with pytest.raises(OperationError, match=f"{words}.*Nothing was changed"):
        apply(parse(RECORDED), RECORDED, machine)
    assert machine.files == before


def test_records_run_only_while_they_are_asked_for(machine: MemoryOperations) -> None:
    assert RECORDS not in machine.running
    machine.files[PUBLIC] = "-----BEGIN PUBLIC KEY-----\nfirst\n"
    apply(parse(RECORDED), RECORDED, machine)
    assert machine.files[RENDERED / "records.pub"] == machine.files[PUBLIC]
    assert RECORDS in machine.running
    assert apply(parse(RECORDED), RECORDED, machine).reloaded == ()
    machine.files[PUBLIC] = "-----BEGIN PUBLIC KEY-----\nsecond\n"
    assert apply(parse(RECORDED), RECORDED, machine).reloaded == (RECORDS,)
    done = apply(parse(FULL), FULL, machine)
    assert RECORDS in done.stopped
    assert RECORDS not in machine.running
    assert RENDERED / "records.pub" not in machine.files


PAPERS = FULL + '\n[printer]\nqueue = "surat"\n[signature]\nservice = "https://esign.example.go.id"\n'
PRINTER, SIGNER = "desahub-printer.service", "desahub-signer.service"


def test_printing_and_signing_run_only_while_they_are_asked_for(machine: MemoryOperations) -> None:
    assert not {PRINTER, SIGNER} & machine.running
    apply(parse(PAPERS), PAPERS, machine)
    assert {PRINTER, SIGNER} <= machine.running
    assert '"service": "https://esign.example.go.id"' in machine.files[RENDERED / "signature.json"]
    # What waits in the printer's queue is in memory: it is started anew for its own files alone.
    other = PAPERS.replace("esign.example", "tte.example")
    done = apply(parse(other), other, machine)
    assert SIGNER in done.reloaded and PRINTER not in done.reloaded
    assert apply(parse(other), other, machine).reloaded == ()
    done = apply(parse(FULL), FULL, machine)
    assert done.stopped.count(PRINTER) == 1 and done.stopped.count(SIGNER) == 1
    assert not {PRINTER, SIGNER} & machine.running
    assert not {"cupsd.conf", "cups-files.conf", "signature.json"} & {path.name for path in machine.files}
