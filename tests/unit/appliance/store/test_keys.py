"""Keys beside a database: made once, and a lost one stops the program instead of being made anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from appliance.store import keys
from appliance.store.database import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "kiosk.db", [keys.MIGRATIONS])
    yield made
    made.close()


def test_it_is_made_once_and_for_its_owner_only(store: Store, tmp_path: Path) -> None:
    key = keys.load(tmp_path / "personal.key", store)
    assert len(key) == 32 and keys.load(tmp_path / "personal.key", store) == key
    assert (tmp_path / "personal.key").stat().st_mode & 0o777 == 0o600
    assert keys.load(tmp_path / "pin.pepper", store) != key


def test_a_database_from_before_there_were_keys_gets_one(store: Store, tmp_path: Path) -> None:
    with store.transaction() as db:
        db.execute("CREATE TABLE vouchers (code TEXT)")
    assert keys.load(tmp_path / "personal.key", store)


def test_a_lost_one_is_asked_for_and_not_made(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "personal.key"
    keys.load(path, store)
    path.unlink()
    with pytest.raises(StoreError, match=r"is missing, and kiosk\.db was written with it; restore personal\.key from"):
        keys.load(path, store)
    assert not path.exists()


def test_another_one_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "personal.key"
    key = keys.load(path, store)
    path.write_bytes(b"x" * 32)
    with pytest.raises(StoreError, match="is another key than the one"):
        keys.load(path, store)
    path.write_bytes(key)
    assert keys.load(path, store) == key, "the right one opens again"


def test_one_that_others_may_read_or_that_is_short_is_refused_without_advice_to_delete(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "personal.key"
    keys.load(path, store)
    path.chmod(0o640)
    with pytest.raises(StoreError, match="0640") as said:
        keys.load(path, store)
    assert "delete" not in str(said.value)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(StoreError, match=r"5 bytes.*restore personal\.key"):
        keys.load(path, store)


def test_the_mark_tells_nothing_of_the_key(store: Store, tmp_path: Path) -> None:
    key = keys.load(tmp_path / "personal.key", store)
    with store.reading() as db:
        assert db.rows("SELECT name FROM key_marks") == [{"name": "personal.key"}]
        mark = db.execute("SELECT mark FROM key_marks").fetchone()[0]
    assert mark not in (key, b"") and key not in mark
