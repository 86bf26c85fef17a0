"""What of a command is copied for the pages, and that the copy is no condition of anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.core.actions import Configure
from appliance.core.command_results import Status
from appliance.core.errors import StoreFull
from appliance.core.pushing import Change
from noc.commands.book import open_book
from noc.commands.desk import Order
from noc.commands.showing import showing
from noc.fleet_book.contract import GivenCommand
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.store.contract import Hub
from tests.unit.noc.commands.test_desk import HUBS, RESTART, Country


@pytest.fixture
def fleet_book(tmp_path: Path) -> SqliteFleetBook:
    return open_fleet_book(tmp_path / "fleet.db")


@pytest.fixture
def country(tmp_path: Path, fleet_book: SqliteFleetBook) -> Country:
    made = Country(tmp_path, HUBS)
    made.book.close()
    made.book = open_book(tmp_path / "commands.db", showing(fleet_book, made.said.append))
    return made


def take_over(book: SqliteFleetBook, *hubs: str) -> None:
    book.take_over([Hub(hub_id, hub_id, "51.03.01.2001") for hub_id in hubs])


def test_each_order_and_each_answer_is_copied(country: Country, fleet_book: SqliteFleetBook) -> None:
    take_over(fleet_book, *HUBS)
    country.silent.add(HUBS[1])
    seen: list[tuple[GivenCommand, ...]] = []
    send = country.send

    def look(hub_id: str, payload: bytes) -> None:
        seen.append(fleet_book.commands(hub_id, 10))
        send(hub_id, payload)

    country.send = look  # type: ignore[method-assign]
    country.give(RESTART, HUBS[:2])
    assert [each.status for found in seen[:2] for each in found] == ["", ""], "it stands there before it is sent"
    (done,), (silent,) = (fleet_book.commands(hub, 10) for hub in HUBS[:2])
    assert (done.who, done.status) == ("sari", Status.DONE) and done.answered_ms is not None
    assert (silent.status, silent.answered_ms) == ("", None)


def test_values_of_a_configuration_are_not_copied(country: Country, fleet_book: SqliteFleetBook) -> None:
    take_over(fleet_book, *HUBS)
    changes = (Change("agent.probe_kilobytes", 4_321), Change("portal.history_days", 31))
    country.give(Order(Configure(changes), "sari"), HUBS[:1])
    found = fleet_book.commands(HUBS[0], 10)
    configured = [json.loads(each.action) for each in found if "configure" in each.action]
    assert configured == [{"do": "configure", "changes": ["agent.probe_kilobytes", "portal.history_days"]}]
    assert "4321" not in repr(found)


@pytest.mark.parametrize("trouble", ["no card", "full"])
def test_what_cannot_be_copied_is_said_and_done_all_the_same(
    country: Country, fleet_book: SqliteFleetBook, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    if trouble == "full":
        take_over(fleet_book, *HUBS)

        def refuse(*_: object) -> None:
            raise StoreFull("fleet.db: the disk is full")

        monkeypatch.setattr(fleet_book, "put_command", refuse)
    assert country.give(RESTART, HUBS[:1]) == {HUBS[0]: Status.DONE}
    assert any("the pages do not show this command" in line for line in country.said)
