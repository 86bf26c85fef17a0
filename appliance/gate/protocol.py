"""What may be said to the gate, and what it answers.

One connection carries one request and one answer, each a line of JSON, over a Unix stream socket.
The gate takes the asker's uid from the kernel (``SO_PEERCRED``, unix(7)), never from the message. No request carries
text that becomes a rule.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from appliance.core.errors import GateRefused

REQUEST_BYTES_MAX: Final = 4_096
ADMITS_MAX: Final = 16  # whatever they are, they fit into a request
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024  # a /20 full of clients
LEASE_SECONDS_MAX: Final = 2_592_000
QUOTA_ID_MAX: Final = 2**31 - 1
QUOTA_BYTES_MAX: Final = 2**50
_NUMBER = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{3}}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_SPEED = re.compile(r"([a-z][a-z0-9]{0,10})?")


class RefusalCode(enum.StrEnum):
    """Why the gate says no."""

    MALFORMED = "malformed"  # not a message, or a value outside its bounds
    NOT_ALLOWED = "not_allowed"  # this uid may not ask this
    NOT_A_RESIDENT = "not_a_resident"  # the address is in no resident network
    UNKNOWN_SPEED = "unknown_speed"  # no class of [[speeds]] has this name
    FULL = "full"  # no room for another client
    FAILED = "failed"  # the kernel refused; nothing was changed


@dataclass(frozen=True, slots=True)
class Client:
    """One device in a resident network: its IPv4 address and MAC, both lower case and canonical."""

    address: str
    mac: str

    def __post_init__(self) -> None:
        texts = isinstance(self.address, str) and isinstance(self.mac, str)
        if not texts or not _ADDRESS.fullmatch(self.address) or not _MAC.fullmatch(self.mac):
            raise GateRefused(RefusalCode.MALFORMED, "a client is an IPv4 address and a MAC like 02:00:00:00:00:01")


@dataclass(frozen=True, slots=True)
class Quota:
    """An amount of data, sent and received together. Clients that name the same ``id`` use it up together."""

    id: int
    left_bytes: int

    def __post_init__(self) -> None:
        if type(self.id) is not int or not 0 < self.id <= QUOTA_ID_MAX:
            raise GateRefused(RefusalCode.MALFORMED, f"a quota's id is a whole number from 1 to {QUOTA_ID_MAX}")
        if type(self.left_bytes) is not int or not 0 <= self.left_bytes <= QUOTA_BYTES_MAX:
            raise GateRefused(RefusalCode.MALFORMED, f"left_bytes is a whole number from 0 to {QUOTA_BYTES_MAX}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a client: the name of a class in ``[[speeds]]``, empty for its fair share alone; and a quota."""

    speed: str = ""
    quota: Quota | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.speed, str) or not _SPEED.fullmatch(self.speed):
            raise GateRefused(RefusalCode.MALFORMED, "speed is the name of a class in [[speeds]], or empty")
        if not (self.quota is None or isinstance(self.quota, Quota)):
            raise GateRefused(RefusalCode.MALFORMED, "quota is an id and left_bytes, or nothing")


UNLIMITED: Final = Limits()


@dataclass(frozen=True, slots=True)
class Admit:
    """Let ``client`` through for ``lease_seconds`` from now, within ``limits``.

    Admitting again renews: the counters go on; speed and quota become what is given, for all who share the quota.
    """

    client: Client
    lease_seconds: int
    limits: Limits = UNLIMITED

    def __post_init__(self) -> None:
        if type(self.lease_seconds) is not int or not 0 < self.lease_seconds <= LEASE_SECONDS_MAX:
            raise GateRefused(RefusalCode.MALFORMED, f"lease_seconds is a whole number from 1 to {LEASE_SECONDS_MAX}")


@dataclass(frozen=True, slots=True)
class AdmitAll:
    """Let 1 to `ADMITS_MAX` clients through, each with an address of its own; one that is refused keeps none out."""

    admits: tuple[Admit, ...]

    def __post_init__(self) -> None:
        addresses = {one.client.address for one in self.admits}
        if not 0 < len(self.admits) <= ADMITS_MAX or len(addresses) != len(self.admits):
            raise GateRefused(RefusalCode.MALFORMED, f"admits are 1 to {ADMITS_MAX}, each with another address")


@dataclass(frozen=True, slots=True)
class Revoke:
    """Shut ``client`` out at once, running connections included. Revoking one who is not in is no error."""

    client: Client


@dataclass(frozen=True, slots=True)
class ListClients:
    """Ask who is let through."""


@dataclass(frozen=True, slots=True)
class AskClient:
    """Ask whether ``client`` is let through."""

    client: Client


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Ask how the gate is."""


Request = Admit | AdmitAll | Revoke | ListClients | AskClient | AskStatus


@dataclass(frozen=True, slots=True)
class Admitted:
    """One device that is let through: what is left of its lease, and bytes forwarded from and to it.

    ``idle_seconds`` counts from its last packet, or from its admission before the first. ``quota_left_bytes`` is None
    without a quota; at 0 nothing of it passes any more, though its lease goes on.
    """

    client: Client
    remaining_seconds: int
    sent_bytes: int
    received_bytes: int
    idle_seconds: int
    speed: str
    quota_left_bytes: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """The request took effect in the kernel."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The answer to `ListClients`."""

    admitted: tuple[Admitted, ...]


@dataclass(frozen=True, slots=True)
class ClientState:
    """The answer to `AskClient`; None when it is not let through."""

    found: Admitted | None


@dataclass(frozen=True, slots=True)
class GateStatus:
    """The answer to `AskStatus`. ``closed_by_default`` is read from the kernel, not remembered.

    ``shaper`` is what shares the line: ``htb``, ``cake`` or ``none``; ``shaper_problem`` says, for a person, what of
    it is not as ``hub.toml`` asks. ``let_in_count`` counts devices that were not let through before, and
    ``refused_count`` those that were not let in when it was asked, both since the gate's start.
    """

    closed_by_default: bool
    admitted_count: int
    ruleset_fingerprint: str
    shaper: str = "none"
    shaper_problem: str = ""
    let_in_count: int = 0
    refused_count: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """The gate says no; ``message`` is for a person."""

    code: RefusalCode
    message: str


@dataclass(frozen=True, slots=True)
class Admissions:
    """The answer to `AdmitAll`, in its order: why one was not let through, None for who was."""

    refusals: tuple[Refusal | None, ...]


Answer = Done | Admissions | Clients | ClientState | GateStatus | Refusal


class Gate(Protocol):
    """What a program may ask of the gate: the typed seam its users are given.

    The client over the socket, and the twin, keep it. Each method raises `GateRefused` or `GateUnavailable`.
    """

    def admit(self, client: Client, lease_seconds: int, limits: Limits = UNLIMITED) -> None: ...

    def revoke(self, client: Client) -> None: ...

    def clients(self) -> tuple[Admitted, ...]: ...

    def admitted(self, client: Client) -> Admitted | None: ...

    def status(self) -> GateStatus: ...


_REQUESTS: Final[Mapping[str, type[Any]]] = {
    "admit": Admit, "admit_all": AdmitAll, "revoke": Revoke, "list_clients": ListClients, "ask_client": AskClient,
    "ask_status": AskStatus,
}  # fmt: skip
_ANSWERS: Final[Mapping[str, type[Any]]] = {
    "done": Done, "admissions": Admissions, "clients": Clients, "client": ClientState, "status": GateStatus,
    "refusal": Refusal,
}  # fmt: skip


def encode(message: Request | Answer) -> bytes:
    """Write one message as a line of JSON."""
    for name, kind in (*_REQUESTS.items(), *_ANSWERS.items()):
        if type(message) is kind:
            document = {"type": name, **_plain(message)}
            return json.dumps(document, separators=(",", ":"), default=_plain, check_circular=False).encode() + b"\n"
    raise TypeError(f"not a message of this protocol: {message!r}")


def _plain(part: Any) -> dict[str, Any]:
    if type(part) is Admitted:  # a list has thousands
        return {
            "client": {"address": part.client.address, "mac": part.client.mac},
            "remaining_seconds": part.remaining_seconds,
            "sent_bytes": part.sent_bytes,
            "received_bytes": part.received_bytes,
            "idle_seconds": part.idle_seconds,
            "speed": part.speed,
            "quota_left_bytes": part.quota_left_bytes,
        }
    return {name: getattr(part, name) for name in part.__slots__}


def decode_request(line: bytes) -> Request:
    """Read a request.

    Raises:
        GateRefused: with code ``malformed``, saying what is wrong.
    """
    request: Request = _decode(line, _REQUESTS)
    return request


def decode_answer(line: bytes) -> Answer:
    """Read an answer. Raises `GateRefused` with code ``malformed`` as `decode_request` does."""
    answer: Answer = _decode(line, _ANSWERS)
    return answer


def _decode(line: bytes, kinds: Mapping[str, type[Any]]) -> Any:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise GateRefused(RefusalCode.MALFORMED, "the message is not JSON") from None
    if not isinstance(document, dict):
        raise GateRefused(RefusalCode.MALFORMED, "the message is not an object")
    name = document.pop("type", None)
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise GateRefused(RefusalCode.MALFORMED, f"type is one of {', '.join(kinds)}")
    wanted = {field.name for field in dataclasses.fields(kind)}
    if set(document) != wanted:
        raise GateRefused(RefusalCode.MALFORMED, f"{name} takes exactly {', '.join(sorted(wanted)) or 'nothing'}")
    try:
        return kind(**{key: _part(key, value) for key, value in document.items()})
    except (TypeError, ValueError, KeyError):
        raise GateRefused(RefusalCode.MALFORMED, f"a value of {name} has the wrong form") from None


def _admitted(value: Mapping[str, Any]) -> Admitted:
    return Admitted(**{**value, "client": Client(**value["client"])})


def _limits(value: Mapping[str, Any]) -> Limits:
    if set(value) != {"speed", "quota"}:
        raise TypeError
    return Limits(value["speed"], None if value["quota"] is None else Quota(**value["quota"]))


def _admit(value: Mapping[str, Any]) -> Admit:
    if set(value) != {"client", "lease_seconds", "limits"}:
        raise TypeError
    return Admit(Client(**value["client"]), value["lease_seconds"], _limits(value["limits"]))


def _refusal(value: Mapping[str, Any] | None) -> Refusal | None:
    return None if value is None else Refusal(RefusalCode(value["code"]), value["message"])


_PARTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "client": lambda value: Client(**value),
    "limits": _limits,
    "admits": lambda value: tuple(map(_admit, value)),
    "refusals": lambda value: tuple(map(_refusal, value)),
    "admitted": lambda value: tuple(map(_admitted, value)),
    "found": lambda value: None if value is None else _admitted(value),
    "code": RefusalCode,
}


def _part(key: str, value: Any) -> Any:
    read = _PARTS.get(key)
    return value if read is None else read(value)
