"""Orders and answers, with hubs in memory whose operators are the real ones."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core.actions import Configure, Reboot, Restart, SendLogs, SpeedTest
from appliance.core.clock import WallQuality
from appliance.core.command_results import Reason, Request, Result, Status, encode_result
from appliance.core.commands import command_id, split
from appliance.core.errors import OperationError
from appliance.core.pushing import Change
from noc.commands import rules
from noc.commands.book import Book, open_book
from noc.commands.desk import Desk, Order
from noc.commands.rules import Contact
from tests.orders import BOOT, DNS, NEXT_BOOT, NOW_MS, Box, sign


class Country:
    """Hubs behind a broker, on one clock that runs while somebody waits."""

    def __init__(self, folder: Path, hubs: list[str]) -> None:
        self.now_ms, self.said, self.sent = NOW_MS, list[str](), list[tuple[str, bytes]]()
        self.silent: set[str] = set()
        self.answers: list[tuple[str, bytes]] = []
        self.boxes: dict[str, Box] = {}
        for hub in hubs:
            (folder / hub).mkdir()
            self.boxes[hub] = Box(folder / hub)
            self.boxes[hub].operator._hub_id = hub
        self.contacts: dict[str, Contact | None] = {hub: Contact(BOOT, 1_000_000, NOW_MS, True) for hub in hubs}
        self.book: Book = open_book(folder / "commands.db")

    def send(self, hub_id: str, payload: bytes) -> None:
        self.sent.append((hub_id, payload))
        if hub_id not in self.silent:
            box = self.boxes[hub_id]
            self.answers.append((hub_id, box.operator.handle(Request(payload, retained=False))))
            box.operator.afterwards()

    def take(self, timeout_seconds: float) -> tuple[str, bytes] | None:
        if self.answers:
            return self.answers.pop(0)
        self.now_ms += max(1, int(timeout_seconds * 1000))
        for box in self.boxes.values():
            box.clock.turn(wall_ms=self.now_ms)
        return None

    def give(self, order: Order, hubs: list[str]) -> dict[str, Status]:
        desk = Desk(self.book, sign, self.contacts, self, now_ms=lambda: self.now_ms, tell=self.said.append)
        return {hub: result.status for hub, result in desk.give(order, hubs).items()}


HUBS = ["hub-0001", "hub-0002", "hub-0003", "hub-0004", "hub-0005"]
RESTART = Order(Restart(DNS), "sari")


@pytest.fixture
def country(tmp_path: Path) -> Country:
    return Country(tmp_path, HUBS)


def test_all_do_it_the_first_first(country: Country) -> None:
    assert country.give(RESTART, HUBS) == dict.fromkeys(HUBS, Status.DONE)
    assert [hub for hub, _ in country.sent] == HUBS
    assert all(box.machine.done == [f"restart {DNS}"] for box in country.boxes.values())
    lines = country.book.lines(10)
    assert {(each.ordered.hub_id, each.ordered.who, each.status) for each in lines} == {
        (hub, "sari", Status.DONE) for hub in HUBS
    }
    assert country.book.output(lines[0].ordered.id) == ""


@pytest.mark.parametrize("trouble", ["fails", "silent"])
def test_a_canary_in_trouble_saves_the_others(country: Country, trouble: str) -> None:
    if trouble == "fails":
        country.boxes[HUBS[1]].machine.fails = "restart"
    else:
        country.silent.add(HUBS[1])
    country.give(RESTART, HUBS)
    assert [country.boxes[hub].machine.done for hub in HUBS[2:]] == [[], [], []]
    assert {hub for hub, _ in country.sent} == set(HUBS[:2])
    assert any("left alone" in line for line in country.said)


def test_a_lost_answer_is_asked_for_again_and_done_once(country: Country) -> None:
    country.silent.add(HUBS[0])
    send, box = country.send, country.boxes[HUBS[0]]

    def lossy(hub_id: str, payload: bytes) -> None:
        send(hub_id, payload)
        if len(country.sent) == 1:  # it did it, and nobody heard
            box.operator.handle(Request(payload, retained=False))
        country.silent.clear()

    country.send = lossy  # type: ignore[method-assign]
    assert country.give(RESTART, HUBS[:1]) == {HUBS[0]: Status.DONE}
    assert len(country.sent) == 2
    assert country.sent[0] == country.sent[1]
    assert box.machine.done == [f"restart {DNS}"]


def test_a_reboot_is_done_when_the_hub_is_back(country: Country) -> None:
    take, box = country.take, country.boxes[HUBS[0]]

    def booting(timeout_seconds: float) -> tuple[str, bytes] | None:
        found = take(timeout_seconds)
        if found is None:
            box.clock.turn(boot_id=NEXT_BOOT, boottime_ms=9_000)
        return found

    country.take = booting  # type: ignore[method-assign]
    assert country.give(Order(Reboot(), "sari"), HUBS[:1]) == {HUBS[0]: Status.DONE}
    assert box.machine.done == ["reboot"]
    assert [line.split(",")[0] for line in country.said] == [f"{HUBS[0]}: begun", f"{HUBS[0]}: done"]


def test_a_hub_in_1970_takes_what_was_made_for_its_boot(country: Country) -> None:
    for box in country.boxes.values():
        box.clock.turn(wall_quality=WallQuality.UNKNOWN)
    assert country.give(RESTART, HUBS[:1]) == {HUBS[0]: Status.DONE}
    country.contacts[HUBS[1]] = None
    assert country.give(RESTART, HUBS[1:2]) == {HUBS[1]: Status.REFUSED}


def test_another_hubs_answer_counts_for_nothing(country: Country) -> None:
    country.silent.add(HUBS[0])
    send = country.send

    def forging(hub_id: str, payload: bytes) -> None:
        send(hub_id, payload)
        box = country.boxes[HUBS[0]]
        answer = box.operator.handle(Request(payload, retained=False))
        country.answers += [(HUBS[1], answer), (HUBS[0], b"nonsense"), (HUBS[0], answer[:-9])]

    country.send = forging  # type: ignore[method-assign]
    assert country.give(replace(RESTART, life_seconds=30), HUBS[:1]) == {}
    assert country.book.lines(1)[0].status is None


def test_logs_are_kept_at_the_noc(country: Country) -> None:
    country.give(Order(SendLogs("desahub-gate.service", 5), "sari"), HUBS[:1])
    (line,) = country.book.lines(5, HUBS[0])
    assert country.book.output(line.ordered.id) == country.boxes[HUBS[0]].machine.log


def test_a_hub_that_nobody_knows_or_nobody_hears_is_refused_before_anything_is_sent(country: Country) -> None:
    with pytest.raises(OperationError, match="hub-none"):
        country.give(RESTART, [HUBS[0], "hub-none"])
    country.contacts = {hub: Contact(BOOT, 1, 1, False) for hub in HUBS}
    with pytest.raises(OperationError, match="in contact"):
        country.give(RESTART, HUBS)
    assert country.sent == []


def test_a_book_that_became_shorter_is_told(country: Country, tmp_path: Path) -> None:
    for _ in range(3):
        country.give(RESTART, HUBS[:1])
    (tmp_path / "new card").mkdir()
    country.boxes[HUBS[0]] = Box(tmp_path / "new card")
    country.boxes[HUBS[0]].operator._hub_id = HUBS[0]
    country.boxes[HUBS[0]].clock.turn(wall_ms=country.now_ms)
    assert not any("shorter" in line for line in country.said)
    country.give(RESTART, HUBS[:1])
    assert any("shorter" in line for line in country.said)


def test_the_nocs_book_only_grows(country: Country, tmp_path: Path) -> None:
    country.give(RESTART, HUBS[:1])
    country.book.close()
    db = sqlite3.connect(tmp_path / "commands.db")
    for statement in ("DELETE FROM ordered", "UPDATE ordered SET who = 'budi'", "DELETE FROM answer"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            db.execute(statement)
    db.close()


def test_an_answer_to_nothing_is_not_written_down(country: Country) -> None:
    country.give(RESTART, HUBS[:1])
    result = country.boxes[HUBS[0]].say(b"noise")
    assert not country.book.answer(HUBS[0], result, NOW_MS)
    assert encode_result(result)
    assert rules.went_back(3, 3)
    assert not rules.went_back(3, 4)


CONFIGURE = Order(Configure((Change("portal.history_days", 12),)), "sari")
WISH = "configure portal.history_days=12"


def test_a_configuration_is_kept_by_each_hub_that_answered_after_the_change(country: Country) -> None:
    assert country.give(CONFIGURE, HUBS) == dict.fromkeys(HUBS, Status.DONE)
    assert all(box.machine.done == [WISH, "keep"] for box in country.boxes.values())


def test_a_hub_that_is_silent_after_the_change_is_not_told_to_keep_it_and_stops_the_others(country: Country) -> None:
    box = country.boxes[HUBS[0]]
    real = country.send

    def send(hub_id: str, payload: bytes) -> None:
        real(hub_id, payload)
        if hub_id == HUBS[0]:
            # The change was made, and cut the hub off: its answer never comes.
            country.silent.add(hub_id)
            country.answers = [each for each in country.answers if each[0] != hub_id]

    country.send = send  # type: ignore[method-assign]
    ends = country.give(CONFIGURE, HUBS)
    assert box.machine.done == [WISH]
    assert HUBS[0] not in ends
    assert not any(country.boxes[hub].machine.done for hub in HUBS[2:]), "two of five went first"


def test_an_answer_that_comes_twice_does_not_undo_the_end(country: Country) -> None:
    country.silent.add(HUBS[0])
    box, real = country.boxes[HUBS[0]], country.send

    def send(hub_id: str, payload: bytes) -> None:
        real(hub_id, payload)
        answer = box.operator.handle(Request(payload, retained=False))
        country.answers += [(hub_id, answer), (hub_id, answer)]

    country.send = send  # type: ignore[method-assign]
    assert country.give(CONFIGURE, HUBS[:1]) == {HUBS[0]: Status.DONE}
    assert box.machine.done == [WISH, "keep"]


def test_a_speed_test_brings_its_figures(country: Country) -> None:
    assert country.give(Order(SpeedTest(10), "sari"), HUBS[:1]) == {HUBS[0]: Status.DONE}
    (line,) = country.book.lines(10)
    assert country.book.output(line.ordered.id) == '{"download_kbit": 4000, "upload_kbit": 900}'


def test_a_hub_that_answers_keep_with_begun_is_not_told_again_and_again(country: Country) -> None:
    country.silent.add(HUBS[0])
    real = country.send

    def send(hub_id: str, payload: bytes) -> None:
        real(hub_id, payload)
        said = Result(
            command_id(split(payload).body), Status.BEGUN, Reason.NONE, "", "", NOW_MS, WallQuality.NTP, 1, "0" * 64
        )
        country.answers += [(hub_id, encode_result(said))] * 3

    country.send = send  # type: ignore[method-assign]
    country.give(replace(CONFIGURE, life_seconds=60), HUBS[:1])
    assert len(country.book.lines(100)) == 2, "the wish, and one keep"
