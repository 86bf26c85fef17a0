"""A queue of CUPS as a `Printer`: IPP over its Unix socket, one connection for each question.

The name of a job ends with a digest of its key, so that CUPS itself remembers what was submitted: a process that died
before it could write down the answer finds the job, and does not print twice. Source: RFC 8010, RFC 8011, cupsd(8).
"""

from __future__ import annotations

import contextlib
import http.client
import math
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.core.errors import PrinterAway, PrintRefused
from appliance.papers import ipp, queue_words
from appliance.papers.ipp import Attribute, Operation, Tag
from appliance.papers.printing import Condition, Job, JobState, PrinterState, checked, key_digest

SOCKET_PATH: Final = Path("/run/desahub-printer/cups.sock")
PDF: Final = "application/pdf"
RAW: Final = "application/vnd.cups-raw"
_QUESTION_SECONDS: Final = 2.0
_SUBMIT_SECONDS: Final = 15.0
_STATE_SECONDS: Final = 1.0
_ANSWER_BYTES_MAX: Final = 2_000_000
_JOBS_MAX: Final = 1_000
_NOT_FOUND: Final = 0x0406
_NOT_POSSIBLE: Final = 0x0404
# Statuses that another try later may change: not accepting jobs, temporary error, busy, service unavailable.
_AWAY: Final = frozenset({0x0502, 0x0505, 0x0506, 0x0507, _NOT_FOUND})


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        """Connect. Source: http.client.HTTPConnection.connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class CupsPrinter:
    """Keeps `appliance.papers.printing.Printer` with one queue.

    Args:
        queue: its name in CUPS.
        document_format: `PDF`, or `RAW` for a ticket printer's queue.
        socket_path: where cupsd listens.
        user: whose jobs they are; the name is no more than a label, since only some can reach the socket.
    """

    def __init__(
        self, queue: str, document_format: str = PDF, socket_path: Path = SOCKET_PATH, user: str = "desahub-kiosk"
    ) -> None:
        self._queue, self._format, self._path, self._user = queue, document_format, socket_path, user
        self._submitting, self._looking = threading.Lock(), threading.Lock()
        self._seen, self._seen_at = PrinterState(Condition.OFFLINE, "not asked so far"), -math.inf

    def submit(self, document: bytes, title: str, key: str) -> Job:
        """As `appliance.papers.printing.Printer.submit`."""
        name = checked(document, title, key, is_pdf=self._format == PDF)
        # Two threads with one key: the second one finds what the first one submitted.
        with self._submitting:
            found = self.job(key)
            if found.state is not JobState.GONE:
                return found
            # One request for job and document: cupsd makes the job once it has the whole, or never.
            answer = self._ask(
                Operation.PRINT_JOB,
                [
                    Attribute(Tag.NAME, "job-name", (name,)),
                    Attribute(Tag.MIME, "document-format", (self._format,)),
                    Attribute(Tag.BOOLEAN, "ipp-attribute-fidelity", (False,)),
                ],
                document,
            )
            for group, attributes in answer.groups:
                if group == Tag.JOB and "job-id" in attributes:
                    return queue_words.job(attributes)
            raise PrinterAway(f"CUPS took the paper for {self._queue} and named no job")

    def state(self) -> PrinterState:
        """As `appliance.papers.printing.Printer.state`, at most `_STATE_SECONDS` old.

        One thread asks at a time and the others are told what was seen last: every office page shows the state, and a
        printing system that hangs must not hang them.
        """
        if time.monotonic() - self._seen_at >= _STATE_SECONDS and self._looking.acquire(blocking=self._seen_at < 0):
            try:
                self._seen, self._seen_at = self._look(), time.monotonic()
            finally:
                self._looking.release()
        return self._seen

    def _look(self) -> PrinterState:
        wanted = ("printer-state", "printer-state-reasons", "printer-state-message", "printer-is-accepting-jobs")
        try:
            answer = self._ask(
                Operation.GET_PRINTER_ATTRIBUTES, [Attribute(Tag.KEYWORD, "requested-attributes", wanted)]
            )
        except (PrinterAway, PrintRefused) as error:
            return PrinterState(Condition.OFFLINE, str(error))
        found = [attributes for group, attributes in answer.groups if group == Tag.PRINTER]
        return queue_words.printer(found[0] if found else {})

    def job(self, key: str) -> Job:
        """As `appliance.papers.printing.Printer.job`."""
        ending = f" {key_digest(key)}"
        wanted = ("job-id", "job-name", "job-state", "job-media-sheets-completed")
        answer = self._ask(
            Operation.GET_JOBS,
            [
                Attribute(Tag.INTEGER, "limit", (_JOBS_MAX,)),
                Attribute(Tag.KEYWORD, "requested-attributes", wanted),
                Attribute(Tag.KEYWORD, "which-jobs", ("all",)),
            ],
        )
        for group, attributes in answer.groups:
            if group == Tag.JOB and str(attributes.get("job-name", ("",))[0]).endswith(ending):
                return queue_words.job(attributes)
        return Job(0, JobState.GONE)

    def cancel(self, key: str) -> None:
        """As `appliance.papers.printing.Printer.cancel`."""
        found = self.job(key)
        if found.state.is_over:
            return
        # It may have ended meanwhile.
        self._ask(
            Operation.CANCEL_JOB,
            [Attribute(Tag.INTEGER, "job-id", (found.id,))],
            accepted=frozenset({_NOT_POSSIBLE, _NOT_FOUND}),
        )

    def _ask(
        self,
        operation: Operation,
        attributes: list[Attribute],
        document: bytes = b"",
        accepted: frozenset[int] = frozenset(),
    ) -> ipp.Answer:
        uri = Attribute(Tag.URI, "printer-uri", (f"ipp://localhost/printers/{self._queue}",))
        user = Attribute(Tag.NAME, "requesting-user-name", (self._user,))
        # RFC 8011 wants the operation's target first, and a job's id right behind it.
        body = ipp.encode(operation, [uri, *_in_order(attributes, user)]) + document
        with self._telling():
            answer = ipp.decode(self._post(body, _SUBMIT_SECONDS if document else _QUESTION_SECONDS))
        if answer.is_good or answer.status in accepted:
            return answer
        said = answer.message or f"IPP status {answer.status:#06x}"
        if answer.status in _AWAY:
            raise PrinterAway(f"CUPS does not take papers for {self._queue}: {said}; lpstat -p, docs/operations.md")
        raise PrintRefused(f"CUPS refuses: {said}")

    def _post(self, body: bytes, timeout_seconds: float) -> bytes:
        with contextlib.closing(_Connection(self._path, timeout_seconds)) as connection:
            connection.request("POST", f"/printers/{self._queue}", body, {"Content-Type": "application/ipp"})
            response = connection.getresponse()
            data = response.read(_ANSWER_BYTES_MAX)
            if response.status != http.client.OK:
                raise PrinterAway(f"CUPS at {self._path} answers with HTTP status {response.status}")
            return data

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise PrinterAway(
                f"CUPS does not run: nothing is at {self._path}; systemctl status desahub-printer"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise PrinterAway(f"CUPS at {self._path} does not answer: {error or type(error).__name__}") from None


def _in_order(attributes: list[Attribute], user: Attribute) -> list[Attribute]:
    first = [each for each in attributes if each.name == "job-id"]
    return [*first, user, *(each for each in attributes if each.name != "job-id")]
