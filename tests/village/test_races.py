"""Ten phones send the same code for one device at the same moment: one is let in, the others read why not."""

from __future__ import annotations

import csv
import io
import threading

import pytest

from script.village import plan
from script.village.programs import run, succeeds
from script.village.village import Village
from tests.village.more_phones import Caller, more_phones

pytestmark = [pytest.mark.root, pytest.mark.village]
RACERS = tuple(range(221, 231))
ROUNDS = 3
TAKEN = "Voucher ini sedang dipakai perangkat lain"


def _code(village: Village, devices: int) -> str:
    printed = village.hub.inside(
        ["desahub", "voucher", "make", "Lomba", "--minutes", "60", "--count", "1", "--devices", str(devices), "--csv"]
    )
    return next(csv.DictReader(io.StringIO(printed)))["code"]


def _race(racers: tuple[plan.Phone, ...], code: str) -> dict[plan.Phone, tuple[int, str]]:
    """All have dialled already; one word lets all of them send at once."""
    callers = [Caller(phone) for phone in racers]
    answers: dict[plan.Phone, tuple[int, str]] = {}
    start = threading.Barrier(len(callers))

    def go(caller: Caller) -> None:
        start.wait(timeout=20)
        caller.send("/voucher", f"kode={code}")
        answers[caller.phone] = caller.answer()

    threads = [threading.Thread(target=go, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)
    assert len(answers) == len(racers)
    return answers


def _is_online(phone: plan.Phone) -> bool:
    asked = ["curl", "-s", "--fail", "--max-time", "1", "-o", "/dev/null", f"http://{plan.WEB_ADDRESS}:8123/"]
    return succeeds(["ip", "netns", "exec", phone.namespace, *asked])


@pytest.mark.parametrize("places", [1, 3])
def test_as_many_win_as_a_voucher_has_places(village: Village, places: int) -> None:
    with more_phones(RACERS) as racers:
        for _ in range(ROUNDS):
            answers = _race(racers, _code(village, places))
            winners = {phone for phone, (status, _) in answers.items() if status == 303}
            assert len(winners) == places, {phone.number: status for phone, (status, _) in answers.items()}
            for phone, (status, page) in answers.items():
                if phone not in winners:
                    assert status == 403 and TAKEN in page, page[:600]
            assert {phone for phone in racers if _is_online(phone)} == winners
            for phone in winners:
                run(["ip", "netns", "exec", phone.namespace, "curl", "-s", "-X", "POST", "-d", "", "-o", "/dev/null",
                     f"http://{plan.PORTAL_HOST}/keluar"])  # fmt: skip
