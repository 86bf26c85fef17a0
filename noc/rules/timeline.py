"""What was when at one hub, and why: pure. What no record tells stays unknown.

The timeline is a function of the history alone (`noc.rules.history`), which is the same for any order of arrival: late
data changes the past, and always in the same way.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from noc.rules.anchors import Anchor, Source, place
from noc.rules.history import Boot, History, Run
from noc.rules.reading import BootReason, Link, Terms, is_slow
from noc.rules.states import UP, Basis, Cause, Condition, Evidence, Span, State, Window, measured, unknown

START_MS_MAX: Final = 600_000  # a box that takes longer until its first record did not merely start
REBOOT_MS_MAX: Final = 600_000  # nor is this still the reboot that was asked for
NOTICED_MS_MAX: Final = 15_000  # a change is noticed within this; the record of it may be one of those that are lost
SLOW_HOLDS_MS: Final = 3_600_000  # a speed test says nothing about the line an hour later
_NOT_UP: Final = {
    Link.UNTOLD: unknown(Evidence.NOT_TOLD),
    Link.CAPTIVE: measured(Condition.UNUSABLE, Cause.CAPTIVE, Evidence.UPLINK_STATE),
    Link.NO_LINK: measured(Condition.LINK, Cause.NO_LINK, Evidence.UPLINK_STATE),
    Link.NO_ADDRESS: measured(Condition.LINK, Cause.NO_ADDRESS, Evidence.UPLINK_STATE),
    Link.NO_GATEWAY: measured(Condition.LINK, Cause.NO_GATEWAY, Evidence.UPLINK_STATE),
    Link.NO_INTERNET: measured(Condition.LINK, Cause.NO_INTERNET, Evidence.UPLINK_STATE),
    Link.DOWN: measured(Condition.LINK, Cause.LINK_DOWN, Evidence.UPLINK_STATE),
}
# The box has a battery, and what it is plugged into has none.
_MODEM_OFF: Final = State(
    Condition.POWER, Cause.MODEM_WITHOUT_POWER, Basis.INFERRED, (Evidence.UPLINK_STATE, Evidence.ON_BATTERY)
)
_LOSSY: Final = measured(Condition.UNUSABLE, Cause.LOSS, Evidence.LOSS)
_SLOW: Final = State(Condition.UNUSABLE, Cause.SLOW, Basis.INFERRED, (Evidence.SPEED_TEST,))
_PLANNED: Final = measured(Condition.MAINTENANCE, Cause.PLANNED, Evidence.WINDOW)
_EXCUSED: Final = {Condition.LINK, Condition.UNUSABLE, Condition.POWER}


@dataclass(frozen=True, slots=True)
class _Line:
    """What is said of line and power for a span without a change."""

    link: Link
    is_lossy: bool
    on_battery: bool


def timeline(
    history: History, terms: Terms, from_ms: int, to_ms: int, windows: Iterable[Window] = ()
) -> tuple[Span, ...]:
    """Tell what was from ``from_ms`` up to ``to_ms``: spans without a gap or an overlap, oldest first."""
    anchors = place(history)
    found: list[Span] = []
    for anchor in anchors:
        found += _placed(anchor, _in_boot(anchor.boot, anchor.boot.terms(terms)))
    exact = [anchor for anchor in anchors if anchor.source is not Source.ORDER]
    for one, other in itertools.pairwise(exact):
        found += _between(one, other, one.boot.terms(terms))
    excused = _excuse(_fill(found, from_ms, to_ms), sorted(windows, key=lambda w: (w.start_ms, w.end_ms)))
    return tuple(_joined(excused))


def _in_boot(boot: Boot, terms: Terms) -> list[Span]:
    """Tell what was during a boot, in its own boottime."""
    spans: list[Span] = []
    previous: Run | None = None
    link, on_battery = Link.UNTOLD, False
    slow_until_ms = looked_ms = -1
    for run in boot.runs:
        look = run.look
        if previous is not None:
            begin_ms, end_ms = previous.last_boottime_ms, run.first_boottime_ms
            # The record of a change that was noticed late carries an earlier moment than that at which the box looked.
            looked_ms = max(looked_ms, begin_ms)
            if end_ms < begin_ms:
                # What was noticed late happened before the last record, which did not know of it.
                _cut(spans, end_ms)
            elif run.first_sequence != previous.last_sequence + 1 or end_ms - looked_ms > terms.hold_ms:
                begin_ms = max(begin_ms - NOTICED_MS_MAX, boot.runs[0].first_boottime_ms)
                _cut(spans, begin_ms)
                spans.append(Span(begin_ms, end_ms, unknown(Evidence.NO_RECORD)))
                link, on_battery, slow_until_ms = Link.UNTOLD, False, -1
            elif look.link is None or look.is_change or _class(look.link) is _class(link):
                spans += _while(begin_ms, end_ms, _Line(link, look.is_lossy, on_battery), slow_until_ms)
            else:
                spans.append(Span(begin_ms, end_ms, unknown(Evidence.CHANGED_UNSEEN)))
        link = link if look.link is None else look.link
        on_battery = on_battery if look.on_battery is None else look.on_battery
        if (slow := is_slow(look, terms)) is not None:
            slow_until_ms = run.first_boottime_ms + SLOW_HOLDS_MS if slow else -1
        line = _Line(link, look.is_lossy, on_battery)
        spans += _while(run.first_boottime_ms, run.last_boottime_ms, line, slow_until_ms)
        previous = run
    return list(_joined(spans))


def _cut(spans: list[Span], end_ms: int) -> None:
    """Take back what was said of the time from ``end_ms`` on."""
    while spans and spans[-1].end_ms > end_ms:
        last = spans.pop()
        if last.start_ms < end_ms:
            spans.append(replace(last, end_ms=end_ms))


def _class(link: Link) -> Condition:
    return UP.condition if link is Link.UP else _NOT_UP[link].condition


def _while(begin_ms: int, end_ms: int, line: _Line, slow_until_ms: int) -> Iterator[Span]:
    """Tell what a span without a change of the line amounts to; a speed test's word may end within it."""
    slow_end_ms = max(begin_ms, min(end_ms, slow_until_ms))
    for start_ms, stop_ms, slow in ((begin_ms, slow_end_ms, True), (slow_end_ms, end_ms, False)):
        if stop_ms > start_ms:
            yield Span(start_ms, stop_ms, _state(line, slow))


def _state(line: _Line, slow: bool) -> State:
    if line.link is Link.NO_LINK and line.on_battery:
        return _MODEM_OFF
    if line.link is not Link.UP:
        return _NOT_UP[line.link]
    if line.is_lossy:
        return _LOSSY
    return _SLOW if slow else UP


def _placed(anchor: Anchor, spans: Iterable[Span]) -> Iterator[Span]:
    """Bring spans of a boot to the time axis. Of a boot placed between others only, what is certain wherever it lay."""
    shrink_ms = anchor.early_ms if anchor.source is Source.ORDER else 0
    for span in spans:
        start_ms = anchor.time_ms(span.start_ms)
        end_ms = min(anchor.time_ms(span.end_ms) - shrink_ms, anchor.end_ms)
        if end_ms > start_ms:
            yield Span(start_ms, end_ms, span.state)


def _between(one: Anchor, other: Anchor, terms: Terms) -> Iterator[Span]:
    """Tell why the box was off between two boots, until it had started."""
    state = _why_off(one, other)
    if state is None:
        return
    off_ms = min(one.end_ms + terms.silence_ms, other.start_ms)
    if off_ms > one.end_ms:
        yield Span(one.end_ms, off_ms, unknown(Evidence.LAST_MOMENTS))
    first = other.boot.runs[0]
    # A boot's first record carries its own boottime as sequence; without it nobody knows what was before.
    is_first = first.first_sequence == first.first_boottime_ms <= START_MS_MAX
    on_ms = other.time_ms(first.first_boottime_ms) if is_first else other.start_ms
    if on_ms > off_ms:
        yield Span(off_ms, on_ms, state)


def _why_off(one: Anchor, other: Anchor) -> State | None:
    """Say why a box was off from one boot to the next, None where nobody can tell."""
    if one.is_doubled or one.boot.number is None or other.boot.number != one.boot.number + 1:
        return None  # boots between them are not known, or these are not of one box
    on_battery, under_voltage = _power_signs(one.boot)
    signs = ((on_battery, Evidence.ON_BATTERY), (under_voltage, Evidence.UNDER_VOLTAGE))
    shown = tuple(evidence for is_there, evidence in signs if is_there)
    match other.boot.reason:
        case BootReason.ASKED if other.start_ms - one.end_ms <= REBOOT_MS_MAX:
            return measured(Condition.MAINTENANCE, Cause.REBOOT, Evidence.BOOT_GAP, Evidence.REBOOT_ASKED)
        case BootReason.UNCLEAN:
            # A hang leaves the same mark as a cut; only a box that saw the mains go has measured it.
            basis = Basis.MEASURED if on_battery else Basis.INFERRED
            evidence = (Evidence.BOOT_GAP, Evidence.UNCLEAN_SHUTDOWN, *shown)
            return State(Condition.POWER, Cause.POWER_LOST, basis, evidence)
        case BootReason.CLEAN:
            cause = Cause.POWER_LOST if on_battery else Cause.SWITCHED_OFF
            return measured(Condition.POWER, cause, Evidence.BOOT_GAP, Evidence.CLEAN_SHUTDOWN, *shown)
    return None


def _power_signs(boot: Boot) -> tuple[bool, bool]:
    """Tell whether the box was on battery, and under-voltage, when it was last heard of."""
    on_battery = next((r.look.on_battery for r in reversed(boot.runs) if r.look.on_battery is not None), False)
    weak = next((r.look.under_voltage for r in reversed(boot.runs) if r.look.under_voltage is not None), False)
    return on_battery, weak


def _fill(spans: Iterable[Span], from_ms: int, to_ms: int) -> Iterator[Span]:
    """Cut to the time asked for, and say of what is left over that it is unknown."""
    at_ms = from_ms
    for span in sorted(spans, key=lambda s: (s.start_ms, s.end_ms)):
        start_ms, end_ms = max(span.start_ms, at_ms), min(span.end_ms, to_ms)
        if end_ms <= start_ms:
            continue
        if start_ms > at_ms:
            yield Span(at_ms, start_ms, unknown(Evidence.NOT_EXPLAINED))
        yield Span(start_ms, end_ms, span.state)
        at_ms = end_ms
    if at_ms < to_ms:
        yield Span(at_ms, to_ms, unknown(Evidence.NOT_EXPLAINED))


def _excuse(spans: Iterable[Span], windows: Sequence[Window]) -> Iterator[Span]:
    for span in spans:
        at_ms = span.start_ms
        for window in windows if span.state.condition in _EXCUSED else ():
            start_ms, end_ms = max(at_ms, window.start_ms), min(span.end_ms, window.end_ms)
            if end_ms <= start_ms:
                continue
            if start_ms > at_ms:
                yield Span(at_ms, start_ms, span.state)
            yield Span(start_ms, end_ms, _PLANNED)
            at_ms = end_ms
        if at_ms < span.end_ms:
            yield Span(at_ms, span.end_ms, span.state)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    last: Span | None = None
    for span in spans:
        if last is not None and last.end_ms == span.start_ms and last.state == span.state:
            last = replace(last, end_ms=span.end_ms)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
