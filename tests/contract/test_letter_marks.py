"""From the desk to the page at the NOC: whatever dies in between, no letter is lost, none is told of twice."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import queue
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.letter_marks import ASK_EVERY_MS, RECEIPT_TIMEOUT_MS, LetterMarks
from agent.pace import Bucket
from appliance.core.letter_marks import (
    MARKS_AT_ONCE,
    START_CHAIN,
    Cursor,
    Found,
    Mark,
    decode_answer,
    decode_question,
    digest_of,
    encode_answer,
    encode_question,
)
from appliance.core.letter_marks_wire import Receipt, decode_marks, encode_receipt, receipt_key
from appliance.core.report import Ack
from appliance.kiosk.letters import marks
from appliance.kiosk.letters.letter import Letter
from noc.ingest import worker
from noc.ingest.acknowledging import Acknowledging
from noc.ingest.rules import Message
from noc.ingest.worker import Delivery
from noc.letter_check import create_app
from noc.store.contract import Hub
from noc.store.sqlite import open_noc_store
from tests.unit.appliance.kiosk.letters.desks import HEAD, NIK, OPERATOR, Bench

HUB = Hub("hub-0001", "Desa Sukamaju", "51.03.01.2001", "Asia/Makassar")


class Broker:
    """Holds what is on its way, both ways; a killed one forgets all of it."""

    def __init__(self) -> None:
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        self.seen: list[bytes] = []
        self.is_deaf = False

    def publish(self, payload: bytes) -> int:
        self.up.append(payload)
        self.seen.append(payload)
        return len(self.seen)

    # The worker's side of it.
    def take(self, timeout_seconds: float) -> Delivery:
        raise queue.Empty

    def done(self, delivery: Delivery) -> None:
        if self.is_deaf:
            raise ConnectionResetError("killed")
        self.up.remove(delivery.message.payload)

    def acknowledge(self, hub_id: str, ack: Ack | Receipt) -> None:
        assert hub_id == HUB.hub_id and isinstance(ack, Receipt)
        self.down.append(encode_receipt(ack))
        self.seen.append(self.down[-1])

    def keep(self) -> None: ...

    def say_to_itself(self, word: bytes) -> None: ...


class World:
    """A village, its agent, a broker and a NOC, in one folder; the clock stands with the test."""

    def __init__(self, folder: Path, at_once: int = 2) -> None:
        self.folder, self.at_once, self.now_ms = folder, at_once, 1_000
        self.broker, self.room = Broker(), Bucket(1e9)
        for name in ("kiosk", "noc"):
            (folder / name).mkdir()
        self.bench = Bench(folder / "kiosk")
        self.stores = itertools.count()
        self.lose_store()
        self.start_agent()

    def ask(self, cursor: Cursor) -> Found:
        # Over the lines of the socket, as it is asked.
        with self.bench.store.reading() as db:
            found = marks.behind(db, decode_question(encode_question(cursor)), self.at_once)
        return decode_answer(encode_answer(found))

    def start_agent(self) -> None:
        self.agent = LetterMarks(self.folder / "letter-marks.json", self.ask)
        self.agent.begin()

    def lose_store(self) -> None:
        """The NOC's disk is lost; another store takes its place."""
        self.store = open_noc_store(self.folder / "noc" / f"noc-{next(self.stores)}.db")
        self.store.add_hub(HUB)

    def send(self) -> None:
        self.now_ms += ASK_EVERY_MS
        self.agent.turn(self.now_ms, self.room, self.broker.publish)

    def ingest(self) -> None:
        topic = f"desahub/1/{HUB.hub_id}/letter-marks"
        batch = [Delivery(Message(topic, each, self.now_ms), 1, 1) for each in self.broker.up]
        if batch:
            worker.step(self.broker, self.store, batch, self.store.epoch(), Acknowledging())

    def hear(self) -> None:
        while self.broker.down:
            self.agent.received(self.broker.down.pop(0), self.now_ms)

    def settle(self) -> None:
        """Until nothing more is on its way."""
        for _ in range(100):
            before = len(self.broker.seen)
            self.now_ms += RECEIPT_TIMEOUT_MS
            for step in (self.send, self.ingest, self.hear):
                step()
            if len(self.broker.seen) == before:
                return
        raise AssertionError("it does not come to rest")

    def said(self) -> dict[bytes, bool]:
        """What the NOC says of each letter: is it void?"""
        with contextlib.closing(sqlite3.connect(self.store._store.path)) as db:
            return {digest: bool(is_void) for digest, is_void in db.execute("SELECT digest, is_void FROM letter")}

    def page(self, letter: Letter) -> str:
        return create_app(self.store, clock=lambda: self.bench.now).test_client().get(f"/{letter.token}").text


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def kill_agent(world: World) -> None:
    world.start_agent()


def kill_broker(world: World) -> None:
    world.broker.up.clear()
    world.broker.down.clear()
    world.agent.begin()


def kill_ingest(world: World) -> None:
    # What it had said and the broker not passed on is gone; what it had not confirmed comes again.
    path = world.store._store.path
    world.store.close()
    world.broker.down.clear()
    world.store = open_noc_store(path)


def kill_after_commit(world: World) -> None:
    """The ingest dies between its commit and its word to the broker."""
    world.broker.is_deaf = True
    with contextlib.suppress(ConnectionResetError):
        world.ingest()
    world.broker.is_deaf = False
    kill_ingest(world)


def truth(letters: list[Letter], void: set[int]) -> dict[bytes, bool]:
    return {digest_of(each.token): each.id in void for each in letters}


DEATHS: list[Callable[[World], None]] = [kill_agent, kill_broker, kill_ingest, kill_after_commit]


@pytest.mark.parametrize("death", DEATHS, ids=lambda each: each.__name__)
def test_a_death_between_any_two_steps_loses_nothing_and_tells_nothing_twice(
    tmp_path: Path, death: Callable[[World], None]
) -> None:
    world = World(tmp_path)
    letters = [world.bench.signed() for _ in range(3)]
    world.bench.desk.void(HEAD, letters[0].id, letters[0].version, "salah nama")
    expected = truth(letters, {letters[0].id})
    for moment in range(9):
        world.lose_store()
        (world.folder / "letter-marks.json").unlink(missing_ok=True)
        world.start_agent()
        steps = [world.send, world.ingest, world.hear] * 3
        for number, step in enumerate(steps):
            if number == moment:
                death(world)
            step()
        world.settle()
        assert world.said() == expected, f"{death.__name__} before step {moment}"


def test_whatever_dies_whenever_the_noc_comes_to_the_truth(world: World) -> None:
    chance = random.Random(4_711)
    letters: list[Letter] = []
    void: set[int] = set()
    for _ in range(150):
        what = chance.random()
        if what < 0.12:
            letters.append(world.bench.signed())
        elif what < 0.2 and len(void) < len(letters):
            letter = chance.choice([each for each in letters if each.id not in void])
            world.bench.desk.void(HEAD, letter.id, letter.version, "salah nama")
            void.add(letter.id)
        elif what < 0.3:
            chance.choice(DEATHS)(world)
        elif what < 0.32:
            world.lose_store()
        elif what < 0.4:
            chance.shuffle(world.broker.up)
            world.broker.up += world.broker.up[:1]
        else:
            chance.choice([world.send, world.ingest, world.hear])()
        assert not {digest for digest, is_void in world.said().items() if not is_void} - set(truth(letters, set()))
    world.settle()
    if set(world.said()) != set(truth(letters, void)):
        # A store that was lost when nothing was new says so with a report's acknowledgement.
        assert world.agent.heard_epoch(world.store.epoch())
        world.settle()
    assert world.said() == truth(letters, void)


def test_a_noc_that_lost_its_disk_gets_every_letter_however_old(world: World) -> None:
    letters = [world.bench.signed() for _ in range(5)]
    world.settle()
    world.bench.now += 5 * 365 * 86_400
    world.lose_store()
    assert world.said() == {}
    assert world.agent.heard_epoch(world.store.epoch()), "told by the acknowledgement of a report"
    world.settle()
    assert world.said() == truth(letters, set())


def test_while_a_store_is_filled_anew_no_void_letter_shows_as_valid(world: World) -> None:
    letters = [world.bench.signed() for _ in range(5)]
    world.bench.desk.void(HEAD, letters[0].id, letters[0].version, "salah nama")
    for _ in range(6):
        for step in (world.send, world.ingest, world.hear):
            step()
            assert world.said().get(digest_of(letters[0].token)) is not False
    assert world.said()[digest_of(letters[0].token)]


def test_a_kiosk_whose_backup_came_back_tells_what_it_has(world: World, tmp_path: Path) -> None:
    kept = [world.bench.signed() for _ in range(2)]
    (tmp_path / "again").mkdir()
    with contextlib.closing(sqlite3.connect(world.bench.store.path)) as db:
        db.execute("VACUUM INTO ?", [str(tmp_path / "again/kiosk.db")])
    lost = [world.bench.signed() for _ in range(2)]
    world.settle()
    world.bench.store.close()
    world.bench = Bench(tmp_path / "again", keys=100)
    made = [world.bench.signed() for _ in range(3)]
    world.settle()
    assert world.said() == truth([*kept, *lost, *made], set())


def test_a_letter_from_the_desk_to_the_page(world: World) -> None:
    letter = world.bench.approved()
    world.settle()
    assert "Surat ini tidak dikenal" in world.page(letter)
    world.bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    world.settle()
    assert "Surat ini sah" in world.page(letter) and letter.kind.title in world.page(letter)
    world.bench.desk.void(HEAD, letter.id, letter.version + 1, "salah nama")
    world.settle()
    assert "Surat ini sudah dibatalkan" in world.page(letter)


def test_nothing_personal_and_no_token_leaves_the_village(world: World) -> None:
    letter = world.bench.signed()
    world.settle()
    assert letter.number is not None
    written = b"".join(world.broker.seen) + b"".join(
        path.read_bytes() for path in (world.folder / "noc").rglob("*") if path.is_file()
    )
    written += (world.folder / "letter-marks.json").read_bytes()
    written += repr([decode_marks(each) for each in world.broker.seen if each[3] == 6]).encode()
    assert letter.kind.title.encode() in written
    for word in (letter.token, letter.check_code, letter.code, letter.number.text, NIK, letter.name, letter.name[:8]):
        assert word.encode() not in written, word


@pytest.fixture
def many(world: World) -> Iterator[list[Mark]]:
    """A book of 50,000 letters."""
    day = datetime.date(2026, 1, 5)
    made = [
        Mark(
            digest_of(str(number)), f"Surat Keterangan {('Usaha', 'Domisili', 'Tidak Mampu')[number % 3]}",
            day + datetime.timedelta(days=number // 140), (None, 90)[number % 2], number % 5 == 0, number % 50 == 0,
        )
        for number in range(50_000)
    ]  # fmt: skip
    chain = START_CHAIN
    with world.bench.store.transaction() as db:
        for mark in made:
            chain = marks._insert(db, mark, chain)
    yield made


def test_fifty_thousand_letters_go_in_bounded_messages_within_the_backlogs_room(world: World, many: list[Mark]) -> None:
    world.at_once = MARKS_AT_ONCE
    bytes_per_second = 64_000 / 8 / 2  # half of a line of 64 kbit/s
    world.room = Bucket(bytes_per_second)
    begun_ms, taken, messages = world.now_ms, 0, 0
    while messages < len(many) / MARKS_AT_ONCE:
        world.now_ms = max(world.now_ms, world.agent.due_ms())
        world.agent.turn(world.now_ms, world.room, world.broker.publish)
        for payload in world.broker.up:
            assert len(payload) <= 20 * MARKS_AT_ONCE
            taken, messages = taken + len(payload), messages + 1
        assert len(world.broker.up) <= 1
        world.ingest()
        world.hear()
    assert taken <= 20 * len(many)
    assert (world.now_ms - begun_ms) / 1000 >= taken / bytes_per_second - 5, "it kept to its room"
    said = world.said()
    assert len(said) == len(many) and sum(said.values()) == sum(each.is_void for each in many)


def test_the_world_itself_would_see_a_loss(world: World) -> None:
    """A NOC that confirms what it did not keep is found out."""
    letters = [world.bench.signed()]
    world.send()
    payload = world.broker.up.pop()
    world.ingest()
    world.broker.down.append(encode_receipt(Receipt(world.store.epoch(), receipt_key(payload))))
    world.hear()
    world.settle()
    assert world.said() != truth(letters, set())
