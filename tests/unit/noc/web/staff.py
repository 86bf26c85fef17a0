"""People who log in, for tests of pages: with a password of their own, and a telephone where their role needs one."""

from __future__ import annotations

import re
from typing import Final

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from noc import setup
from noc.accounts import areas
from tests.unit.noc.seed import NOW_MS

PASSWORD: Final = "panjang sekali sandi"
NOW: Final = NOW_MS // 1000


def token_of(page: str) -> str:
    """Find the form token of a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Open a page and send its form."""
    return client.post(path, data={"csrf_token": token_of(client.get(path).text), **fields})


def add(places: setup.Places, name: str, role: str, *bound: str) -> None:
    """Make an account with the usual password."""
    people = setup.open_accounts(places)
    assert people.change_password(name, people.add(name, role, NOW), PASSWORD, "x", NOW) is None
    areas.bind(people.store, name, role, bound)


def secret_of(page: str) -> str:
    """Find the secret on the page that shows it once."""
    found = re.search(r'<span class="code">([A-Z2-7 ]+)</span>', page)
    assert found is not None, page
    return found[1].replace(" ", "")


def take_telephone(client: FlaskClient, now: int = NOW) -> tuple[pyotp.TOTP, list[str]]:
    """Take a telephone in use; returns it, and the recovery codes."""
    totp = pyotp.TOTP(secret_of(send(client, "/masuk/telepon", step="begin").text))
    answer = send(client, "/masuk/telepon", step="confirm", code=totp.at(now))
    assert answer.status_code == 200, answer.text
    return totp, re.findall(r"<li>([a-z0-9-]{14})</li>", answer.text)


def log_in(app: Flask, places: setup.Places, role: str, *bound: str, name: str = "petugas") -> FlaskClient:
    """Make an account, and a browser in which it has logged in and may work."""
    add(places, name, role, *bound)
    client = app.test_client()
    assert send(client, "/masuk", name=name, password=PASSWORD).status_code == 303
    if client.get("/sandi").headers.get("Location") == "/masuk/telepon":
        take_telephone(client)
    return client
