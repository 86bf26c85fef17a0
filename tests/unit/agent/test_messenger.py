"""The messenger carries; it neither reads, nor waits in the agent's loop, nor piles up."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent import messenger
from agent.messenger import WAITING_MAX, Messenger
from appliance.core.command_results import decode_request, encode_answer


class Operator:
    """Answers what the test lets it, in place of a socket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.asked = threading.Event(), list[tuple[bytes, bool]]()
        self.answer: bytes | Exception = encode_answer(b"result")
        monkeypatch.setattr(messenger, "ask", self.ask)

    def ask(self, _path: Path, line: bytes, _timeout: float, _most: int) -> bytes:
        request = decode_request(line)
        self.asked.append((request.payload, request.retained))
        assert self.free.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(monkeypatch)


def settled(carrier: Messenger) -> list[bytes]:
    """Take turns until no thread is at work and nothing waits."""
    found = carrier.turn()
    while carrier._thread is not None and (carrier._thread.is_alive() or not carrier._waiting.empty()):
        carrier._thread.join(10)
        found += carrier.turn()
    return found + carrier.turn()


def test_what_comes_is_carried_in_order_and_the_loop_goes_on_meanwhile(operator: Operator) -> None:
    woken = threading.Event()
    carrier = Messenger(woken.set)
    carrier.take(b"one", False)
    carrier.take(b"two", True)
    assert woken.is_set()
    assert carrier.turn() == []  # the operator has not answered, and nobody waits for it here
    operator.free.set()
    assert settled(carrier) == [b"result", b"result"]
    assert operator.asked == [(b"one", False), (b"two", True)]


@pytest.mark.parametrize("trouble", [ConnectionRefusedError("no operator"), b"\xffnonsense\n"])
def test_without_an_operator_nothing_is_answered_and_nothing_dies(
    operator: Operator, trouble: bytes | Exception
) -> None:
    carrier = Messenger(lambda: None)
    operator.answer = trouble
    operator.free.set()
    carrier.take(b"one", False)
    assert settled(carrier) == []
    operator.answer = encode_answer(b"result")
    carrier.take(b"two", False)
    assert settled(carrier) == [b"result"]


def test_a_flood_is_bounded(operator: Operator) -> None:
    carrier = Messenger(lambda: None)
    for _ in range(1_000):
        carrier.take(b"x", False)
    carrier.take(bytes(100_000), False)
    operator.free.set()
    assert len(settled(carrier)) == WAITING_MAX
