"""A register with nobody in it, and a clerk at the office's desk."""

import datetime
import html
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.register import Register
from appliance.store.database import Store
from tests.unit.appliance.kiosk.residents import registers

TODAY = datetime.date(2026, 9, 21)  # of the world's clock
NEW = "kopi pagi di balai"


@dataclass
class Clerk:
    """Somebody at the office's desk."""

    visitor: Any

    def get(self, path: str) -> Any:
        return self.visitor.get(f"/kantor/warga{path}")

    def post(self, path: str, form: dict[str, Any] | None = None) -> Any:
        return self.visitor.post(f"/kantor/warga{path}", {"csrf_token": self._mark(), **(form or {})})

    def upload(self, content: bytes, name: str = "data.xlsx") -> Any:
        return self.post("/impor", {"berkas": (io.BytesIO(content), name)})

    def _mark(self) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', self.visitor.get("/kantor/").get_data(as_text=True))
        assert found is not None
        return found[1]


def text(response: Any) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


@pytest.fixture
def register(world: Any) -> Register:
    return open_register(world.kiosk())


@pytest.fixture
def log_in(visitor: Any, world: Any) -> Callable[[str], Clerk]:
    """Log somebody in with a role."""

    def enter(role: str) -> Clerk:
        def send(path: str, form: dict[str, str]) -> Any:
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get(path).get_data(as_text=True))
            assert found is not None
            return visitor.post(path, {"csrf_token": found[1], **form})

        visitor.forget()
        name = f"ani.{role.replace('_', '-')}"
        password = world.add(name, role)
        send("/kantor/masuk", {"name": name, "password": password})
        send("/kantor/sandi", {"old": password, "new": NEW, "again": NEW})
        assert send("/kantor/masuk", {"name": name, "password": NEW}).status_code == 303
        return Clerk(visitor)

    return enter


@pytest.fixture
def clerk(log_in: Callable[[str], Clerk]) -> Clerk:
    return log_in("operator")


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database, to be copied."""
    return registers.make(tmp_path_factory.mktemp("residents"))


@pytest.fixture
def store(blank: Path, tmp_path: Path) -> Iterator[Store]:
    made = registers.copied(blank, tmp_path)
    yield made
    made.close()


@pytest.fixture
def kept(store: Store) -> Register:
    """A register without a kiosk round it."""
    return registers.over(store)
