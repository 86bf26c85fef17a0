"""The secret is made once, on the machine that uses it."""

import threading
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from appliance.faces.secret import load_or_make


def test_it_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "cookie.secret"
    secret = load_or_make(path)
    assert len(secret) == 32 and load_or_make(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["cookie.secret"]
    assert load_or_make(tmp_path / "other") != secret


def test_two_starts_at_once_agree(tmp_path: Path) -> None:
    found: set[bytes] = set()
    threads = [threading.Thread(target=lambda: found.add(load_or_make(tmp_path / "s"))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 1


def test_one_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    load_or_make(path)
    path.chmod(0o644)
    with pytest.raises(StoreError, match="0644"):
        load_or_make(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StoreError, match="5 bytes"):
        load_or_make(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="none"):
        load_or_make(tmp_path / "none" / "s")
