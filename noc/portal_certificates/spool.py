"""Two folders of files, one file a hub, each written by one program alone: requests, and what came of them.

A file is whole or it is the one before. There are no secrets in them: requests and chains are for everybody to see.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

from appliance.core.config.village import HUB_ID
from appliance.core.errors import ConfigError, OperationError
from appliance.core.schema import load
from noc.portal_certificates.rules import Answer, Ending, Queue, Request

_log = logging.getLogger(__name__)
T = TypeVar("T")
# A country whose certificates all end is 84,000 names.
FILE_BYTES_MAX: Final = 4 * 1024 * 1024
_QUEUE: Final = "queue.json"
_ENDING: Final = "ending.json"


class Spool:
    """The two folders. Each ``put_…`` and `forget` raises `OperationError`; what cannot be read is as if not there."""

    def __init__(self, requests: Path, portal: Path) -> None:
        self._requests, self._portal, self._answers = requests, portal, portal / "answers"

    def request(self, hub_id: str) -> Request | None:
        """What a hub asks for."""
        return _read(self._requests / _name(hub_id), Request)

    def requests(self) -> list[Request]:
        """What all hubs ask for."""
        found = (_read(path, Request) for path in _listed(self._requests))
        return [each for each in found if each is not None]

    def put_request(self, request: Request) -> None:
        """Write down what a hub asks for; an older request of it is gone."""
        _write(self._requests / _name(request.hub_id), dataclasses.asdict(request))

    def forget(self, hub_id: str) -> None:
        """Take a hub's request back."""
        try:
            (self._requests / _name(hub_id)).unlink(missing_ok=True)
        except OSError as error:
            raise OperationError(f"{error.filename}: {error.strerror}") from None

    def answer(self, hub_id: str) -> Answer | None:
        """What came of a hub's requests."""
        return _read(self._answers / _name(hub_id), Answer)

    def answers(self) -> dict[str, Answer]:
        """What came of all requests, by hub."""
        found = (_read(path, Answer) for path in _listed(self._answers))
        return {each.hub_id: each for each in found if each is not None}

    def put_answer(self, answer: Answer) -> None:
        """Write down what came of a hub's request."""
        _write(self._answers / _name(answer.hub_id), dataclasses.asdict(answer))

    def queue(self) -> Queue:
        """What concerns all."""
        return _read(self._portal / _QUEUE, Queue) or Queue()

    def ending(self) -> frozenset[str]:
        """Hubs whose certificate ends before long, as they were found last."""
        found = _read(self._portal / _ENDING, Ending)
        return frozenset() if found is None else frozenset(found.hubs)

    def ending_found_s(self) -> int:
        """When those were looked for last, in seconds of UTC since 1970; 0 for never."""
        found = _read(self._portal / _ENDING, Ending)
        return 0 if found is None else found.found_s

    def put_ending(self, ending: Ending) -> None:
        """Write down whose certificate ends before long."""
        _write(self._portal / _ENDING, dataclasses.asdict(ending))

    def put_queue(self, queue: Queue) -> None:
        """Write down what concerns all."""
        _write(self._portal / _QUEUE, dataclasses.asdict(queue))


def _name(hub_id: str) -> str:
    if not HUB_ID.holds(hub_id):
        raise OperationError(f"{hub_id[:60]!r} is no hub id; {HUB_ID.allowed}")
    return f"{hub_id}.json"


def _listed(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.suffix == ".json" and HUB_ID.holds(path.stem))
    return []


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        # The other program's folder: no link out of there, and nothing that makes who reads it wait.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError("is no file")
            document = json.loads(file.read(FILE_BYTES_MAX))
        return load(kind, document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, ConfigError) as error:
        _log.warning("%s cannot be used and counts for nothing: %s", path, error)
        return None


def _write(path: Path, document: Mapping[str, object]) -> None:
    # What is not there is left out: the schema knows no null.
    content = json.dumps({name: value for name, value in document.items() if value is not None}, indent=1).encode()
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        # The other program reads them, whatever this one's mask is.
        path.parent.chmod(0o755)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
