"""The filter's start and its reload, without its sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from pathlib import Path

import pytest

from appliance.core.errors import ConfigError
from appliance.dns_filter import index
from appliance.dns_filter.__main__ import Places, begin, main, reload
from tests.golden.test_rendered import FOLDER

TOML = (FOLDER / "filter" / "hub.toml").read_text("utf-8")


def _write(folder: Path, *names: bytes) -> None:
    builder = index.Builder()
    for name in names:
        builder.add(name)
    index.write(folder / "index", builder.runs())


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "hub.toml").write_text(TOML)
    _write(tmp_path, b"judi.example")
    return Places(tmp_path / "hub.toml", tmp_path / "index", tmp_path / "held.json", 53)


def test_a_reload_takes_both_and_lets_the_old_index_leave_memory(places: Places, tmp_path: Path) -> None:
    filter_ = begin(places)
    old = weakref.ref(filter_.index)
    assert filter_.index.blocks(b"judi.example")
    _write(tmp_path, b"slot.example", b"togel.example")
    (tmp_path / "hub.toml").write_text(TOML.replace('["judi.example"]', '["baru.example"]'))
    asyncio.run(reload(filter_, places))
    assert b"baru.example" in filter_.policy.blocked
    assert not filter_.index.blocks(b"judi.example")
    gc.collect()
    assert old() is None
    assert json.loads((tmp_path / "held.json").read_text())["domains"] == 2


@pytest.mark.parametrize("broken", ["index", "hub.toml"])
def test_a_reload_that_fails_changes_nothing(places: Places, tmp_path: Path, broken: str) -> None:
    filter_ = begin(places)
    before = (filter_.policy, filter_.index, filter_.upstream)
    (tmp_path / "new").write_text("nonsense")
    (tmp_path / "new").rename(tmp_path / broken)
    asyncio.run(reload(filter_, places))
    assert (filter_.policy, filter_.index, filter_.upstream) == before


def test_it_starts_without_an_index_or_with_a_damaged_one_but_not_without_a_configuration(
    places: Places, tmp_path: Path
) -> None:
    (tmp_path / "index").write_text("nonsense")
    assert len(begin(places).index) == 0
    (tmp_path / "index").unlink()
    assert len(begin(places).index) == 0
    (tmp_path / "hub.toml").write_text("nonsense")
    with pytest.raises(ConfigError):
        begin(places)
    assert main(["--config", str(tmp_path / "hub.toml"), "--state-directory", str(tmp_path)]) == 1
