"""A new service is one new folder."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from appliance.kiosk.app import create_app, open_database, services
from appliance.kiosk.services import Kiosk, discover
from appliance.store.vault import Vault

VIEWS = """
from flask import Blueprint
from appliance.kiosk.services import Service, Tile, current_kiosk
from appliance.store.migrations import Migrations

MIGRATIONS = Migrations("waste_bank")

@MIGRATIONS()
def m001(db):
    db["deposits"].create({"id": int, "grams": int}, pk="id")

pages = Blueprint("waste_bank", __name__)

@pages.get("/bank-sampah")
def home():
    with current_kiosk().store.reading() as db:
        return f"{len(db.rows('SELECT * FROM deposits'))} setoran"

SERVICE = Service(
    "waste_bank", 20, lambda app, kiosk: app.register_blueprint(pages),
    lambda kiosk, place: (Tile("/bank-sampah", "home", "Bank sampah", "Setor dan tarik"),), (MIGRATIONS,),
)
"""


def _package(folder: Path, name: str, views: str) -> Any:
    package = folder / name
    (package / "waste_bank").mkdir(parents=True)
    for file, text in (("__init__.py", ""), ("waste_bank/__init__.py", ""), ("waste_bank/views.py", views)):
        (package / file).write_text(text)
    return importlib.import_module(name)


def test_one_new_folder_is_a_service(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    found = (*services(), *discover(_package(tmp_path, "desa_new_service", VIEWS)))
    state = tmp_path / "state"
    state.mkdir()
    kiosk = Kiosk(
        config=world.config,
        store=open_database(state, found),
        gate=world.gate,
        hotspot=world.hotspot,
        uplink=lambda: world.uplink,
        clock=lambda: world.now,
        secret=b"s" * 32,
        vault=Vault(b"v" * 32),
        pepper=b"p" * 32,
        over_unix_socket=True,
    )
    client = create_app(kiosk, found).test_client()
    assert "Bank sampah" in client.get("/").get_data(as_text=True)
    assert client.get("/bank-sampah").get_data(as_text=True) == "0 setoran"
    kiosk.store.close()


@pytest.mark.parametrize("views", ["", 'SERVICE = "waste_bank"'])
def test_a_folder_without_a_service_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, views: str) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"desa_broken_{len(views)}"
    with pytest.raises(TypeError, match="SERVICE"):
        discover(_package(tmp_path, name, views))


def test_the_services_of_this_release() -> None:
    found = services()
    names = [service.name for service in found]
    assert names == [
        "letters", "village", "hotspot", "citizen", "wifi", "residents", "office", "hall", "practice", "office_api",
    ]  # fmt: skip
    assert all(dataclasses.is_dataclass(service) for service in found)
