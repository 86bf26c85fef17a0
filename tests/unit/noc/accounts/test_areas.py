"""Which areas an account is bound to."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.store import accounts
from appliance.store.accounts import AccountError
from appliance.store.database import Store, open_store
from noc.accounts import areas


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = open_store(tmp_path / "accounts.db", [accounts.MIGRATIONS, areas.MIGRATIONS])
    accounts.Accounts(made).add("dpmd", "viewer", 0)
    return made


def test_an_account_sees_the_country_until_it_is_bound(store: Store) -> None:
    assert areas.areas_of(store, "dpmd") == ()
    assert areas.bind(store, "dpmd", "viewer", ["52", "51.03"]) == ("51.03", "52")
    assert areas.areas_of(store, "dpmd") == ("51.03", "52")
    assert areas.areas_of_all(store) == {"dpmd": ("51.03", "52")}
    areas.bind(store, "dpmd", "viewer", [])
    assert areas.areas_of(store, "dpmd") == ()


def test_what_lies_within_another_area_is_not_kept_twice(store: Store) -> None:
    assert areas.bind(store, "dpmd", "viewer", ["51.03.01", "51.03", "51.04.02", "51.03"]) == ("51.03", "51.04.02")


@pytest.mark.parametrize("area", ["", "5", "51.", "51.3", "51.03.01.2004", "51.03.1", "bali", "51 .03", "٥١", "51\n"])
def test_other_forms_are_refused_and_nothing_changes(store: Store, area: str) -> None:
    areas.bind(store, "dpmd", "viewer", ["51"])
    with pytest.raises(AccountError, match="an area is written"):
        areas.bind(store, "dpmd", "viewer", ["52", area])
    assert areas.areas_of(store, "dpmd") == ("51",)


def test_an_admin_is_not_bound_and_nobody_else_is_made_up(store: Store) -> None:
    with pytest.raises(AccountError, match="whole country"):
        areas.bind(store, "dpmd", "admin", ["51"])
    with pytest.raises(AccountError, match="nobody has this name"):
        areas.bind(store, "siapa", "viewer", ["51"])
    with pytest.raises(AccountError, match="at most 64"):
        areas.bind(store, "dpmd", "viewer", [f"51.03.{number:02}" for number in range(65)])
