"""What people do at the command line: exact refusals, and each deed with its author."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from appliance.core.errors import OperationError
from noc import cli
from noc.alarms.deeds import Desk, group_of_area
from noc.fleet_book.contract import Card, Scope
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.rules.alert_state import Deed, Incident, State
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.rules.states import Window
from tests.unit.noc.alarms.standins import web

NOW_MS = time.time_ns() // 1_000_000
HUB = Group(GroupKind.HUB, "hub-satu")


class Noc:
    """A NOC with one hub and one incident."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / "var").mkdir()
        (folder / "etc").mkdir()
        incident = Incident(
            1, HUB, Problem.NO_CONTACT, NOW_MS - 3_600_000, 1, frozenset(["hub-satu"]), frozenset(["hub-satu"]), 1
        )
        with self.book() as book:
            card = Card("hub-satu", "Desa Satu", "51.03.01.2001", "Asia/Makassar")
            book.put_cards([card], Deed(NOW_MS, "ayu", "card", "hub-satu"))
            book.put_alerts(State(), State(incidents=(incident,), last_number=1), (), NOW_MS)

    def book(self) -> contextlib.closing[SqliteFleetBook]:
        return contextlib.closing(open_fleet_book(self.folder / "var/fleet.db"))

    def run(self, *arguments: str) -> str:
        assert self.fails(*arguments, code=0) == ""
        return self.said

    def fails(self, *arguments: str, code: int = 1) -> str:
        places = ["--directory", str(self.folder / "etc"), "--state", str(self.folder / "var")]
        found = cli.main([*arguments, *places])
        out = self.capsys.readouterr()
        self.said = out.out
        assert found == code, out.err
        return out.err

    def deeds(self) -> list[Deed]:
        with self.book() as book:
            return [each for each in book.deeds(50) if each.what != "card"]


@pytest.fixture
def noc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Noc:
    return Noc(tmp_path, capsys)


def test_an_incident_is_listed_and_taken_care_of(noc: Noc) -> None:
    (line,) = noc.run("incident", "list").splitlines()
    assert line.split("\t")[:4] == ["1", "no_contact", "hub hub-satu", "1 of 1 hubs"]
    assert line.endswith("WITA\tnobody")
    assert noc.run("incident", "acknowledge", "1", "--who", "ayu") == "incident 1: ayu takes care\n"
    assert "before it was ayu" in noc.run("incident", "acknowledge", "1", "--who", "budi")
    assert noc.run("incident", "list").endswith("budi\n")
    assert [(each.by, each.what, each.subject) for each in noc.deeds()] == [
        ("budi", "acknowledge", "1"),
        ("ayu", "acknowledge", "1"),
    ]
    assert "incident 9: there is none" in noc.fails("incident", "acknowledge", "9")
    with noc.book() as book:
        before = book.alert_state(NOW_MS)
        book.put_alerts(before, State(last_number=1), (), NOW_MS)
    assert "incident 1 is over since" in noc.fails("incident", "acknowledge", "1")
    assert noc.run("incident", "list") == ""
    assert "until" in noc.run("incident", "list", "--ended")


def test_a_silence_is_kept_and_lifted(noc: Noc) -> None:
    said = noc.run("incident", "silence", "--incident", "1", "--why", "PLN  memelihara\tgardu", "--who", "ayu")
    assert said.startswith("hub hub-satu no_contact: nobody is told until ")
    assert "silent\thub hub-satu no_contact" in noc.run("incident", "list")
    assert noc.run("incident", "lift", "--incident", "1", "--who", "budi").endswith("messages are sent again\n")
    assert "silences are: none" in noc.fails("incident", "lift", "--incident", "1")
    noc.run("incident", "silence", "--area", "51.03", "--why", "angin", "--who", "ayu", "--hours", "1")
    noc.run("incident", "silence", "--upstream", "ring-timur", "--why", "angin", "--problem", "uplink_down")
    held = noc.fails("incident", "lift", "--area", "51.03", "--problem", "hot")
    assert "regency 51.03 hot: nobody keeps silent about it now" in held
    assert "upstream ring-timur uplink_down" in held
    with noc.book() as book:
        assert [each.why for each in book.silences(NOW_MS)] == ["angin", "angin"]
    assert {(each.what, each.subject) for each in noc.deeds()} == {
        ("silence", "hub hub-satu no_contact"),
        ("lift", "hub hub-satu no_contact"),
        ("silence", "regency 51.03"),
        ("silence", "upstream ring-timur uplink_down"),
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hub", "hub-9"], "'hub-9' is not in the inventory"),
        (["--area", "52.01"], "52.01: no hub of the inventory is there"),
        (["--area", "5103"], "'5103': allowed are the codes of a province, kabupaten or kecamatan"),
        (["--area", "51.03.01.2001"], "allowed are the codes of a province, kabupaten or kecamatan"),
        (["--incident", "7"], "incident 7: there is none"),
        (["--hub", "hub-satu", "--hours", "0"], "--hours: allowed are more than 0 and up to 336"),
        (["--hub", "hub-satu", "--hours", "9999"], "--hours: allowed are more than 0 and up to 336"),
        (["--hub", "hub-satu", "--hours", "nan"], "--hours: allowed are"),
        (["--hub", "hub-satu", "--why", " "], "a silence needs a reason"),
    ],
)
def test_a_wrong_silence_is_refused(noc: Noc, arguments: list[str], said: str) -> None:
    assert said in noc.fails("incident", "silence", "--why", "angin", *arguments)
    assert noc.deeds() == []


def test_work_is_planned_in_the_hubs_own_time_and_ended(noc: Noc) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW_MS / 1000 + 3 * 86_400))
    times = ["--from", f"{day}T10:00", "--until", f"{day}T12:00", "--why", "ganti antena", "--who", "ayu"]
    assert noc.run("window", "add", "--hub", "hub-satu", *times) == (
        f"window 1: hub-satu, {day} 10:00 WITA to {day} 12:00 WITA\n"
    )
    assert "WITA" in noc.run("window", "add", "--area", "51.03", *times)
    assert "WIT to" in noc.run("window", "add", "--area", "51.03", "--timezone", "Asia/Jayapura", *times)
    lines = noc.run("window", "list").splitlines()
    assert len(lines) == 3
    assert any(each.startswith("1\tplanned\thub-satu\t") and each.endswith("\tayu\tganti antena") for each in lines)
    assert noc.run("window", "end", "1", "--who", "budi") == "window 1: hub-satu, ended\n"
    assert "window 1: there is none" in noc.fails("window", "end", "1")
    last = noc.deeds()[0]
    assert (last.by, last.what, last.subject) == ("budi", "end_window", "hub-satu")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--until", "2026-13-01T00:00"],
            "--until: '2026-13-01T00:00' is no time; allowed is such as 2026-08-17T10:00",
        ),
        (["--from", "besok"], "--from: 'besok' is no time"),
        (["--from", "2020-01-01T00:00", "--until", "2020-01-01T02:00"], "is over already"),
        (["--until", "2036-01-01T00:00"], "is longer than 14 days"),
        (["--why", " "], "planned work needs a reason"),
        (["--area", "99"], "99: no hub of the inventory is there"),
        (["--area", "51.3"], "'51.3' is no code of an area"),
    ],
)
def test_a_wrong_window_is_refused(noc: Noc, arguments: list[str], said: str) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW_MS / 1000 + 86_400))
    times = ["--from", f"{day}T10:00", "--until", f"{day}T12:00", "--why", "x"]
    which = [] if "--area" in arguments else ["--hub", "hub-satu"]
    assert said in noc.fails("window", "add", *which, *times, *arguments)
    assert noc.deeds() == []


def test_an_account_of_an_area_decides_there_alone(noc: Noc) -> None:
    with noc.book() as book:
        stranger = Desk(book, "citra", NOW_MS, Scope(("52",)))
        with pytest.raises(OperationError, match="there is none"):
            stranger.acknowledge(1)
        with pytest.raises(OperationError, match="not in the inventory"):
            stranger.plan("hub-satu", "", Window(NOW_MS, NOW_MS + 3_600_000), "x")
        with pytest.raises(OperationError, match="no hub of the inventory"):
            stranger.plan("", "51.03", Window(NOW_MS, NOW_MS + 3_600_000), "x")
    assert group_of_area("51.03.01") == Group(GroupKind.DISTRICT, "51.03.01")


def test_the_configuration_is_checked_and_tried(noc: Noc) -> None:
    file = noc.folder / "etc/alarms.toml"
    assert noc.fails("alarms", "check") == ""
    assert "names no channel: nobody is told" in noc.said
    with web() as server:
        text = (
            f'base_url = "https://noc.id"\nlanguage = "en"\n[[webhook]]\nname = "piket"\nurl = "{server.url}/s3cr3t"\n'
        )
        file.write_text(text + 'only = ["no_contact"]\nquiet_from = "22:00"\nquiet_until = "05:00"\n')
        file.chmod(0o640)
        said = noc.run("alarms", "check")
        assert "piket: webhook, everywhere, no_contact, quiet 22:00 to 05:00 Asia/Jakarta" in said
        assert "of these nobody is told: noc_deaf, uplink_down" in said
        assert "taken by its server" in noc.run("alarms", "test", "piket")
        assert server.asked[0][2]["title"] == "Alarm test"
        assert "'dinas': channels are: piket" in noc.fails("alarms", "test", "dinas")
        server.answer = lambda: (403, {}, {})
        refused = noc.fails("alarms", "test", "piket")
        assert "403" in refused
        assert "s3cr3t" not in refused
    file.write_text(text + 'quiet_from = "25:00"\n')
    assert "webhook[0].quiet_from: is '25:00', allowed is a time of day" in noc.fails("alarms", "check")
    file.chmod(0o644)
    file.write_text(text)
    assert "everybody on this machine may read the secrets" in noc.fails("alarms", "check")
