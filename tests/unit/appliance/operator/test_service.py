"""What is carried out, once; what is refused, and why; and that all of it is written down."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.command_results import Reason, Result, Status
from appliance.core.commands import BootDeadline, FetchConfiguration, Reboot, Restart, SendLogs, seal
from appliance.core.errors import StoreFull
from appliance.operator import book
from noc.commands import keys as noc_keys
from tests.orders import BOOT, DNS, NEXT_BOOT, NOW_MS, OTHER_KEY, Box, a_command, body, sign


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def told(result: Result) -> tuple[Status, Reason]:
    return result.status, result.reason


def test_what_the_noc_signed_is_done_and_written_down(box: Box) -> None:
    result = box.say(a_command())
    assert told(result) == (Status.DONE, Reason.NONE)
    assert box.machine.done == [f"restart {DNS}"]
    assert box.events() == ["accepted", "done"]
    assert (result.audit_rows, result.audit_digest) == (2, list(box.book.entries())[-1].digest)
    assert '"who": "sari"' in next(box.book.entries()).said


def test_each_action_does_its_own_thing(box: Box) -> None:
    logs = box.say(a_command(SendLogs("desahub-gate.service", 7), 1))
    configuration = box.say(a_command(FetchConfiguration(), 2))
    assert logs.output == box.machine.log
    assert configuration.output == box.machine.configuration()
    assert box.machine.done[:2] == ["logs desahub-gate.service 7", "configuration"]


FORGED = seal(body(), OTHER_KEY.sign(body()))
REFUSED: dict[str, tuple[bytes, Reason]] = {
    "another's key": (noc_keys.signer(OTHER_KEY)(body()), Reason.BAD_SIGNATURE),
    "signed without its context": (FORGED, Reason.BAD_SIGNATURE),
    "one bit flipped": (bytes((*a_command()[:-1], a_command()[-1] ^ 1)), Reason.BAD_SIGNATURE),
    "no signature": (seal(body(), bytes(64)), Reason.BAD_SIGNATURE),
    "signed, and no command": (sign(b"{}"), Reason.MALFORMED),
    "noise": (b"reboot now", Reason.MALFORMED),
    "nothing": (b"", Reason.MALFORMED),
    "another version": (b"DH\x09\x04" + bytes(99), Reason.UNKNOWN),
    "for another hub": (a_command(hub_id="hub-dua2"), Reason.OTHER_HUB),
    "ended": (a_command(issued_ms=NOW_MS - 700_000, expires_ms=NOW_MS - 100_000), Reason.EXPIRED),
    "from tomorrow": (
        a_command(issued_ms=NOW_MS + 86_400_000, expires_ms=NOW_MS + 86_500_000), Reason.FROM_THE_FUTURE,
    ),
    "older than one that was done": (a_command(counter=4), Reason.OLD_COUNTER),
    "as old as one that was done": (a_command(Reboot(), counter=5), Reason.OLD_COUNTER),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_be_done_is_refused_with_its_reason_and_written_down(box: Box, name: str) -> None:
    box.say(a_command(counter=5))
    payload, reason = REFUSED[name]
    result = box.say(payload)
    assert told(result) == (Status.REFUSED, reason)
    assert result.detail
    assert box.machine.done == [f"restart {DNS}"]
    assert box.events() == ["accepted", "done", "refused"]
    assert f'"reason": "{reason}"' in list(box.book.entries())[-1].said
    # It took nothing: the next good one is carried out.
    assert box.say(a_command(counter=6)).status is Status.DONE


def test_a_retained_command_is_refused_and_good_when_it_comes_by_itself(box: Box) -> None:
    assert told(box.say(a_command(), retained=True)) == (Status.REFUSED, Reason.RETAINED)
    assert box.say(a_command()).status is Status.DONE


def test_without_a_key_nothing_is_done(tmp_path: Path) -> None:
    box = Box(tmp_path, has_key=False)
    assert told(box.say(a_command())) == (Status.REFUSED, Reason.NO_KEY)
    assert box.machine.done == []


def test_in_1970_only_what_was_made_for_this_boot_is_done(box: Box) -> None:
    box.clock.turn(wall_ms=45_000, wall_quality=WallQuality.UNKNOWN)
    assert told(box.say(a_command(counter=1))) == (Status.REFUSED, Reason.CLOCK_UNKNOWN)
    assert told(box.say(a_command(counter=2, boot=BootDeadline(NEXT_BOOT, 10**9)))) == (
        Status.REFUSED, Reason.CLOCK_UNKNOWN,
    )  # fmt: skip
    assert told(box.say(a_command(counter=3, boot=BootDeadline(BOOT, 1_000_000)))) == (Status.REFUSED, Reason.EXPIRED)
    assert box.say(a_command(counter=4, boot=BootDeadline(BOOT, 1_000_001))).status is Status.DONE


def test_the_same_command_again_is_answered_the_same_and_not_done_again(box: Box) -> None:
    first = box.say(a_command())
    box.clock.turn(wall_ms=NOW_MS + 10**9)  # long after its end
    box.start()
    assert box.say(a_command()) == first
    assert box.machine.done == [f"restart {DNS}"]
    assert box.events() == ["accepted", "done", "again"]


def test_a_replay_after_a_newer_command_is_answered_and_not_done(box: Box) -> None:
    first = box.say(a_command(counter=1))
    box.say(a_command(FetchConfiguration(), 2))
    assert box.say(a_command(counter=1)) == first
    assert box.machine.done == [f"restart {DNS}", "configuration"]


def test_what_fails_says_so_and_its_sentence_names_no_address(box: Box) -> None:
    box.machine.fails = "restart"
    result = box.say(a_command(Restart("desahub-web.service")))
    assert told(result) == (Status.FAILED, Reason.OPERATION)
    assert "status 1" in result.detail
    assert box.say(a_command(Restart("desahub-web.service"))) == result


def test_a_reboot_has_begun_until_the_box_is_there_again(box: Box) -> None:
    assert box.say(a_command(Reboot())).status is Status.BEGUN
    assert box.machine.done == ["reboot"]
    box.clock.turn(boot_id=NEXT_BOOT, boottime_ms=5_000)
    box.start()
    assert told(box.say(a_command(Reboot()))) == (Status.DONE, Reason.NONE)
    assert told(box.say(a_command(Reboot()))) == (Status.DONE, Reason.NONE)
    assert box.machine.done == ["reboot"]
    assert box.events() == ["accepted", "begun", "done", "again"]


def test_a_reboot_that_systemd_refuses_has_failed(box: Box) -> None:
    box.machine.fails = "reboot"
    box.say(a_command(Reboot()))
    assert told(box.say(a_command(Reboot()))) == (Status.FAILED, Reason.OPERATION)


class PowerCut(BaseException):
    pass


def cut() -> None:
    raise PowerCut


def test_a_command_that_power_cut_off_is_not_done_twice(box: Box) -> None:
    box.machine.cut = cut
    with pytest.raises(PowerCut):
        box.say(a_command())
    box.start()
    assert told(box.say(a_command())) == (Status.FAILED, Reason.INTERRUPTED)
    assert told(box.say(a_command())) == (Status.FAILED, Reason.INTERRUPTED)
    assert box.machine.done == [f"restart {DNS}"]


def test_the_counter_is_taken_before_anything_is_done(box: Box) -> None:
    seen: list[int] = []
    box.machine.cut = lambda: seen.append(book.open_book(box.path).last_counter())
    box.say(a_command(counter=77))
    assert seen == [77]


def full(*_: object) -> None:
    raise StoreFull("the disk is full")


def test_what_cannot_be_written_down_is_not_done(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box.book, "accept", full)
    assert told(box.say(a_command())) == (Status.REFUSED, Reason.NOT_KEPT)
    assert box.machine.done == []
    monkeypatch.undo()
    monkeypatch.setattr(box.book, "finish", full)
    assert told(box.say(a_command())) == (Status.FAILED, Reason.NOT_KEPT)


def test_a_reboot_that_cannot_be_written_down_is_not_done(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box.book, "tell", full)
    assert told(box.say(a_command(Reboot()))) == (Status.REFUSED, Reason.NOT_KEPT)
    assert box.machine.done == []


def test_refusals_do_not_fill_the_card(box: Box) -> None:
    box.say(a_command())
    for number in range(500):
        assert box.say(b"noise %d" % number).status is Status.REFUSED
    assert box.events().count("refused") == book.REFUSALS_AN_HOUR_MAX
    box.operator.leave()
    assert list(box.book.entries())[-1].said == f'{{"messages": {500 - book.REFUSALS_AN_HOUR_MAX}}}'
    box.clock.turn(boottime_ms=box.clock.moment.boottime_ms + 3_700_000)
    box.say(b"noise again")
    assert box.events()[-1] == "refused"


def test_the_book_drops_its_oldest_and_the_chain_still_holds(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "AUDIT_ROWS_MAX", 10)
    monkeypatch.setattr(book, "AUDIT_ROWS_SPARE", 3)
    monkeypatch.setattr(book, "COMMANDS_MAX", 4)
    for counter in range(1, 31):
        box.say(a_command(counter=counter))
    entries = list(box.book.entries())
    assert 10 <= len(entries) <= 13
    assert book.check(box.book.entries()) == len(entries)
    # Forgotten as a command, it is old as a counter.
    assert told(box.say(a_command(counter=1))) == (Status.REFUSED, Reason.OLD_COUNTER)


TAMPERING: dict[str, Callable[[sqlite3.Connection], object]] = {
    "changed": lambda db: db.execute("UPDATE audit SET said = replace(said, 'sari', 'budi') WHERE position = 1"),
    "taken out": lambda db: db.execute("DELETE FROM audit WHERE position = 2"),
    "moved in time": lambda db: db.execute("UPDATE audit SET wall_ms = wall_ms + 1 WHERE position = 3"),
    "renumbered": lambda db: db.execute("UPDATE audit SET position = position + 10 WHERE position = 4"),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_a_row_that_was_touched_shows(box: Box, name: str) -> None:
    box.say(a_command(counter=1))
    box.say(a_command(counter=2))
    assert book.check(box.book.entries()) == 4
    box.book.close()
    with sqlite3.connect(box.path) as db:
        TAMPERING[name](db)
    db.close()
    box.start()
    with pytest.raises(ValueError, match="row"):
        book.check(box.book.entries())
