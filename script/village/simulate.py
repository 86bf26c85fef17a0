"""A village without root: the same programs on loopback, with the in-memory twin of the firewall.

What is real: gate (with the twin), portal, kiosk, agent, MQTT broker with mutual TLS, ingest, dashboard. An nginx on
loopback says to portal and kiosk who is asking, as the hub's own does. What is not real is told on the page.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from script.village import hub, plan
from script.village.programs import Process, VillageError, run, secret_in, start, wait_until
from script.village.windows import Window, configuration, free_ports, listens

_NOT_REAL = """Not real here (sudo script/server has all of it):
  the firewall is its twin in memory, so nothing is really held back or let through
  no DHCP or DNS, no systemd, no namespaces, no users of their own; your browser is the only phone
  the phone's address and MAC are made up; the uplink is this machine's loopback
  the devices, vouchers and use that the office sees are made up too"""
_PYTHON = sys.executable
_BROKER_HOST = "127.0.0.1"
_PHONE_ADDRESS, _PHONE_MAC = "10.20.0.77", "02:de:5a:00:00:01"


@dataclass(frozen=True, slots=True)
class Simulation:
    """Folders and ports of one simulated village."""

    folder: Path
    portal: int
    kiosk: int
    noc: int
    broker: int

    @property
    def config(self) -> Path:
        """The simulated hub's configuration."""
        return self.folder / "hub.toml"

    @property
    def gate(self) -> Path:
        """The twin's socket."""
        return self.folder / "gate.sock"

    @property
    def hotspot(self) -> Path:
        """The socket of the hotspot's twin, with its made-up devices."""
        return self.folder / "hotspot.sock"

    @property
    def places(self) -> list[str]:
        """The NOC's two folders, as options."""
        return ["--directory", str(self.folder / "noc"), "--state", str(self.folder / "noc-state")]


def main() -> int:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="script/server --simulate", description=__doc__)
    parser.add_argument("--simulate", action="store_true")
    parser.parse_args()
    if os.geteuid() != 0:
        os.environ["PATH"] += ":/usr/sbin"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="desa-simulated-"))
    processes: list[Process] = []
    try:
        simulation = Simulation(folder, *free_ports(3), *free_ports(1, 18883))
        print("making the NOC, the hub's identity and the first accounts", flush=True)
        secrets = _prepare(simulation)
        print("starting gate, broker, ingest, dashboard, agent, portal, kiosk", flush=True)
        processes += _start(simulation)
        print(_page(simulation, *secrets), flush=True)
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        raise VillageError(f"a program ended by itself; what they said is in {folder}/*.log")
    except VillageError as error:
        print(f"server: {error}", file=sys.stderr)
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _prepare(simulation: Simulation) -> tuple[str, str]:
    """Write the configuration, make the NOC, enrol the hub; return the two first passwords."""
    folder = simulation.folder
    text = (
        hub.hub_toml(plan.FIRST)
        .replace(f'"{plan.WEB_ADDRESS}:80", "{plan.DNS_ADDRESS}:53"', f'"127.0.0.1:{simulation.broker}"')
        .replace(f'host = "{plan.NOC_HOST}"', f'host = "{_BROKER_HOST}"\nport = {simulation.broker}')
    )
    simulation.config.write_text(text + f'\n[kiosk]\nhost = "{plan.KIOSK_HOST}"\n', encoding="utf-8")
    for path in ("proc/net", "proc/sys/kernel/random", "run/systemd/timesync", "agent", "names", "portal", "kiosk"):
        (folder / path).mkdir(parents=True)
    (folder / "run" / "desahub-agent").symlink_to(folder / "agent")
    (folder / "run/systemd/timesync/synchronized").touch()  # this machine's clock is right: letters are dated by it
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    (folder / "proc/sys/kernel/random/boot_id").write_text(boot_id, encoding="ascii")
    _meet_the_phone(folder)
    said = _noc(simulation, "init", "--broker-host", _BROKER_HOST,
                "--bind-address", "127.0.0.1", "--port", str(simulation.broker))  # fmt: skip
    _noc(simulation, "hub", "add", "--hub-id", plan.HUB_ID, "--name", f"Desa {plan.VILLAGE_NAME}",
         "--kode-wilayah", plan.KODE_WILAYAH, "--timezone", "Asia/Makassar")  # fmt: skip
    identity = ["--config", str(simulation.config), "--identity", str(folder / "agent" / "identity")]
    _hub("enrol", "request", *identity, "--out", str(folder / "hub.csr"))
    _noc(simulation, "enrol", "sign", str(folder / "hub.csr"), "--out", str(folder / "hub.crt"))
    _hub("enrol", "install", *identity, "--certificate", str(folder / "hub.crt"),
         "--ca", str(folder / "noc/broker/ca.crt"))  # fmt: skip
    office = _hub("office", "add", "operator", "--role", "operator", "--state-directory", str(folder / "kiosk"))
    return secret_in(office), secret_in(said)


def _meet_the_phone(folder: Path) -> None:
    """Write the neighbour table and the lease in which the browser is a resident's phone."""
    (folder / "proc/net/arp").write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        f"{_PHONE_ADDRESS}       0x1         0x2         {_PHONE_MAC}     *        {plan.BRIDGE}\n",
        encoding="ascii",
    )
    leases = folder / "var/lib/desahub-dns/leases"
    leases.parent.mkdir(parents=True)
    leases.write_text(f"{int(time.time()) + 86400} {_PHONE_MAC} {_PHONE_ADDRESS} hp-1 *\n", encoding="ascii")


def _hub(*arguments: str) -> str:
    return run([_PYTHON, "-m", "appliance.cli", *arguments])


def _noc(simulation: Simulation, command: str, *arguments: str) -> str:
    return run([_PYTHON, "-m", "noc.cli", command, *arguments, *simulation.places])


def _start(simulation: Simulation) -> list[Process]:
    folder, me = simulation.folder, pwd.getpwuid(os.getuid()).pw_uid
    common = ["--config", str(simulation.config), "--gate-socket", str(simulation.gate)]
    commands: dict[str, Sequence[str]] = {
        "gate": ["appliance.gate", "--config", str(simulation.config), "--socket", str(simulation.gate), "--twin",
                 "--allow-uid", f"{me}=portal"],
        "broker": ["mosquitto", "-c", str(folder / "noc/broker/mosquitto.conf")],
        "ingest": ["noc.ingest", "--host", "localhost", "--port", str(simulation.broker),
                   "--identity", str(folder / "noc/ingest"), "--store", str(folder / "noc-state/noc.db")],
        "watch": ["noc.watch", "--directory", str(folder / "noc"), "--state", str(folder / "noc-state")],
        "noc": ["noc.web", "--state", str(folder / "noc-state"), "--bind", f"127.0.0.1:{simulation.noc}"],
        "agent": ["agent", *common, "--state", str(folder / "agent"), "--runtime", str(folder / "agent"),
                  "--names", str(folder / "names")],
        "portal": ["captive_portal", *common, "--roots", str(folder), "--state-directory", str(folder / "portal"),
                   "--bind", f"unix:{folder}/portal.sock"],
        "kiosk": ["appliance.kiosk", *common, "--roots", str(folder), "--state-directory", str(folder / "kiosk"),
                  "--bind", f"unix:{folder}/kiosk.sock", "--hotspot-socket", str(simulation.hotspot)],
        "hotspot": ["script.village.hotspot_twin", "--config", str(simulation.config),
                    "--socket", str(simulation.hotspot)],
        "front": ["nginx", "-e", f"{folder}/front.log", "-c", f"{folder}/front.conf"],
    }  # fmt: skip
    windows = (
        Window("portal", "portal", "", plan.PORTAL_HOST, headers=(("X-Real-IP", _PHONE_ADDRESS),)),
        Window("kiosk", "kiosk", "", plan.KIOSK_HOST, headers=(("X-Real-IP", "127.0.0.1"), ("X-Desa-Place", "hall"))),
    )
    front = configuration(windows, (simulation.portal, simulation.kiosk), folder)
    (folder / "front.conf").write_text(front, encoding="utf-8")
    processes = []
    for name, command in commands.items():
        argv = list(command) if command[0] in ("mosquitto", "nginx") else [_PYTHON, "-m", *command]
        processes.append(start(argv, log=folder / f"{name}.log"))
        if name == "gate":
            wait_until(simulation.gate.exists, "the gate's socket")
    # nginx listens before those behind it do, and would answer 502 for them.
    for name in ("portal", "kiosk", "hotspot"):
        wait_until((folder / f"{name}.sock").exists, f"{name}'s socket")
    for port in (simulation.noc, simulation.portal, simulation.kiosk):
        wait_until(lambda port=port: listens(port), f"127.0.0.1:{port}")  # type: ignore[misc]
    return processes


def _page(simulation: Simulation, office_password: str, noc_password: str) -> str:
    return f"""
Desa {plan.VILLAGE_NAME}, simulated on loopback.

  Portal          http://127.0.0.1:{simulation.portal}/
  Kiosk           http://127.0.0.1:{simulation.kiosk}/
  NOC dashboard   http://127.0.0.1:{simulation.noc}/
  Village office  http://127.0.0.1:{simulation.kiosk}/kantor/

  Office account  operator   one-time password {office_password}
  NOC account     admin      password {noc_password}

{_NOT_REAL}

Ctrl-C takes it down."""


if __name__ == "__main__":
    sys.exit(main())
