"""Read lists of domains in the forms that are about: one name a line, hosts files, AdBlock's, wildcards. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.dns_filter.names import normalise

LINE_BYTES_MAX: Final = 4_096
_COMMENT: Final = re.compile(rb"\s#.*")
_ADBLOCK: Final = re.compile(rb"\|\|([^/^$|*]+)\^?\|?(?:\$(?:important|all|document|doc))?")
_NOWHERE: Final = re.compile(rb"(?:0\.0\.0\.0|127\.\d+\.\d+\.\d+|192\.0\.0\.8|::1?|::ffff:0\.0\.0\.0)")
# Every hosts file begins with these; they are no domains, and no mistakes.
_MACHINE: Final = frozenset(
    b"localhost localhost.localdomain local broadcasthost ip6-localhost ip6-loopback ip6-localnet "
    b"ip6-mcastprefix ip6-allnodes ip6-allrouters ip6-allhosts 0.0.0.0".split()
)


@dataclass(frozen=True, slots=True)
class Line:
    """What one line holds; a line may hold names and be partly wrong."""

    names: tuple[bytes, ...] = ()
    is_invalid: bool = False


_NOTHING: Final = Line()
_INVALID: Final = Line(is_invalid=True)


def read_line(raw: bytes) -> Line:
    """Read one line; a comment or an empty one holds nothing, and is not wrong."""
    if len(raw) > LINE_BYTES_MAX:
        return _INVALID
    text = raw.strip().removeprefix(b"\xef\xbb\xbf")
    if not text or text[:1] in b"#;!" or text[:8].lower() == b"[adblock":
        return _NOTHING
    if b"#" in text:
        text = _COMMENT.sub(b"", text)
    words = text.split()
    if len(words) == 1:
        return _of([_plain(words[0])])
    if not _NOWHERE.fullmatch(words[0]):
        return _INVALID
    wanted = [word for word in words[1:] if word.lower() not in _MACHINE]
    return _of(wanted) if wanted else _NOTHING


def _plain(word: bytes) -> bytes:
    match = _ADBLOCK.fullmatch(word)
    return match[1] if match else word.removeprefix(b"*").removeprefix(b".")


def _of(words: Iterable[bytes]) -> Line:
    found = [normalise(word) for word in words]
    return Line(tuple(name for name in found if name is not None), None in found)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut ``chunks`` into lines. A line without end is given in pieces that are too long, and never kept whole."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
        yield from whole
        if len(rest) > LINE_BYTES_MAX:
            yield rest
            rest = b""
    if rest:
        yield rest.removesuffix(b"\x1a")
