"""A real CUPS of a test's own: its configuration as `desahub apply` writes it, and a backend that prints into a file.

The backend tells of paper as the real ones do: a line ``STATE: +media-empty-error`` on its standard error, and then it
waits (backend(7)). It needs root: cupsd runs its backends as another user.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.network import cups

QUEUE, TICKET_QUEUE = "surat", "struk"
_BACKEND = """\
import pathlib, re, sys, time

root = pathlib.Path(ROOT)


def say(line):
    sys.stderr.write(line + "\\n")
    sys.stderr.flush()


def sheets():
    try:
        return int((root / "paper").read_text() or 0)
    except (OSError, ValueError):
        return 0


data = open(sys.argv[6], "rb").read() if len(sys.argv) > 6 else sys.stdin.buffer.read()
title = sys.argv[3].partition(" ")[0]
pages = len(re.findall(rb"/Type\\s*/Page(?![A-Za-z])", data)) or 1
(root / "users").open("a").write(sys.argv[2] + "\\n")
for page in range(1, pages + 1):
    told = ""
    while sheets() <= 0 or (root / "reason").read_text():
        reason = (root / "reason").read_text() or "media-empty-error"
        if reason == "broken":
            sys.exit(1)
        if reason != told:
            if told:
                say(f"STATE: -{told}")
            say(f"STATE: +{reason}")
            told = reason
        time.sleep(0.02)
    if told:
        say(f"STATE: -{told}")
    (root / "paper").write_text(str(sheets() - 1))
    with (root / "printed").open("a") as printed:
        printed.write(f"{title} {page}\\n")
    say(f"PAGE: {page} 1")
(root / "last").write_bytes(data)
"""


class PrivateCups:
    """One cupsd with a queue for letters and one for tickets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out, self.spool, self.socket = folder / "out", folder / "spool", folder / "cups.sock"
        self._daemon: subprocess.Popen[bytes] | None = None
        for name in ("etc", "state", "cache", "spool", "out", "bin/backend", "bin/filter", "bin/notifier"):
            (folder / name).mkdir(parents=True)
        (folder / "bin/daemon").symlink_to("/usr/lib/cups/daemon")
        self.out.chmod(0o777)  # backends run as lp
        for name, text in (("paper", "100"), ("reason", ""), ("printed", ""), ("users", ""), ("last", "")):
            (self.out / name).write_text(text)
            (self.out / name).chmod(0o666)
        (folder / "backend.py").write_text(_BACKEND.replace("ROOT", repr(str(self.out))))
        backend = folder / "bin/backend/desa"
        backend.write_text(f'#!/bin/sh\nexec /usr/bin/python3 -I {folder}/backend.py "$@"\n')
        backend.chmod(0o755)
        places = cups.Places(
            socket=str(self.socket),
            queues=str(folder / "etc"),
            state=str(folder / "state"),
            cache=str(folder / "cache"),
            spool=str(self.spool),
            programs=str(folder / "bin"),
        )
        (folder / "etc/cupsd.conf").write_text(cups.daemon(places))
        (folder / "etc/cups-files.conf").write_text(cups.files(places))

    def start(self) -> None:
        files = ["-c", f"{self.folder}/etc/cupsd.conf", "-s", f"{self.folder}/etc/cups-files.conf"]
        with (self.folder / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                ["/usr/sbin/cupsd", "-f", *files], stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._listens, (self.folder / "log").read_text)

    def make_queues(self) -> None:
        for queue in (QUEUE, TICKET_QUEUE):
            argv = ["lpadmin", "-h", str(self.socket), "-p", queue, "-E", "-v", "desa:/here", "-m", "raw"]
            subprocess.run(argv, check=True, timeout=20, capture_output=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End cupsd and what it started."""
        if self._daemon is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._daemon.pid, number)
        self._daemon.wait(20)
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(self.folder) in (process / "cmdline").read_bytes().decode("utf-8", "replace"):
                    os.kill(int(process.name), signal.SIGKILL)
        self._daemon = None

    def forget(self) -> None:
        """Empty what lies in memory on a real box, as a start of the unit does."""
        for name in ("state", "cache", "spool"):
            shutil.rmtree(self.folder / name)
            (self.folder / name).mkdir()

    def load(self, sheets: int) -> None:
        (self.out / "paper").write_text(str(sheets))

    def trouble(self, reason: str) -> None:
        """Let the printer tell a reason until it is ""; ``broken`` lets the backend fail."""
        (self.out / "reason").write_text(reason)

    def printed(self) -> list[str]:
        return (self.out / "printed").read_text().splitlines()

    def _listens(self) -> bool:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
            return probe.connect_ex(str(self.socket)) == 0


@contextlib.contextmanager
def private_cups() -> Iterator[PrivateCups]:
    """Run one for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="desahub-cups-"))
    folder.chmod(0o755)
    made = PrivateCups(folder)
    try:
        made.start()
        made.make_queues()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def wait_for(holds: Callable[[], object], told: Callable[[], str] = str, seconds: float = 15.0) -> None:
    """Wait until ``holds`` gives something true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"it did not come true in {seconds:g} s; {told()}"
        time.sleep(0.02)


def a_pdf(pages: int = 1) -> bytes:
    """What a printer of these tests takes for a PDF."""
    return b"%PDF-1.4\n" + b"<< /Type /Page >>\n" * pages + b"%%EOF\n"
