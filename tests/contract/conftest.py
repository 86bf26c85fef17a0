"""What the gate's contract tests share."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import Config, parse

_CLONE_NEWNET = 0x40000000
HUB_TOML = Path(__file__).parents[1] / "golden/rendered/full/hub.toml"


@pytest.fixture
def hub_toml() -> Path:
    return HUB_TOML


@pytest.fixture
def config() -> Config:
    return parse(HUB_TOML.read_text(encoding="utf-8"))


@pytest.fixture
def own_network() -> Iterator[None]:
    """An unnamed network namespace for this thread and what it starts; the kernel removes it with its last user."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        assert libc.unshare(_CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        assert libc.setns(before, _CLONE_NEWNET) == 0
        os.close(before)
