"""``desahub residents`` on the box."""

from pathlib import Path

import pytest

from appliance import cli
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.person import draft
from tests.unit.appliance.kiosk.conftest import HUB_TOML, World
from tests.unit.appliance.kiosk.residents.conftest import TODAY
from tests.unit.appliance.kiosk.residents.people import AYU, LOOK, MADE, OPERATOR, xlsx


def test_import_export_and_conflicts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hub.toml").write_text(HUB_TOML, "utf-8")
    (tmp_path / "state").mkdir()
    book, places = (
        tmp_path / "data.xlsx",
        ["--config", f"{tmp_path}/hub.toml", "--state-directory", f"{tmp_path}/state"],
    )

    def run(*words: str) -> tuple[int, str]:
        status = cli.main(["residents", *words, *places])
        said = capsys.readouterr()
        assert MADE["nik"] not in said.out + said.err and "Suparta" not in said.out + said.err
        return status, said.out + said.err

    book.write_bytes(xlsx([MADE, {**AYU, "agama_id": "99"}]).read())
    status, said = run("import", str(book), "--dry-run")
    assert status == 0 and "1 added" in said and "row 3: refused: agama_id: unknown_code" in said and "dry run" in said
    status, said = run("import", str(book))
    assert status == 0 and "Applied." in said
    status, said = run("import", str(book))
    assert status == 0 and "1 unchanged" in said
    out = tmp_path / "keluar.csv"
    status, said = run("export", str(out))
    assert status == 0 and out.stat().st_mode & 0o777 == 0o600 and MADE["nik"] in out.read_text("utf-8")
    assert run("export", str(out))[0] == 1  # never over a file
    assert run("export", str(tmp_path / "keluar.pdf"))[0] == 1
    assert run("import", str(tmp_path / "missing.xlsx"))[0] == 1
    assert run("import", str(tmp_path / "hub.toml"))[0] == 1
    changed = out.read_text("utf-8").replace("Krajan", "Kaja")
    out.write_text(changed, "utf-8")
    status, said = run("import", str(out))
    assert status == 0 and "row 2: changed: dusun: changed" in said


def test_a_conflict_waits_for_the_office_or_a_word(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register = open_register(world.kiosk())
    id_ = register.add(OPERATOR, draft(MADE, TODAY))
    for name in ("personal.key", "pin.pepper"):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_bytes(b"v" * 32)
    (tmp_path / "hub.toml").write_text(HUB_TOML, "utf-8")
    (tmp_path / "data.xlsx").write_bytes(xlsx([{**MADE, "alamat": "Jalan Lain"}]).read())
    places = ["--config", f"{tmp_path}/hub.toml", "--state-directory", str(tmp_path)]
    words = ["residents", "import", f"{tmp_path}/data.xlsx", *places]
    assert cli.main(words) == 1
    said = capsys.readouterr()
    assert "row 2: conflict: alamat: changed here and in the file" in said.out, said.err
    assert cli.main([*words, "--conflicts", "file"]) == 0
    one = register.get(LOOK, id_)
    assert one is not None and one.address == "Jalan Lain"
