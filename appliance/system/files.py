"""Write files so that a power cut leaves the old one or the new one, whole."""

from __future__ import annotations

import contextlib
import grp
import os
import tempfile
from pathlib import Path

from appliance.core.errors import OperationError


def write_durably(path: Path, text: str, mode: int = 0o644, group: str = "") -> bool:
    """Put ``text`` at ``path`` with ``mode``: a temporary file, fsync, rename, fsync of the folder.

    A file that already has this text, mode and group is left alone: an SD card wears out by writing.

    Args:
        path: where.
        text: what.
        mode: as in chmod(2).
        group: whose file it is besides the owner's; "" for the writer's own group.

    Returns:
        Whether anything was written.

    Raises:
        OperationError: the file cannot be written; the old one is untouched.
    """
    content = text.encode()
    try:
        group_id = grp.getgrnam(group).gr_gid if group else -1
    except KeyError:
        raise OperationError(f"{path}: there is no group {group} on this machine; systemd-sysusers makes it") from None
    try:
        if _is_so_already(path, content, mode, group_id):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                # Before the mode: the group may read it from then on.
                if group_id >= 0:
                    os.fchown(file.fileno(), -1, group_id)
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise OperationError(f"{path}: cannot be written: {error.strerror or error}") from None
    return True


def remove_durably(path: Path) -> None:
    """Remove ``path``; one that is gone already is no error. Raises `OperationError`."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)
    except OSError as error:
        raise OperationError(f"{path}: cannot be removed: {error.strerror or error}") from None


def _is_so_already(path: Path, content: bytes, mode: int, group_id: int) -> bool:
    try:
        found = path.stat()
        if not path.is_file() or found.st_mode & 0o7777 != mode or (group_id >= 0 and found.st_gid != group_id):
            return False
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
