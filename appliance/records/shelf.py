"""The folder of sealed files: one for each hour, dropped by themselves."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import secrets
from io import RawIOBase
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from appliance.core.clock import Moment, WallQuality
from appliance.records import sealed
from appliance.records.rules import is_over

HOUR_MS: Final = 3_600_000
# How much a power cut may cost; an SD card wears out by each.
SYNC_MS: Final = 30_000
SUFFIX: Final = ".sealed"
_FORM: Final = "%Y%m%dT%H%M%SZ"
_SEEN: Final = re.compile(rf"\.seen(\d{{8}}T\d{{6}}Z){re.escape(SUFFIX)}$")


class Shelf:
    """Writes into ``folder`` for the holder of ``reader``'s private key, and drops what is older than ``keep_days``."""

    def __init__(self, folder: Path, reader: X25519PublicKey, keep_days: int) -> None:
        self._folder, self._reader, self._keep_days = folder, reader, keep_days
        self._file: RawIOBase | None = None
        self._path: Path | None = None
        self._writer: sealed.Writer | None = None
        self._begun = self._synced = Moment("0" * 32, 0, 0, WallQuality.UNKNOWN)

    def write(self, lines: str, now: Moment) -> None:
        """Add ``lines``; on the disk at the latest with the next `tend` after `SYNC_MS`. Raises `OSError`."""
        writer = self._writer or self._open(now)
        writer.write(lines.encode())

    def tend(self, now: Moment) -> None:
        """Make durable what is due, and end a file whose hour is over, or whose clock has become a better one."""
        if self._file is None:
            return
        if now.boottime_ms - self._begun.boottime_ms >= HOUR_MS or now.wall_quality > self._begun.wall_quality:
            self.close()
        elif now.boottime_ms - self._synced.boottime_ms >= SYNC_MS:
            os.fsync(self._file.fileno())
            self._synced = now

    def close(self) -> None:
        """End the open file, durably."""
        if self._writer is not None and self._file is not None:
            self._writer.finish()
            os.fsync(self._file.fileno())
            self._file.close()
        self._file = self._writer = None

    def drop_old(self, now: Moment) -> list[Path]:
        """Drop what is older than the days it is kept; returns what was dropped.

        Without a known time nothing is dropped. A file that was begun without one is marked with the first known time
        at which it was seen, and counts from there.
        """
        if now.wall_quality is WallQuality.UNKNOWN:
            return []
        dropped = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            if self._file is not None and path == self._path:
                continue
            begun_ms = _begun_ms(path)
            if begun_ms is None:
                stamp = _stamp(now.wall_ms)
                path.rename(path.with_name(f"{path.name.removesuffix(SUFFIX)}.seen{stamp}{SUFFIX}"))
            elif is_over(begun_ms, self._keep_days, now.wall_ms):
                path.unlink()
                dropped.append(path)
        return dropped

    def abandon(self) -> None:
        """Leave the open file as it is, cut off: after a failed write nothing that followed could be read."""
        file, self._file, self._writer = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _open(self, now: Moment) -> sealed.Writer:
        path = self._folder / f"{_stamp(now.wall_ms)}-{secrets.token_hex(4)}{SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        # Unbuffered: a chunk is in the file, or it failed.
        self._file, self._path = os.fdopen(descriptor, "wb", buffering=0), path
        self._writer = sealed.Writer(self._file, self._reader, now.wall_ms, now.wall_quality)
        self._begun = self._synced = now
        return self._writer


def _begun_ms(path: Path) -> int | None:
    """When a file was begun, or first seen by a known time; None where neither is known yet."""
    seen = _SEEN.search(path.name)
    if seen:
        moment = datetime.datetime.strptime(seen[1], _FORM).replace(tzinfo=datetime.UTC)
        return int(moment.timestamp() * 1000)
    try:
        with path.open("rb") as file:
            head = sealed.header(file.read(sealed.HEADER_BYTES))
    except sealed.NotSealed:
        return None
    return head.wall_ms if head.quality is not WallQuality.UNKNOWN else None


def _stamp(wall_ms: int) -> str:
    return datetime.datetime.fromtimestamp(wall_ms // 1000, datetime.UTC).strftime(_FORM)
