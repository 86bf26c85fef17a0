"""Where the machine's files are: arguments, so that a folder of fixtures can stand in for the machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Roots:
    """The five trees of a Linux machine that this project reads or writes."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    etc: Path = Path("/etc")
    run: Path = Path("/run")
    var: Path = Path("/var")

    @classmethod
    def under(cls, folder: Path) -> Roots:
        """The same trees inside ``folder``."""
        return cls(folder / "proc", folder / "sys", folder / "etc", folder / "run", folder / "var")


REAL = Roots()
