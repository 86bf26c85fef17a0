"""The kinds of letters as their files are now: what a village adds or mends counts without a restart.

A look at the folder costs a few system calls, and is taken at most every `LOOK_SECONDS`; only a file that changed is
read. A wrong one is left out and named, as when the kiosk starts: the others go on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from appliance.kiosk.letters.kinds import OWN, SHIPPED, Kind, KindError, load_kinds, read_kind

LOOK_SECONDS: Final = 2.0
# A file is another one when any of these has changed: when it was written, its size, and which file it is.
_Stamp = tuple[int, int, int]


class LiveKinds(Mapping[str, Kind]):
    """The shipped kinds and the village's own, by slug; own ones take the place of shipped ones.

    Args:
        own: the village's folder, which need not be there.
        clock: seconds, for durations.
    """

    def __init__(self, own: Path = OWN, clock: Callable[[], float] = time.monotonic) -> None:
        self._own, self._clock = own, clock
        self._lock = threading.Lock()
        self._shipped: Final = load_kinds(SHIPPED)
        self._read: dict[str, tuple[_Stamp, Kind | KindError]] = {}
        self._kinds: Mapping[str, Kind] = self._shipped
        self._refused: Mapping[str, KindError] = {}
        self._look_again = 0.0
        self._look()

    @property
    def refused(self) -> Mapping[str, KindError]:
        """What is wrong with the village's own files, by their names."""
        self._look()
        return self._refused

    def __getitem__(self, slug: str) -> Kind:
        self._look()
        return self._kinds[slug]

    def __iter__(self) -> Iterator[str]:
        self._look()
        return iter(self._kinds)

    def __len__(self) -> int:
        self._look()
        return len(self._kinds)

    def _look(self) -> None:
        """Look for changes where it is time. Who comes meanwhile goes on with what is there."""
        if self._clock() < self._look_again or not self._lock.acquire(blocking=False):
            return
        try:
            self._refresh()
            self._look_again = self._clock() + LOOK_SECONDS
        finally:
            self._lock.release()

    def _refresh(self) -> None:
        stamps = _stamps(self._own)
        if stamps == {name: stamp for name, (stamp, _) in self._read.items()}:
            return
        before, self._read = self._read, {}
        for name, stamp in stamps.items():
            known = before.get(name)
            self._read[name] = known if known is not None and known[0] == stamp else (stamp, _read(self._own / name))
        good = {Path(name).stem: found for name, (_, found) in self._read.items() if isinstance(found, Kind)}
        # Exchanged whole: who is in the middle of a list keeps the one begun.
        self._kinds = {**self._shipped, **good}
        self._refused = {name: found for name, (_, found) in self._read.items() if isinstance(found, KindError)}


def _read(path: Path) -> Kind | KindError:
    try:
        return read_kind(path)
    except KindError as error:
        return error


def _stamps(folder: Path) -> dict[str, _Stamp]:
    """The folder's kinds, each with what tells when it changes; nothing where there is no folder to read."""
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.name.endswith(".toml") and not entry.name.startswith("."):
                    try:
                        stat = entry.stat()
                    except OSError:
                        stat = entry.stat(follow_symlinks=False)  # leads nowhere: reading it says so
                    found[entry.name] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    except OSError:
        return {}
    return found
