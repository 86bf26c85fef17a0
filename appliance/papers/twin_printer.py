"""A printer in memory: paper runs out, somebody fills it up, somebody switches it off. For tests and the practice mode.

It refuses what the real one refuses, and prints as far as there is paper each time it is asked.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from appliance.core.errors import PrinterAway
from appliance.papers.printing import Condition, Job, JobState, PrinterState, checked, key_digest, page_count


@dataclass
class _Paper:
    job: Job
    name: str
    pages: int


@dataclass
class TwinPrinter:
    """One printer with its queue.

    Args:
        sheets: how much paper is in it.
        takes_pdf: False for a ticket printer.
    """

    sheets: int = 100
    takes_pdf: bool = True
    is_on: bool = True
    answers: bool = True
    attention: str = ""
    sheets_printed: list[str] = field(default_factory=list)
    _papers: list[_Paper] = field(default_factory=list)

    def submit(self, document: bytes, title: str, key: str) -> Job:
        """As `appliance.papers.printing.Printer.submit`."""
        name = checked(document, title, key, is_pdf=self.takes_pdf)
        self._ask()
        found = self.job(key)
        if found.state is not JobState.GONE:
            return found
        pages = page_count(document) if self.takes_pdf else 1
        self._papers.append(_Paper(Job(len(self._papers) + 1, JobState.WAITING), name, pages))
        self._print()
        return self._papers[-1].job

    def state(self) -> PrinterState:
        """As `appliance.papers.printing.Printer.state`."""
        if not self.answers or not self.is_on:
            return PrinterState(Condition.OFFLINE, "the printer is switched off")
        if self.attention:
            return PrinterState(Condition.ATTENTION, self.attention)
        self._print()
        if self.sheets == 0 and any(not paper.job.state.is_over for paper in self._papers):
            return PrinterState(Condition.PAPER_OUT, "media-empty-error")
        return PrinterState(Condition.READY)

    def job(self, key: str) -> Job:
        """As `appliance.papers.printing.Printer.job`."""
        paper = self._paper(key)
        return paper.job if paper else Job(0, JobState.GONE)

    def cancel(self, key: str) -> None:
        """As `appliance.papers.printing.Printer.cancel`."""
        paper = self._paper(key)
        if paper and not paper.job.state.is_over:
            paper.job = dataclasses.replace(paper.job, state=JobState.CANCELLED)

    def forget(self) -> None:
        """Drop everything, as a printing system that was started anew."""
        self._papers.clear()

    def load(self, sheets: int) -> None:
        """Put paper in."""
        self.sheets += sheets
        self._print()

    def fail(self, key: str) -> None:
        """Let a job end in the middle."""
        paper = self._paper(key)
        if paper and not paper.job.state.is_over:
            paper.job = dataclasses.replace(paper.job, state=JobState.FAILED)

    @property
    def titles(self) -> tuple[str, ...]:
        """What can be read in the queue."""
        return tuple(paper.name for paper in self._papers)

    def _paper(self, key: str) -> _Paper | None:
        digest = key_digest(key)
        self._ask()
        self._print()
        return next((paper for paper in self._papers if paper.name.endswith(f" {digest}")), None)

    def _ask(self) -> None:
        if not self.answers:
            raise PrinterAway("the printing system does not answer")

    def _print(self) -> None:
        if not self.is_on or self.attention:
            return
        for paper in self._papers:
            if paper.job.state.is_over:
                continue
            done = paper.job.pages_done
            while done < paper.pages and self.sheets > 0:
                done, self.sheets = done + 1, self.sheets - 1
                self.sheets_printed.append(f"{paper.name.partition(' ')[0]} {done}")
            state = JobState.FINISHED if done == paper.pages else JobState.PRINTING
            paper.job = dataclasses.replace(paper.job, state=state, pages_done=done)
            if state is not JobState.FINISHED:
                return
