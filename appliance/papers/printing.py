"""What a printer can be asked, whichever it is. The real one is `appliance.papers.cups`, the twin `twin_printer`.

A paper is printed once for each key: whoever is not sure whether an earlier call went through submits again with the
same key, and gets the job that is there.
"""

from __future__ import annotations

import enum
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.errors import PrinterAway, PrintRefused

DOCUMENT_BYTES_MAX: Final = 16_000_000
# A receipt code or a ticket's number. Too short for a NIK, and no place for a name: titles stand in the queue.
_TITLE: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,13}")
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_PAGE: Final = re.compile(rb"/Type\s*/Page(?![A-Za-z])")


class Condition(enum.StrEnum):
    """How it stands with a printer, as far as the printing system knows."""

    READY = "ready"
    PAPER_OUT = "paper_out"
    ATTENTION = "attention"  # a jam, an open cover, no ink: somebody must go there
    OFFLINE = "offline"  # off, not connected, stopped, or the printing system does not answer
    NONE = "none"  # hub.toml names none


class JobState(enum.StrEnum):
    """What became of a paper that was submitted."""

    WAITING = "waiting"  # behind others, or the printer is stopped
    PRINTING = "printing"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"  # some of it may be on paper
    GONE = "gone"  # it is not in the queue any more, and nobody remembers how it ended

    @property
    def is_over(self) -> bool:
        """Will nothing more come of it?"""
        return self not in (JobState.WAITING, JobState.PRINTING)


@dataclass(frozen=True, slots=True)
class PrinterState:
    """How a printer is; ``message`` is for a technician, in English, and may be empty."""

    condition: Condition
    message: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A paper in the queue, or one that was.

    ``id`` is the queue's own number, which begins anew with each start of the printing system: ask by key.
    ``pages_done`` is 0 where the printer does not count.
    """

    id: int
    state: JobState
    pages_done: int = 0


class Printer(Protocol):
    """Takes papers. Each method may wait some seconds for the printing system, never for paper."""

    def submit(self, document: bytes, title: str, key: str) -> Job:
        """Have ``document`` printed, once for ``key``; with a key that is known, that job and nothing more.

        Args:
            document: a PDF; for a ticket printer the bytes that it understands.
            title: the letter's receipt code, or a ticket's number; see `checked`.
            key: letter and copy, such as ``letter-4711-copy-1``.

        Raises:
            PrintRefused: the paper, its title or its key is not taken.
            PrinterAway: nobody answers; submit again with the same key.
        """
        ...

    def state(self) -> PrinterState:
        """How the printer is. Does not raise: one that cannot be asked is offline."""
        ...

    def job(self, key: str) -> Job:
        """What became of a paper; `JobState.GONE` where the queue and its memory hold none. Raises `PrinterAway`."""
        ...

    def cancel(self, key: str) -> None:
        """Stop a paper; one that is over stays as it is. Raises `PrinterAway`."""
        ...


class NoPrinter:
    """There is no printer: the offices that have none see the same pages."""

    def submit(self, document: bytes, title: str, key: str) -> Job:
        """Refuse. Raises `PrinterAway`, and `PrintRefused` as any printer."""
        checked(document, title, key, is_pdf=False)
        raise PrinterAway("hub.toml names no printer: add [printer], see docs/config.md")

    def state(self) -> PrinterState:
        """None."""
        return PrinterState(Condition.NONE)

    def job(self, key: str) -> Job:
        """Nothing is known."""
        key_digest(key)
        return Job(0, JobState.GONE)

    def cancel(self, key: str) -> None:
        """Nothing is there."""
        key_digest(key)


NO_PRINTER: Final[Printer] = NoPrinter()


def checked(document: bytes, title: str, key: str, *, is_pdf: bool) -> str:
    """Check what is to be printed and return the name of its job: the title, and a digest of the key.

    Raises:
        PrintRefused: with what is allowed.
    """
    if not document:
        raise PrintRefused("the paper is empty")
    if len(document) > DOCUMENT_BYTES_MAX:
        raise PrintRefused(f"the paper has {len(document)} bytes; allowed are at most {DOCUMENT_BYTES_MAX}")
    if is_pdf and not document.startswith(b"%PDF-"):
        raise PrintRefused("the paper is no PDF")
    if not _TITLE.fullmatch(title):
        raise PrintRefused(
            "the title of a print is a receipt code: 1 to 14 capital letters, digits and hyphens; it stands in the "
            "queue, where no name belongs"
        )
    return f"{title} {key_digest(key)}"


def key_digest(key: str) -> str:
    """What stands for ``key`` in the queue. Raises `PrintRefused` for what is no key."""
    if not _KEY.fullmatch(key):
        raise PrintRefused("the key of a print is 1 to 80 small letters, digits and hyphens")
    return hashlib.sha256(key.encode("ascii")).hexdigest()[:20]


def page_count(pdf: bytes) -> int:
    """How many pages a PDF has whose page objects are not packed, as ours; at least 1."""
    return max(1, len(_PAGE.findall(pdf)))
