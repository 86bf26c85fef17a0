"""Programs tell which release they are of."""

from pathlib import Path

from appliance.unit.release import software_version


def test_a_checkout_is_source() -> None:
    assert software_version() == "source"


def test_an_installed_release_tells_its_number(tmp_path: Path) -> None:
    (tmp_path / "desahub-1.2.3.dist-info").mkdir()
    (tmp_path / "desahub_noc-9.dist-info").mkdir()
    assert software_version(tmp_path) == "1.2.3"
