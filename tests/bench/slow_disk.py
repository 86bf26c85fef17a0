"""Make each fsync of the hub's programs take as long as an SD card needs: a library laid under them."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from script.village.machine import Machine
from script.village.programs import run

UNITS = ("desahub-portal.service", "desahub-keeper.service")
_LIBRARY = "/usr/lib/desahub-slow-fsync.so"
# fsync(2), fdatasync(2): the real one, and then the wait.
_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#define SLOW(name) int name(int fd) { int (*real)(int) = dlsym(RTLD_NEXT, #name); \\
    int result = real(fd); usleep(WAIT); return result; }
SLOW(fsync)
SLOW(fdatasync)
"""


@contextlib.contextmanager
def slow_fsync(hub: Machine, milliseconds: int) -> Iterator[None]:
    """Restart the units that keep grants with slow syncs, and again without."""
    with TemporaryDirectory() as folder:
        source, library = Path(folder) / "slow.c", Path(folder) / "slow.so"
        source.write_text(_SOURCE, encoding="ascii")
        run(["gcc", "-shared", "-fPIC", f"-DWAIT={milliseconds * 1000}", "-o", str(library), str(source), "-ldl"])
        hub.inside(["sh", "-euc", f"base64 -d >{_LIBRARY}; chmod 0755 {_LIBRARY}"], text=_base64(library))
    drop_in = f"[Service]\\nEnvironment=LD_PRELOAD={_LIBRARY}\\n"
    folders = [f"/run/systemd/system/{unit}.d" for unit in UNITS]
    try:
        for folder in folders:
            hub.inside(["sh", "-euc", f"mkdir -p {folder}; printf '{drop_in}' >{folder}/slow.conf"])
        _restart(hub)
        yield
    finally:
        hub.inside(["rm", "-rf", *folders])
        _restart(hub)


def _restart(hub: Machine) -> None:
    hub.inside(["systemctl", "daemon-reload"])
    hub.inside(["systemctl", "restart", *UNITS])
    hub.wait_active(*UNITS)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
