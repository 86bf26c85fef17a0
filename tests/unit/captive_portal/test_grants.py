"""Grants survive restarts and reboots, with the time and data they had, and leave a history of sessions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from appliance.core.clock import WallQuality
from appliance.core.config.networks import Access
from appliance.core.errors import StoreTooNew
from appliance.gate.protocol import Client
from appliance.store.database import open_store
from captive_portal import blocks, budgets, schema
from captive_portal import grants as module
from captive_portal.grants import Grants, open_grants
from captive_portal.now import Now
from captive_portal.rules import Block, Decision, End, Offer, Verdict, remaining_seconds

ONE, OTHER = Client("10.20.0.7", "02:00:00:00:00:01"), Client("10.20.0.8", "02:00:00:00:00:02")
NOW = Now("a" * 32, 1_000, 7)


def _at(seconds: int, boot: str = "a") -> Now:
    return Now(boot * 32, seconds, 0)


def _decision(client: Client, lease_seconds: int = 600, **offer: Any) -> Decision:
    made = Offer(**{"way": Access.TERMS, "lease_seconds": lease_seconds, **offer})
    return Decision(Verdict.ADMIT, client, lease_seconds, 0, "warga", made)


def _sessions(grants: Grants) -> list[tuple[str, str, int | None]]:
    with grants.store.reading() as db:
        rows = db.execute("SELECT address, end_reason, duration_seconds FROM sessions ORDER BY id").fetchall()
    return [(address, reason, duration) for address, reason, duration in rows]


def _budget_count(grants: Grants) -> int:
    with grants.store.reading() as db:
        return int(db.execute("SELECT count(*) FROM budgets").fetchone()[0])


@pytest.fixture
def grants(world: Any) -> Grants:
    found: Grants = world.grants
    return found


def test_a_grant_is_found_until_it_ends_and_after_a_restart(grants: Grants, world: Any) -> None:
    kept = grants.keep(_decision(ONE), NOW)
    grants.store.close()
    again = open_grants(world.folder / "grants.db")
    assert again.of(ONE, _at(1_599)) == kept and again.all() == (kept,)
    assert again.of(ONE, _at(1_600)) is None
    assert again.of(Client(ONE.address, OTHER.mac), NOW) is None
    again.store.close()


def test_nothing_is_kept_of_who_is_not_admitted(grants: Grants) -> None:
    with pytest.raises(ValueError, match="no_mac"):
        grants.keep(Decision(Verdict.NO_MAC), NOW)
    assert grants.all() == () and _sessions(grants) == []


def test_an_address_given_to_another_device_takes_the_grant_away(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    newcomer = Client(ONE.address, OTHER.mac)
    grants.keep(_decision(newcomer), _at(1_100))
    assert grants.of(ONE, NOW) is None and grants.of(newcomer, NOW) is not None
    assert _sessions(grants) == [(ONE.address, "replaced", 100), (ONE.address, "", None)]
    assert _budget_count(grants) == 1


def test_a_renewal_is_a_session_of_its_own(grants: Grants) -> None:
    first = grants.keep(_decision(ONE, quota_bytes=5), NOW)
    second = grants.keep(_decision(ONE, quota_bytes=5), _at(1_050))
    assert second.budget.id > first.budget.id and grants.all() == (second,)
    assert _sessions(grants) == [(ONE.address, "renewed", 50), (ONE.address, "", None)]


def test_logging_out_ends_the_session_and_twice_is_no_error(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    grants.take_back(ONE, _at(1_030))
    grants.take_back(ONE, _at(1_040))
    assert grants.all() == () and _sessions(grants) == [(ONE.address, "logout", 30)]
    assert _budget_count(grants) == 0


def test_what_the_gate_refused_was_no_session(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    grants.drop(ONE)
    assert grants.all() == () and _sessions(grants) == []


def test_a_newer_grant_is_not_ended_for_an_older_one(grants: Grants) -> None:
    old = grants.keep(_decision(ONE), NOW)
    new = grants.keep(_decision(ONE), NOW)
    grants.write(lambda db: module.end_session(db, old.session_id, End.IDLE, NOW))
    assert grants.all() == (new,)
    grants.write(lambda db: module.end_session(db, new.session_id, End.IDLE, NOW))
    assert grants.all() == ()


def test_grants_of_a_voucher_share_its_budget_which_outlives_them(grants: Grants) -> None:
    budget_id = grants.write(lambda db: budgets.make(db, 3_600, 500, NOW, is_shared=True))
    made = {"way": Access.VOUCHER, "voucher": "12-7", "budget_id": budget_id, "speed": "cepat"}
    one, other = (grants.keep(_decision(client, 60, **made), _at(1_600)) for client in (ONE, OTHER))
    assert one.budget == other.budget and one.budget.lease_seconds == 3_600
    assert remaining_seconds(one, _at(1_600)) == 3_000
    assert (one.way, one.voucher, one.speed) == (Access.VOUCHER, "12-7", "cepat")
    with grants.store.reading() as db:
        assert [grant.client for grant in module.of_voucher(db, "12-7")] == [ONE, OTHER]
        assert [grant.client for grant in module.of_mac(db, ONE.mac)] == [ONE]
    grants.take_back(ONE, _at(1_700))
    grants.take_back(OTHER, _at(1_700), End.VOUCHER)
    assert _budget_count(grants) == 1


@pytest.mark.parametrize(("at", "left"), [(1_100, 500 + 60), (1_600, 60), (9_000, 60)])
def test_more_time_is_counted_from_now_where_it_had_ended(grants: Grants, at: int, left: int) -> None:
    kept = grants.keep(_decision(ONE), NOW)
    grants.write(lambda db: budgets.extend(db, kept.budget.id, 60, _at(at)))
    assert [remaining_seconds(grant, _at(at)) for grant in grants.all()] == [left]


def _left_after_a_reboot(grants: Grants, noted_at: int | None) -> list[int]:
    if noted_at is not None:
        grants.write(lambda db: budgets.note(db, _at(noted_at)))
    now = _at(20, "b")
    before = [remaining_seconds(grant, now) for grant in grants.all()]
    assert grants.write(lambda db: budgets.carry_over(db, now)) == 20
    assert grants.write(lambda db: budgets.carry_over(db, _at(90, "b"))) == 20, "once in a boot"
    after = [remaining_seconds(grant, now) for grant in grants.all()]
    assert before == after, "the portal may look before they are carried over"
    return after


@pytest.mark.parametrize(("noted_at", "left"), [(None, 600), (990, 600), (1_250, 350), (1_599, 1), (1_600, 0)])
def test_a_reboot_gives_back_what_was_left_when_the_boot_was_last_noted(
    grants: Grants, noted_at: int | None, left: int
) -> None:
    grants.keep(_decision(ONE), NOW)
    assert _left_after_a_reboot(grants, noted_at) == [left]


def test_what_had_passed_before_one_reboot_is_not_given_back_by_the_next(grants: Grants) -> None:
    grants.keep(_decision(ONE), NOW)
    _left_after_a_reboot(grants, 1_250)
    grants.write(lambda db: budgets.note(db, _at(120, "b")))
    grants.write(lambda db: budgets.carry_over(db, _at(5, "c")))
    assert [remaining_seconds(grant, _at(5, "c")) for grant in grants.all()] == [250]


def test_one_device_holds_four_addresses_and_loses_the_oldest(grants: Grants) -> None:
    clients = [Client(f"10.20.0.{number}", ONE.mac) for number in range(10, 60)]
    grants.keep(_decision(OTHER), NOW)
    for number, client in enumerate(clients):
        grants.keep(_decision(client, 9_000), _at(1_000 + number))
    now = _at(1_500)
    assert [client for client in clients if grants.of(client, now)] == clients[-4:]
    grants.keep(_decision(clients[-4], 9_000), now)  # renewed, it is the newest
    grants.keep(_decision(clients[0], 9_000), now)
    assert grants.of(clients[-4], now) is not None and grants.of(clients[-3], now) is None
    assert grants.of(OTHER, now) is not None


def test_a_blocked_device_is_known_until_its_block_ends(grants: Grants) -> None:
    def block(seconds: int | None, now: Now) -> None:
        grants.write(lambda db: blocks.add(db, Block(ONE.mac, seconds, "operator", "why", now.wall_seconds), now))

    def left(now: Now) -> Any:
        found = grants.known(ONE.mac, "today", now).block
        assert (grants.known_on("today", now).get(ONE.mac) is None) is (found is None)
        return found and found.remaining_seconds

    block(600, NOW)
    assert [left(_at(1_000 + passed)) for passed in (0, 599, 600)] == [600, 1, None]
    block(None, NOW)
    assert grants.known(ONE.mac, "today", _at(10**9)).block == Block(ONE.mac, None, "operator", "why", 7)
    assert grants.known(OTHER.mac, "today", NOW).block is None
    assert grants.write(lambda db: blocks.remove(db, ONE.mac)) and not grants.write(
        lambda db: blocks.remove(db, ONE.mac)
    )
    assert left(NOW) is None and _budget_count(grants) == 0
    # The box was off for an hour, and knows the date: the block has ended.
    block(600, Now("a" * 32, 1_000, 5_000, WallQuality.NTP))
    assert left(Now("b" * 32, 10, 5_100, WallQuality.NTP)) == 500
    assert left(Now("b" * 32, 10, 8_600, WallQuality.NTP)) is None
    grants.write(lambda db: blocks.drop_ended(db, Now("b" * 32, 10, 8_600, WallQuality.NTP)))
    assert _budget_count(grants) == 0


def test_a_database_of_the_first_release_keeps_its_grants(tmp_path: Path) -> None:
    store = open_store(tmp_path / "grants.db", [])
    with store.transaction() as db:
        for step in list(schema.MIGRATIONS.steps.values())[:2]:
            step(sqlite_utils.Database(db, execute_plugins=False))
        db.execute("CREATE TABLE _sqlite_migrations (migration_set TEXT, name TEXT, applied_at TEXT)")
        for name in ("m001_grants", "m002_leaving"):
            db.execute("INSERT INTO _sqlite_migrations VALUES ('grants', ?, '')", (name,))
        db.execute("INSERT INTO grants VALUES ('10.20.0.7', '02:00:00:00:00:01', 600, ?, 1000, 600, 7)", ("a" * 32,))
    store.close()
    again = open_grants(tmp_path / "grants.db")
    assert [(one.client, remaining_seconds(one, _at(1_100)), one.way) for one in again.all()] == [
        (ONE, 500, Access.TERMS)
    ]
    again.take_back(ONE, _at(1_100))
    assert _sessions(again) == [(ONE.address, "logout", 100)]
    again.store.close()


def test_a_login_is_one_commit(grants: Grants) -> None:
    commits: list[str] = []
    with grants.store.reading() as db:
        db.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    commits.clear()
    grants.keep(_decision(ONE), NOW)
    assert commits == ["COMMIT"]


def _tear(content: bytes) -> bytes:
    return content[:4096] + bytes(4096) + content[8192:]


@pytest.mark.parametrize("damage", [lambda content: b"no database" * 999, _tear], ids=["other", "page"])
def test_a_damaged_database_is_set_aside_and_older_ones_stay(
    tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "grants.db"
    for number in (1, 2):
        grants = open_grants(path)
        assert grants.of(ONE, NOW) is None
        grants.keep(_decision(ONE), NOW)
        with grants.store.reading() as db:
            assert db.execute("PRAGMA page_count").fetchone()[0] > 2
        grants.store.close()
        damaged = damage(path.read_bytes())
        path.write_bytes(damaged)
        open_grants(path).store.close()
        assert (tmp_path / f"grants.db.damaged-{number}").read_bytes() == damaged
    assert caplog.text.count("set aside") == 2


def test_a_database_that_is_only_newer_is_not_set_aside(grants: Grants, world: Any) -> None:
    with grants.store.transaction() as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('grants', 'm999', '')")
    with pytest.raises(StoreTooNew):
        open_grants(world.folder / "grants.db")
    assert not list(world.folder.glob("*damaged*"))
