"""Registers for tests that need no pages: made once, then copied."""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance.kiosk.residents import tables
from appliance.kiosk.residents.register import Register
from appliance.store import audit
from appliance.store.audit import Audit
from appliance.store.database import Store, open_store
from appliance.store.vault import Vault

NOW = 1_790_000_000.0  # 21 September 2026
KEY = b"v" * 32


def make(folder: Path) -> Path:
    """An empty database with the tables of the register and of the audit."""
    path = folder / "kiosk.db"
    open_store(path, [tables.MIGRATIONS, audit.MIGRATIONS]).close()
    return path


def copied(blank: Path, folder: Path) -> Store:
    """A store of its own."""
    return Store(Path(shutil.copy(blank, folder / "kiosk.db")))


def over(store: Store, key: bytes = KEY) -> Register:
    """A register over a store, as another program of the box would open it."""
    return Register(store, Vault(key), Audit(store, lambda: NOW), lambda: NOW, "Asia/Makassar")
