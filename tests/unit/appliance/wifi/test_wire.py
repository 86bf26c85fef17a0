"""What portal and kiosk say to each other about accounts: there and back, and whatever else comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.wifi import accounts
from appliance.wifi.accounts import (
    AccountAnswer,
    AccountOutcome,
    AskEnded,
    Check,
    Ended,
    Holding,
    Refusal,
    decode_answer,
    decode_request,
    encode,
)

HELD = Holding("A-7K2M9Q4X", 3)
REQUESTS = [Check("melati 4821", "482913", "10.20.0.7", "02:00:00:00:00:01"), AskEnded(()), AskEnded((HELD, HELD))]
ANSWERS = [
    *(AccountAnswer(outcome, None, 30) for outcome in AccountOutcome),
    AccountAnswer(AccountOutcome.WELCOME, HELD), Ended((HELD,)), Ended(()), Refusal("no \u2028 \U0001f600"),
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=6),
    max_leaves=15,
)


@pytest.mark.parametrize("message", [*REQUESTS, *ANSWERS], ids=lambda one: type(one).__name__)
def test_messages_make_the_way_to_bytes_and_back(message: Any) -> None:
    line = encode(message)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert (decode_request if message in REQUESTS else decode_answer)(line) == message
    with pytest.raises(ValueError, match="this is no"):
        (decode_answer if message in REQUESTS else decode_request)(line)


def test_a_full_network_fits_into_one_question_and_its_answer() -> None:
    held = tuple(Holding("A-" + "X" * 16, 2**31 + number) for number in range(accounts.HELD_MAX))
    assert len(encode(AskEnded(held))) <= accounts.REQUEST_BYTES_MAX
    assert len(encode(Ended(held))) <= accounts.ANSWER_BYTES_MAX
    with pytest.raises(ValueError, match="at most"):
        AskEnded((*held, HELD))


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_refused_with_a_reason(line: bytes) -> None:
    for decode in (decode_request, decode_answer):
        with pytest.raises(ValueError, match=r"\w"):
            decode(line)


@given(st.sampled_from(REQUESTS), st.sampled_from(["kind", "name", "pin", "address", "mac", "held"]), JSON)
def test_a_request_with_a_part_changed_is_a_request_or_refused(request_: Any, name: str, value: Any) -> None:
    said = {**json.loads(encode(request_)), name: value}
    try:
        found = decode_request(json.dumps(said).encode())
    except ValueError:
        return
    assert encode(found)


def test_a_pin_stands_in_no_text_of_a_request() -> None:
    assert "482913" not in repr(REQUESTS[0]) and "melati" not in repr(REQUESTS[0])
