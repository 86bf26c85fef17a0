"""Steps run once, by sqlite-utils, which no resident process keeps in memory."""

import contextlib
import errno
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlite_utils

from appliance.store import migrations
from appliance.store.migrations import Migrations, apart

FIRST_START = """
import sys
from pathlib import Path
from appliance.store.accounts import MIGRATIONS, Accounts
from appliance.store.database import open_store
store = open_store(Path(sys.argv[1]), [MIGRATIONS])
print(Accounts(store).all(), "sqlite_utils" in sys.modules)
"""


def test_the_book_is_the_one_that_sqlite_utils_keeps() -> None:
    assert sqlite_utils.Migrations.migrations_table == migrations.TABLE


def test_a_first_start_makes_the_tables_and_does_not_keep_what_that_took(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_START, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "() False\n"


def test_two_steps_of_a_set_never_share_a_name() -> None:
    made = Migrations("notes")
    made(name="first")(lambda db: None)
    with pytest.raises(ValueError, match="two steps named first"):
        made(name="first")(lambda db: None)


def test_what_waits_and_what_is_unknown_are_named() -> None:
    older, newer = Migrations("notes"), Migrations("notes")
    older(name="first")(lambda db: None)
    newer(name="first")(lambda db: None)
    newer(name="second")(lambda db: None)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        assert migrations.waiting(connection, [newer]) == ["first", "second"]
        migrations.apply(connection, [older])
        assert migrations.waiting(connection, [newer]) == ["second"]
        migrations.apply(connection, [newer])
        assert migrations.waiting(connection, [newer]) == []
        assert migrations.unknown(connection, [older]) == ["second of notes"]
        assert migrations.unknown(connection, [Migrations("others")]) == []


def test_work_apart_leaves_files_and_no_trace_in_this_process(tmp_path: Path) -> None:
    seen: list[str] = []

    def work() -> None:
        (tmp_path / "done").touch()
        seen.append("here")

    apart(work)
    # A test run may have threads of its own; then nothing is done, as with the one below.
    assert (tmp_path / "done").exists() is (threading.active_count() == 1)
    assert seen == []


def test_nothing_is_forked_beside_threads(tmp_path: Path) -> None:
    stop = threading.Event()
    other = threading.Thread(target=stop.wait)
    other.start()
    try:
        apart((tmp_path / "done").touch)
    finally:
        stop.set()
        other.join()
    assert not (tmp_path / "done").exists()


def test_work_apart_is_waited_for_where_the_kernel_takes_children_away_by_itself(tmp_path: Path) -> None:
    """Whoever started this process may have SIGCHLD ignored: execve(2) leaves it so."""
    program = f"import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n{FIRST_START}"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.db")], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("() False\n", "")


def test_work_that_cannot_be_done_apart_is_left_to_who_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("os.fork", refuse)
    monkeypatch.setattr("threading.active_count", lambda: 1)
    apart((tmp_path / "done").touch)
    assert not (tmp_path / "done").exists()


def test_work_that_fails_apart_is_left_to_who_asked() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    apart(fail)
