"""What a hub answers to a command, and how the agent carries both to and from the operator. Pure.

A result is ``b"DH"``, a byte of version, a byte of schema, then JSON, compressed with zlib. Nothing in it is
believed by its reader beyond what the topic says of the sender.

Between agent and operator each side says one line of JSON over a local socket; messages stand in it as base64.

Source: RFC 1950 (zlib), RFC 4648 (base64).
"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import re
import zlib
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from appliance.core.clock import WallQuality
from appliance.core.commands import COMMAND_BYTES_MAX, MAGIC, VERSION, load_json, whole
from appliance.core.errors import CommandMalformed, CommandUnknown

RESULT_SCHEMA: Final = 5
OUTPUT_BYTES_MAX: Final = 96 * 1024
RESULT_BYTES_MAX: Final = 128 * 1024
INFLATED_BYTES_MAX: Final = 256 * 1024
DETAIL_CHARACTERS_MAX: Final = 600
REQUEST_LINE_BYTES_MAX: Final = 2 * COMMAND_BYTES_MAX
ANSWER_LINE_BYTES_MAX: Final = 2 * RESULT_BYTES_MAX
_HEAD: Final = MAGIC + bytes((VERSION, RESULT_SCHEMA))
_ID: Final = re.compile("[0-9a-f]{32}")
_DIGEST: Final = re.compile("[0-9a-f]{64}")


class Status(enum.StrEnum):
    """What became of a command."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    BEGUN = "begun"  # a reboot: asked again after it, the hub says done


class Reason(enum.StrEnum):
    """Why a command was refused, or failed; empty where there is nothing to explain."""

    NONE = ""
    MALFORMED = "malformed"
    UNKNOWN = "unknown"
    NO_KEY = "no_key"
    BAD_SIGNATURE = "bad_signature"
    RETAINED = "retained"
    OTHER_HUB = "other_hub"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"
    CLOCK_UNKNOWN = "clock_unknown"
    OLD_COUNTER = "old_counter"
    NOT_KEPT = "not_kept"
    OPERATION = "operation"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command.

    ``command`` is its id (`commands.command_id`), ``detail`` a sentence, ``output`` what was asked for. The moment is
    the hub's own. ``audit_rows`` and ``audit_digest`` say where the hub's book stood when this was written: an older
    book cannot be put in its place unnoticed.
    """

    command: str
    status: Status
    reason: Reason
    detail: str
    output: str
    wall_ms: int
    wall_quality: WallQuality
    audit_rows: int
    audit_digest: str


@dataclass(frozen=True, slots=True)
class Request:
    """What the agent hands to the operator: a message as it came, and whether the broker had kept it (retain)."""

    payload: bytes
    retained: bool


def newest_part(text: str, bytes_max: int = OUTPUT_BYTES_MAX) -> str:
    """Cut ``text`` to its last whole lines within a size, or what fits of the last, in characters that can be shown."""
    shown = "".join(each if each.isprintable() or each == "\n" else "�" for each in text)
    raw = shown.encode("utf-8", "replace")
    if len(raw) <= bytes_max:
        return raw.decode()
    cut = raw[-bytes_max:].decode("utf-8", "ignore")
    return cut.partition("\n")[2] or cut


def encode_result(result: Result) -> bytes:
    """Write a result. Raises `CommandMalformed` for what `decode_result` would refuse."""
    document = json.dumps(asdict(result), ensure_ascii=False, separators=(",", ":"))
    made = _HEAD + zlib.compress(document.encode("utf-8", "replace"), 9)
    if decode_result(made) != result:
        raise CommandMalformed("the result would not come out as it went in")
    return made


def decode_result(payload: bytes) -> Result:
    """Read what a hub says became of a command.

    Raises:
        CommandUnknown: its version is not of this release.
        CommandMalformed: the bytes are no result, or a value is outside its bounds.
    """
    if len(payload) > RESULT_BYTES_MAX:
        raise CommandMalformed(f"a result has at most {RESULT_BYTES_MAX} bytes, this one has {len(payload)}")
    if payload[:2] != MAGIC or len(payload) < len(_HEAD):
        raise CommandMalformed("a result begins with DH, a version and a schema")
    if payload[:4] != _HEAD:
        raise CommandUnknown(
            f"version {payload[2]}, schema {payload[3]}; this release reads version {VERSION}, schema {RESULT_SCHEMA}"
        )
    said = load_json(_inflate(payload[4:]))
    if not isinstance(said, dict) or set(said) != {each.name for each in fields(Result)}:
        raise CommandMalformed("a result is an object of the fields of schema 5")
    try:
        return Result(
            _matching(said["command"], _ID, "command"),
            Status(said["status"]),
            Reason(said["reason"]),
            _text(said["detail"], "detail", DETAIL_CHARACTERS_MAX),
            _text(said["output"], "output", OUTPUT_BYTES_MAX),
            whole(said["wall_ms"], "wall_ms"),
            WallQuality(whole(said["wall_quality"], "wall_quality")),
            whole(said["audit_rows"], "audit_rows"),
            _matching(said["audit_digest"], _DIGEST, "audit_digest"),
        )
    except ValueError as error:
        raise CommandMalformed(str(error)[:120]) from None


def encode_request(request: Request) -> bytes:
    """Write the line that the agent says to the operator."""
    document = {"payload": base64.b64encode(request.payload).decode(), "retained": request.retained}
    return json.dumps(document).encode() + b"\n"


def decode_request(line: bytes) -> Request:
    """Read what the agent says. Raises `CommandMalformed`."""
    said = load_json(line)
    if not isinstance(said, dict) or set(said) != {"payload", "retained"} or type(said["retained"]) is not bool:
        raise CommandMalformed("a request is an object of payload and retained")
    return Request(_bytes(said["payload"]), said["retained"])


def encode_answer(payload: bytes) -> bytes:
    """Write the line that the operator says to the agent: a result as it is to travel."""
    return base64.b64encode(payload) + b"\n"


def decode_answer(line: bytes) -> bytes:
    """Read what the operator says; the agent looks no further into it. Raises `CommandMalformed`."""
    return _bytes(line.strip().decode("ascii", "replace"))


def _inflate(compressed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(compressed, INFLATED_BYTES_MAX + 1)
    except zlib.error as error:
        raise CommandMalformed(f"the body is not zlib's: {error}") from None
    if len(inflated) > INFLATED_BYTES_MAX or not inflater.eof or inflater.unused_data:
        raise CommandMalformed(f"the body is cut off, longer than {INFLATED_BYTES_MAX} bytes, or not alone")
    return inflated


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise CommandMalformed("a message is written in base64") from None


def _text(value: Any, name: str, longest: int) -> str:
    if (
        not isinstance(value, str)
        or len(value.encode("utf-8", "surrogatepass")) > longest * (1 if name == "output" else 4)
        or not all(each.isprintable() or each == "\n" for each in value)
    ):
        raise CommandMalformed(f"{name} is a text of at most {longest}, without control characters")
    return value


def _matching(value: Any, pattern: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise CommandMalformed(f"{name} is made of hexadecimal digits")
    return value
