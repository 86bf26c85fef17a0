"""Batches in the database: what is kept of codes and devices, and what is not."""

import dataclasses
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.config.village import Timezone
from appliance.core.errors import StoreError
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import MakeBatch
from captive_portal import budgets
from captive_portal.grants import Grants, open_grants
from captive_portal.keeper import notebook
from captive_portal.now import Now
from captive_portal.vouchers import codes
from captive_portal.vouchers import keys as voucher_keys
from captive_portal.vouchers import store as vouchers
from captive_portal.vouchers.keys import DISTRICT_NAME, LOCAL_NAME, install_district_key, open_keys

KEY, OTHER_KEY, ZONE = b"k" * 32, b"o" * 32, Timezone.WITA
NOW = Now("a" * 32, 1_000, 1_790_000_000, WallQuality.NTP)
WANTED = MakeBatch("Uji", 5, 1, 3_600, 0, "", 30, "made")
ONE = Client("10.20.0.7", "02:00:00:00:00:01")


@pytest.fixture
def grants(tmp_path: Path) -> Iterator[Grants]:
    made = open_grants(tmp_path / "grants.db")
    yield made
    made.store.close()


def _make(grants: Grants, now: Now = NOW) -> int:
    return grants.write(lambda db: vouchers.make_batch(db, KEY, WANTED, now, ZONE))


def _begin(grants: Grants, code: str, now: Now = NOW) -> None:
    def step(db):  # type: ignore[no-untyped-def]
        voucher = vouchers.find(db, codes.digest(KEY, codes.normalise(code)))
        assert voucher is not None
        voucher_id, _ = vouchers.begin(db, voucher, now)
        vouchers.take_place(db, voucher_id, ONE, now)

    grants.write(step)


def _codes(grants: Grants, key: bytes = KEY, batch_id: int = 1) -> list[str]:
    with grants.store.reading() as db:
        found = vouchers.batch_codes(db, key, batch_id, NOW, ZONE)
    return [one.code for one in found.vouchers] if found else []


def test_no_code_stands_in_the_database(grants: Grants) -> None:
    _make(grants)
    shown = _codes(grants)
    grants.store.close()
    content = b"".join(path.read_bytes() for path in grants.store.path.parent.iterdir())
    for code in shown:
        assert code.encode() not in content and code.replace("-", "").encode() not in content


def test_another_key_shows_no_codes_rather_than_wrong_ones(grants: Grants) -> None:
    _make(grants)
    with pytest.raises(ValueError, match=r"another voucher\.key"):
        _codes(grants, OTHER_KEY)


def test_codes_of_a_lost_database_do_not_come_up_again(tmp_path: Path) -> None:
    seen = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = open_grants(folder / "grants.db")
        _make(made)
        seen.append(set(_codes(made)))
        made.store.close()
    assert not seen[0] & seen[1]


def test_a_code_that_came_up_before_is_made_anew(grants: Grants, monkeypatch: pytest.MonkeyPatch) -> None:
    salts = iter([b"s" * 16, b"s" * 16, b"t" * 16])
    monkeypatch.setattr(secrets, "token_bytes", lambda _: next(salts))
    _make(grants)
    _make(grants)
    assert not set(_codes(grants)) & set(_codes(grants, batch_id=2))


def test_who_used_a_voucher_is_forgotten_when_it_is_over(grants: Grants) -> None:
    _make(grants)
    _begin(grants, _codes(grants)[0])
    day = "2026-09-21"
    later = dataclasses.replace(NOW, boot_seconds=NOW.boot_seconds + 3_599)
    grants.write(lambda db: notebook.tidy(db, 30, day, later))
    with grants.store.reading() as db:
        assert db.rows("SELECT * FROM voucher_devices") != []
    later = dataclasses.replace(NOW, boot_seconds=NOW.boot_seconds + 3_600)
    grants.write(lambda db: notebook.tidy(db, 30, day, later))
    with grants.store.reading() as db:
        assert db.rows("SELECT * FROM voucher_devices") == [] and len(db.rows("SELECT * FROM vouchers")) == 5


def test_the_keeper_gives_a_batch_its_last_day_when_it_learns_the_date(grants: Grants) -> None:
    blind = dataclasses.replace(NOW, wall_seconds=7, wall_quality=WallQuality.UNKNOWN)
    _make(grants, blind)
    grants.write(lambda db: notebook.tidy(db, 30, "boot:a:0", blind))
    grants.write(lambda db: notebook.tidy(db, 30, "2026-09-21", NOW))
    with grants.store.reading() as db:
        assert vouchers.batches(db, NOW, ZONE)[0].last_day == "2026-10-21"


def test_what_was_given_back_late_has_been_of_use(grants: Grants) -> None:
    _make(grants)
    _begin(grants, _codes(grants)[0])
    later = dataclasses.replace(NOW, boot_seconds=NOW.boot_seconds + vouchers.GIVE_BACK_SECONDS + 1)
    grants.write(lambda db: vouchers.give_back(db, "1-1", ONE, later))
    with grants.store.reading() as db:
        assert vouchers.batches(db, later, ZONE)[0].active_count == 1


def test_a_budget_of_a_voucher_is_named_by_it_and_stays(grants: Grants) -> None:
    _make(grants)
    code = codes.normalise(_codes(grants)[0])
    _begin(grants, code)
    with grants.store.reading() as db:
        voucher = vouchers.find(db, codes.digest(KEY, code))
        assert voucher is not None and voucher.budget == budgets.get(db, 1)


# -- keys --------------------------------------------------------------------------------------------------------------


def test_the_boxs_key_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    first = open_keys(tmp_path)
    assert len(first.local) == 32 and first.local == open_keys(tmp_path).local
    assert (tmp_path / LOCAL_NAME).stat().st_mode & 0o777 == 0o600 and first.district() is None


def test_a_districts_key_is_replaced_at_once_and_never_half(tmp_path: Path) -> None:
    keys, path = open_keys(tmp_path), tmp_path / DISTRICT_NAME
    install_district_key(path, "ab" * 32)
    assert keys.district() == b"\xab" * 32 and path.stat().st_mode & 0o777 == 0o600
    install_district_key(path, "cd" * 32)
    assert keys.district() == b"\xcd" * 32
    for wrong in ("ab", "xy" * 32, "ab" * 33):
        with pytest.raises(StoreError, match="allowed are 64"):
            install_district_key(path, wrong)
    assert keys.district() == b"\xcd" * 32
    install_district_key(path, "")
    install_district_key(path, "")
    assert keys.district() is None
    assert [one.name for one in tmp_path.iterdir()] == [LOCAL_NAME]


def test_a_damaged_key_is_told_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / DISTRICT_NAME).write_text("5ecret")
    with pytest.raises(StoreError) as caught:
        open_keys(tmp_path).district()
    assert "5ecret" not in str(caught.value) and "64 hexadecimal" in str(caught.value)
    assert voucher_keys.parse_key(" " + "ab" * 32 + "\n", "x") == b"\xab" * 32


def test_batches_are_counted_as_each_voucher_says_of_itself(grants: Grants) -> None:
    for _ in range(3):
        _make(grants)
    shown = _codes(grants)
    _begin(grants, shown[0])
    _begin(grants, shown[1])
    _begin(grants, shown[2])
    grants.write(lambda db: db.execute("UPDATE budgets SET quota_bytes = 10, used_bytes = 10 WHERE id = 2"))
    grants.write(lambda db: vouchers.void(db, 1, 3, NOW))
    grants.write(lambda db: vouchers.void(db, 2, None, NOW))
    for boot, seconds in (("a", 0), ("a", 3_599), ("a", 3_600), ("a", 40 * 86_400), ("b", 20)):
        now = dataclasses.replace(
            NOW, boot_id=boot * 32, boot_seconds=1_000 + seconds, wall_seconds=NOW.wall_seconds + seconds
        )
        with grants.store.reading() as db:
            listed = vouchers.batches(db, now, ZONE)
            each = [vouchers.batch_codes(db, KEY, number, now, ZONE) for number in (3, 2, 1)]
        assert [one.batch for one in each if one] == list(listed)
