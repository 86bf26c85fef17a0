"""The index: 64-bit hashes of blocked domains, sorted, in one file that the kernel pages in as it is asked.

Form: a header of 32 bytes (magic, version, number of hashes, first 16 bytes of BLAKE2b over the hashes), then the
hashes, 8 bytes each, little-endian and ascending. 2 million domains are 16 MB.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import mmap
import os
import struct
import sys
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from appliance.core.errors import OperationError
from appliance.dns_filter.names import hash64, suffixes

MAGIC: Final = b"DESAFLT"
VERSION: Final = 1
_HEADER: Final = struct.Struct("<7sBQ16s")
_HASH_BYTES: Final = 8
DOMAINS_MAX: Final = 3_000_000
_BUCKETS: Final = 256


class Index:
    """A read-only index in memory shared with the kernel's page cache. Make it with `open_index` or `EMPTY`."""

    def __init__(self, hashes: memoryview, digest: bytes) -> None:
        self._hashes, self.digest = hashes, digest

    def __len__(self) -> int:
        return len(self._hashes)

    def has(self, name: bytes) -> bool:
        """Is the normalised name itself listed?"""
        wanted = hash64(name)
        place = bisect.bisect_left(self._hashes, wanted)
        return place < len(self._hashes) and self._hashes[place] == wanted

    def blocks(self, name: bytes) -> bool:
        """Is the name listed, or a domain above it?"""
        return any(self.has(suffix) for suffix in suffixes(name))

    def slice_of(self, bucket: int) -> memoryview:
        """The hashes whose first byte is ``bucket``, 0 to 255."""
        low = bisect.bisect_left(self._hashes, bucket << 56)
        high = bisect.bisect_left(self._hashes, (bucket + 1) << 56) if bucket < _BUCKETS - 1 else len(self._hashes)
        return self._hashes[low:high]


EMPTY: Final = Index(memoryview(b"").cast("Q"), b"")


def open_index(path: Path) -> Index:
    """Map the file at ``path`` and check it whole.

    Raises:
        OperationError: there is none, or it is damaged.
    """
    if sys.byteorder != "little":
        raise OperationError("the index is written for little-endian machines")
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _HEADER.size:
                raise OperationError(f"{path}: is damaged: too short; run desahub-filter-update again")
            mapped = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error.strerror or error}") from None
    magic, version, count, digest = _HEADER.unpack(mapped[: _HEADER.size])
    body = mapped[_HEADER.size :]
    if magic != MAGIC or version != VERSION:
        raise OperationError(f"{path}: is of another version; run desahub-filter-update again")
    if len(body) != count * _HASH_BYTES or _digest([body]) != digest:
        raise OperationError(f"{path}: is damaged: its checksum differs; run desahub-filter-update again")
    return Index(body.cast("Q"), digest)


class Builder:
    """Collects hashes in 256 heaps by their first byte, so that sorting needs room for one heap at a time."""

    def __init__(self) -> None:
        self._heaps = [array("Q") for _ in range(_BUCKETS)]
        self.added = 0

    def add(self, name: bytes) -> None:
        """Take one normalised name; doubles are dropped when it is written."""
        found = hash64(name)
        self._heaps[found >> 56].append(found)
        self.added += 1

    def runs(self) -> Iterator[array[int]]:
        """The hashes, sorted and each once. What has been given is forgotten."""
        for bucket in range(_BUCKETS):
            heap, self._heaps[bucket] = self._heaps[bucket], array("Q")
            yield array("Q", sorted(set(heap)))


def merged(parts: Iterable[Index]) -> Iterator[array[int]]:
    """The hashes of all ``parts``, sorted and each once, a 256th at a time."""
    indexes = tuple(parts)
    for bucket in range(_BUCKETS):
        found: set[int] = set()
        for index in indexes:
            found.update(index.slice_of(bucket))
        yield array("Q", sorted(found))


def digest_of(runs: Iterable[array[int]]) -> bytes:
    """The digest that an index of ``runs`` has: one that is there already need not wear out the card again."""
    return _digest(memoryview(run) for run in runs)


def write(path: Path, runs: Iterable[array[int]]) -> int:
    """Put an index of ``runs``, in ascending order, at ``path``: whole, durably, or not at all. Returns the number.

    Raises:
        OperationError: it cannot be written, or holds too much; the old file is untouched.
    """
    count, digest = 0, hashlib.blake2b(digest_size=16)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(bytes(_HEADER.size))
                for run in runs:
                    raw = run.tobytes()
                    count += len(run)
                    if count > DOMAINS_MAX:
                        raise OperationError(f"more than {DOMAINS_MAX} domains together; leave a list out")
                    digest.update(raw)
                    file.write(raw)
                file.seek(0)
                file.write(_HEADER.pack(MAGIC, VERSION, count, digest.digest()))
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OperationError(f"{path}: cannot be written: {error.strerror or error}") from None
    return count


def _digest(parts: Iterable[memoryview]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()
