"""What a message from the broker amounts to: pure, it neither asks a clock nor touches a store."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from appliance.core.errors import ReportMalformed, ReportUnknown
from appliance.core.letter_marks_wire import decode_marks, receipt_key
from appliance.core.report import Outline, State, outline
from noc.ingest.brake import LETTERS_PER_DAY_MAX, Brake
from noc.store import reading
from noc.store.contract import Arrivals, ArrivedBatch, ArrivedMarks, ArrivedState, AsideKind, SetAside

_TOPIC: Final = re.compile(r"desahub/1/([a-z0-9-]{4,32})/(report|state|letter-marks)")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came from the broker; ``received_ms`` is the NOC's clock, in ms of UTC."""

    topic: str
    payload: bytes
    received_ms: int


@dataclass(slots=True)
class Sorting:
    """What a batch of messages amounts to, gathered message by message."""

    batches: list[ArrivedBatch] = field(default_factory=list)
    states: list[ArrivedState] = field(default_factory=list)
    marks: list[ArrivedMarks] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    letters: Counter[str] = field(default_factory=Counter)  # by hub

    def arrivals(self) -> Arrivals:
        """Hand over what was gathered."""
        return Arrivals(tuple(self.batches), tuple(self.states), tuple(self.aside), tuple(self.marks))


def sort(messages: Iterable[Message], known_hubs: Collection[str], brake: Brake | None = None) -> Arrivals:
    """Read ``messages``; what cannot be used goes aside with its reason and stops nothing.

    Of a hub that ``brake`` holds nothing is decoded.
    """
    sorting = Sorting()
    for message in messages:
        try:
            _sort_one(message, known_hubs, sorting, brake)
        except ReportUnknown as error:
            sorting.aside.append(_aside(message, AsideKind.UNKNOWN_VERSION, str(error)))
        except ReportMalformed as error:
            sorting.aside.append(_aside(message, AsideKind.MALFORMED, str(error)))
            if brake is not None:
                brake.bad(hub_of(message.topic) or "")
    return sorting.arrivals()


def hub_of(topic: str) -> str | None:
    """The hub that a topic names, None where it is no topic of a hub's word."""
    match = _TOPIC.fullmatch(topic)
    return None if match is None else match[1]


def _sort_one(message: Message, known_hubs: Collection[str], sorting: Sorting, brake: Brake | None) -> None:
    match = _TOPIC.fullmatch(message.topic)
    if match is None:
        raise ReportMalformed("the topic is not desahub/1/HUB/report, …/state or …/letter-marks")
    hub_id, kind = match.groups()
    if hub_id not in known_hubs:
        sorting.aside.append(_aside(message, AsideKind.UNKNOWN_HUB, f"{hub_id} is not in the inventory"))
        return
    if brake is not None and brake.holds(hub_id):
        raise ReportMalformed("not read: too much that came from this hub within a minute was of no use")
    if kind == "letter-marks":
        marks, key = decode_marks(message.payload), receipt_key(message.payload)
        sorting.letters[hub_id] += len(marks)
        if brake is not None and sorting.letters[hub_id] > brake.letters_left(hub_id):
            raise ReportMalformed(f"not kept: more than {LETTERS_PER_DAY_MAX} letters of one hub within a day")
        sorting.marks.append(ArrivedMarks(hub_id, marks, key, message.received_ms))
        return
    content = outline(message.payload)
    if kind == "report" and isinstance(content, Outline):
        sorting.batches.append(reading.arrived(hub_id, message.payload, content, message.received_ms))
    elif kind == "state" and isinstance(content, State):
        sorting.states.append(ArrivedState(hub_id, content, message.received_ms))
    else:
        what = "Report" if isinstance(content, Outline) else type(content).__name__
        raise ReportMalformed(f"a {what} on the topic of a {kind}")


def _aside(message: Message, kind: AsideKind, reason: str) -> SetAside:
    return SetAside(message.topic[:200], kind, reason[:200], message.payload, message.received_ms)
