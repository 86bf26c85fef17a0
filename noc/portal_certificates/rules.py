"""Whose turn it is, and how long who waits: pure, it asks no clock, no file and no authority."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from noc.portal_certificates.plan import Plan
from noc.portal_certificates.source import Trouble

HOUR: Final = 3_600
WEEK: Final = 7 * 24 * HOUR
# A hub that failed waits so long, then twice as long each time.
PAUSE_SECONDS: Final = 600
PAUSE_SECONDS_MAX: Final = 24 * HOUR
ALL_PAUSE_SECONDS: Final = 300
LIMITED_PAUSE_SECONDS: Final = HOUR
# A third of the life is left when a renewal is due: of 90 days these are the last half of it.
SOON_SECONDS: Final = 14 * 24 * HOUR
OVER_SECONDS: Final = 30 * 24 * HOUR


@dataclass(frozen=True, slots=True)
class Request:
    """What a hub asks for, after the enrolment service judged it. ``key`` is the digest of the request's key."""

    hub_id: str
    names: tuple[str, ...]
    key: str
    request: str
    asked_s: int


@dataclass(frozen=True, slots=True)
class Got:
    """A certificate that was obtained. Times in seconds of UTC since 1970; ``serial`` is hexadecimal."""

    names: tuple[str, ...]
    key: str
    chain: str
    serial: str
    begins_s: int
    ends_s: int


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a request so far: it failed ``tries`` times, and is tried again from ``next_s`` on."""

    key: str
    tries: int
    tried_s: int
    next_s: int
    trouble: Trouble
    said: str


@dataclass(frozen=True, slots=True)
class Answer:
    """All that is known of one hub: its last certificate, and a request that failed since."""

    hub_id: str
    got: Got | None = None
    tried: Tried | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """What concerns all: when was tried, when for new names, and until when nobody is.

    ``pauses`` counts those in a row.
    """

    tries_s: tuple[int, ...] = ()
    new_s: tuple[int, ...] = ()
    paused_until_s: int = 0
    pauses: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """Hubs whose certificate ends before long, and when they were looked for."""

    hubs: tuple[str, ...]
    found_s: int


def ends_soon(got: Got, now_s: int) -> bool:
    """Should a certificate have been renewed by now? Not of one that ended long ago: nobody wants it any more."""
    soon_s = min(SOON_SECONDS, max(0, got.ends_s - got.begins_s) // 6)
    return -OVER_SECONDS < got.ends_s - now_s < soon_s


def is_open(request: Request, answer: Answer | None) -> bool:
    """Does nobody have a certificate for this request yet?"""
    return answer is None or answer.got is None or answer.got.key != request.key


def is_new(request: Request, answer: Answer | None) -> bool:
    """Is it for names that had no certificate yet? For others an authority has another limit."""
    return answer is None or answer.got is None or set(answer.got.names) != set(request.names)


def turns(requests: Iterable[Request], answers: Mapping[str, Answer], now_s: int) -> list[Request]:
    """Open requests whose time has come: those first whose certificate ends first, then the new, as they came."""

    def place(request: Request) -> tuple[int, int, str]:
        answer = answers.get(request.hub_id)
        ends_s = answer.got.ends_s if answer is not None and answer.got is not None else 1 << 62
        return ends_s, request.asked_s, request.hub_id

    return sorted((each for each in requests if _is_due(each, answers.get(each.hub_id), now_s)), key=place)


def _is_due(request: Request, answer: Answer | None, now_s: int) -> bool:
    if not is_open(request, answer):
        return False
    tried = answer.tried if answer is not None else None
    if tried is None or tried.key != request.key:
        return True
    # A clock that was set back must not make a hub wait for the time it came from.
    return now_s >= tried.next_s or now_s < tried.tried_s


def held(queue: Queue, plan: Plan, now_s: int) -> str:
    """Say why nobody is tried for now; "" where somebody may be."""
    if now_s < queue.paused_until_s <= now_s + PAUSE_SECONDS_MAX:
        return queue.said or "all wait"
    if len(_within(queue.tries_s, now_s, HOUR)) >= plan.tries_an_hour:
        return f"{plan.tries_an_hour} were tried within an hour, as many as portal.toml allows"
    return ""


def held_new(queue: Queue, plan: Plan, now_s: int) -> str:
    """Say why nobody is tried for who had no certificate for these names; "" where somebody may be."""
    if len(_within(queue.new_s, now_s, WEEK)) >= plan.new_names_a_week:
        return f"{plan.new_names_a_week} hubs got their first certificate within a week, as many as portal.toml allows"
    return ""


def begin(queue: Queue, now_s: int, *, new: bool) -> Queue:
    """Count a try, before it is made."""
    return replace(
        queue,
        tries_s=(*_within(queue.tries_s, now_s, HOUR), now_s),
        new_s=(*_within(queue.new_s, now_s, WEEK), *((now_s,) if new else ())),
    )


def succeeded(queue: Queue) -> Queue:
    """After a certificate: nothing is in the way of all."""
    return replace(queue, paused_until_s=0, pauses=0, said="")


def pause(queue: Queue, trouble: Trouble, said: str, now_s: int) -> Queue:
    """After what concerns all: everybody waits, longer each time."""
    first = LIMITED_PAUSE_SECONDS if trouble is Trouble.RATE_LIMITED else ALL_PAUSE_SECONDS
    seconds = min(first * 2 ** min(queue.pauses, 20), PAUSE_SECONDS_MAX)
    return replace(queue, paused_until_s=now_s + seconds, pauses=queue.pauses + 1, said=said)


def give_back(queue: Queue, now_s: int) -> Queue:
    """After a try that gave no certificate: it counts for no week."""
    return replace(queue, new_s=queue.new_s[:-1]) if queue.new_s[-1:] == (now_s,) else queue


def failed(answer: Answer, request: Request, trouble: Trouble, said: str, now_s: int, *, after_s: int = 0) -> Answer:
    """Note a try that failed, and when the next one is: some time after ``after_s``, if that is later than now."""
    before = answer.tried if answer.tried is not None and answer.tried.key == request.key else None
    tries = (before.tries if before is not None else 0) + 1
    seconds = min(PAUSE_SECONDS * 2 ** min(tries - 1, 20), PAUSE_SECONDS_MAX)
    return replace(answer, tried=Tried(request.key, tries, now_s, max(now_s, after_s) + seconds, trouble, said[:600]))


def _within(moments: Iterable[int], now_s: int, seconds: int) -> tuple[int, ...]:
    return tuple(each for each in moments if now_s - seconds < each <= now_s)
