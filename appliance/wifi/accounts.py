"""Residents' own accounts as a way in: the seam that the register of residents keeps, and what is said over it. Pure.

The register lives with the kiosk's services and is never opened by the portal, which asks it over a local socket: one
connection carries one request and one answer, each a line of JSON. The kiosk takes the asker's uid from the kernel.

Names and PINs of accounts are made by the box and stand for nothing else: they travel through the residents' open air,
where a NIK, or the PIN of somebody's letters, must never go. `tests/contract/test_resident_accounts.py` is what any
register must pass.
"""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from appliance.gate.protocol import Client
from appliance.hotspot.wire import from_json, to_json

TYPED_LENGTH_MAX: Final = 64
# A full /20 of devices, each with an account of its own.
HELD_MAX: Final = 4_096
REQUEST_BYTES_MAX: Final = 512 * 1024
ANSWER_BYTES_MAX: Final = 512 * 1024
_REFERENCE: Final = re.compile(r"A-[0-9A-Z]{1,16}")
# A word and four digits, however they are put together.
_NAME: Final = re.compile(r"[A-Za-z]{3,12}[ ._-]{0,3}[1-9]{4}")


class AccountOutcome(enum.StrEnum):
    """What came of a name and a PIN."""

    WELCOME = "welcome"
    WRONG = "wrong"  # name or PIN, or the account has ended, or its owner moved away; which one is never said
    WAIT = "wait"  # too many wrong ones, by this device or for this name
    BUSY = "busy"  # too many ask at this moment; nothing was judged or counted


@dataclass(frozen=True, slots=True)
class Holding:
    """An account as a login found it.

    Args:
        reference: names the account in the history, and tells nobody who it is; the same each time.
        generation: how many PINs it has had: who came with an older one is to log in again.
    """

    reference: str
    generation: int


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """The answer to a name and a PIN: ``holding`` with WELCOME, ``wait_seconds`` with WAIT.

    ``wait_seconds`` stands with WRONG where this wrong one was one too many.
    """

    outcome: AccountOutcome
    holding: Holding | None = None
    wait_seconds: int = 0


class ResidentAccounts(Protocol):
    """What the portal asks of a register of residents."""

    def check(self, name: str, pin: str, client: Client) -> AccountAnswer:
        """Check a name and its PIN. Any text is answered; unknown names after the same work as wrong PINs.

        Waits are counted in the box's own time, for the device and for the name: no reboot and no change of the clock
        shortens one. Where an account was used before from a device, only mistakes of that device count there:
        nobody is kept out of their own telephone by who guesses elsewhere.

        Args:
            name: as typed; case, and what stands between its parts, do not matter.
            pin: as typed.
            client: who asks, as the kernel knows it.

        Raises:
            AccountsUnavailable: the register does not answer.
        """

    def ended(self, held: frozenset[Holding]) -> frozenset[Holding]:
        """Which of these hold no more: the PIN was renewed, or the account ended, or its owner lives here no more.

        Raises:
            AccountsUnavailable: the register does not answer.
        """


@dataclass(frozen=True, slots=True)
class Check:
    """Does this name have this PIN?"""

    name: str = field(repr=False)
    pin: str = field(repr=False)
    address: str
    mac: str

    def __post_init__(self) -> None:
        if max(len(self.name), len(self.pin)) > TYPED_LENGTH_MAX:
            raise ValueError(f"name and pin have at most {TYPED_LENGTH_MAX} characters")

    @property
    def client(self) -> Client:
        """The device that asks. Raises `GateRefused`: it is none."""
        return Client(self.address, self.mac)


@dataclass(frozen=True, slots=True)
class AskEnded:
    """Which of these hold no more?"""

    held: tuple[Holding, ...]

    def __post_init__(self) -> None:
        if len(self.held) > HELD_MAX:
            raise ValueError(f"at most {HELD_MAX} accounts are asked for at once")


@dataclass(frozen=True, slots=True)
class Ended:
    """Those of `AskEnded` that hold no more."""

    held: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The register says no, and why."""

    message: str


Request = Check | AskEnded
Answer = AccountAnswer | Ended | Refusal
_KINDS: Final[dict[str, Any]] = {
    "check": Check, "ask_ended": AskEnded, "answer": AccountAnswer, "ended": Ended, "refusal": Refusal,
}  # fmt: skip
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


def is_reference(text: str) -> bool:
    """Has a text the form of an account's reference?"""
    return _REFERENCE.fullmatch(text) is not None


def looks_like_name(typed: str) -> bool:
    """Might this be an account's name? No NIK, PIN or person's name does, which people type into the wrong field."""
    return _NAME.fullmatch(typed.strip()) is not None


def encode(message: Request | Answer) -> bytes:
    """One line, with its line feed."""
    return json.dumps({"kind": _NAMES[type(message)], **to_json(message)}).encode("ascii") + b"\n"


def decode_request(line: bytes) -> Request:
    """Read a request. Raises `ValueError`, which says what is allowed."""
    found = _decode(line)
    if not isinstance(found, (Check, AskEnded)):
        raise ValueError("this is no request")
    return found


def decode_answer(line: bytes) -> Answer:
    """Read an answer. Raises `ValueError`."""
    found = _decode(line)
    if not isinstance(found, (AccountAnswer, Ended, Refusal)):
        raise ValueError("this is no answer")
    return found


def _decode(line: bytes) -> Any:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("a message is one line of JSON") from None
    kind = said.pop("kind", None) if isinstance(said, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}")
    return from_json(_KINDS[kind], said)
