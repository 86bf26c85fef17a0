"""Which store a NOC has, and that no password is ever told."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from noc.places import Places
from noc.store import opening
from noc.store.postgres_server import Server
from noc.store.sqlite import SqliteNocStore

URL = "postgresql://noc:rahasia@127.0.0.1:1/noc"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, tmp_path)


def write(places: Places, text: str, mode: int = 0o640) -> None:
    path = places.directory / "database.env"
    path.write_text(text)
    path.chmod(mode)


def test_without_a_file_the_store_is_sqlite(places: Places) -> None:
    store = opening.open_store_for(places)
    assert isinstance(store, SqliteNocStore)
    store.close()
    assert places.store.exists()


@pytest.mark.parametrize(
    "text", [f"DATABASE_URL={URL}\n", f"# why\n\nDATABASE_URL='{URL}'", f'  DATABASE_URL = "{URL}" \n']
)
def test_the_file_names_the_database(places: Places, text: str) -> None:
    write(places, text)
    assert opening.configured_url(places) == URL
    with pytest.raises(StoreError) as error:
        opening.open_store_for(places)
    assert "database noc at 127.0.0.1" in str(error.value)
    assert "rahasia" not in repr(error.value) + str(error.value.__cause__)
    assert not places.store.exists(), "no other store is made in its place"


@pytest.mark.parametrize(
    "text", ["", "DATABASE_URL=\n", "rahasia", f"DATABASE_URL={URL}\nDATABASE_URL={URL}", f"URL={URL}"]
)
def test_another_file_is_refused_without_its_text(places: Places, text: str) -> None:
    write(places, text)
    with pytest.raises(StoreError, match="one line") as error:
        opening.open_store_for(places)
    assert "rahasia" not in str(error.value)


def test_a_file_that_everybody_may_read_is_refused(places: Places) -> None:
    write(places, f"DATABASE_URL={URL}\n", 0o644)
    with pytest.raises(StoreError, match="everybody"):
        opening.open_store_for(places)


def test_the_url_is_written_once_and_not_replaced(places: Places) -> None:
    url = "postgresql://noc@/noc"
    path = opening.write_url(places, url)
    assert path is not None and path.stat().st_mode & 0o777 == 0o640
    assert opening.write_url(places, url) is None
    with pytest.raises(StoreError, match="names another"):
        opening.write_url(places, "postgresql://noc@/other")
    assert opening.configured_url(places) == url


@pytest.mark.parametrize(
    "url",
    [
        "mysql://rahasia@x/y",
        "postgresql://rahasia:x@host:port:/noc",
        "rahasia",
        "postgresql://noc@host/",
        "\0",
        "postgresql://noc:12/rahasia@host/noc",
        "postgresql://noc:rahasia/x@host/noc",
    ],
)
def test_what_is_no_url_of_postgresql_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(StoreError, match="not one of PostgreSQL") as error:
        Server(url)
    assert "rahasia" not in str(error.value)


@pytest.mark.parametrize("url", [URL, "postgresql:///noc?password=rahasia", "postgresql://[rahasia/noc"])
def test_a_password_among_the_arguments_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    opening.add_database_option(parser, "")
    with pytest.raises(SystemExit):
        parser.parse_args(["--database-url", url])
    said = capsys.readouterr().err
    assert "database.env" in said and "rahasia" not in said
    assert parser.parse_args(["--database-url", "postgresql://noc@/noc"]).database_url == "postgresql://noc@/noc"
