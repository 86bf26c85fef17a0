"""``desahub letters numbers`` and ``go-on-after``: what a technician reads and says."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from appliance import cli
from appliance.kiosk.app import open_database, services
from appliance.store.audit import Audit


def run(folder: Path, *words: str) -> int:
    return cli.main(["letters", *words, "--state-directory", str(folder)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_database(tmp_path, services()).close()
    return tmp_path


def given(folder: Path, *serials: int) -> None:
    db = sqlite3.connect(folder / "kiosk.db")  # without foreign keys: of these numbers there are no letters
    for serial in serials:
        row = (serial, "S-43", "S-43", 2026, serial, f"S-43/{serial:03d}", "2026-08-17", 1)
        db.execute("INSERT INTO letter_numbers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    db.commit()
    db.close()


def test_a_series_goes_on_after_numbers_given_elsewhere_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "go-on-after", "--code", "S-43", "--year", "2026", "--last", "57") == 0
    assert capsys.readouterr().out == "The next number of 2026 is 58.\n"
    given(folder, 58, 59)
    assert run(folder, "numbers") == 0
    assert capsys.readouterr().out == ("2026\tS-43\t2 numbers, 58 to 59 of 2026-08-17, after 57 given elsewhere\n")
    assert run(folder, "go-on-after", "--code", "S-43", "--year", "2026", "--last", "90") == 1
    assert "numbers of 2026 were given here already" in capsys.readouterr().err
    store = open_database(folder, services())
    [entry] = Audit(store, lambda: 0.0).latest(10)
    store.close()
    assert (entry.name, entry.what, entry.detail) == ("root", "letters.go_on_after", "S-43 2026 after 57")


def test_a_gap_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given(folder, 1, 2, 5)
    assert run(folder, "numbers") == 1
    assert capsys.readouterr().out == "2026\tS-43\t3 numbers, 1 to 5 of 2026-08-17, 2 missing\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--code", "S-99x", "--year", "2026", "--last", "5"), "is the code of no kind; known are"),
        (("--code", "S-43", "--year", "1970", "--last", "5"), "--year: allowed are 2024 to 2099"),
        (("--all", "--year", "2026", "--last", "0"), "--last: allowed are 1 to 999999"),
    ],
)
def test_what_cannot_be_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run(folder, "go-on-after", *words) == 1
    assert said in capsys.readouterr().err
