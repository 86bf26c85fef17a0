"""People of the office, and somebody who logs in as one of them."""

import html
import re
from dataclasses import dataclass
from typing import Any

import pytest

NEW = "kopi pagi di balai"


@dataclass
class Desk:
    """Somebody at the office's desk."""

    visitor: Any
    world: Any

    def get(self, path: str) -> Any:
        return self.visitor.get(path)

    def send(self, path: str, form: dict[str, Any], page: str = "") -> Any:
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page or path).get_data(as_text=True))
        assert token is not None, path
        return self.visitor.post(path, {"csrf_token": token[1], **form})

    def log_in(self, name: str, role: str) -> None:
        """Log a new account in, in place of whoever was."""
        self.visitor.forget()
        password = self.world.add(name, role)
        self.send("/kantor/masuk", {"name": name, "password": password})
        self.send("/kantor/sandi", {"old": password, "new": NEW, "again": NEW})
        self.again(name)

    def again(self, name: str, password: str = NEW) -> Any:
        self.visitor.forget()
        answer = self.send("/kantor/masuk", {"name": name, "password": password})
        assert answer.status_code == 303
        return answer

    @staticmethod
    def words(response: Any) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


@pytest.fixture
def desk(visitor: Any, world: Any) -> Desk:
    return Desk(visitor, world)
