"""``desahub voucher``, against the hotspot's twin on a real socket."""

import asyncio
import csv
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import cli
from appliance.core.errors import HotspotRefused
from appliance.hotspot import protocol
from appliance.hotspot.protocol import ListActions
from appliance.hotspot.twin import TwinHotspot
from captive_portal.keeper import office_socket
from captive_portal.vouchers import codes
from captive_portal.vouchers.keys import parse_key

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def twin() -> TwinHotspot:
    return TwinHotspot(["cepat"])


@pytest.fixture
def run(twin: TwinHotspot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run ``desahub voucher``; returns exit status, standard output and error."""
    path, loop, stop, listening = tmp_path / "keeper.sock", asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    def answer(request: protocol.Request[object]) -> object:
        try:
            return twin.ask(request)
        except HotspotRefused as error:
            return protocol.Refusal(protocol.RefusalCode(error.code), str(error))

    async def serve() -> None:
        async with office_socket.server(answer, {os.getuid(): frozenset(protocol.REQUESTS)}).listening(path):
            listening.set()
            await stop.wait()

    def call(*words: str, local: bool = True) -> tuple[int, str, str]:
        status = cli.main(["voucher", *words, *(["--socket", str(path)] if local else [])])
        said = capsys.readouterr()
        return status, said.out, said.err

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert listening.wait(10)
    yield call
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


MAKE = ("make", "Rapat desa", "--count", "2", "--minutes", "60")


def test_a_batch_is_made_listed_shown_and_withdrawn(
    run: Run, twin: TwinHotspot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "made")
    status, out, _ = run(*MAKE, "--megabytes", "500", "--speed", "cepat", "--devices", "3")
    assert status == 0 and "Batch 1, Rapat desa: 2 vouchers, 60 minutes, 500 MB, devices for each: 3" in out
    lines = [line.split("\t") for line in out.splitlines()[1:]]
    assert [name for name, _ in lines] == ["1-1", "1-2"] and all(codes.normalise(code) for _, code in lines)
    assert "1\tRapat desa\t2 vouchers\t2 unused" in run("list")[1]
    status, out, _ = run("show", "1", "--csv")
    assert list(csv.reader(io.StringIO(out))) == [["voucher", "code"], *lines]
    assert run("void", "1-2", "--why", "hilang")[0] == 0
    assert run("void", "1", "--why", "salah cetak")[1] == "1: withdrawn\n"
    assert "\t2 void\t" in run("list")[1]
    done = twin.ask(ListActions(0)).actions
    assert {one.by for one in done} == {"made"} and done[1].what == "1-2" and done[1].why == "hilang"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("make", "x", "--count", "501", "--minutes", "60"), "count is a whole number from 1 to 500"),
        (("make", "x", "--count", "5", "--minutes", "0"), "duration_seconds"),
        ((*MAKE, "--speed", "kilat"), "[[speeds]] has no kilat"),
        (("void", "abc", "--why", "x"), "allowed are 12"),
        (("void", "7", "--why", "x"), "there is no batch 7"),
        (("show", "7"), "there is no batch 7"),
        (("district-key", "--install", "/nowhere"), "cannot be read"),
    ],
)
def test_what_does_not_work_is_told(run: Run, words: tuple[str, ...], told: str) -> None:
    status, out, error = run(*words)
    assert (status, out) == (1, "") and told in error and "Traceback" not in error


def test_a_district_makes_its_key_and_sheets_without_a_hub(run: Run, twin: TwinHotspot, tmp_path: Path) -> None:
    path = tmp_path / "district.key"
    assert run("district-new-key", str(path), local=False)[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    status, _, error = run("district-new-key", str(path), local=False)
    assert status == 1 and "never written over" in error
    sheet = ("district-make", "--key", str(path), "--batch", "7", "--count", "3", "--minutes", "480", "--last-day")
    status, out, _ = run(*sheet, "2026-12-31", "--csv", local=False)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0 and [row["voucher"] for row in rows] == ["D7-1", "D7-2", "D7-3"]
    key = parse_key(path.read_text(), "")
    read = codes.read_district(key, codes.normalise(rows[2]["code"]))
    assert read is not None and (read.batch, read.serial, read.minutes, str(read.last_day)) == (7, 3, 480, "2026-12-31")
    assert run(*sheet, "2026-12-31", "--csv", local=False)[1] == out, "the same sheet again"
    status, out, error = run(*sheet, "2099-12-31", local=False)
    assert (status, out) == (1, "") and "last day 2099-12-31: allowed is 2025-01-01" in error
    assert run("district-key", "--install", str(path))[0] == 0 and twin.district_key == key.hex()
    assert run("district-key", "--remove")[0] == 0 and twin.district_key == ""


def test_root_signs_as_root_where_sudo_names_nobody(
    run: Run, twin: TwinHotspot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("", "Bapak Made", "a" * 40):
        monkeypatch.setenv("SUDO_USER", name)
        assert run(*MAKE)[0] == 0
    assert {one.by for one in twin.ask(ListActions(0)).actions} == {"root"}
