"""A program between two open files."""

from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from appliance.system.processes import convert


def test_a_program_reads_one_file_and_writes_another(tmp_path: Path) -> None:
    (tmp_path / "from").write_bytes(b"\xffb\na\n")
    with (tmp_path / "from").open("rb") as source, (tmp_path / "to").open("wb") as target:
        convert(["sort", "-r"], source=source, target=target, timeout_seconds=10)
    assert (tmp_path / "to").read_bytes() in (b"\xffb\na\n", b"a\n\xffb\n")


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["sleep", "30"], "no end after"), (["false"], "status 1"), (["/nonexistent"], "could not be started")],
)
def test_what_goes_wrong_is_said_without_what_the_program_said(tmp_path: Path, argv: list[str], said: str) -> None:
    (tmp_path / "from").touch()
    with (
        (tmp_path / "from").open("rb") as source,
        (tmp_path / "to").open("wb") as target,
        pytest.raises(OperationError, match=said),
    ):
        convert(argv, source=source, target=target, timeout_seconds=0.2)
