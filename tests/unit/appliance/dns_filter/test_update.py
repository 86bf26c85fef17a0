"""Bringing lists up to date: from files and a real web server that misbehaves."""

from __future__ import annotations

import http.server
import io
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import Config, parse
from appliance.core.errors import OperationError
from appliance.dns_filter import index, sources, update
from appliance.dns_filter.sources import Limits, Unreachable, Version
from appliance.system import files, filter_state
from appliance.system.filter_state import ListState, State
from tests.golden.test_rendered import FOLDER

TOML = (FOLDER / "filter" / "hub.toml").read_text("utf-8").partition("[[filter.lists]]")[0]


def _config(*lists: tuple[str, str]) -> Config:
    return parse(TOML + "".join(f'[[filter.lists]]\nname = "{name}"\nsource = "{source}"\n' for name, source in lists))


class Web(http.server.ThreadingHTTPServer):
    """Answers by path; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.text = b"judi.example\nslot.example\n"
        self.port = self.server_address[1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Web

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        web = self.server
        web.asked.append((self.path, dict(self.headers)))
        if self.path == "/list" and self.headers.get("If-None-Match") == '"1"':
            return self._answer(304)
        if self.path == "/list":
            return self._answer(200, web.text, {"ETag": '"1"'})
        if self.path == "/ftp":
            return self._answer(302, b"", {"Location": "ftp://x.example/"})
        if self.path == "/again":
            return self._answer(302, b"", {"Location": "/again"})
        if self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            for number in range(100_000):
                try:
                    self.wfile.write(b"".join(b"n%d.example\n" % n for n in range(number * 100, number * 100 + 100)))
                except OSError:
                    break
            return None
        if self.path == "/short":
            return self._answer(200, b"judi.example\n", {"Content-Length": "5000"})
        if self.path == "/page":
            return self._answer(200, b"<html>\n<body>\n<p>Silakan masuk</p>\n</html>\n")
        return self._answer(404, b"judi.example")

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join(10)


def _blocked(folder: Path) -> index.Index:
    return index.open_index(folder / "index")


def test_lists_of_all_kinds_become_one_index(tmp_path: Path, web: Web) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n0.0.0.0 togel.example\n# x\n0.0.0.0 judi.example\n!!\n")
    state, status = update.update(_config(("web", web.url("/list")), ("hosts", str(hosts))), tmp_path)
    assert status == 0
    assert (state.domains, state.errors) == (3, ())
    assert [(one.domains, one.invalid_lines) for one in state.lists] == [(2, 0), (2, 0)]
    made = _blocked(tmp_path)
    assert all(made.blocks(name) for name in (b"www.judi.example", b"slot.example", b"togel.example"))
    assert not made.blocks(b"berita.example")
    assert filter_state.read_at(tmp_path) == state


def test_what_has_not_changed_is_not_fetched_again_nor_written(tmp_path: Path, web: Web) -> None:
    config = _config(("web", web.url("/list")))
    update.update(config, tmp_path)
    written = [path.stat().st_mtime_ns for path in (tmp_path / "index", update.kept(tmp_path, "web"))]
    state, _ = update.update(config, tmp_path)
    assert web.asked[-1][1]["If-None-Match"] == '"1"'
    assert (state.domains, state.errors) == (2, ())
    assert [path.stat().st_mtime_ns for path in (tmp_path / "index", update.kept(tmp_path, "web"))] == written


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "404"),
        ("/page", "is no list of domains: 4 lines of 4"),
        ("/again", "more than 5 times"),
        ("/ftp", "no web address"),
        ("/endless", "larger than"),
    ],
)
def test_a_source_that_fails_loses_nothing(tmp_path: Path, web: Web, path: str, words: str) -> None:
    good = tmp_path / "good"
    good.write_text("togel.example\n")
    update.update(_config(("web", web.url("/list")), ("good", str(good))), tmp_path)
    good.write_text("togel.example\nbaru.example\n")
    config = _config(("web", web.url(path)), ("good", str(good)))
    state, status = update.update(config, tmp_path, Limits(bytes=1_000_000))
    assert status == update.REFUSED
    assert words in state.lists[0].error
    assert "the list of before stays" in state.lists[0].error
    made = _blocked(tmp_path)
    assert all(made.blocks(name) for name in (b"judi.example", b"togel.example", b"baru.example"))
    assert state.domains == len(made) == 4


def test_a_source_that_is_not_there_is_asked_again_soon(tmp_path: Path, web: Web) -> None:
    update.update(_config(("web", web.url("/list"))), tmp_path)
    state, status = update.update(_config(("web", "http://127.0.0.1:9/list")), tmp_path)
    assert status == update.TRY_AGAIN
    assert "no answer" in state.lists[0].error
    assert _blocked(tmp_path).blocks(b"judi.example")


def test_a_transfer_that_is_cut_short_changes_nothing(tmp_path: Path, web: Web) -> None:
    update.update(_config(("web", web.url("/list"))), tmp_path)
    state, status = update.update(_config(("web", web.url("/short"))), tmp_path)
    assert status == update.TRY_AGAIN
    assert len(_blocked(tmp_path)) == 2, state


def test_a_list_that_shrinks_to_nothing_is_refused(tmp_path: Path, web: Web) -> None:
    config = _config(("web", str(tmp_path / "list")))
    (tmp_path / "list").write_text("judi.example\n")
    update.update(config, tmp_path)
    (tmp_path / "list").write_text("# nothing today\n")
    state, status = update.update(config, tmp_path)
    assert status == update.REFUSED
    assert "holds no domain" in state.lists[0].error
    assert _blocked(tmp_path).blocks(b"judi.example")


def test_too_many_domains_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list").write_text("a.example\nb.example\nc.example\n")
    monkeypatch.setattr(index, "DOMAINS_MAX", 2)
    state, status = update.update(_config(("web", str(tmp_path / "list"))), tmp_path)
    assert status == update.REFUSED
    assert "more than 2 domains" in state.lists[0].error


def test_a_list_that_is_no_longer_wanted_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("judi.example\n")
    update.update(_config(("one", str(tmp_path / "one"))), tmp_path)
    state, _ = update.update(_config(), tmp_path)
    assert (state.domains, state.lists) == (0, ())
    assert not list((tmp_path / "lists").iterdir())
    assert not _blocked(tmp_path).blocks(b"judi.example")


def test_a_damaged_copy_is_fetched_anew(tmp_path: Path, web: Web) -> None:
    config = _config(("web", web.url("/list")))
    update.update(config, tmp_path)
    update.kept(tmp_path, "web").write_bytes(b"nonsense")
    state, status = update.update(config, tmp_path)
    assert "If-None-Match" not in web.asked[-1][1]
    assert (state.domains, state.errors, status) == (2, (), 0)
    (tmp_path / "index").write_bytes(b"nonsense")
    assert update.update(config, tmp_path)[0].domains == len(_blocked(tmp_path)) == 2


@pytest.mark.parametrize("make", ["mkdir", "mkfifo", "nothing"])
def test_a_source_that_is_no_file_says_what_is_needed(tmp_path: Path, make: str) -> None:
    path = tmp_path / "list"
    if make == "mkdir":
        path.mkdir()
    elif make == "mkfifo":
        os.mkfifo(path)
    with pytest.raises(OperationError, match=r"is no file|/etc/desahub/lists"):
        sources.fetch(str(path), Version(), lambda _version, _chunks: None)


def test_a_slow_source_is_given_up(tmp_path: Path, web: Web) -> None:
    with pytest.raises(OperationError, match="took more than"):
        sources.fetch(
            web.url("/endless"), Version(), lambda _v, chunks: [None for _ in chunks].clear(), Limits(seconds=0)
        )
    with pytest.raises(Unreachable):
        sources.fetch("http://127.0.0.1:9/", Version(), lambda _version, _chunks: None)


def test_https_is_never_left_for_http(monkeypatch: pytest.MonkeyPatch, web: Web) -> None:
    import requests

    def get(_session: requests.Session, url: str, **_: object) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer.headers["Location"], answer.raw = 302, web.url("/list"), io.BytesIO()
        return answer

    monkeypatch.setattr(requests.Session, "get", get)
    with pytest.raises(OperationError, match="from https to http"):
        sources.fetch("https://lists.example.go.id/judi.txt", Version(), lambda _version, _chunks: None)
    assert web.asked == []


@pytest.mark.parametrize(
    ("ends", "expected"),
    [([75, 0], 0), ([75, 75, 0], 0), ([75, 75, 75], 75), ([1], 1), ([75, 1], 1), ([0], 0)],
)
def test_who_does_not_answer_is_asked_again_after_a_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ends: list[int], expected: int
) -> None:
    left = list(ends)
    monkeypatch.setattr(update, "update", lambda *_: (State(), left.pop(0)))
    assert update.update_patiently(_config(("judi", "/x")), tmp_path, (0, 0)) == expected
    assert left == []


def test_the_running_filter_is_told_and_waited_for(tmp_path: Path) -> None:
    held = tmp_path / "held.json"
    assert update.let_filter_take(held, "aa") is False, "none runs"
    told = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda *_: told.set())
    try:
        held.write_text(json.dumps({"pid": os.getpid(), "index": "old", "domains": 0}))
        assert update.let_filter_take(held, "old") is True
        assert not told.is_set(), "it holds it already"
        with pytest.raises(OperationError, match="did not take the new index"):
            update.let_filter_take(held, "new", 0.1)
        assert told.is_set()

        def take() -> None:
            time.sleep(0.05)
            files.write_durably(held, json.dumps({"pid": os.getpid(), "index": "new", "domains": 0}))

        thread = threading.Thread(target=take)
        thread.start()
        assert update.let_filter_take(held, "new", 5) is True
        thread.join()
    finally:
        signal.signal(signal.SIGHUP, before)
    for nonsense in ("", "[]", '{"pid": 1, "index": "x"}', '{"pid": "x", "index": "y"}', "{"):
        held.write_text(nonsense)
        assert update.let_filter_take(held, "new", 0.1) is False


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"domains": "x", "updated_wall": "", "error": "", "lists": []}', "[" * 9_000,
     '{"domains": 1, "updated_wall": "", "error": "", "lists": [{"name": "x"}]}',
     '{"domains": 1, "updated_wall": "", "error": "", "lists": [1]}'],
)  # fmt: skip
def test_a_damaged_state_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / filter_state.NAME).write_text(text)
    assert filter_state.read_at(tmp_path) is None


def test_the_state_comes_back_as_it_was_written() -> None:
    state = State(3, "2026-01-01T00:00:00+00:00", "", (ListState("judi", "/x", 3, 1, "a", "b", "is away", "c", "d"),))
    assert filter_state.parse(filter_state.encode(state)) == state
    assert state.errors == ("judi: is away",)
