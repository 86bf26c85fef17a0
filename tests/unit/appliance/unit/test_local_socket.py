"""One line each way over a local socket: who is served, who is cut off, and what an asker is told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FuturesTimeout
from pathlib import Path
from typing import TypeVar

import pytest

from appliance.core.errors import DesahubError, OperationError
from appliance.unit.ask import ask
from appliance.unit.local_socket import Dialogue, Limits, LineServer

T = TypeVar("T")
ME = os.getuid()


def decode(line: bytes) -> int:
    if not line.strip().isdigit():
        raise DesahubError("not a number")
    return int(line)


def made(limits: Limits, known: Collection[int] = (ME,)) -> LineServer[int, str]:
    return LineServer(
        Dialogue(
            decode, lambda uid, number: f"{number} from {uid}", lambda reason: reason, lambda said: f"{said}\n".encode()
        ),
        known,
        limits,
    )


def serving(path: Path, server: LineServer[int, str], then: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        async with server.listening(path):
            return await then()

    return asyncio.run(run())


async def asked(path: Path, line: bytes, answer_bytes_max: int = 100) -> bytes:
    return await asyncio.to_thread(ask, path, line, 5.0, answer_bytes_max)


def test_a_question_is_answered_with_the_uid_the_kernel_gives(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert serving(path, made(Limits()), lambda: asked(path, b"7\n")) == f"7 from {ME}\n".encode()
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "said"), [(b"seven\n", b"not a number\n"), (b"1" * 50 + b"\n", b"a request has at most 20 bytes\n")]
)
def test_what_cannot_be_read_is_told_why(tmp_path: Path, line: bytes, said: bytes) -> None:
    path = tmp_path / "s"
    assert serving(path, made(Limits(request_bytes=20)), lambda: asked(path, line)) == said


def test_one_who_says_nothing_is_shown_the_door_in_time(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(ConnectionError, match="closed the connection without an answer"):
        serving(path, made(Limits(request_seconds=0.05)), lambda: asked(path, b"7"))


@pytest.mark.parametrize(("known", "served"), [((ME,), 3), ((), 1)])
def test_strangers_share_a_small_number_of_connections(tmp_path: Path, known: Collection[int], served: int) -> None:
    path = tmp_path / "s"
    limits = Limits(request_seconds=5, connections_per_uid=3, connections_of_strangers=1)

    async def crowd() -> int:
        holding = [await asyncio.open_unix_connection(path) for _ in range(4)]
        for reader, writer in holding[served:]:
            assert await reader.read() == b"", "one too many is closed at once"
            writer.close()
        for reader, writer in holding[:served]:
            writer.write(b"7\n")
            assert await reader.read()
            writer.close()
        return len(holding[:served])

    assert serving(path, made(limits, known), crowd) == served


def test_an_asker_takes_no_endless_answer_and_says_who_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(ConnectionError, match="too long"):
        serving(path, made(Limits()), lambda: asked(path, b"7\n", 3))
    with pytest.raises(OSError):
        ask(path, b"7\n", 1.0, 100)


def test_an_asker_waits_while_strangers_fill_the_queue(tmp_path: Path) -> None:
    """The kernel refuses at once where a queue is full; that is no answer of the server's."""
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as strangers:
        listener.bind(str(path))
        listener.listen(1)
        for _ in range(2):
            strangers.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))
        with pytest.raises(TimeoutError):
            ask(path, b"7\n", 0.1, 100)
        with ThreadPoolExecutor(1) as pool:
            answered = pool.submit(ask, path, b"7\n", 5.0, 100)
            with pytest.raises(FuturesTimeout):
                answered.result(0.05)
            for _ in range(2):
                listener.accept()[0].close()
            with listener.accept()[0] as served:
                assert served.recv(10) == b"7\n"
                served.sendall(b"yes\n")
            assert answered.result(5) == b"yes\n"


def test_a_second_server_does_not_take_the_place(tmp_path: Path) -> None:
    path = tmp_path / "s"

    async def second() -> None:
        def listen() -> None:
            asyncio.run(_briefly(made(Limits()), path))

        try:
            await asyncio.to_thread(listen)
        finally:
            assert await asked(path, b"7\n"), "the first goes on"

    with pytest.raises(OperationError, match="another server listens there"):
        serving(path, made(Limits()), second)


async def _briefly(server: LineServer[int, str], path: Path) -> None:
    async with server.listening(path):
        pass
