"""``desahub-noc account`` as root types it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest

from noc import cli, setup
from noc.accounts import areas, tokens
from noc.accounts.opening import open_accounts, open_factors
from noc.fleet_book.sqlite import open_fleet_book

Run = Callable[..., str]


@pytest.fixture
def places(tmp_path: Path) -> setup.Places:
    made = setup.Places(tmp_path / "etc", tmp_path / "var")
    setup.initialise(made, ["localhost"], datetime.datetime.now(datetime.UTC))
    return made


@pytest.fixture
def run(places: setup.Places, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SUDO_USER", "putu")

    def run(*words: str, status: int = 0) -> str:
        folders = ["--directory", str(places.directory), "--state", str(places.state)]
        assert cli.main(["account", words[0], *folders, *words[1:]]) == status
        said = capsys.readouterr()
        return said.err if status else said.out

    return run


def test_accounts_are_made_changed_and_listed(run: Run) -> None:
    assert "password, shown this once" in run("add", "dpmd", "--role", "viewer", "--area", "51.03", "52")
    run("role", "dpmd", "operator")
    assert "dpmd: operator, 51.03 52, one-time password" in run("list")
    run("areas", "dpmd")
    run("disable", "dpmd")
    assert "dpmd: operator, whole country, one-time password, disabled" in run("list")
    run("enable", "dpmd")
    assert "disabled" not in run("list")


def test_every_change_is_in_the_audit(run: Run, places: setup.Places) -> None:
    run("add", "dpmd")
    run("areas", "dpmd", "51")
    run("policy", "--second-factor", "admin", "operator")
    run("reset", "dpmd")
    run("list")
    run("policy")
    with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        said = [(each.by, each.what, each.subject, each.why) for each in book.deeds(9)][::-1]
    assert said == [
        ("putu", "account_added", "account:dpmd", "operator"),
        ("putu", "areas_changed", "account:dpmd", "- -> 51"),
        ("putu", "policy_changed", "accounts", "admin -> admin operator"),
        ("putu", "password_reset", "account:dpmd", ""),
    ]


def test_a_reset_lets_nobody_in_whose_account_was_disabled(run: Run) -> None:
    run("add", "dpmd")
    run("disable", "dpmd")
    run("reset", "dpmd")
    assert "dpmd: operator, whole country, one-time password, disabled" in run("list")


def test_an_account_that_loses_its_areas_on_the_way_is_not_made(
    run: Run, places: setup.Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the machine went dark")

    monkeypatch.setattr(areas, "write", fail)
    with pytest.raises(RuntimeError, match="dark"):
        run("add", "dpmd", "--area", "51.03")
    assert "dpmd" not in run("list")
    assert all(each.name != "dpmd" for each in open_accounts(places).all())


def test_a_factor_is_reset_and_tokens_end_with_it(run: Run, places: setup.Places) -> None:
    people = open_accounts(places)
    factors, now = open_factors(places, people), 1_780_000_000
    people.add("sari", "operator", now)
    draft = factors.begin(people.one("sari"), now)
    assert factors.confirm("sari", "", pyotp.TOTP(draft.secret).at(now), now)
    tokens.make(people.store, "sari", "uji", now)
    assert "sari: operator, whole country, second factor" in run("list")
    run("reset-factor", "sari")
    assert not factors.has("sari") and tokens.of(people.store, "sari") == ()
    assert "has no second factor" in run("reset-factor", "sari", status=1)


def test_the_policy_is_printed_and_set(run: Run) -> None:
    assert run("policy") == "second factor: admin\n"
    assert run("policy", "--second-factor") == "second factor: nobody\n"
    assert run("policy", "--second-factor", "viewer", "admin") == "second factor: admin viewer\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "A"), "allowed are 2 to 32"),
        (("add", "dpmd", "--area", "Bali"), "an area is written"),
        (("add", "dpmd", "--role", "admin", "--area", "51"), "whole country"),
        (("disable", "admin"), "only admin"),
        (("role", "admin", "viewer"), "only admin"),
        (("reset", "siapa"), "nobody has this name"),
        (("areas", "siapa", "51"), "nobody has this name"),
        (("reset-factor", "admin"), "has no second factor"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(run: Run, words: tuple[str, ...], sentence: str) -> None:
    before = run("list")
    assert sentence in run(*words, status=1)
    assert run("list") == before
