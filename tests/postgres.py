"""A PostgreSQL cluster of a test run: Debian's server, in a folder of its own, on a Unix socket alone."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

BIN = Path("/usr/lib/postgresql/15/bin")


class Cluster:
    """A server, started and stopped by `pg_ctl`; each test asks it for a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        # PostgreSQL refuses to be root; the package brings a user.
        self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        self._run(
            str(BIN / "initdb"), "-D", f"{folder}/data", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "noc"
        )

    def start(self) -> None:
        self._run(
            str(BIN / "pg_ctl"), "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-t", "60",
            "-o", f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=60"
            " -c shared_buffers=64MB", "start",
        )  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        self._run(str(BIN / "pg_ctl"), "-D", f"{self.folder}/data", "-w", "-t", "60", "-m", mode, "stop")

    def kill(self) -> None:
        """Kill the server and all that it started, as a power cut would end them."""
        process = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        for each in (process, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while any(_lives(each) for each in (process, *map(int, children))):
            assert time.monotonic() < deadline, "the server's processes did not end"
            time.sleep(0.01)
        # As after a power cut nobody has these numbers; here the dead may still be counted.
        for left in (self.folder / "data/postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def database(self) -> str:
        """Make a database; its URL."""
        name = f"noc{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://noc@/{database}?host={self.folder}"

    def _run(self, *argv: str) -> None:
        done = subprocess.run(
            [*self._as, *argv], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Make a cluster, give it running, and take it away."""
    folder = Path(tempfile.mkdtemp(prefix="desa-pg-"))  # short: a socket's path has at most 107 bytes
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        made = Cluster(folder)
        made.start()
        try:
            yield made
        finally:
            with contextlib.suppress(AssertionError):  # a test may have killed it
                made.stop("immediate")
    finally:
        shutil.rmtree(folder)
