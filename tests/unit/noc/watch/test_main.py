"""The process as a whole: what it opens, that it turns, and that it ends when it is told to."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from noc.fleet import HubState
from noc.fleet_book.sqlite import open_fleet_book
from noc.places import Places
from noc.store.contract import Arrivals
from noc.store.sqlite import open_noc_store
from noc.watch.__main__ import main
from tests.unit.noc.seed import arrived, batch
from tests.unit.noc.watch.world import HUB


def arguments(tmp_path: Path, *more: str) -> list[str]:
    return ["--directory", str(tmp_path), "--state", str(tmp_path), "--turn-seconds", "1", *more]


def test_without_a_store_it_says_what_to_start_first(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(arguments(tmp_path)) == 1
    assert "start the program that writes it first" in caplog.text


@pytest.mark.parametrize("more", [("--turn-seconds", "0"), ("--turn-seconds", "31"), ("--interval-seconds", "x")])
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, more: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments(tmp_path, *more))


def test_it_judges_until_it_is_told_to_end(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path)
    with contextlib.closing(open_noc_store(places.store)) as store:
        store.add_hub(HUB)
        store.commit(Arrivals([batch(arrived(HUB.hub_id, 1, 0))]))
        store.project(10)

    def end() -> None:
        with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
            until = time.monotonic() + 60
            while book.judged_ms() is None and time.monotonic() < until:
                time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    killer = threading.Thread(target=end)
    killer.start()
    try:
        assert main(arguments(tmp_path)) == 0
    finally:
        killer.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        standing = book.standing(HUB.hub_id)
        assert standing is not None
        assert standing.state is HubState.NO_CONTACT, "its one word is of another year"
