"""Every unit is clean and hardened, as systemd itself judges it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[3] / "systemd"
UNITS = sorted(
    path for path in SYSTEMD.rglob("*") if path.suffix in (".service", ".socket", ".target", ".timer", ".path")
)
SERVICES = [path for path in UNITS if path.suffix == ".service"]
EXPOSURE_MAX = 20  # tenths
# CUPS is root, becomes another user for each paper, and speaks to devices and to the village's own networks.
EXPOSED = {"desahub-printer.service": 24}
# hostapd reads the passphrase, which is root's alone; applying writes what the others read, and reloads them; systemd
# restarts units for root.
AS_ROOT = (
    "desahub-radio@.service",
    "desahub-certificate.service",
    "desahub-configure.service",
    "desahub-return.service",
    "desahub-operator.service",
    "desahub-noc-revoked.service",
    "desahub-printer.service",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that looks like a machine on which everything the units start is installed."""
    folder = tmp_path_factory.mktemp("machine")
    units = folder / "etc/systemd/system"
    units.mkdir(parents=True)
    shutil.copytree("/usr/lib/systemd/system", folder / "usr/lib/systemd/system", symlinks=True)
    (folder / "lib").symlink_to("usr/lib")
    (folder / "bin").symlink_to("usr/bin")
    for path in UNITS:
        shutil.copy(path, units / path.name)
        for program in re.findall(r"^Exec\w+=[-+!:@]*(/\S+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            place = folder / program.removeprefix("/").replace("bin/", "usr/bin/", program.startswith("/bin/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("#!/bin/sh\n", encoding="utf-8")
            place.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _verify(root: Path, name: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={root}", "--man=no", name],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return "\n".join(line for line in done.stderr.splitlines() if "desahub" in line)


def _name(path: Path) -> str:
    return path.name.replace("@.", "@warga.")


def test_there_are_units() -> None:
    assert {"desahub-gate.service", "desahub-firewall.service", "desahub.target"} <= {path.name for path in UNITS}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_every_line(root: Path, unit: Path) -> None:
    assert _verify(root, _name(unit)) == ""


def test_the_check_itself_sees_a_mistake(root: Path) -> None:
    broken = root / "etc/systemd/system/desahub-broken.service"
    broken.write_text("[Service]\nExecStart=/bin/kill\nNoNewPriviliges=yes\n", encoding="utf-8")
    assert "NoNewPriviliges" in _verify(root, broken.name)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_exposure_is_small(unit: Path) -> None:
    most = EXPOSED.get(unit.name, EXPOSURE_MAX)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", f"./{unit.name}"],
        cwd=unit.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-300:]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_each_service_has_a_user_that_sysusers_makes(unit: Path) -> None:
    match = _user(unit)
    if unit.name in AS_ROOT:
        assert match is None or match[1] == "root"
        return
    assert match is not None
    made = "\n".join(path.read_text(encoding="utf-8") for path in (SYSTEMD / "sysusers.d").iterdir())
    assert re.search(rf"^u {match[1]} ", made, re.MULTILINE) or match[1] == "mosquitto"


def test_only_services_with_the_same_data_share_a_user() -> None:
    services: dict[str, set[str]] = {}
    for unit in SERVICES:
        if match := _user(unit):
            services.setdefault(match[1], set()).add(unit.name.removesuffix(".service"))
    assert {user: names for user, names in services.items() if len(names) > 1} == {
        "desahub-gate": {"desahub-firewall", "desahub-gate"},
        "desahub-portal": {"desahub-portal", "desahub-keeper"},
        "desahub-filter": {"desahub-filter", "desahub-filter-update"},
        "desahub-agent": {
            "desahub-agent",
            "desahub-claim",
            "desahub-renew",
            "desahub-portal-request",
            "desahub-clock",
            "desahub-speed-test@",
        },
        "desahub-noc-ingest": {"desahub-noc-ingest", "desahub-noc-ingest@", "desahub-noc-graphs"},
    }


def _user(unit: Path) -> re.Match[str] | None:
    return re.search(r"^User=(\S+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


def test_nothing_opens_the_firewall_on_stop() -> None:
    text = (SYSTEMD / "hub/desahub-firewall.service").read_text(encoding="utf-8")
    assert not re.search(r"^Exec(Stop|StopPost|Reload)=", text, re.MULTILINE)
    commands = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert "nft -f" in commands[0]
    assert commands[1].endswith("net.ipv4.ip_forward=1")


@pytest.mark.parametrize("program", ["ingest", "ingest@", "watch", "web", "graphs", "letter-check"])
def test_what_reads_reports_has_an_end_to_its_memory(program: str) -> None:
    unit = (SYSTEMD / f"noc/desahub-noc-{program}.service").read_text(encoding="utf-8")
    assert re.search(r"^MemoryMax=\d\d%$", unit, re.MULTILINE)
