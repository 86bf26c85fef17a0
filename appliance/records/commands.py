"""``desahub records``: make the keys, and read what was recorded, with a reason that is written down first."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import pwd
import sys
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from appliance.core.errors import OperationError
from appliance.records import keys, sealed
from appliance.unit.config import APPLIED_PATH

_AUDIT: Final = Path("/var/log/desahub-records-read.log")
_REASON_MIN: Final = 10


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``records keygen`` and ``records read``."""
    group = subparsers.add_parser("records", help="connection records, where the law asks for them")
    commands = group.add_subparsers(required=True, metavar="COMMAND")
    keygen = commands.add_parser("keygen", help="make the pair of keys; on the reader's machine, not on a box")
    keygen.add_argument("--private", type=Path, required=True, metavar="FILE", help="where the private key goes")
    keygen.add_argument("--public", type=Path, required=True, metavar="FILE", help="the public key, for the box")
    keygen.set_defaults(run=run_keygen)
    read = commands.add_parser("read", help="print records; who, when, why and what is written down before")
    read.add_argument("--key", type=Path, required=True, metavar="FILE", help="the private key")
    read.add_argument("--reason", required=True, metavar="TEXT", help="why; such as the letter that asks for it")
    read.add_argument("--audit", type=Path, default=_AUDIT, metavar="FILE", help="where it is noted (%(default)s)")
    read.add_argument("files", type=Path, nargs="+", metavar="FILES")
    read.set_defaults(run=run_read)


def run_keygen(chosen: argparse.Namespace) -> int:
    """``desahub records keygen``: never over another key, and never on a box."""
    if APPLIED_PATH.exists():
        raise OperationError("this is a hub: its records must not be readable on it; make the keys on another machine")
    private, public = keys.make()
    for path, content, mode in ((chosen.private, private, 0o600), (chosen.public, public, 0o644)):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            raise OperationError(f"{path}: is there already; nothing is overwritten") from None
        except OSError as error:
            raise OperationError(f"{path}: cannot be written: {error.strerror}") from None
    print(f"{chosen.private}: keep it where the box is not; without it nobody reads the records, ever.")
    print(f"{chosen.public}: copy it to the box and name it in hub.toml as records.public_key_file.")
    return 0


def run_read(chosen: argparse.Namespace) -> int:
    """``desahub records read``: 1 when a file is not whole."""
    reason = " ".join(chosen.reason.split())
    if len(reason) < _REASON_MIN:
        raise OperationError(f"--reason: say why in at least {_REASON_MIN} characters, such as the letter that asks")
    try:
        key = keys.private(chosen.key.read_bytes(), str(chosen.key))
        digests = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in chosen.files}
    except OSError as error:
        raise OperationError(f"{error.filename}: cannot be read: {error.strerror}") from None
    _note(chosen.audit, reason, digests)
    is_whole = True
    for path in chosen.files:
        is_whole = _print(path, key) and is_whole
    return 0 if is_whole else 1


def _note(audit: Path, reason: str, digests: dict[str, str]) -> None:
    """Write the line down, durably; without it nothing is shown."""
    entry = {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "who": _who(), "machine": platform.node(), "reason": reason, "files": digests,
    }  # fmt: skip
    try:
        descriptor = os.open(audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(audit.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OperationError(
            f"{audit}: the reason cannot be written down: {error.strerror}; nothing is shown. See --audit"
        ) from None


def _who() -> str:
    """Who types: behind sudo the one who called it."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    caller = os.environ.get("SUDO_USER", "")
    return f"{caller} as {name}" if caller else name


def _print(path: Path, key: X25519PrivateKey) -> bool:
    reading = sealed.Reading()
    try:
        with path.open("rb") as file:
            for content in sealed.read(file, key, reading):
                sys.stdout.write(content.decode("utf-8", "replace"))
    except (OSError, sealed.NotSealed) as error:
        reading.trouble = f"cannot be read: {error}"
    sys.stdout.flush()
    if not reading.is_whole:
        print(f"{path}: {reading.trouble}", file=sys.stderr)
    return reading.is_whole
