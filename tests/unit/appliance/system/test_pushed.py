"""A pushed configuration, on a folder: kept when told so, and else taken back, whatever is cut off when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.core.config import Config, parse
from appliance.core.errors import CommandMalformed, OperationError
from appliance.core.pushing import Change
from appliance.system import pushed
from appliance.system.files import write_durably
from appliance.system.pushed import Folder, PushedState

GOLDEN = Path(__file__).parents[3] / "golden/rendered"
TEXT = (GOLDEN / "full/hub.toml").read_text("utf-8")
NETWORK = parse(TEXT).networks[0].name
COMMAND, OTHER = "a" * 32, "b" * 32
DAYS = Change("portal.history_days", 12)


class PowerCutError(Exception):
    """The power went."""


class Box:
    """A hub's files, and what applying does to them."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path / "state")
        self.hub_toml, self.applied = path / "hub.toml", path / "applied.toml"
        for each in (self.hub_toml, self.applied):
            each.write_text(TEXT, "utf-8")
        self.armed = 0
        self.fails: Callable[[], None] = lambda: None

    def apply(self, config: Config, text: str) -> None:
        assert parse(text) == config
        self.fails()
        self.applied.write_text(text, "utf-8")

    def arm(self) -> None:
        self.armed += 1

    def ask(self, *changes: Change, command: str = COMMAND) -> pushed.Outcome:
        pushed.ask(self.folder, command, changes)
        return pushed.change(self.folder, self.hub_toml, self.applied, self.arm, self.apply)

    def keep(self, command: str = COMMAND) -> pushed.Outcome:
        return pushed.keep(self.folder, command)

    def go_back(self) -> pushed.Outcome | None:
        return pushed.go_back(self.folder, self.hub_toml, self.applied, self.apply, "nobody said so")

    @property
    def is_as_before(self) -> bool:
        return self.hub_toml.read_text("utf-8") == self.applied.read_text("utf-8") == TEXT


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_what_is_kept_stays(box: Box) -> None:
    said = box.ask(DAYS, Change(f"networks[{NETWORK}].idle_seconds", 777))
    assert (said.state, said.command, box.armed) == (PushedState.APPLIED, COMMAND, 1)
    config = parse(box.applied.read_text("utf-8"))
    assert (config.portal.history_days, config.networks[0].idle_seconds) == (12, 777)
    assert box.keep().state is PushedState.KEPT
    assert box.keep().state is PushedState.KEPT, "said twice, it is kept"
    assert box.go_back() is None
    assert parse(box.hub_toml.read_text("utf-8")) == config


def test_what_nobody_keeps_is_taken_back(box: Box) -> None:
    box.ask(DAYS)
    assert pushed.pending(box.folder) == COMMAND
    assert (gone := box.go_back()) is not None
    assert gone.state is PushedState.RETURNED
    assert box.is_as_before
    with pytest.raises(OperationError, match="returned"):
        box.keep()


def test_the_technicians_comments_stay(box: Box) -> None:
    for each in (box.hub_toml, box.applied):
        each.write_text(f"# Bu Sari: call before you change this\n{TEXT}", "utf-8")
    box.ask(DAYS)
    text = box.hub_toml.read_text("utf-8")
    assert text.startswith("# Bu Sari: call before you change this\n")
    assert len(text.splitlines()) <= len(TEXT.splitlines()) + 3


def test_a_key_can_be_taken_out_and_a_section_can_come(box: Box) -> None:
    minimal = (GOLDEN / "minimal/hub.toml").read_text("utf-8")
    wanted = pushed.edited(minimal, [DAYS, Change("village.office_hours", None)])
    assert parse(wanted).portal.history_days == 12
    assert "office_hours" not in wanted


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change("portal.history_days", "x"), "portal.history_days"),
        (Change("portal.history_days", -1), "portal.history_days"),
        (Change("networks[tiada].speed", "biasa"), "none of this name"),
        (Change(f"networks[{NETWORK}].speed", "tiada"), "speed"),
    ],
)
def test_what_the_hub_cannot_become_is_refused_with_the_reason(box: Box, change: Change, why: str) -> None:
    said = box.ask(Change("village.office_phone", "0361 1"), change)
    assert said.state is PushedState.REFUSED
    assert why in said.detail
    assert box.is_as_before
    assert pushed.pending(box.folder) is None


def test_what_cannot_be_applied_leaves_all_as_it_was(box: Box) -> None:
    def fails() -> None:
        raise OperationError("nginx says no")

    box.fails = fails
    said = box.ask(DAYS)
    assert said.state is PushedState.REFUSED
    assert "nginx says no" in said.detail
    assert box.is_as_before
    assert pushed.pending(box.folder) is None


def test_what_is_so_already_needs_nobody(box: Box) -> None:
    days = parse(TEXT).portal.history_days
    assert box.ask(Change("portal.history_days", days)).state is PushedState.KEPT
    assert (box.armed, box.is_as_before) == (0, True)


def test_one_change_at_a_time(box: Box) -> None:
    box.ask(DAYS)
    with pytest.raises(OperationError, match=COMMAND):
        box.ask(Change("portal.history_days", 9), command=OTHER)
    with pytest.raises(OperationError, match="no change"):
        box.keep(OTHER)
    box.keep()
    assert box.ask(Change("portal.history_days", 9), command=OTHER).state is PushedState.APPLIED


def test_a_technician_at_work_is_not_disturbed(box: Box) -> None:
    box.hub_toml.write_text(f"{TEXT}\n# not applied yet\n", "utf-8")
    said = box.ask(DAYS)
    assert said.state is PushedState.REFUSED
    assert "not applied" in said.detail
    assert box.hub_toml.read_text("utf-8").endswith("# not applied yet\n")


@pytest.mark.parametrize("step", range(1, 8))
def test_a_power_cut_at_any_step_leaves_a_hub_that_goes_back(
    box: Box, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each writing step may be the last one; after the cut the box is as before, or goes back by itself."""
    real, count = write_durably, 0

    def write(path: Path, text: str, mode: int = 0o644, group: str = "") -> bool:
        nonlocal count
        count += 1
        if count == step:
            raise PowerCutError
        return real(path, text, mode, group)

    monkeypatch.setattr(pushed, "write_durably", write)
    try:
        box.ask(DAYS)
    except PowerCutError:
        monkeypatch.setattr(pushed, "write_durably", real)
        box.go_back()
        assert box.is_as_before
        assert box.ask(DAYS, command=OTHER).state is PushedState.APPLIED
    else:
        assert step > 5, "fewer steps than there are were tried"
        assert pushed.pending(box.folder) == COMMAND


def test_a_return_that_fails_is_tried_again(box: Box) -> None:
    box.ask(DAYS)

    def fails() -> None:
        raise OperationError("not now")

    box.fails = fails
    with pytest.raises(OperationError, match="not now"):
        box.go_back()
    assert pushed.pending(box.folder) == COMMAND
    box.fails = lambda: None
    box.go_back()
    assert box.is_as_before


def test_a_section_that_the_noc_brought_goes_with_its_last_key() -> None:
    minimal = (GOLDEN / "minimal/hub.toml").read_text("utf-8")
    none = Change("portal.history_days", None)
    assert "[portal]" not in minimal
    assert pushed.edited(pushed.edited(minimal, [DAYS]), [none]).strip() == minimal.strip()
    kept = f"{minimal}\n[portal]\n# Pak Made: seven days are enough\nhistory_days = 7\n"
    assert "seven days are enough" in pushed.edited(kept, [none])


def test_a_file_that_is_no_toml_is_told() -> None:
    with pytest.raises(CommandMalformed, match="cannot be edited"):
        pushed.edited("[portal\n", [DAYS])


MINE = f"{TEXT}\n# written by Pak Made, who came to see\n"


def test_what_a_technician_applied_meanwhile_stays(box: Box) -> None:
    box.ask(DAYS)
    for each in (box.hub_toml, box.applied):
        each.write_text(MINE, "utf-8")
    gone = box.go_back()
    assert gone is not None and gone.state is PushedState.OVERTAKEN
    assert box.hub_toml.read_text("utf-8") == box.applied.read_text("utf-8") == MINE
    assert pushed.pending(box.folder) is None
    with pytest.raises(OperationError, match="overtaken"):
        box.keep()


def test_what_a_technician_wrote_and_did_not_apply_is_not_lost(box: Box) -> None:
    box.ask(DAYS)
    box.hub_toml.write_text(MINE, "utf-8")
    gone = box.go_back()
    assert gone is not None and gone.state is PushedState.RETURNED
    assert (box.hub_toml.read_text("utf-8"), box.applied.read_text("utf-8")) == (MINE, TEXT)


def test_nobody_keeps_what_is_being_taken_back(box: Box) -> None:
    box.ask(DAYS)
    kept: list[object] = []
    begun = threading.Event()

    def keep() -> None:
        begun.set()
        try:
            kept.append(box.keep())
        except OperationError as error:
            kept.append(str(error))

    thread = threading.Thread(target=keep)

    def amid() -> None:
        thread.start()
        begun.wait(10)

    box.fails = amid
    box.go_back()
    thread.join(10)
    assert len(kept) == 1 and "returned" in str(kept[0])
    assert box.is_as_before
