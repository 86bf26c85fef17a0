"""What tests of the NOC's commands share: a key, a clock that the test turns, and a machine in memory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core.clock import Moment, WallQuality
from appliance.core.command_results import Request, Result, decode_result
from appliance.core.commands import Action, BootDeadline, Command, Restart, write
from appliance.core.errors import OperationError
from appliance.operator import keys as hub_keys
from appliance.operator.book import open_book
from appliance.operator.service import Operator
from noc.commands import keys as noc_keys

BOOT, NEXT_BOOT = "ab" * 16, "cd" * 16
NOW_MS = 1_780_000_000_000
HUB = "hub-satu"
DNS = "desahub-dns.service"
NOC_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
sign = noc_keys.signer(NOC_KEY)


@dataclass
class MachineTwin:
    """Does nothing and remembers it. ``fails`` names what cannot be done; ``cut`` is called amid a restart."""

    done: list[str] = field(default_factory=list)
    fails: str = ""
    log: str = "2026-06-01T00:00:00+0000 desa dnsmasq[7]: ready\n"
    cut: Callable[[], None] | None = None

    def _do(self, what: str) -> None:
        if self.fails and what.startswith(self.fails):
            raise OperationError(f"{what}: ended with status 1: no")
        self.done.append(what)

    def restart(self, unit: str) -> None:
        self._do(f"restart {unit}")
        if self.cut is not None:
            self.cut()

    def logs(self, unit: str, lines: int) -> str:
        self._do(f"logs {unit} {lines}")
        return self.log

    def configuration(self) -> str:
        self._do("configuration")
        return '{"hub": {"id": "hub-satu"}}'

    def reboot(self) -> None:
        self._do("reboot")


@dataclass
class Clock:
    """A clock that a time server set."""

    moment: Moment = field(default_factory=lambda: Moment(BOOT, 1_000_000, NOW_MS, WallQuality.NTP))

    def __call__(self) -> Moment:
        return self.moment

    def turn(self, **changed: object) -> None:
        self.moment = replace(self.moment, **changed)  # type: ignore[arg-type]


def a_command(
    action: Action | None = None, counter: int = 1, boot: BootDeadline | None = None, **more: object
) -> bytes:
    """A command as it travels, given now for ten minutes, signed with the NOC's key."""
    return sign(body(action, counter, boot, **more))


def body(action: Action | None = None, counter: int = 1, boot: BootDeadline | None = None, **more: object) -> bytes:
    """The same, not signed."""
    made = Command(HUB, counter, NOW_MS, NOW_MS + 600_000, "sari", action or Restart(DNS), boot)
    return write(replace(made, **more))  # type: ignore[arg-type]


class Box:
    """An operator on a machine in memory, which can be started anew with what it wrote down."""

    def __init__(self, folder: Path, *, has_key: bool = True) -> None:
        self.path, self.machine, self.clock = folder / "operator.db", MachineTwin(), Clock()
        self._verify = functools.partial(hub_keys.holds, NOC_KEY.public_key()) if has_key else None
        self.start()

    def start(self) -> None:
        """As a new process."""
        self.book = open_book(self.path)
        self.operator = Operator(HUB, self._verify, self.book, self.machine, self.clock)

    def say(self, payload: bytes, *, retained: bool = False) -> Result:
        """Bring a message; do what comes after the answer too."""
        answer = decode_result(self.operator.handle(Request(payload, retained)))
        self.operator.afterwards()
        return answer

    def events(self) -> list[str]:
        """What the book says happened, in order."""
        return [each.event for each in self.book.entries()]
