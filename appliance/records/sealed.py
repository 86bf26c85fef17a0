"""Files that can be added to by everybody who has them open, and read by the holder of one private key.

A file is a header and chunks. The header holds a public key made for this file alone; the secret that it shares with
the reader's key (X25519, RFC 7748) gives the file's key (HKDF-SHA256, RFC 5869, bound to the whole header). Each chunk
is ChaCha20-Poly1305 (RFC 8439) with its number as nonce; the last one is marked as such. So a file that was cut off is
readable to its last whole chunk, and known to be cut off; chunks cannot be changed, left out in between, or reordered.

::

    header   "DHREC1\\n\\0" · time of begin, ms since 1970, u64 · its quality, u8 · seven zeros · public key, 32 bytes
    chunk    length of the rest, u32 · ciphertext with its tag
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.core.clock import WallQuality

CHUNK_BYTES_MAX: Final = 65_536
_MAGIC: Final = b"DHREC1\n\0"
_HEADER: Final = struct.Struct(">8sQB7s32s")
HEADER_BYTES: Final = _HEADER.size
_LENGTH: Final = struct.Struct(">I")
_TAG_BYTES: Final = 16
_MORE, _LAST = b"\0", b"\1"


class NotSealed(Exception):  # noqa: N818 - reads as the sentence it is
    """These bytes are no such file, or its header is damaged."""


@dataclass(frozen=True, slots=True)
class Header:
    """What can be read of a file without the key: when it was begun, by a clock of which quality."""

    wall_ms: int
    quality: WallQuality
    public: bytes

    def pack(self) -> bytes:
        """The header's bytes."""
        return _HEADER.pack(_MAGIC, self.wall_ms, self.quality, bytes(7), self.public)


def header(data: bytes) -> Header:
    """Read a header. Raises `NotSealed`."""
    if len(data) < HEADER_BYTES:
        raise NotSealed("it is shorter than a header")
    magic, wall_ms, quality, zeros, public = _HEADER.unpack_from(data)
    if magic != _MAGIC or zeros != bytes(7) or quality not in list(WallQuality):
        raise NotSealed("it does not begin as such a file does")
    return Header(wall_ms, WallQuality(quality), public)


class Writer:
    """Seals chunks into ``file`` for the holder of ``reader``'s private key. The file's own secret is never stored."""

    def __init__(self, file: BinaryIO | RawIOBase, reader: X25519PublicKey, wall_ms: int, quality: WallQuality) -> None:
        own = X25519PrivateKey.generate()
        head = Header(wall_ms, quality, own.public_key().public_bytes_raw()).pack()
        self._cipher = _cipher(own.exchange(reader), head)
        self._file, self._count = file, 0
        self._put(head)

    def write(self, content: bytes) -> None:
        """Seal ``content`` as whole chunks; they are readable as soon as the file has them."""
        for start in range(0, len(content), CHUNK_BYTES_MAX):
            self._chunk(content[start : start + CHUNK_BYTES_MAX], _MORE)

    def finish(self) -> None:
        """Mark the end; nothing may be written after it."""
        self._chunk(b"", _LAST)

    def _chunk(self, content: bytes, kind: bytes) -> None:
        sealed = self._cipher.encrypt(_nonce(self._count), content, kind)
        self._count += 1
        self._put(_LENGTH.pack(len(sealed)) + sealed)

    def _put(self, data: bytes) -> None:
        # A raw file may take a part of it.
        while data:
            data = data[self._file.write(data) or 0 :]


@dataclass(slots=True)
class Reading:
    """How reading a file went: is it whole, or where it stops being readable."""

    is_whole: bool = False
    trouble: str = ""


def read(file: BinaryIO, key: X25519PrivateKey, reading: Reading) -> Iterator[bytes]:
    """The content of each chunk, up to the first that is cut off or changed; ``reading`` says afterwards how it went.

    Raises:
        NotSealed: it is no such file.
    """
    head = file.read(HEADER_BYTES)
    try:
        secret = key.exchange(X25519PublicKey.from_public_bytes(header(head).public))
    except ValueError:
        raise NotSealed("its public key is none") from None
    cipher = _cipher(secret, head)
    count = 0
    while True:
        lead = file.read(_LENGTH.size)
        if len(lead) < _LENGTH.size:
            reading.trouble = f"cut off after {count} chunks"
            return
        length = _LENGTH.unpack(lead)[0]
        if not _TAG_BYTES <= length <= CHUNK_BYTES_MAX + _TAG_BYTES:
            reading.trouble = f"damaged after {count} chunks"
            return
        sealed = file.read(length)
        if len(sealed) < length:
            reading.trouble = f"cut off after {count} chunks"
            return
        content, is_last = _open(cipher, count, sealed)
        if content is None:
            reading.trouble = f"damaged after {count} chunks, or sealed for another key"
            return
        if is_last:
            reading.is_whole = file.read(1) == b""
            reading.trouble = "" if reading.is_whole else "something was added after its end"
            return
        count += 1
        yield content


def _open(cipher: ChaCha20Poly1305, count: int, sealed: bytes) -> tuple[bytes | None, bool]:
    for kind in (_MORE, _LAST):
        try:
            return cipher.decrypt(_nonce(count), sealed, kind), kind == _LAST
        except InvalidTag:
            continue
    return None, False


def _nonce(count: int) -> bytes:
    return struct.pack(">IQ", 0, count)


def _cipher(secret: bytes, head: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), 32, None, b"desahub connection records\0" + head).derive(secret))
