"""Made-up residents pass for real ones wherever a register looks, and are the same for the same seed."""

import datetime
from collections import Counter

from appliance.kiosk.residents import nik
from appliance.kiosk.residents.made_up import rows

TODAY = datetime.date(2026, 9, 21)


def test_the_same_seed_gives_the_same_village_and_another_another() -> None:
    first, again, other = (list(rows(50, seed=seed, kode_wilayah="51.03.01.2001", today=TODAY)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_numbers_are_valid_and_each_is_given_once() -> None:
    made = list(rows(2_000, seed=3, kode_wilayah="51.03.01.2001", today=TODAY))
    assert len(made) == 2_000
    assert max(Counter(row["nik"] for row in made).values()) == 1
    for row in made:
        assert nik.parse(row["nik"])
        assert row["nik"].startswith("510301")
        assert int(row["nik"][-4:]) >= 9_001, "no civil registry has come to these"
        birth = datetime.date.fromisoformat(row["tanggallahir"])
        assert birth < TODAY
        assert int(row["nik"][6:8]) == birth.day + (40 if row["sex"] == "2" else 0)


def test_families_have_one_head_and_parents_older_than_their_children() -> None:
    made = list(rows(2_000, seed=4, kode_wilayah="51.03.01.2001", today=TODAY))
    by_nik = {row["nik"]: row for row in made}
    last = made[-1]["no_kk"]  # cut off by the number asked for
    heads = Counter(row["no_kk"] for row in made if row["kk_level"] == "1")
    assert all(heads[row["no_kk"]] == 1 for row in made if row["no_kk"] != last)
    children = [row for row in made if row["kk_level"] == "4"]
    assert len(children) > 200
    for child in children:
        for parent in (child.get("ayah_nik"), child["ibu_nik"]):
            if parent is not None:
                assert by_nik[parent]["tanggallahir"] < child["tanggallahir"]
                assert by_nik[parent]["no_kk"] == child["no_kk"]
