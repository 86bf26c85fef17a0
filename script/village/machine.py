"""One machine of the village: a network namespace, a copy-on-write view of this machine's disk, and real systemd.

systemd-nspawn boots it. What the machine writes lives in memory and is gone with it. The container sits in a PID
namespace of its own, chained to this process by parent-death signals: however the village ends, ``kill -9`` included,
nothing of it keeps running, and its mounts go with its mount namespace.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from script.village import plan
from script.village.programs import Process, VillageError, run, start, wait_until

_ENVIRONMENT = [
    "env", "-i", "HOME=/root", "LANG=C.UTF-8",
    "PATH=/opt/desahub/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
]  # fmt: skip


@dataclass
class Machine:
    """``desa-hub`` or ``desa-net``. Make it, `prepare` its disk, fill it, `boot` it.

    Args:
        name: of the machine, and of its network namespace.
        has_own_clock: its clocks since the boot begin with its boot (time_namespaces(7)), as those of a real box.
    """

    name: str
    has_own_clock: bool = False

    def __post_init__(self) -> None:
        self.folder = plan.STATE / self.name
        self.root = self.folder / "root"
        self._process: Process | None = None
        self._mounts: Process | None = None
        self.leader = 0

    @classmethod
    def attach(cls, name: str, *, has_own_clock: bool = False) -> Machine:
        """Find a machine that another process has booted, to run commands inside it."""
        machine = cls(name, has_own_clock)
        machine.leader = int((machine.folder / "leader").read_text(encoding="ascii"))
        return machine

    def prepare(self, side: str) -> None:
        """Lay this machine's disk over the real one and install what ships for ``side``, ``hub`` or ``noc``."""
        # As the package does when it is installed: without byte code each start would compile again.
        packages = [str(plan.REPOSITORY / name) for name in ("appliance", "captive_portal", "agent", "noc")]
        run([str(plan.REPOSITORY / ".venv/bin/python"), "-m", "compileall", "-q", *packages])
        (self.folder / "disk").mkdir(parents=True)
        self.root.mkdir()
        # A process that only keeps the mount namespace: the overlay is visible in there and nowhere else.
        self._mounts = start(
            ["unshare", "--mount", "--propagation", "private", "--kill-child", "--fork", "sh", "-euc",
             'mount -t tmpfs -o mode=0755 tmpfs "$1/disk"; mkdir "$1/disk/upper" "$1/disk/work"; '
             'mount -t overlay overlay -o "lowerdir=/,upperdir=$1/disk/upper,workdir=$1/disk/work" "$1/root"; '
             'mkdir -p "$1/root/opt/desahub"; mount --bind -o ro "$2/.venv" "$1/root/opt/desahub"; '
             'mount --bind -o ro "$2" "$1/root/opt/desahub/src"; '
             'mount -t proc proc "$1/root/proc"; mount --rbind /dev "$1/root/dev"; '
             'touch "$1/mounted"; exec sleep infinity', "sh", str(self.folder), str(plan.REPOSITORY)],
            log=self.folder / "disk.log",
        )  # fmt: skip
        mounts = self._mounts
        wait_until(lambda: (self.folder / "mounted").exists() or mounts.poll() is not None, "the machine's disk")
        if mounts.poll() is not None:
            raise VillageError(f"{self.name}: cannot lay its disk: {(self.folder / 'disk.log').read_text()}")
        self._install_units(side)

    def _install_units(self, side: str) -> None:
        # This machine's own services and mounts are no part of the village: only the shipped units are.
        self.offline(["sh", "-euc", "rm -rf /etc/systemd/system /etc/systemd/network; "
                      "mkdir -p /etc/systemd/system /etc/systemd/network /etc/sysusers.d /etc/tmpfiles.d; "
                      ": >/etc/fstab; : >/etc/machine-id; rm -rf /run/desa-village"])  # fmt: skip
        name = {"hub": "desahub", "noc": "desahub-noc"}[side]
        self.offline(
            ["sh", "-euc", 'cd /opt/desahub/src/systemd; cp "$1"/* /etc/systemd/system/; '
             'cp "sysusers.d/$2.conf" /etc/sysusers.d/; cp "tmpfiles.d/$2.conf" /etc/tmpfiles.d/; '
             'systemd-sysusers "$2.conf"; systemd-tmpfiles --create "$2.conf"', "sh", side, name]
        )  # fmt: skip
        self.write("/etc/hostname", f"{self.name}\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")

    @property
    def _into_mounts(self) -> list[str]:
        assert self._mounts is not None
        children = f"/proc/{self._mounts.pid}/task/{self._mounts.pid}/children"
        child = Path(children).read_text(encoding="ascii").split()[0]
        return ["nsenter", "--target", child, "--mount"]

    def offline(self, argv: Sequence[str], *, text: str | None = None) -> str:
        """Run a command on this machine's disk before it boots, in its network namespace."""
        return run(
            [*self._into_mounts, f"--net=/run/netns/{self.name}", "chroot", str(self.root), *_ENVIRONMENT, *argv],
            text=text,
        )

    def write(self, path: str, text: str, mode: str = "0644") -> None:
        """Put a file on this machine's disk before it boots."""
        self.offline(
            ["sh", "-euc", 'mkdir -p "$(dirname "$1")"; rm -f "$1"; cat >"$1"; chmod "$2" "$1"', "sh", path, mode],
            text=text,
        )

    def boot(self, target: str) -> None:
        """Start systemd and wait until it answers."""
        self.begin_boot(target)
        self.wait_booted()

    def begin_boot(self, target: str) -> None:
        """Start systemd, and do not wait."""
        # Lent for commands before the boot; systemd-nspawn brings its own.
        run([*self._into_mounts, "umount", "--recursive", f"{self.root}/dev", f"{self.root}/proc"])
        control_group = _control_group(self.name)
        argv = [
            *self._into_mounts, "unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", *self._own_clock(),
            "--",
            "sh", "-c", 'for group in "$@"; do echo 0 >"$group/cgroup.procs"; done; shift $#; '
            f"exec systemd-nspawn --quiet --keep-unit --register=no --link-journal=no --directory={self.root} "
            f"--network-namespace-path=/run/netns/{self.name} --capability=CAP_NET_ADMIN,CAP_NET_RAW "
            f"--machine={self.name} --hostname={self.name} --console=read-only --resolv-conf=off --timezone=off "
            f"--boot systemd.unit={target} systemd.show_status=no", "sh", *map(str, control_group),
        ]  # fmt: skip
        self._process = start(argv, log=self.folder / "console.log")

    def _own_clock(self) -> list[str]:
        if not self.has_own_clock:
            return []
        clocks = {"--boottime": time.CLOCK_BOOTTIME, "--monotonic": time.CLOCK_MONOTONIC}
        # A second is left, so that no clock is below zero when the machine begins.
        return ["--time", *(f"{name}={1 - int(time.clock_gettime(clock))}" for name, clock in clocks.items())]

    def wait_booted(self) -> None:
        """Wait until systemd answers."""
        wait_until(self._has_leader, f"systemd of {self.name}; see {self.folder}/console.log")
        (self.folder / "leader").write_text(f"{self.leader}\n", encoding="ascii")
        wait_until(self._answers, f"systemd of {self.name} to answer; see {self.folder}/console.log")

    def _has_leader(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = (self.folder / "console.log").read_text(encoding="utf-8", errors="replace")
            raise VillageError(f"{self.name} did not boot:\n{log[-2000:]}")
        pid = self._process.pid
        for _ in range(5):  # nsenter and unshare -> systemd-nspawn -> systemd
            try:
                if Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "systemd\n":
                    self.leader = pid
                    return True
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
            except FileNotFoundError:
                return False
            if not children:
                return False
            pid = int(children[0])
        return False

    def _answers(self) -> bool:
        try:
            self.inside(["systemctl", "is-system-running"], timeout_seconds=5)
        except VillageError as error:
            return any(word in str(error) for word in ("degraded", "starting"))
        return True

    def inside(self, argv: Sequence[str], *, timeout_seconds: float = 60, text: str | None = None) -> str:
        """Run a command inside the booted machine."""
        return run(
            ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
             *(["--time"] if self.has_own_clock else []), "--", *_ENVIRONMENT, *argv],
            timeout_seconds=timeout_seconds, text=text,
        )  # fmt: skip

    def wait_active(self, *units: str, seconds: float = 60) -> None:
        """Wait until ``units`` are active; a failed one ends the waiting with its status and journal."""

        def active() -> bool:
            states = self.inside(["sh", "-c", 'systemctl is-active "$@"; true', "sh", *units]).split()
            if "failed" in states:
                unit = units[states.index("failed")]
                status = self.inside(["sh", "-c", f"systemctl status --no-pager --full --lines=30 {unit}; true"])
                raise VillageError(f"{self.name}: {unit} failed\n{status}")
            return all(state == "active" for state in states)

        try:
            wait_until(active, f"{', '.join(units)} on {self.name}", seconds=seconds, pause_seconds=0.2)
        except VillageError as error:
            if "in vain" not in str(error):
                raise
            jobs = self.inside(
                ["sh", "-c", "systemctl list-jobs --no-pager; systemctl list-units --no-pager 'desahub*'"]
            )
            raise VillageError(f"{error}\n{jobs}") from None

    def has_ended(self) -> bool:
        """Has the machine ended by itself, with all its processes?"""
        return self._process is not None and self._process.poll() is not None

    def stop(self) -> None:
        """End the machine and everything in it."""
        for process in (self._process, self._mounts):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        if self.leader:
            wait_until(lambda: not Path(f"/proc/{self.leader}").exists(), f"the end of {self.name}", seconds=20)
        clear_control_groups(self.name)
        shutil.rmtree(self.folder, ignore_errors=True)


def clear_control_groups(*names: str) -> None:
    """Remove the machines' control groups once their last process is gone."""
    for name in names:
        for group in control_groups(name):
            wait_until(partial(_remove_control_group, group), f"the end of {group}", seconds=20)


def control_groups(name: str) -> list[Path]:
    """Where this machine's processes are counted: one folder with cgroup v2, one per hierarchy of systemd with v1."""
    own = {}
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path.lstrip("/")
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    roots = [Path("/sys/fs/cgroup") / own[""]] if unified else [
        Path("/sys/fs/cgroup") / folder / own[controllers]
        for controllers, folder in (("name=systemd", "systemd"), ("", "unified"))
        if controllers in own and (Path("/sys/fs/cgroup") / folder).is_dir()
    ]  # fmt: skip
    return [root / name for root in roots]


def _control_group(name: str) -> list[Path]:
    groups = control_groups(name)
    for group in groups:
        _remove_control_group(group)
        group.mkdir(exist_ok=True)
    return groups


def _remove_control_group(group: Path) -> bool:
    """Remove a control group and those below it, deepest first; say whether it is gone."""
    if not group.exists():
        return True
    for folder in sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda p: -len(p.parts)):
        try:
            folder.rmdir()
        except OSError:
            return False
    try:
        group.rmdir()
    except OSError:
        return False
    return True
