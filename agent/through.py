"""Do names and pages come through? A line on which connections open may still end at somebody else's page."""

from __future__ import annotations

from typing import Final

from agent.budget import Budget
from agent.probes import NAME_BYTES_MAX, WEB_BYTES_MAX, Questions, Verdict
from appliance.core.clock import Moment
from appliance.core.config import Config
from appliance.core.probes import PROBES

NAME_MS: Final = 600_000
WEB_MS: Final = 900_000
# One answer that did not come is asked for again before it counts; while none come, so often.
CONFIRM_MS: Final = 20_000
BROKEN_MS: Final = 60_000
_SERVERS_MAX: Final = 3
# Left for looks at the line itself, which matter more.
_KEEP_BYTES: Final = 1_000
_FAILURES_MIN: Final = 2
# A quartz is off by a second in six hours at the most, as is what is told here.
_CLOCK_KEPT_MS: Final = 21_600_000


class Question:
    """One thing that is asked for now and then: when it is due, how the last answer was, how many failed in a row."""

    def __init__(self, usual_ms: float) -> None:
        self._usual_ms = usual_ms
        self._due_ms = self._answered_ms = 0
        self._value_ms: int | None = None
        self.failures = 0

    def is_due(self, now_ms: int) -> bool:
        """Is it time to ask?"""
        return now_ms >= self._due_ms

    def take(self, seconds: float | None, now_ms: int) -> None:
        """Remember how long the true answer took, or that there was none."""
        if seconds is not None:
            self._value_ms, self._answered_ms, self.failures = round(seconds * 1000), now_ms, 0
            self._due_ms = now_ms + round(self._usual_ms)
            return
        self.failures += 1
        self._value_ms = None
        self._due_ms = now_ms + (CONFIRM_MS if self.failures < _FAILURES_MIN else BROKEN_MS)

    def forget(self) -> None:
        """The line went down: nothing is known, and it is asked as soon as it is up."""
        self._due_ms, self._value_ms, self.failures = 0, None, 0

    @property
    def is_broken(self) -> bool:
        """Did the true answer not come, twice?"""
        return self.failures >= _FAILURES_MIN

    def value_ms(self, now_ms: int) -> int | None:
        """How long the last answer took; None where it did not come, or is too old to be told as today's."""
        return self._value_ms if now_ms - self._answered_ms <= 2 * self._usual_ms else None


class Through:
    """A name and a page, asked for within the budget. ``pace`` stretches the time between two questions."""

    def __init__(self, config: Config, pace: float) -> None:
        self._servers = config.uplink.dns_servers[:_SERVERS_MAX]
        self._probe = next(each for each in PROBES if each.host == config.agent.web_probe)
        self.name, self.page = Question(NAME_MS * pace), Question(WEB_MS * pace)
        self._address: str | None = None
        self._clock_base_ms: int | None = None
        self._clock_told_ms = 0

    @property
    def is_broken(self) -> bool:
        """Does one of the two not come through?"""
        return self.name.is_broken or self.page.is_broken

    @property
    def trouble(self) -> str:
        """What does not come through, for a person; empty while all does."""
        if self.name.is_broken:
            return "no server of uplink.dns_servers tells an address"
        return "the page of web_probe does not come, or somebody else's does" if self.page.is_broken else ""

    def ask(self, questions: Questions, budget: Budget, moment: Moment) -> bool:
        """Ask what is due; say whether that changed `is_broken`."""
        before, now_ms = self.is_broken, moment.boottime_ms
        if self.name.is_due(now_ms) and budget.may(NAME_BYTES_MAX, now_ms, keep_bytes=_KEEP_BYTES):
            named = questions.name(self._servers, self._probe.host)
            budget.spend(named.line_bytes)
            self.name.take(named.seconds, now_ms)
            self._address = named.address or self._address
        if (
            self._address is not None
            and self.page.is_due(now_ms)
            and budget.may(WEB_BYTES_MAX, now_ms, keep_bytes=_KEEP_BYTES)
        ):
            page = questions.page(self._address, self._probe)
            budget.spend(page.line_bytes)
            self.page.take(page.seconds if page.verdict is Verdict.TRUE else None, now_ms)
            if page.clock_base_ms is not None:
                self._clock_base_ms, self._clock_told_ms = page.clock_base_ms, now_ms
        return self.is_broken is not before

    def clock_offset_ms(self, moment: Moment) -> int | None:
        """By how much the true time is ahead of this box's clock; None where nobody told lately."""
        if self._clock_base_ms is None or moment.boottime_ms - self._clock_told_ms > _CLOCK_KEPT_MS:
            return None
        return self._clock_base_ms + moment.boottime_ms - moment.wall_ms

    def forget(self) -> None:
        """The line went down."""
        self.name.forget()
        self.page.forget()
