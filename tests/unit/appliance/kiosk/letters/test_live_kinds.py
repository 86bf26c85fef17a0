"""A village's own kinds count as soon as their file is there, and one that is wrong takes no other away."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from appliance.kiosk.app import create_app, services
from appliance.kiosk.letters import current
from appliance.kiosk.letters.kinds import SHIPPED
from appliance.kiosk.letters.live_kinds import LOOK_SECONDS, LiveKinds
from appliance.system import doctor
from tests.unit.appliance.kiosk.conftest import Visitor, World
from tests.unit.appliance.kiosk.letters.test_office_pages import Office, words

SOURCE = (SHIPPED / "keterangan-usaha.toml").read_text("utf-8")


@dataclasses.dataclass
class Folder:
    """A village's folder, and a clock."""

    path: Path
    now: float = 100.0

    def __post_init__(self) -> None:
        self.kinds = LiveKinds(self.path, lambda: self.now)

    def write(self, name: str, text: str) -> None:
        """Write a file as an editor does: another file in its place, later."""
        self.path.mkdir(exist_ok=True)
        (self.path / "new").write_text(text, encoding="utf-8")
        (self.path / "new").replace(self.path / name)
        self.now += LOOK_SECONDS

    def titled(self, name: str, title: str) -> None:
        self.write(name, SOURCE.replace("Surat Keterangan Usaha", title, 1))


@pytest.fixture
def own(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "letters")


def test_without_a_folder_there_are_the_shipped_ones(own: Folder) -> None:
    assert len(own.kinds) == len(list(SHIPPED.glob("*.toml")))
    assert not own.kinds.refused


def test_a_file_counts_when_it_is_added_changed_and_removed(own: Folder) -> None:
    own.titled("keterangan-ternak.toml", "Surat Ternak")
    assert own.kinds["keterangan-ternak"].title == "Surat Ternak"
    own.titled("keterangan-ternak.toml", "Surat Sapi")
    assert own.kinds["keterangan-ternak"].title == "Surat Sapi"
    (own.path / "keterangan-ternak.toml").unlink()
    own.now += LOOK_SECONDS
    assert "keterangan-ternak" not in own.kinds
    assert own.kinds.get("keterangan-ternak") is None


def test_an_own_one_takes_the_place_of_a_shipped_one_and_gives_it_back(own: Folder) -> None:
    own.titled("keterangan-usaha.toml", "Surat Usaha Desa")
    assert own.kinds["keterangan-usaha"].title == "Surat Usaha Desa"
    own.write("keterangan-usaha.toml", "title = 3")
    assert own.kinds["keterangan-usaha"].title == "Surat Keterangan Usaha"
    assert list(own.kinds.refused) == ["keterangan-usaha.toml"]
    shutil.rmtree(own.path)
    own.now += LOOK_SECONDS
    assert not own.kinds.refused


@pytest.mark.parametrize("text", ["", "title = ", "\0", "body = " + "[" * 900, "x" * 70_000])
def test_a_wrong_one_is_named_and_the_others_go_on(own: Folder, text: str) -> None:
    own.titled("keterangan-ternak.toml", "Surat Ternak")
    own.write("rusak.toml", text)
    (own.path / "mati.toml").symlink_to("nowhere")
    (own.path / "map.toml").mkdir()
    own.now += LOOK_SECONDS
    assert "keterangan-ternak" in own.kinds
    assert set(own.kinds.refused) == {"rusak.toml", "mati.toml", "map.toml"}


def test_the_folder_is_not_looked_at_for_every_question(own: Folder) -> None:
    own.titled("keterangan-ternak.toml", "Surat Ternak")
    assert "keterangan-ternak" in own.kinds
    own.titled("keterangan-kuda.toml", "Surat Kuda")
    own.now -= LOOK_SECONDS
    assert "keterangan-kuda" not in own.kinds
    own.now += LOOK_SECONDS
    assert "keterangan-kuda" in own.kinds


def test_a_list_that_was_begun_is_finished(own: Folder) -> None:
    begun = iter(own.kinds)
    first = next(begun)
    own.titled("keterangan-ternak.toml", "Surat Ternak")
    assert "keterangan-ternak" in own.kinds
    assert "keterangan-ternak" not in {first, *begun}


def test_the_office_and_the_doctor_name_what_is_wrong(
    world: World, own: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current, "LiveKinds", lambda: own.kinds)
    office = Office(world)
    office.visitor = Visitor(create_app(world.kiosk(), services()).test_client(), place="office")
    office.enter("operator")
    assert "keliru" not in words(office.get("/kantor/surat/"))
    own.titled("keterangan-ternak.toml", "Surat Ternak")
    own.write("salah.toml", 'titel = "<b>x</b>"')
    page = office.get("/kantor/surat/")
    assert "Jenis surat salah.toml keliru" in words(page)
    assert "<b>x</b>" not in page.text
    assert "Surat Ternak" in words(office.get(f"/kantor/surat/baru/{office.made}"))
    [finding] = doctor.letters(doctor.Box(config=None, wrong_kinds=(("salah.toml", "titel is not known"),)))
    assert finding.level is doctor.Level.WARN
    assert "salah.toml" in finding.means and "desahub letters check" in finding.remedy
