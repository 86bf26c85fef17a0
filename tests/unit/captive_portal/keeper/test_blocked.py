"""Whom the office keeps out, by the name people know: what the device called itself, and where it was last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.store.database import Store
from captive_portal import database
from captive_portal.grants import open_grants
from captive_portal.keeper import office_views
from captive_portal.now import Now
from captive_portal.rules import Block

MAC = "02:00:00:00:00:01"
NOW = Now("a" * 32, 1_000, 1_790_000_000, WallQuality.NTP)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    grants = open_grants(tmp_path / database.NAME)
    yield grants.store
    grants.store.close()


def _session(store: Store, address: str, host_name: str, mac: str = MAC) -> None:
    with store.transaction() as db:
        db.execute(
            "INSERT INTO sessions (address, mac, host_name, network, way, voucher, began_wall, began_boot_id,"
            " began_boot_seconds, began_is_known) VALUES (?, ?, ?, 'warga', 'terms', '', 1, 'a', 1, 1)",
            (address, mac, host_name),
        )


def _shown(store: Store, names: dict[str, str]) -> tuple[str, str]:
    with store.reading() as db:
        (one,) = office_views.blocked(db, [Block(MAC, None, "kades", "ulah", 5)], names).blocked
    assert (one.mac, one.remaining_seconds, one.by, one.why, one.since_wall_seconds) == (MAC, None, "kades", "ulah", 5)
    return one.host_name, one.address


def test_the_newest_session_tells_the_address_and_the_newest_named_one_the_name(store: Store) -> None:
    _session(store, "10.20.0.5", "hp-lama")
    _session(store, "10.20.0.7", "hp-made")
    _session(store, "10.20.0.9", "")
    _session(store, "10.20.0.11", "hp-orang-lain", mac="02:00:00:00:00:02")
    assert _shown(store, {}) == ("hp-made", "10.20.0.9")
    assert _shown(store, {MAC: "hp-baru"}) == ("hp-baru", "10.20.0.9"), "what it calls itself now goes first"


def test_one_that_was_never_online_has_neither(store: Store) -> None:
    assert _shown(store, {}) == ("", "")


def test_the_history_is_gone_through_as_often_for_many_as_for_one(store: Store) -> None:
    """Who is blocked for good is not in the history any more: looking for each alone takes seconds."""
    for number in range(300):
        _session(store, "10.20.0.5", "hp", mac=f"02:00:00:00:01:{number % 256:02x}")

    def work(count: int) -> int:
        """How many hundred steps SQLite takes."""
        held = [Block(f"06:00:00:00:00:{number:02x}", None, "kades", "", 5) for number in range(count)]
        steps: list[None] = []
        with store.reading() as db:
            db.set_progress_handler(lambda: steps.append(None), 100)
            shown = office_views.blocked(db, held, {}).blocked
            db.set_progress_handler(None, 0)
        assert [one.mac for one in shown] == [one.mac for one in held]
        return len(steps)

    assert work(40) < 3 * work(1)


@pytest.mark.parametrize("hostile", ["<script>x</script>\x07", "a\u202egnp.exe", "x" * 500, "\ud800?"])
def test_a_hostile_name_is_cleaned_wherever_it_comes_from(store: Store, hostile: str) -> None:
    named, _ = _shown(store, {MAC: hostile})
    _session(store, "10.20.0.7", hostile.replace("\ud800", ""))
    written, _ = _shown(store, {})
    for name in (named, written):
        assert len(name) <= 64 and name.isprintable() and "\u202e" not in name
