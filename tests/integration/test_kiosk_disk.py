"""The kiosk on a disk that is full, or read-only: words on every page, the state before kept, and well again by itself.

On a real small file system, since what SQLite says of one depends on where in a file the space ends.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.core import config as hub_config
from appliance.gate.twin import TwinGate
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk.app import open_database, services
from appliance.kiosk.citizen.access import open_pins
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.person import draft
from tests.unit.appliance.kiosk.citizen.people import CLERK, PIN, WAYAN
from tests.unit.appliance.kiosk.conftest import HUB_TOML, World

pytestmark = pytest.mark.root
SLUG = "keterangan-penghasilan"
ANSWERS = {"pekerjaan_sekarang": "petani", "penghasilan": "1500000", "tanggungan": "2", "keperluan": "sekolah"}
FROM_THE_HALL = {"X-Desa-Place": "hall", "X-Real-IP": "127.0.0.1"}


class Hall:
    """A resident at the screen, whose kiosk lies on a small disk."""

    def __init__(self, folder: Path) -> None:
        config = hub_config.parse(HUB_TOML)
        self.folder = folder
        self.world = World(config, open_database(folder, services()), TwinGate(config), TwinHotspot())
        zone = ZoneInfo(config.village.timezone)
        self.world.hotspot = TwinHotspot([speed.name for speed in config.speeds], lambda: int(self.world.now), zone)
        kiosk = self.world.kiosk()
        row = {"nik": WAYAN, "nama": "I Wayan Contoh", "sex": "1", "tanggallahir": "1990-08-17"}
        self.id = open_register(kiosk).add(CLERK, draft(row, datetime.date(2026, 9, 21)))
        open_pins(kiosk).give(CLERK, self.id, WAYAN, PIN, int(self.world.now))
        with self.world.store.transaction() as db:
            db.execute("UPDATE pins SET must_change = 0")
        self.client: FlaskClient = self.world.app().test_client()

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers=FROM_THE_HALL, buffered=True)

    def send(self, path: str, form: dict[str, str], page: str = "") -> TestResponse:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page or path).get_data(as_text=True))
        assert found is not None, page or path
        return self.post(path, {"csrf_token": found[1], **form})

    def post(self, path: str, form: dict[str, str]) -> TestResponse:
        return self.client.post(path, data=form, headers=FROM_THE_HALL, buffered=True)

    def fill_in(self) -> dict[str, str]:
        """Log in and answer all questions; returns the form that sends the letter."""
        assert self.send("/masuk-warga", {"nik": WAYAN, "pin": PIN}).status_code == 303
        led_to = self.get(f"/surat/{SLUG}/isi").headers["Location"]
        while not led_to.endswith("/periksa"):
            led_to = self.send(led_to, {"jawaban": ANSWERS[led_to.rpartition("/")[2]]}).headers["Location"]
        page = self.get(led_to).get_data(as_text=True)
        names = {name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', page) for name in ("csrf_token", "kunci")}
        return {name: found[1] for name, found in names.items() if found}

    def kept(self) -> list[tuple[object, ...]]:
        """Letters and sessions, as they lie in the database."""
        with self.world.store.reading() as db:
            letters = db.execute("SELECT id, state, version FROM letters").fetchall()
            return [*letters, *db.execute("SELECT token_sha256 FROM pin_sessions").fetchall()]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(folder)], check=True, timeout=10)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


@pytest.fixture
def hall(disk: Path) -> Iterator[Hall]:
    made = Hall(disk)
    yield made
    made.world.store.close()


def _fill(folder: Path) -> Path:
    path = folder / "somebody-elses"
    with path.open("wb", buffering=0) as file:
        for size in (65_536, 4_096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    assert os.statvfs(folder).f_bavail == 0
    return path


def _is_readable(answer: TestResponse) -> bool:
    text = answer.get_data(as_text=True)
    is_page = answer.mimetype == "text/html" and "<h1" in text and answer.headers["Retry-After"].isdigit()
    return answer.status_code == 503 and is_page and "kiosk.db" not in text and "sqlite" not in text.lower()


def _everything_is_said_in_words(hall: Hall, letter: dict[str, str]) -> None:
    assert _is_readable(hall.post(f"/surat/{SLUG}/periksa", letter))
    assert _is_readable(hall.post("/masuk-warga", {"csrf_token": letter["csrf_token"], "nik": WAYAN, "pin": PIN}))
    for path in (
        "/",
        "/surat",
        f"/surat/{SLUG}",
        "/surat/saya",
        "/surat/lacak",
        "/kantor/",
        "/cek/" + "a" * 22,
        "/pin",
    ):
        answer = hall.get(path)
        assert answer.status_code in (200, 303, 404) or _is_readable(answer), f"{path}: {answer.status_code}"
    for path in ("/desa", "/internet", "/surat", f"/surat/{SLUG}"):
        assert hall.get(path).status_code == 200, f"{path}: what is not kept needs no disk"


def test_a_full_disk_keeps_what_there_was_and_is_said_in_words(hall: Hall) -> None:
    letter = hall.fill_in()
    before, rest = hall.kept(), _fill(hall.folder)
    _everything_is_said_in_words(hall, letter)
    assert "Penyimpanan penuh" in hall.post(f"/surat/{SLUG}/periksa", letter).get_data(as_text=True)
    assert hall.kept() == before
    rest.unlink()
    assert "/bukti" in hall.post(f"/surat/{SLUG}/periksa", letter).headers["Location"]
    assert len(hall.kept()) == len(before) + 1


def test_a_read_only_disk_is_said_in_words_and_a_writable_one_goes_on(hall: Hall) -> None:
    letter = hall.fill_in()
    before = hall.kept()
    hall.world.store.close()  # a file system with files open for writing is not made read-only
    subprocess.run(["mount", "-o", "remount,ro", str(hall.folder)], check=True, timeout=10)
    try:
        _everything_is_said_in_words(hall, letter)
        hall.world.store.close()
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(hall.folder)], check=True, timeout=10)
    assert hall.kept() == before
    assert "/bukti" in hall.post(f"/surat/{SLUG}/periksa", letter).headers["Location"]
