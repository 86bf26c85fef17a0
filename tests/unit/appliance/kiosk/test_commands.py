"""``desahub office``: the first account, made on the box."""

import argparse
import os
import re
import sqlite3
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from appliance.kiosk import commands
from appliance.kiosk.app import open_database, services
from appliance.kiosk.office.store import open_accounts
from appliance.store.accounts import AccountError, Outcome
from appliance.store.audit import Audit


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(required=True))
    options = parser.parse_args(["office", *arguments])
    status: int = options.run(options)
    return status


def _password(text: str) -> str:
    found = re.search(r"One-time password for siti: ([a-z2-9]{4}(?:-[a-z2-9]{4}){3})\n", text)
    assert found is not None, text
    return found[1]


def test_add_prints_a_password_that_opens_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--state-directory", str(tmp_path)]
    assert _run("add", "siti", "--role", "operator", *folder) == 0
    first = _password(capsys.readouterr().out)
    assert _run("reset", "siti", *folder) == 0
    second = _password(capsys.readouterr().out)
    assert first != second
    accounts = open_accounts(open_database(tmp_path, services()))
    assert accounts.log_in("siti", first, "d", 0).outcome is Outcome.WRONG
    assert accounts.log_in("siti", second, "d", 0).outcome is Outcome.WELCOME
    _run("list", *folder)
    assert capsys.readouterr().out == "siti\toperator\tone-time password\n"
    _run("disable", "siti", *folder)
    _run("list", *folder)
    assert capsys.readouterr().out == "siti\toperator\tdisabled\n"
    assert accounts.log_in("siti", second, "d", 0).outcome is Outcome.WRONG
    accounts.store.close()


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoreError, match="start desahub-kiosk once"):
        _run("list", "--state-directory", str(tmp_path / "none"))
    with pytest.raises(AccountError, match="none yet"):
        _run("reset", "siti", "--state-directory", str(tmp_path))
    with pytest.raises(SystemExit):
        _run("add", "siti", "--role", "admin", "--state-directory", str(tmp_path))
    assert "operator" in capsys.readouterr().err


@pytest.mark.root
def test_root_leaves_files_that_the_kiosk_can_open(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    for path in (*reversed(folder.relative_to("/").parents), folder.relative_to("/")):
        if str(path).startswith("tmp/pytest"):
            (Path("/") / path).chmod(0o755)
    os.chown(folder, 65_534, 65_534)
    assert _run("add", "siti", "--role", "operator", "--state-directory", str(folder)) == 0
    assert os.geteuid() == 0
    files = list(folder.iterdir())
    assert {path.name for path in files} >= {"kiosk.db"}
    assert {(path.stat().st_uid, path.stat().st_mode & 0o077) for path in files} == {(65_534, 0)}


def test_what_was_done_stands_in_the_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--state-directory", str(tmp_path)]
    _run("add", "siti", "--role", "operator", *folder)
    _run("disable", "siti", *folder)
    with pytest.raises(AccountError, match="no second factor"):
        _run("reset-factor", "siti", *folder)
    store = open_database(tmp_path, services())
    Audit(store, lambda: 1_790_000_000).note("siti", "operator", "resident.seen", [41, 7])
    store.close()
    capsys.readouterr()
    assert _run("audit", *folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[4] for line in lines] == ["resident.seen", "account.disabled", "account.added"]
    assert lines[0] == "3\t2026-09-21T14:13:20Z\tsiti\toperator\tresident.seen\t7 41\t"
    assert "root\troot\taccount.added\t-\tsiti: operator" in lines[2]
    for asked in (("--who", "siti"), ("--about", "41")):
        _run("audit", *asked, *folder)
        assert capsys.readouterr().out.splitlines() == lines[:1]
    assert _run("audit", "--verify", *folder) == 0
    assert capsys.readouterr().out.startswith("3 entries, whole; the last one's hash is ")


def test_a_broken_chain_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--state-directory", str(tmp_path)]
    _run("add", "siti", "--role", "operator", *folder)
    with sqlite3.connect(tmp_path / "kiosk.db") as db:
        db.execute("DROP TRIGGER audit_entries_stay")
        db.execute("UPDATE audit_entries SET detail = 'siti: kader'")
    db.close()
    assert _run("audit", "--verify", *folder) == 1
    assert "broken at entry 1" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["personal.key", "pin.pepper"])
def test_a_lost_key_is_not_made_anew(tmp_path: Path, name: str) -> None:
    folder = ["--state-directory", str(tmp_path)]
    _run("add", "siti", "--role", "operator", *folder)
    (tmp_path / name).unlink()
    with pytest.raises(StoreError, match=f"restore {name} from the backup"):
        _run("reset", "siti", *folder)
    assert not (tmp_path / name).exists()
    (tmp_path / name).write_bytes(b"x" * 32)
    (tmp_path / name).chmod(0o600)
    with pytest.raises(StoreError, match="is another key"):
        _run("reset", "siti", *folder)
