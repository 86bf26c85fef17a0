"""Every unit runs with the hub.toml that was applied, and says which file it could not read."""

import re
from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from appliance.unit.config import APPLIED_PATH, read_config

REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "hub.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OperationError, match=re.escape(f"{path}: cannot be read")):
        read_config(path)


def test_units_and_programs_mean_the_same_file() -> None:
    units = "\n".join(path.read_text("utf-8") for path in (REPOSITORY / "systemd/hub").glob("*.service"))
    assert set(re.findall(r"--config (\S+)", units)) == {str(APPLIED_PATH)}
    mains = [
        path for room in ("appliance", "captive_portal", "agent") for path in (REPOSITORY / room).rglob("__main__.py")
    ]
    assert [path for path in mains if '"/etc/desahub/hub.toml"' in path.read_text("utf-8")] == []
    assert len(mains) >= 7
