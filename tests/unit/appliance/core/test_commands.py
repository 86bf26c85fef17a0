"""The form of commands and results: goldens, round trips, and everything a stranger may send."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import command_results, commands
from appliance.core.clock import WallQuality
from appliance.core.command_results import (
    OUTPUT_BYTES_MAX,
    Reason,
    Request,
    Result,
    Status,
    decode_answer,
    decode_request,
    decode_result,
    encode_answer,
    encode_request,
    encode_result,
    newest_part,
)
from appliance.core.commands import (
    READABLE,
    RESTARTABLE,
    BootDeadline,
    Command,
    FetchConfiguration,
    Reboot,
    Restart,
    SendLogs,
    command_id,
    read,
    seal,
    split,
    write,
)
from appliance.core.errors import CommandError, CommandMalformed, CommandUnknown
from tests import orders

GOLDEN = Path(__file__).parents[3] / "golden/command"
RESULT = Result(
    "00" * 16, Status.DONE, Reason.NONE, "desahub-dns.service was started anew", "", orders.NOW_MS, WallQuality.NTP, 2,
    "ef" * 32,
)  # fmt: skip
EXAMPLES = {
    "restart": orders.a_command(),
    "logs": orders.a_command(SendLogs("desahub-agent.service", 100), 7, BootDeadline(orders.BOOT, 1_600_000)),
    "result": encode_result(RESULT),
}
actions = (
    st.sampled_from([FetchConfiguration(), Reboot()])
    | st.sampled_from(RESTARTABLE).map(Restart)
    | st.builds(SendLogs, st.sampled_from(READABLE), st.integers(1, commands.LOG_LINES_MAX))
)
wholes = st.integers(0, commands.INTEGER_MAX - commands.LIFE_SECONDS_MAX * 1000)
names = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=64)
boots = st.none() | st.builds(BootDeadline, st.binary(min_size=16, max_size=16).map(bytes.hex), wholes)


@pytest.mark.parametrize("name", EXAMPLES)
def test_goldens(name: str) -> None:
    file = GOLDEN / f"{name}.hex"
    if os.environ.get("UPDATE_GOLDENS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{EXAMPLES[name].hex()}\n")
    assert bytes.fromhex(file.read_text()) == EXAMPLES[name]


@given(actions, st.integers(1, commands.INTEGER_MAX), wholes, st.integers(30_000, 86_400_000), names, boots)
def test_a_command_comes_out_as_it_went_in(
    action: commands.Action, counter: int, issued_ms: int, life_ms: int, who: str, boot: BootDeadline | None
) -> None:
    made = Command("hub-satu", counter, issued_ms, issued_ms + life_ms, who, action, boot)
    sealed = split(seal(write(made), bytes(64)))
    assert read(sealed.body) == made


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_by_name(payload: bytes) -> None:
    for given_bytes in (
        payload,
        b"DH\x01\x04" + payload,
        b"DH\x01\x05" + payload,
        b"DH\x01\x05" + zlib.compress(payload),
    ):
        for reader in (lambda raw: read(split(raw).body), decode_result, decode_request, decode_answer):
            with pytest.raises(CommandError):
                reader(given_bytes + b"\x00")


def documents() -> dict[str, object]:
    """What differs from a good command in one thing."""
    good = json.loads(orders.body())
    logs = {"do": "logs", "unit": "desahub-gate.service", "lines": 5}
    return {
        "no object": [good],
        "a key more": good | {"shell": "rm -rf /"},
        "a key less": {name: value for name, value in good.items() if name != "counter"},
        "a hub that cannot be": good | {"hub": "HUB; reboot"},
        "counter 0": good | {"counter": 0},
        "counter true": good | {"counter": True},
        "counter a fraction": good | {"counter": 1.5},
        "counter 2**53": good | {"counter": 2**53},
        "lives too long": good | {"expires_ms": good["issued_ms"] + 86_400_001},
        "ends before it begins": good | {"expires_ms": good["issued_ms"] - 1},
        "nobody's": good | {"who": ""},
        "a name with a line feed": good | {"who": "sari\nroot"},
        "a name of 65": good | {"who": "s" * 65},
        "a surrogate": good | {"who": "\ud800"},
        "a boot that is none": good | {"boot": {"id": "x" * 32, "until_ms": 5}},
        "half a boot": good | {"boot": {"id": orders.BOOT}},
        "a unit of somebody else": good | {"action": {"do": "restart", "unit": "ssh.service"}},
        "a unit with an option": good | {"action": {"do": "restart", "unit": "--help"}},
        "a radio with a path": good | {"action": {"do": "restart", "unit": "desahub-radio@../x.service"}},
        "a unit that is a list": good | {"action": {"do": "restart", "unit": ["desahub-dns.service"]}},
        "the log of a radio": good | {"action": logs | {"unit": "desahub-radio@warga.service"}},
        "no lines": good | {"action": logs | {"lines": 0}},
        "too many lines": good | {"action": logs | {"lines": 1_001}},
        "reboot with more": good | {"action": {"do": "reboot", "when": "now"}},
    }


@pytest.mark.parametrize("name", documents())
def test_what_is_outside_its_bounds_is_refused(name: str) -> None:
    with pytest.raises(CommandMalformed):
        read(json.dumps(documents()[name]).encode())


@pytest.mark.parametrize("action", [{"do": "shell"}, {"do": "stage_update"}, {"do": None}, {}, [], "reboot"])
def test_an_action_that_is_not_on_the_list_is_unknown(action: object) -> None:
    with pytest.raises(CommandUnknown):
        read(json.dumps(json.loads(orders.body()) | {"action": action}).encode())


@pytest.mark.parametrize(
    "text", [b'{"hub":"a","hub":"b"}', b"[NaN]", b"[1e999]", b"[" * 4_000, b"\xff", b"9" * 3_000, b""]
)
def test_json_that_is_none_of_ours_is_refused(text: bytes) -> None:
    with pytest.raises(CommandMalformed):
        read(text)


def test_a_command_of_another_version_is_unknown_and_a_long_one_refused() -> None:
    with pytest.raises(CommandUnknown, match="version 2"):
        split(b"DH\x02\x04" + bytes(100))
    with pytest.raises(CommandMalformed, match="at most"):
        split(EXAMPLES["restart"] + bytes(5_000))


def test_two_commands_never_share_an_id() -> None:
    assert command_id(orders.body(counter=1)) != command_id(orders.body(counter=2))


@given(st.sampled_from(Status), st.sampled_from(Reason), st.text(max_size=200), st.text(max_size=500))
def test_a_result_comes_out_as_it_went_in(status: Status, reason: Reason, detail: str, output: str) -> None:
    made = Result("1f" * 16, status, reason, newest_part(detail), newest_part(output), 5, WallQuality.RTC, 0, "00" * 32)
    assert decode_result(encode_result(made)) == made


def test_output_keeps_its_newest_whole_lines() -> None:
    text = "".join(f"line {number}\n" for number in range(50_000))
    kept = newest_part(text)
    assert len(kept.encode()) <= OUTPUT_BYTES_MAX
    assert kept.endswith("line 49999\n")
    assert kept.startswith("line ")
    assert newest_part("x" * (OUTPUT_BYTES_MAX + 9)) == "x" * OUTPUT_BYTES_MAX
    assert newest_part("a\x1b[31m\x00b") == "a�[31m�b"


def test_a_result_that_swells_is_refused() -> None:
    bomb = b"DH\x01\x05" + zlib.compress(b" " * 100_000_000, 9)
    with pytest.raises(CommandMalformed, match="longer than"):
        decode_result(bomb[: command_results.RESULT_BYTES_MAX])
    with pytest.raises(CommandMalformed, match="alone"):
        decode_result(EXAMPLES["result"] + b"more")
    with pytest.raises(CommandMalformed, match="alone"):
        decode_result(EXAMPLES["result"][:-3])


def test_the_page_on_the_wire_names_every_field_topic_and_choice() -> None:
    page = (GOLDEN.parents[2] / "docs/wire.md").read_text()
    logs = commands.action_document(SendLogs("desahub-agent.service", 1))
    wanted = {*json.loads(orders.body()), *logs, "boot", "id", "until_ms", *Result.__dataclass_fields__}
    wanted |= {*commands.ActionName, *Status, *Reason} - {""}
    wanted |= {commands.command_topic("HUB"), commands.result_topic("HUB")}
    assert sorted(word for word in wanted if f"`{word}`" not in page) == []


def test_what_agent_and_operator_say_comes_out_as_it_went_in() -> None:
    asked = Request(EXAMPLES["restart"], retained=True)
    assert decode_request(encode_request(asked)) == asked
    assert decode_answer(encode_answer(EXAMPLES["result"])) == EXAMPLES["result"]
    assert encode_request(asked).count(b"\n") == encode_answer(EXAMPLES["result"]).count(b"\n") == 1
