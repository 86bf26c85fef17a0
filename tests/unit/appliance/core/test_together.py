"""Threads that bring their work to one of them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from appliance.core.together import Together


class Work:
    """Notes the groups it was given; the first waits until it may go on."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_go_on = threading.Event()

    def __call__(self, group: Sequence[int]) -> None:
        self.groups.append(list(group))
        assert self.may_go_on.wait(10)
        if 13 in group:
            raise OSError("unlucky")


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _behind_a_first(
    work: Work, together: Together[int], items: Sequence[int], pool: ThreadPoolExecutor
) -> list[Future[None]]:
    """Let ``items`` gather while a first group is at work, then let all of it go on."""
    first = pool.submit(together.run, 0)
    _until(lambda: together.is_working and not together.waiting_count)
    rest = [pool.submit(together.run, item) for item in items]
    _until(lambda: together.waiting_count == len(items))
    work.may_go_on.set()
    return [first, *rest]


def test_what_gathers_meanwhile_is_one_group_and_groups_have_an_end() -> None:
    work = Work()
    together = Together[int](work, 5)
    with ThreadPoolExecutor(8) as pool:
        for done in _behind_a_first(work, together, range(1, 8), pool):
            done.result(10)
    assert [len(group) for group in work.groups] == [1, 5, 2]
    assert sorted(item for group in work.groups for item in group) == list(range(8))
    assert not together.is_working and not together.waiting_count


def test_what_the_work_raises_is_raised_in_each_thread_of_its_group_and_in_no_other() -> None:
    work = Work()
    together = Together[int](work, 16)
    with ThreadPoolExecutor(4) as pool:
        first, *rest = _behind_a_first(work, together, [1, 13, 2], pool)
        assert first.exception(10) is None
        assert all(isinstance(one.exception(10), OSError) for one in rest)
    together.run(3)
    assert work.groups[-1] == [3], "the next one finds nobody working"


def test_a_group_waits_for_those_who_are_busy_before_it_begins() -> None:
    work, busy = Work(), threading.Lock()
    work.may_go_on.set()

    class Gathered:
        def __enter__(self) -> None:
            busy.acquire()

        def __exit__(self, *_: object) -> None:
            busy.release()

    together = Together[int](work, 16, gathered=Gathered)
    with ThreadPoolExecutor(3) as pool:
        with busy:
            threads = [pool.submit(together.run, item) for item in range(3)]
            _until(lambda: together.waiting_count == 3)
            assert not work.groups
        for done in threads:
            done.result(10)
    assert [sorted(group) for group in work.groups] == [[0, 1, 2]]


def test_who_cannot_gather_leaves_the_way_free() -> None:
    def broken() -> contextlib.AbstractContextManager[None]:
        raise OSError("no lock")

    together = Together[int](lambda group: None, 16, gathered=broken)
    for _ in range(2):
        with pytest.raises(OSError, match="no lock"):
            together.run(1)
