"""Bring the bytes of a list: from a file of the box, or from a web server, if it has changed."""

from __future__ import annotations

import os
import stat
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.core.errors import OperationError

if TYPE_CHECKING:
    import requests

BYTES_MAX: Final = 64_000_000
SECONDS_MAX: Final = 900.0
_CONNECT_SECONDS: Final = 10.0
_SILENCE_SECONDS: Final = 30.0
_REDIRECTS_MAX: Final = 5
_CHUNK_BYTES: Final = 65_536
_REDIRECTS: Final = (301, 302, 303, 307, 308)


class Unreachable(OperationError):  # noqa: N818 - reads as the sentence it is where it is caught
    """Nobody answered: the uplink may be down. Trying again soon makes sense."""


@dataclass(frozen=True, slots=True)
class Version:
    """The source's own marks of what it gave: HTTP's ETag and Last-Modified, or a file's size and time."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one list may take."""

    bytes: int = BYTES_MAX
    seconds: float = SECONDS_MAX


Take = Callable[[Version, Iterator[bytes]], None]


def fetch(source: str, known: Version, take: Take, limits: Limits | None = None) -> bool:
    """Give the source's bytes to ``take``, in chunks; do not when it still is at version ``known``.

    Returns:
        whether there was something new.

    Raises:
        Unreachable: nobody answered.
        OperationError: the source cannot be read, is too large or too slow, or ``take`` refused it.
    """
    chosen = limits or Limits()
    if source.startswith("/"):
        return _from_file(Path(source), known, take, chosen)
    return _from_web(source, known, take, chosen)


def _from_file(path: Path, known: Version, take: Take, limits: Limits) -> bool:
    try:
        # Without waiting for a writer, should somebody have put a pipe there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OperationError("is no file; a file with one domain a line is needed")
            version = Version(str(found.st_size), str(found.st_mtime_ns))
            if version == known:
                return False
            take(version, _bounded(iter(lambda: file.read(_CHUNK_BYTES), b""), limits))
    except OSError as error:
        raise OperationError(
            f"cannot be read: {error.strerror or error}; put it where the user desahub-filter can read it, "
            "such as /etc/desahub/lists/, with mode 0644"
        ) from None
    return True


def _from_web(url: str, known: Version, take: Take, limits: Limits) -> bool:
    import requests  # noqa: PLC0415 - 15 MB that a list from a file does not need

    headers = {"User-Agent": "internet-desa-hub", "Accept": "text/plain, */*;q=0.5"}
    headers |= {"If-None-Match": known.etag} if known.etag else {}
    headers |= {"If-Modified-Since": known.modified} if known.modified else {}
    try:
        with requests.Session() as session, closing(_open(session, url, headers)) as answer:
            if answer.status_code == 304:
                return False
            if answer.status_code != 200:
                raise OperationError(f"the server answered {answer.status_code} {answer.reason or ''}".rstrip())
            version = Version(answer.headers.get("ETag", "")[:200], answer.headers.get("Last-Modified", "")[:200])
            take(version, _bounded(answer.iter_content(_CHUNK_BYTES), limits))
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise Unreachable(
            f"no answer, or not the whole ({type(error).__name__}); it is tried again in a few minutes"
        ) from None
    except requests.RequestException as error:
        raise OperationError(f"the transfer failed ({type(error).__name__})") from None
    return True


def _open(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    """Follow redirects by hand: never from https to http, and to the web only."""
    # No settings of whoever runs this: neither proxies nor passwords from an environment or a netrc.
    session.trust_env = False
    for _ in range(_REDIRECTS_MAX + 1):
        answer = session.get(
            url, headers=headers, stream=True, allow_redirects=False, timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS)
        )
        if answer.status_code not in _REDIRECTS:
            return answer
        target = urllib.parse.urljoin(url, answer.headers.get("Location", ""))
        answer.close()
        if not target.startswith(("https://", "http://")):
            raise OperationError("the server leads to what is no web address")
        if url.startswith("https://") and not target.startswith("https://"):
            raise OperationError("the server leads from https to http, where anybody on the way could change the list")
        url = target
    raise OperationError(f"the server leads on more than {_REDIRECTS_MAX} times")


def _bounded(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    total, deadline = 0, time.monotonic() + limits.seconds
    for chunk in chunks:
        total += len(chunk)
        if total > limits.bytes:
            raise OperationError(f"is larger than {limits.bytes // 1_000_000} MB; a smaller list is needed")
        if time.monotonic() > deadline:
            raise OperationError(f"took more than {limits.seconds:.0f} seconds; it is tried again tomorrow")
        yield chunk
