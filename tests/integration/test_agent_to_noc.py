"""The thin line on real parts: agent, broker with mutual TLS, ingest, store, and back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.integration.conftest import Bed, wait_for


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True) as connection:
        found = connection.execute(statement).fetchall()
    connection.close()
    return found


def waiting(bed: Bed) -> int:
    return len(rows(bed.folder / "hub/outbox.db", "SELECT 1 FROM waiting"))


def kept(bed: Bed) -> int:
    return len(rows(bed.folder / "noc/noc.db", "SELECT 1 FROM record"))


def test_a_record_is_committed_acknowledged_and_let_go(bed: Bed) -> None:
    bed.start_broker()
    ingest = bed.start_ingest()
    agent = bed.start_agent()
    wait_for(lambda: (bed.folder / "hub/outbox.db").exists() and waiting(bed) >= 2, what="records without an identity")
    assert "no identity yet" in bed.log("agent")
    bed.enrol("hub-satu", bed.folder / "hub/identity")
    wait_for(lambda: kept(bed) >= 3, what="records in the NOC's store")
    wait_for(lambda: waiting(bed) == 0, what="an empty outbox")
    assert (bed.folder / "run/uplink.json").exists()
    assert rows(bed.folder / "noc/noc.db", "SELECT online FROM state") == [(1,)]
    assert bed.end(agent) == 0
    wait_for(lambda: rows(bed.folder / "noc/noc.db", "SELECT online FROM state") == [(0,)], what="the goodbye")
    assert bed.end(ingest) == 0
    assert "Traceback" not in bed.log("agent") + bed.log("ingest")
