"""A process that lives says so; one whose work is stuck does not."""

from __future__ import annotations

import asyncio

import pytest

from appliance.unit import heartbeat
from appliance.unit.heartbeat import Heartbeat


def test_work_that_takes_too_long_is_stuck() -> None:
    now = [100.0]
    beat = Heartbeat(15.0, lambda: now[0])
    assert not beat.is_stuck()
    with beat.work():
        now[0] += 15.0
        assert not beat.is_stuck()
        now[0] += 0.1
        assert beat.is_stuck()
    assert not beat.is_stuck(), "it came to an end after all"
    with pytest.raises(ZeroDivisionError), beat.work():
        _ = 1 // 0
    now[0] += 60
    assert not beat.is_stuck()


def test_it_beats_while_work_goes_on_and_not_while_it_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    now = [0.0]
    monkeypatch.setattr(heartbeat, "notify", told.append)
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.001)

    async def go() -> tuple[int, int]:
        beat = Heartbeat(15.0, lambda: now[0])
        async with asyncio.timeout(10), beat.beating():
            with beat.work():
                while len(told) < 3:
                    await asyncio.sleep(0.001)
                now[0] += 16
                await asyncio.sleep(0.01)  # the beat that had begun
                stuck = len(told)
                await asyncio.sleep(0.05)
                while_stuck = len(told)
            while len(told) == while_stuck:
                await asyncio.sleep(0.001)
        after = len(told)
        await asyncio.sleep(0.05)
        assert len(told) == after, "it ends with its block"
        return stuck, while_stuck

    stuck, while_stuck = asyncio.run(go())
    assert stuck == while_stuck and set(told) == {"WATCHDOG=1"}
