"""A clerk who is logged in, and a hotspot with devices in it."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.gate.protocol import Client

PHONE = Client("10.20.0.7", "02:00:00:00:00:07")
HOSTILE = "<script>alert('x')</script>"
NEW = "kopi pagi di balai"


@dataclass
class Clerk:
    """Somebody at the office's desk."""

    visitor: Any

    def get(self, path: str = "") -> Any:
        return self.visitor.get(f"/kantor/hotspot{path}")

    def post(self, path: str, form: dict[str, str] | None = None, token: str | None = None) -> Any:
        csrf = self.field("csrf_token", "/diblokir" if token is None else token)
        return self.visitor.post(f"/kantor/hotspot{path}", {"csrf_token": csrf, **(form or {})})

    def field(self, name: str, path: str) -> str:
        page = self.visitor.get("/kantor/").get_data(as_text=True) if name == "csrf_token" else self.page(path)
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
        assert found is not None, f"no {name} in {path}"
        return found[1]

    def page(self, path: str = "") -> str:
        text: str = self.get(path).get_data(as_text=True)
        return text

    def text(self, path: str = "/") -> str:
        return words(self.get(path))


def words(response: Any) -> str:
    """The words of a page."""
    page = re.sub(r"<style.*?</style>", " ", response.get_data(as_text=True))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def log_in(visitor: Any, world: Any) -> Callable[[str, str], Clerk]:
    """Log somebody in with a role."""

    def enter(name: str, role: str) -> Clerk:
        def send(path: str, form: dict[str, str]) -> Any:
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get(path).get_data(as_text=True))
            assert found is not None
            return visitor.post(path, {"csrf_token": found[1], **form})

        password = world.add(name, role)
        send("/kantor/masuk", {"name": name, "password": password})
        send("/kantor/sandi", {"old": password, "new": NEW, "again": NEW})
        assert send("/kantor/masuk", {"name": name, "password": NEW}).status_code == 303
        return Clerk(visitor)

    return enter


@pytest.fixture
def clerk(log_in: Callable[[str, str], Clerk], world: Any) -> Clerk:
    """The operator, while one phone with a hostile name is online."""
    world.hotspot.put_online(
        PHONE, 3_600, host_name=HOSTILE, received_bytes=5_000_000, sent_bytes=1_000_000,
        received_bits_per_second=2_000_000, sent_bits_per_second=100_000,
    )  # fmt: skip
    return log_in("siti", "operator")
