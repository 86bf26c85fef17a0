"""The machine in memory, for tests of what `apply` does to it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import OperationError
from appliance.network.render import RenderedFile


class MemoryOperations:
    """Keeps `operations.Operations` in memory and records the steps in ``calls``.

    Put a file's relative path into ``refused_checks``, or a unit into ``refused_reloads``, and that step fails.
    ``beside`` collects the files that checks were given. A full path in ``refused_writes`` fails once. ``running``
    holds the units that are up; ``gate_holds`` is what the gate says it holds, None for whatever it is asked to.
    """

    def __init__(self) -> None:
        self.files: dict[Path, str] = {}
        self.modes: dict[Path, int] = {}
        self.groups: dict[Path, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.beside: set[str] = set()
        self.refused_checks: set[str] = set()
        self.refused_reloads: set[str] = set()
        self.refused_writes: set[Path] = set()
        self.running: set[str] = set()
        self.gate_holds: str | None = None

    def check(self, file: RenderedFile, beside: Sequence[RenderedFile] = ()) -> None:
        """Refuse what is in ``refused_checks``."""
        self.beside |= {other.path for other in beside}
        if file.path in self.refused_checks:
            raise OperationError(f"{file.path}: refused")

    def listing(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """The files that are there."""
        return tuple(
            sorted(path for path in self.files if path.parent == folder and fnmatch.fnmatch(path.name, pattern))
        )

    def read(self, path: Path) -> str | None:
        """The text, or None."""
        return self.files.get(path)

    def write(self, path: Path, text: str, mode: int, group: str = "") -> None:
        """Remember the text; a file that is the same already is not written."""
        if path in self.refused_writes:
            self.refused_writes.discard(path)
            raise OperationError(f"{path}: cannot be written: No space left on device")
        if (self.files.get(path), self.modes.get(path), self.groups.get(path, "")) != (text, mode, group):
            self.files[path], self.modes[path], self.groups[path] = text, mode, group
            self.calls.append(("write", str(path)))

    def remove(self, path: Path) -> None:
        """Forget the file."""
        if self.files.pop(path, None) is not None:
            self.calls.append(("remove", str(path)))

    def make_passphrase(self, path: Path) -> bool:
        """Make one unless there is a file."""
        if path in self.files:
            return False
        self.write(path, "00:00:00:00:00:00 contoh-contoh\n", 0o600)
        return True

    def reload(self, unit: str) -> None:
        """Record, or refuse what is in ``refused_reloads``."""
        self.calls.append(("reload", unit))
        if unit in self.refused_reloads:
            raise OperationError(f"systemctl reload-or-restart {unit}: ended with status 1")

    def stop(self, unit: str) -> None:
        """Record."""
        self.calls.append(("stop", unit))
        self.running.discard(unit)

    def bring_up(self, unit: str) -> bool:
        """Record what did not run; refuse what is in ``refused_reloads``."""
        if unit in self.running:
            return False
        self.calls.append(("bring up", unit))
        if unit in self.refused_reloads:
            raise OperationError(f"systemctl restart {unit}: ended with status 1")
        self.running.add(unit)
        return True

    def wait_for_gate(self, fingerprint: str) -> None:
        """Record, or refuse where the gate holds something else."""
        self.calls.append(("wait for gate", fingerprint))
        if self.gate_holds not in (None, fingerprint):
            raise OperationError("the gate did not take the new rules: it holds other rules than hub.toml asks for")
