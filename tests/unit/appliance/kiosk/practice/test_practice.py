"""The practice mode: made up, marked on every page and paper, and apart from everything real."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from appliance.cli import parser
from appliance.core import config as hub_config
from appliance.core.config import Config
from appliance.core.errors import ConfigError, OperationError, StoreError
from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.app import create_app, services
from appliance.kiosk.letters import codes
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.letter import Validity
from appliance.kiosk.practice import __main__ as practice
from appliance.kiosk.practice import book
from appliance.kiosk.residents.access import open_register
from tests.unit.appliance.kiosk.conftest import HUB_TOML, Visitor, World

OFFICE = """
[[networks]]
name = "kantor"
kind = "office"
interface = "br-kantor"
address = "10.21.0.1/24"
ssid = "Kantor"
passphrase_file = "/etc/desahub/secrets/kantor.psk"
"""
LETTER = re.compile(r'href="(/kantor/surat/\d+)"')


@pytest.fixture(scope="module")
def config() -> Config:
    return hub_config.parse(HUB_TOML + OFFICE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("practice")


@pytest.fixture(scope="module")
def ended() -> list[str]:
    return []


@pytest.fixture(scope="module")
def village(config: Config, folder: Path, ended: list[str]) -> Iterator[Flask]:
    app = practice.make(config, folder, over_unix_socket=True, end=lambda: ended.append("ended"))
    yield app
    app.extensions["kiosk"].store.close()


@pytest.fixture
def trainee(village: Flask) -> Visitor:
    return Visitor(village.test_client(), "office")


def _log_in(who: Visitor, name: str) -> None:
    page = who.get("/kantor/masuk").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    form = {"name": name, "password": book.PASSWORD, "csrf_token": token[1]}
    assert who.post("/kantor/masuk", form).status_code == 303


def test_every_page_says_that_it_is_training(trainee: Visitor) -> None:
    for path in ("/", "/latihan", "/kantor/masuk", "/surat", "/cek", "/masuk-warga", "/desa", "/no-such-page"):
        answer = trainee.get(path)
        assert "MODE LATIHAN" in answer.text, path
        assert "practice.css" in answer.text, path
        assert "<title>LATIHAN · " in answer.text, path


def test_the_real_kiosk_says_nothing_of_training(visitor: Visitor) -> None:
    for path in ("/", "/kantor/masuk", "/cek"):
        assert "LATIHAN" not in visitor.get(path).text
    assert visitor.get("/latihan").status_code == 404


def test_the_accounts_that_the_page_names_open_the_office(trainee: Visitor) -> None:
    assert book.PASSWORD in trainee.get("/latihan").text
    for name in ("operator", "sekretaris", "kepala"):
        _log_in(trainee, name)
        home = trainee.get("/kantor/")
        assert home.status_code == 200
        assert "Keadaan perangkat hub" not in home.text
        assert "Hotspot" not in home.text
        trainee.forget()


def test_papers_are_watermarked_and_checked_as_training(village: Flask, trainee: Visitor) -> None:
    _log_in(trainee, "kepala")
    found = LETTER.findall(trainee.get("/kantor/surat/?keadaan=selesai").text)
    assert found
    page = trainee.get(found[0])
    assert "LATIHAN" in page.text
    assert trainee.get(f"{found[0]}/pdf").data.startswith(b"%PDF-")
    kiosk = village.extensions["kiosk"]
    with kiosk.store.reading() as db:
        tokens = db.execute("SELECT token_sealed FROM letters WHERE token_sealed IS NOT NULL").fetchall()
    token = kiosk.vault.open(tokens[0][0], "letters.token")
    assert codes.is_practice_token(token)
    assert make_desk(kiosk).check(token).validity is Validity.PRACTICE


def test_the_real_village_knows_a_practice_paper_for_what_it_is(world: World) -> None:
    desk = make_desk(world.kiosk())
    assert desk.check(codes.make_practice_token()).validity is Validity.PRACTICE
    assert desk.check(codes.make_token()).validity is Validity.UNKNOWN
    assert desk.check("LATIHAN-").validity is Validity.UNKNOWN


def test_cookies_are_not_those_of_the_real_kiosk(trainee: Visitor, world: World) -> None:
    assert "sesi-latihan=" in trainee.get("/kantor/masuk").headers["Set-Cookie"]
    real = Visitor(world.app().test_client()).get("/kantor/masuk").headers["Set-Cookie"]
    assert "sesi-latihan" not in real


def test_residents_networks_see_nothing_of_it(village: Flask) -> None:
    outside = Visitor(village.test_client(), "resident")
    for path in ("/", "/latihan", "/kantor/", "/surat"):
        answer = outside.get(path)
        assert answer.status_code == 403
        assert book.PASSWORD not in answer.text


def test_real_people_are_not_imported(trainee: Visitor) -> None:
    _log_in(trainee, "operator")
    page = trainee.get("/kantor/warga/impor")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token is not None
    answer = trainee.post("/kantor/warga/impor", {"csrf_token": token[1]})
    assert answer.status_code == 403
    assert "Impor tidak ada di mode latihan" in answer.text


def test_beginning_anew_is_confirmed_and_leaves_nothing(
    trainee: Visitor, ended: list[str], folder: Path, config: Config, tmp_path: Path
) -> None:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', trainee.get("/latihan").text)
    assert token is not None
    assert trainee.post("/latihan", {"csrf_token": token[1]}).status_code == 400
    assert not ended
    assert book.read(folder) is not None
    answer = trainee.post("/latihan", {"csrf_token": token[1], "yakin": "on"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text
    assert ended == ["ended"]
    assert book.read(folder) is None, "the next start throws it away"
    (folder / book._ANEW).unlink()  # the other tests of this module go on with it


def test_a_village_that_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "kiosk.db").write_text("half")
    (tmp_path / "people.json").write_text('[["1", ')
    assert book.read(tmp_path) is None
    book.clear(tmp_path)
    assert not list(tmp_path.iterdir())
    book.write(tmp_path, [("1", "2")])
    assert book.read(tmp_path) == (("1", "2"),)


def test_a_folder_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="made anew"):
        book.clear(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(OperationError, match="cannot be written"):
        book.ask_anew(tmp_path / "file")


def test_a_second_start_keeps_what_trainees_made(config: Config, folder: Path, village: Flask) -> None:
    before = (folder / "people.json").read_bytes()
    again = practice.make(config, folder, over_unix_socket=True, end=lambda: None)
    try:
        assert (folder / "people.json").read_bytes() == before
        assert len(open_register(again.extensions["kiosk"]).search(Look(Actor("test", "teknisi"), "test")).items) > 0
    finally:
        again.extensions["kiosk"].store.close()


def test_only_the_office_is_shown_the_way(world: World, config: Config) -> None:
    world.config = config
    app = create_app(world.kiosk(), services())
    password = world.add("tari", "operator")
    for place, is_shown in (("office", True), ("hall", False)):
        who = Visitor(app.test_client(), place)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', who.get("/kantor/masuk").text)
        assert token is not None
        who.post("/kantor/masuk", {"name": "tari", "password": password, "csrf_token": token[1]})
        if place == "office":
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', who.get("/kantor/sandi").text)
            assert token is not None
            new = "nasi jinggo jam enam"
            form = {"old": password, "new": new, "again": new, "csrf_token": token[1]}
            who.post("/kantor/sandi", form)
            password = new
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', who.get("/kantor/masuk").text)
            assert token is not None
            who.post("/kantor/masuk", {"name": "tari", "password": password, "csrf_token": token[1]})
        text = who.get("/kantor/").text
        assert "tari" in text
        assert ("http://latihan.layanan.desa.internal/latihan" in text) is is_shown


@pytest.mark.parametrize(
    ("key", "where"),
    [('[portal]\nhost = "latihan.layanan.desa.internal"\n', "portal.host"),
     ('[letters]\nverification_host = "latihan.layanan.desa.internal"\n', "letters.verification_host")],
)  # fmt: skip
def test_its_name_is_nobody_elses(key: str, where: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(where)):
        hub_config.parse(HUB_TOML + key)


def test_there_is_nothing_to_reset_before_the_first_training(tmp_path: Path) -> None:
    chosen = parser().parse_args(["practice", "reset", "--state-directory", str(tmp_path / "none")])
    assert chosen.run(chosen) == 0


def test_it_ends_by_itself_when_nobody_trains(folder: Path, village: Flask, config: Config, tmp_path: Path) -> None:
    (tmp_path / "hub.toml").write_text(HUB_TOML + OFFICE, encoding="utf-8")
    command = [sys.executable, "-m", "appliance.kiosk.practice", "--config", str(tmp_path / "hub.toml")]
    command += ["--bind", f"unix:{tmp_path}/p.sock", "--state-directory", str(folder), "--idle-seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "nobody has asked for anything for 1 s" in done.stderr


def test_without_a_folder_it_says_so() -> None:
    assert practice.main(["--config", "/nonexistent/hub.toml", "--state-directory", "/nonexistent"]) == 1
