"""What only a store on a server can meet: it goes, comes back, is full, refuses; and several write at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from appliance.core.errors import StoreError, StoreFull, StoreTooNew
from noc import cli
from noc.store import postgres_server
from noc.store.contract import Arrivals, ArrivedBatch, AsideKind, Hub, SetAside
from noc.store.postgres import PostgresNocStore, open_postgres_store, open_postgres_store_reading
from tests import postgres
from tests.integration.conftest import wait_for
from tests.postgres import Cluster
from tests.unit.noc.seed import MINUTE_MS, NOW_MS, arrived, batch, born

HUBS = tuple(f"hub-{number:04d}" for number in range(6))
DAY_MS = 86_400_000


@pytest.fixture
def url(postgres_cluster: Cluster) -> str:
    return postgres_cluster.database()


@pytest.fixture
def store(url: str) -> Iterator[PostgresNocStore]:
    with contextlib.closing(open_postgres_store(url)) as made:
        for hub in HUBS:
            made.add_hub(Hub(hub, hub, "51.03.01.2001"))
        yield made


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A server that a test may end."""
    with postgres.cluster() as made:
        yield made


def sequences(store: PostgresNocStore, hub_id: str = HUBS[0]) -> list[int]:
    return [each.record.sequence for each in store.records(hub_id, 0, NOW_MS * 2)]


def one(minute: int) -> Arrivals:
    return Arrivals([batch(arrived(HUBS[0], minute, (1_000 - minute) * MINUTE_MS))])


def test_a_store_goes_on_where_the_server_was_started_anew(own_cluster: Cluster) -> None:
    url = own_cluster.database()
    with contextlib.closing(open_postgres_store(url)) as store:
        store.add_hub(Hub(HUBS[0], "Sukamaju", "51.03.01.2001"))
        assert store.commit(one(1)) == 1
        own_cluster.stop()
        with pytest.raises(StoreError, match="is the server there"):
            store.commit(one(2))
        with pytest.raises(StoreError, match="is the server there"):
            store.facts()
        own_cluster.start()
        assert store.commit(one(2)) == 1
        assert sequences(store) == [1, 2]
        own_cluster.stop()
        own_cluster.start()
        assert sequences(store) == [1, 2], "a connection that was lost between two questions is nobody's trouble"


def test_a_kill_of_the_server_loses_nothing_that_was_acknowledged_and_doubles_nothing(own_cluster: Cluster) -> None:
    url = own_cluster.database()
    with contextlib.closing(open_postgres_store(url)) as store:
        store.add_hub(Hub(HUBS[0], "Sukamaju", "51.03.01.2001"))
        done: list[int] = []

        def work(first: int) -> int:
            for minute in range(first, 10_000):
                try:
                    done.extend([minute] * store.commit(one(minute)))
                except StoreError:
                    return minute
            raise AssertionError("nobody killed the server")

        for kill in (1, 2, 3):
            with ThreadPoolExecutor(1) as worker:
                failed = worker.submit(work, len(done) + 1)
                while len(done) < 40 * kill:
                    assert not failed.done(), failed.result()
                own_cluster.kill()
                lost = failed.result(30)
            own_cluster.start()
            found = sequences(store)
            assert found in (done, [*done, lost]), "in the moment of the commit it may be there untold"
            # What it was not told of the hub sends again.
            assert store.commit(one(lost)) == (lost not in found)
            done.append(lost)
            assert sequences(store) == done


def _commit_all(url: str, seed: int, batches: list[ArrivedBatch]) -> int:
    """One ingest process: all batches in an order of its own, with states and nonsense between."""
    order = batches[:]
    random.Random(seed).shuffle(order)
    with contextlib.closing(open_postgres_store(url)) as store:
        new = 0
        for at in range(0, len(order), 7):
            hub = HUBS[at % len(HUBS)]
            states = [born(each, NOW_MS, session=seed) for each in sorted(HUBS, key=lambda each: hash((each, seed)))]
            new += store.commit(
                Arrivals(order[at : at + 7], states, [SetAside(hub, AsideKind.MALFORMED, "\0why", b"?", at)])
            )
            if at % 3 == 0:
                store.project(5)
        return new


def test_several_processes_at_once_count_each_record_once_and_wait_for_nobody_for_ever(
    store: PostgresNocStore, url: str
) -> None:
    batches = [
        batch(*(arrived(hub, minute + at, (500 - minute - at) * MINUTE_MS) for at in range(5)))
        for hub in HUBS
        for minute in range(1, 60, 3)  # they overlap
    ]
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as workers:
        counted = [workers.submit(_commit_all, url, seed, batches) for seed in range(1, 5)]
        new = sum(each.result(120) for each in counted)
    assert new == len(HUBS) * 62
    for hub in HUBS:
        assert sequences(store, hub) == list(range(1, 63))
    while store.project(100):
        pass
    assert [each.recent[-1].record.sequence for each in store.facts()] == [62] * len(HUBS)
    assert store.aside_counts()[AsideKind.MALFORMED] == 4 * len(range(0, len(batches), 7))


def test_a_server_that_takes_no_writes_is_full_and_nothing_is_stored(store: PostgresNocStore, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"ALTER DATABASE {db.info.dbname} SET default_transaction_read_only = on".encode())
    store.close()
    with pytest.raises(StoreFull, match="takes no writes"):
        store.commit(one(1))
    assert sequences(store) == []


@pytest.mark.parametrize("error", [errors.DiskFull, errors.IoError, errors.OutOfMemory])
def test_a_full_or_failing_disk_of_the_server_is_told_as_such(error: type[psycopg.Error]) -> None:
    with pytest.raises(StoreFull, match="nothing was stored"), postgres_server.translated("database noc"):
        raise error("could not extend file")


def test_who_may_not_is_told_so_and_a_wrong_password_is_not_told(store: PostgresNocStore, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS tamu")
        db.execute("CREATE ROLE tamu LOGIN")
    guest = url.replace("noc@", "tamu:rahasia@")
    with pytest.raises(StoreError, match="permission denied") as error:
        open_postgres_store(guest)
    assert "rahasia" not in str(error.value)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO tamu")
    with contextlib.closing(open_postgres_store_reading(guest)) as reading:
        assert [each.hub_id for each in reading.hubs()] == list(HUBS)
    with pytest.raises(StoreError, match="does not exist"):
        open_postgres_store_reading(url.replace("noc@", "orang@"))


def test_a_writer_whose_turn_does_not_end_is_not_waited_for_for_ever(
    store: PostgresNocStore, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "LOCK_SECONDS", 1)
    with contextlib.closing(open_postgres_store(url)) as other, store._server.transaction():
        with pytest.raises(StoreError, match="held it for more than"):
            other.commit(one(1))
        assert other.hubs(), "who reads waits for no turn"
    assert store.commit(one(1)) == 1


def test_a_database_of_a_newer_release_is_refused_and_an_empty_one_is_not_read(
    store: PostgresNocStore, url: str, postgres_cluster: Cluster
) -> None:
    with psycopg.connect(url) as db:
        db.execute("INSERT INTO migration VALUES ('m999_future', 0)")
    for opener in (open_postgres_store, open_postgres_store_reading):
        with pytest.raises(StoreTooNew, match="m999_future"):
            opener(url)
    with pytest.raises(StoreError, match="waits for m001_first"):
        open_postgres_store_reading(postgres_cluster.database())


def test_a_commit_is_durable_whatever_the_role_says(store: PostgresNocStore, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as db:
        name = db.info.dbname
        for said, meant in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
            db.execute(f"ALTER DATABASE {name} SET synchronous_commit = {said}".encode())
            store.close()
            with store._server.transaction() as found:
                assert found.execute("SHOW synchronous_commit").fetchone() == (meant,)


def test_a_day_is_a_partition_and_goes_as_one(store: PostgresNocStore, url: str) -> None:
    store.commit(Arrivals([batch(arrived(HUBS[0], day, day * DAY_MS)) for day in (1, 2, 20)]))

    def days() -> list[str]:
        with psycopg.connect(url) as db:
            rows = db.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'batch'::regclass")
            return sorted(name for (name,) in rows.fetchall())

    assert len(days()) == 3
    assert store.sweep(NOW_MS - 14 * DAY_MS, 100) == 1
    assert len(days()) == 2
    assert store.commit(Arrivals([batch(arrived(HUBS[0], 20, 20 * DAY_MS))])) == 0
    assert len(days()) == 2, "what is known needs no day anew"


def test_no_connection_is_left_open(url: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        store = open_postgres_store(url)
        with ThreadPoolExecutor(3) as threads:
            assert [*threads.map(lambda _: len(store.hubs()), range(9))] == [0] * 9
        store.close()
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    # The server's process of a connection ends a moment after the connection.
    with psycopg.connect(url, autocommit=True) as db:
        wait_for(lambda: db.execute(others).fetchone() == (0,), what="the end of every connection")


def test_a_noc_that_was_made_with_a_url_has_its_store_there_for_every_command(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--directory", str(tmp_path / "etc"), "--state", str(tmp_path / "noc")]
    init = ["init", "--broker-host", "localhost", "--database-url", url, *places]
    assert cli.main(init) == 0
    assert (tmp_path / "etc/database.env").stat().st_mode & 0o777 == 0o640
    assert not (tmp_path / "noc/noc.db").exists()
    assert cli.main(init) == 0, "again changes nothing"
    assert (
        cli.main(
            ["hub", "add", "--hub-id", "hub-satu", "--name", "Sukamaju", "--kode-wilayah", "51.03.01.2001", *places]
        )
        == 0
    )
    capsys.readouterr()
    assert cli.main(["hub", "list", *places]) == 0
    assert "hub-satu" in capsys.readouterr().out
    with contextlib.closing(open_postgres_store_reading(url)) as reading:
        assert [each.hub_id for each in reading.hubs()] == ["hub-satu"]
    assert cli.main([*init[:3], "--database-url", url.replace("?", "x?"), *places]) == 1
    assert "names another database" in capsys.readouterr().err
