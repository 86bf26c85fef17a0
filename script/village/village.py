"""A village from the first cable to the last process: put it up, take it down, clear what a killed one left."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from script.village import cables, hub, internet, phones, plan, windows
from script.village.machine import Machine, clear_control_groups, control_groups
from script.village.programs import Process, VillageError, run

Tell = Callable[[str], None]
_MACHINES = (*(place.machine for place in plan.PLACES), plan.NET)


@dataclass(frozen=True, slots=True)
class Secrets:
    """First accounts of this village: made at this run, gone with it."""

    office_account: str
    office_password: str
    noc_account: str
    noc_password: str
    neighbour_password: str = ""
    # Of the other accounts of the office: one-time passwords, or "" where the village has none.
    sekretaris_password: str = ""
    kepala_password: str = ""
    # Somebody made up: NIK and PIN, to be changed at the first login.
    resident_nik: str = ""
    resident_pin: str = ""


@dataclass
class Neighbour:
    """The second village: another district, another hub, the same NOC."""

    phones: tuple[plan.Phone, ...] = field(default_factory=lambda: plan.phones(plan.PHONES_OF_SECOND, plan.SECOND))
    hub: Machine = field(default_factory=lambda: Machine(plan.HUB_2, plan.SECOND.boots_by_itself))


@dataclass
class Village:
    """A running village, with or without its neighbour. Others find it through ``village.json`` in its folder."""

    phones: tuple[plan.Phone, ...]
    hub: Machine = field(default_factory=lambda: Machine(plan.HUB))
    net: Machine = field(default_factory=lambda: Machine(plan.NET))
    addresses: dict[str, str] = field(default_factory=dict)
    secrets: Secrets | None = None
    neighbour: Neighbour | None = None
    _processes: list[Process] = field(default_factory=list)

    def _all(self) -> list[tuple[plan.Place, Machine, tuple[plan.Phone, ...]]]:
        found = [(plan.FIRST, self.hub, self.phones)]
        if self.neighbour is not None:
            found.append((plan.SECOND, self.neighbour.hub, self.neighbour.phones))
        return found

    def up(self, tell: Tell) -> None:
        """Put the village up, saying each step."""
        places = [place for place, _, _ in self._all()]
        tell(f"laying cables for {' and '.join(str(len(each)) for _, _, each in self._all())} phones")
        cables.lay_internet()
        for place, _, connected in self._all():
            cables.lay(place, connected)
        tell("preparing desa-net: the internet and the NOC")
        internet.prepare(self.net, places)
        noc_account, noc_password = internet.first_run(self.net)
        for place, machine, _ in self._all():
            tell(f"preparing {machine.name}: its configuration is checked and applied")
            hub.prepare(machine, place)
        tell("booting desa-net")
        self.net.boot("village.target")
        self.net.wait_active("internet-web.service", "internet-names.service", *internet.NOC_UNITS)
        tell(f"booting {' and '.join(machine.name for _, machine, _ in self._all())}")
        for _, machine, _ in self._all():
            machine.begin_boot("desahub.target")
        for place, machine, connected in self._all():
            machine.wait_booted()
            machine.wait_active(*hub.UNITS)
            cables.plug_in(connected, place)
        tell("enrolling with the NOC")
        for place, machine, _ in self._all():
            hub.enrol(machine, self.net, place)
        tell("making residents and letters up")
        people = hub.made_up_people(self.hub)
        self.secrets = Secrets(
            "operator", people.passwords["operator"], noc_account, noc_password,
            sekretaris_password=people.passwords["sekretaris"], kepala_password=people.passwords["kepala"],
            resident_nik=people.nik, resident_pin=people.pin,
        )  # fmt: skip
        if self.neighbour is not None:
            _, password = hub.first_office_account(self.neighbour.hub)
            self.secrets = replace(self.secrets, neighbour_password=password)
        tell("phones ask for addresses")
        self._processes += phones.join([phone for _, _, connected in self._all() for phone in connected])
        self.addresses, opened = windows.open_windows(places)
        self._processes += opened
        self._write()
        tell("the village is ready")

    def _write(self) -> None:
        document = {
            "phones": len(self.phones),
            "has_neighbour": self.neighbour is not None,
            "addresses": self.addresses,
            "secrets": asdict(self.made_secrets),
        }
        made = plan.STATE / "village.json.new"
        made.touch(mode=0o600)
        made.write_text(json.dumps(document, indent=2), encoding="utf-8")
        made.rename(_document_path())

    @property
    def made_secrets(self) -> Secrets:
        """The first accounts, once the village is up."""
        if self.secrets is None:
            raise VillageError("this village is not up yet")
        return self.secrets

    def phone(self, number: int, *argv: str, timeout_seconds: float = 30) -> str:
        """Run a command in a phone, counted from 1."""
        phone = self.phones[number - 1]
        return run(["ip", "netns", "exec", phone.namespace, *argv], timeout_seconds=timeout_seconds)

    def down(self) -> None:
        """End everything that `up` started and remove what it made."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
        for process in self._processes:
            process.wait()
        for _, machine, _ in self._all():
            machine.stop()
        self.net.stop()

    def page(self) -> str:
        """Write the one page that a developer needs."""
        secrets = self.made_secrets
        hubs = "\n".join(
            f"Desa {place.village_name}, {place.kabupaten} ({place.zone}): {machine.name}, {len(connected)} phones."
            for place, machine, connected in self._all()
        )
        neighbour = ""
        if self.neighbour is not None:
            neighbour = (
                f"\n  Office of Desa {plan.SECOND.village_name}   {secrets.office_account}"
                f"   one-time password {secrets.neighbour_password}"
            )
        return f"""
{hubs}
One NOC in {self.net.name}.

{internet.describe_addresses(self.addresses)}

  Office account   {secrets.office_account}   one-time password {secrets.office_password}{neighbour}
  Also there       sekretaris   {secrets.sekretaris_password}
                   kepala   {secrets.kepala_password}
  A resident       NIK {secrets.resident_nik}   PIN {secrets.resident_pin}   (made up, as everybody in the register)
  NOC account      {secrets.noc_account}   password {secrets.noc_password}

  sudo script/phone 1 curl -si http://captive.apple.com/    what a phone meets
  sudo script/hub systemctl list-units 'desahub*'           what runs on the box
  sudo script/hub nft list ruleset                          who may pass
  sudo script/hub --hub 2 desahub status                    the same on the second box, where there is one
  sudo script/net journalctl -u desahub-noc-ingest          what the NOC receives
"""


def is_ready() -> bool:
    """Is a village up and ready?"""
    return _document_path().exists()


def attach() -> Village:
    """Find the village that another process holds up, to look into it and to run commands in it."""
    document = json.loads(_document_path().read_text(encoding="utf-8"))
    neighbour = None
    if document["has_neighbour"]:
        second = Machine.attach(plan.HUB_2, has_own_clock=plan.SECOND.boots_by_itself)
        neighbour = Neighbour(hub=second)
    return Village(
        plan.phones(document["phones"]),
        Machine.attach(plan.HUB),
        Machine.attach(plan.NET),
        document["addresses"],
        Secrets(**document["secrets"]),
        neighbour,
    )


def running_pid() -> int | None:
    """Find the process that holds a village up, if one does.

    Raises:
        VillageError: one is up, and has not yet written who it is.
    """
    if not _lock_path().exists():
        return None
    with _lock_path().open(encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = lock.read().strip()
            if not pid:
                raise VillageError("a village is just coming up; try again in a moment") from None
            return int(pid)
    return None


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the right to have a village on this machine, cleared of what a killed one left.

    Raises:
        VillageError: another village is up.
    """
    with _lock_path().open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VillageError("a village is already up. Stop it: sudo script/server --stop") from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        clear()
        plan.STATE.mkdir(mode=0o755)
        try:
            yield
        finally:
            clear()
            _lock_path().unlink(missing_ok=True)


def clear() -> None:
    """Remove what a village left: namespaces, control groups, folders. Its processes died with the one that led it."""
    cables.clear()
    clear_control_groups(*_MACHINES)
    shutil.rmtree(plan.STATE, ignore_errors=True)


def leftovers() -> list[str]:
    """List what a killed village left behind."""
    groups = [str(group) for name in _MACHINES for group in control_groups(name) if group.exists()]
    mounts = [
        line.split()[1] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines() if "desa-village" in line
    ]
    return cables.leftovers() + groups + mounts + ([str(plan.STATE)] if plan.STATE.exists() else [])


def _document_path() -> Path:
    return plan.STATE / "village.json"


def _lock_path() -> Path:
    return plan.STATE.with_suffix(".lock")
