"""Every error this project raises on purpose.

::

    DesahubError
    ├── AccountsUnavailable  the kiosk, which keeps residents' accounts for the Wi-Fi, did not answer
    ├── CommandError
    │   ├── CommandMalformed these bytes are no command, or no result of one
    │   └── CommandUnknown   a version or an action this program does not know
    ├── ConfigError          hub.toml (or another document) holds one or more problems
    ├── GateError
    │   ├── GateRefused      the gate understood the request and says no, with a code
    │   └── GateUnavailable  the gate did not answer
    ├── HotspotError
    │   ├── HotspotRefused   the portal's keeper understood the office's request and says no, with a code
    │   └── HotspotUnavailable  the keeper did not answer
    ├── OperationError       a step on the machine failed (a program, a file, the kernel)
    ├── PrintError
    │   ├── PrinterAway      no printing system, or none is named in hub.toml: nothing was printed
    │   └── PrintRefused     this paper will not be printed as it is
    ├── ReportError
    │   ├── ReportMalformed  these bytes are no report
    │   └── ReportUnknown    a version or schema this program does not know: keep the bytes
    ├── SignatureError
    │   ├── CertificateEnded the official's certificate is expired, revoked or not there yet
    │   ├── PassphraseWrong  the service does not take this passphrase
    │   ├── SignatureRefused the service will not sign, or what it gave back is no signed paper
    │   ├── SignerAway       no line, no service, no answer in time: the letter waits, or is signed by hand
    │   └── SignerUnknown    the service knows nobody with this NIK
    └── StoreError
        ├── StoreBusy        too many ask for the same slow work: try again
        ├── StoreFull        the disk is full or read-only: nothing was stored
        └── StoreTooNew      the database was written by a newer release

They are caught only at the edge of a program, where one becomes a message a person can act on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DesahubError(Exception):
    """The root of the tree. Its text is meant for a person."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a document: where, what, and what is allowed there."""

    path: str
    wrong: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}, {self.allowed}" if self.allowed else f"{self.path}: {self.wrong}"


class AccountsUnavailable(DesahubError):  # noqa: N818 - as `GateUnavailable`
    """The kiosk's socket for accounts is missing, closed or silent."""


class CommandError(DesahubError):
    """A command of the NOC, or a hub's answer to one, cannot be used as it is."""


class CommandMalformed(CommandError):  # noqa: N818
    """The bytes are no command, or a value in it is outside its bounds."""


class CommandUnknown(CommandError):  # noqa: N818
    """A version or an action unknown to this program."""


class ConfigError(DesahubError):
    """All problems of one document at once, never only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class GateError(DesahubError):
    """Asking the gate did not lead to what was asked."""


class GateRefused(GateError):  # noqa: N818 - reads as the sentence it is where it is caught
    """The gate said no. ``code`` is one of `appliance.gate.protocol.RefusalCode`."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class GateUnavailable(GateError):  # noqa: N818
    """The gate's socket is missing, closed or silent."""


class HotspotError(DesahubError):
    """Asking the hotspot's keeper did not lead to what was asked."""


class HotspotRefused(HotspotError):  # noqa: N818 - as `GateRefused`
    """The keeper said no. ``code`` is one of `appliance.hotspot.protocol.RefusalCode`."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class HotspotUnavailable(HotspotError):  # noqa: N818
    """The keeper's socket is missing, closed or silent."""


class OperationError(DesahubError):
    """A step on the machine failed; the text names the step and what the machine answered."""


class PrintError(DesahubError):
    """A paper was not given to the printing system."""


class PrinterAway(PrintError):  # noqa: N818 - as `GateUnavailable`
    """The printing system does not answer, or there is none. Nothing was printed by this call."""


class PrintRefused(PrintError):  # noqa: N818
    """The printing system, or this program, will not take this paper."""


class ReportError(DesahubError):
    """A report from a hub cannot be used as it is."""


class ReportMalformed(ReportError):  # noqa: N818
    """The bytes are not a report, or a value in it is outside its bounds."""


class ReportUnknown(ReportError):  # noqa: N818
    """A version or schema unknown to this program. The bytes are kept for a later release."""


class SignatureError(DesahubError):
    """A paper was not signed electronically. The text holds neither passphrase nor NIK."""


class CertificateEnded(SignatureError):  # noqa: N818
    """The official's certificate cannot be used: expired, revoked, suspended, or not issued yet."""


class PassphraseWrong(SignatureError):  # noqa: N818
    """The service does not take the passphrase."""


class SignatureRefused(SignatureError):  # noqa: N818
    """The service will not sign this paper, or gave back what is no signed paper."""


class SignerAway(SignatureError):  # noqa: N818
    """Nobody answers: the line, the service, or the box's own signer. Whether it was signed is not known here."""


class SignerUnknown(SignatureError):  # noqa: N818
    """The service knows nobody with this NIK."""


class StoreError(DesahubError):
    """The database did not take or give what was asked."""


class StoreBusy(StoreError):  # noqa: N818 - as `GateUnavailable`
    """Too many ask for the same slow work at this moment. Nothing was done; a few seconds later there is room."""


class StoreFull(StoreError):  # noqa: N818
    """No space, or a read-only disk. Nothing was stored and nothing was acknowledged."""


class StoreTooNew(StoreError):  # noqa: N818
    """The database has migrations this release does not know."""
