"""The index: what was put in is found, nothing else is, and a damaged file is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.errors import OperationError
from appliance.dns_filter import index

_names = st.sets(st.from_regex(rb"[a-z]{1,6}(\.[a-z]{1,4}){1,3}", fullmatch=True), max_size=60)


def _write(path: Path, names: set[bytes]) -> int:
    builder = index.Builder()
    for name in names:
        builder.add(name)
        builder.add(name)  # doubles are dropped
    return index.write(path, builder.runs())


@given(_names, _names)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_listed_is_found_and_nothing_else(tmp_path: Path, listed: set[bytes], others: set[bytes]) -> None:
    assert _write(tmp_path / "index", listed) == len(listed)
    made = index.open_index(tmp_path / "index")
    assert all(made.has(name) and made.blocks(b"www." + name) for name in listed)
    assert not any(made.has(name) for name in others - listed)
    assert len(made) == len(listed)


@given(_names, _names)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merging_is_the_union(tmp_path: Path, one: set[bytes], other: set[bytes]) -> None:
    for name, names in (("one", one), ("other", other), ("both", one | other)):
        _write(tmp_path / name, names)
    parts = [index.open_index(tmp_path / name) for name in ("one", "other")]
    index.write(tmp_path / "merged", index.merged(parts))
    assert (tmp_path / "merged").read_bytes() == (tmp_path / "both").read_bytes()


def test_an_empty_index_blocks_nothing(tmp_path: Path) -> None:
    assert _write(tmp_path / "index", set()) == 0
    for made in (index.EMPTY, index.open_index(tmp_path / "index")):
        assert not made.blocks(b"judi.example")


@pytest.mark.parametrize("place", [0, 7, 9, 20, 40])
def test_a_damaged_file_is_refused(tmp_path: Path, place: int) -> None:
    path = tmp_path / "index"
    _write(path, {b"judi.example", b"slot.example"})
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(OperationError, match="run desahub-filter-update again"):
        index.open_index(path)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 40])
def test_a_short_file_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "index"
    _write(path, {b"judi.example", b"slot.example"})
    os.truncate(path, size)
    with pytest.raises(OperationError, match="is damaged"):
        index.open_index(path)


def test_the_old_file_stays_when_there_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index"
    _write(path, {b"judi.example"})
    before = path.read_bytes()
    monkeypatch.setattr(index, "DOMAINS_MAX", 1)
    with pytest.raises(OperationError, match="leave a list out"):
        _write(path, {b"a.example", b"b.example"})
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["index"]


def test_an_index_that_is_replaced_goes_on_being_read(tmp_path: Path) -> None:
    _write(tmp_path / "index", {b"judi.example"})
    old = index.open_index(tmp_path / "index")
    _write(tmp_path / "index", {b"slot.example"})
    assert old.blocks(b"judi.example")
    assert not index.open_index(tmp_path / "index").blocks(b"judi.example")
