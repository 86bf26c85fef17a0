"""The doctor: each matter good, doubtful and bad; and a box of which parts are missing."""

from __future__ import annotations

import dataclasses
import datetime
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.commands import doctor as command
from appliance.core.clock import WallQuality
from appliance.core.config import Config, parse
from appliance.core.config.networks import Access, NetworkKind
from appliance.core.errors import GateUnavailable
from appliance.gate.protocol import GateStatus
from appliance.network import dnsmasq, nftables
from appliance.system import examine
from appliance.system.certificate import Judgement, State
from appliance.system.doctor import Box, FilterList, GateFacts, Level, PrinterFacts, RecordFacts, SignerFacts, judge
from appliance.system.links import Link
from appliance.system.roots import Roots
from appliance.system.uplink_state import UNKNOWN, UplinkState
from tests.authority import NOW

FULL = Path(__file__).parents[3] / "golden/rendered/full/hub.toml"
CONFIG = parse(FULL.read_text("utf-8"))
UP = UplinkState(True, "2026-05-31T00:00:00Z", 1)
GATE = GateFacts(True, True, 7, "htb", "")
USABLE = Judgement(State.USABLE, "valid", pem="x", ends=NOW + datetime.timedelta(days=60))
SOON = NOW + datetime.timedelta(days=13)
WELL = Box(
    config=CONFIG, is_applied=True, gate=GATE, forwards=True, certificate=USABLE, is_certificate_in_use=True,
    offers_option_114=True, clock=WallQuality.NTP, now=NOW, link=Link(True, "192.0.2.10", "192.0.2.1"), link_mbit=1000,
    uplink=UP, dns_answers=True, leases={"warga": (10, 4000)}, filter_lists=(FilterList("judi", 1.0, ""),),
    records=RecordFacts(True, 1.0), disk_free_bytes=10**10, disk_bytes=10**11, units={"desahub-gate.service": "active"},
    has_radio=True, printers=(PrinterFacts("surat", "ready", ""),), signer=SignerFacts(True, True, ""),
)  # fmt: skip


def worst(box: Box, matter: str) -> tuple[Level, str]:
    """The one finding of a matter, with its words; every other matter must be good."""
    found = [one for one in judge(box) if one.matter == matter]
    others = [one for one in judge(box) if one.matter != matter and one.level is not Level.GOOD]
    assert len(found) == 1, found
    assert others == []
    assert found[0].level is Level.GOOD or found[0].remedy or found[0].matter in ("clock", "programs")
    return found[0].level, found[0].means


def test_a_box_that_is_well() -> None:
    found = judge(WELL)
    assert {one.level for one in found} == {Level.GOOD}
    assert [one.matter for one in found] == [
        "configuration", "firewall", "sharing", "uplink", "DNS", "addresses warga", "certificate",
        f"certificate {CONFIG.kiosk.host}", "clock", "filter judi", "records", "disk", "programs", "radio",
        "printer surat", "signatures",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "matter", "level", "words"),
    [
        ({"is_applied": False}, "configuration", "warn", "was changed after it was applied"),
        ({"gate": None, "gate_problem": "no answer"}, "firewall", "bad", "nobody knows whether it is closed"),
        ({"gate": dataclasses.replace(GATE, closed_by_default=False)}, "firewall", "bad", "open"),
        ({"gate": dataclasses.replace(GATE, rules_match=False)}, "firewall", "bad", "other rules"),
        ({"gate": dataclasses.replace(GATE, shaper="none")}, "sharing", "bad", "asks for htb, the gate runs none"),
        ({"gate": dataclasses.replace(GATE, shaper_problem="no cake")}, "sharing", "bad", "no cake"),
        ({"link_mbit": 10}, "sharing", "warn", "runs at 10 Mbit/s"),
        ({"link": Link(False, None, None)}, "uplink", "bad", "eth0 has no link"),
        ({"link": Link(True, None, None)}, "uplink", "bad", "no address"),
        ({"link": Link(True, "192.0.2.10", None)}, "uplink", "bad", "no gateway"),
        ({"uplink": UNKNOWN}, "uplink", "warn", "nobody measures"),
        ({"uplink": UplinkState(False, "2026-05-31T00:00:00Z", 1)}, "uplink", "bad", "since 2026-05-31"),
        ({"dns_answers": False}, "DNS", "bad", "no answer"),
        ({"leases": {"warga": (3600, 4000)}}, "addresses warga", "warn", "3600 of 4000"),
        ({"leases": {"warga": (4000, 4000)}}, "addresses warga", "bad", "4000 of 4000"),
        ({"is_certificate_in_use": False}, "certificate", "bad", "cut short"),
        ({"is_certificate_in_use": False, "offers_option_114": False}, "certificate", "warn", "not used yet: valid"),
        ({"certificate": Judgement(State.REFUSED, "it ended", "renew")}, "certificate", "warn", "still used: it ended"),
        ({"certificate": dataclasses.replace(USABLE, ends=SOON)}, "certificate", "warn", "is sent"),
        (
            {"certificate": Judgement(State.REFUSED, "it ended", "renew"), "is_certificate_in_use": False,
             "offers_option_114": False}, "certificate", "warn", "option 114 is not sent: it ended",
        ),
        (
            {"certificate": Judgement(State.ABSENT, "none was delivered"), "is_certificate_in_use": False,
             "offers_option_114": False}, "certificate", "good", "phones find the portal by probes",
        ),
        ({"clock": WallQuality.RTC}, "clock", "warn", "battery-backed"),
        ({"clock": WallQuality.UNKNOWN}, "clock", "warn", "nobody has set it"),
        ({"filter_lists": (FilterList("judi", None, "404"),)}, "filter judi", "bad", "never loaded: 404"),
        ({"filter_lists": (FilterList("judi", 0.2, ""),)}, "filter judi", "good", "asked for in the last hours"),
        ({"filter_lists": (FilterList("judi", 1.2, ""),)}, "filter judi", "good", "asked for a day ago"),
        ({"filter_lists": (FilterList("judi", 9.0, ""),)}, "filter judi", "warn", "9 days old"),
        ({"filter_lists": (FilterList("judi", 1.0, "404"),)}, "filter judi", "warn", "1 days old: 404"),
        ({"records": RecordFacts(False, None)}, "records", "bad", "nothing is recorded"),
        ({"records": RecordFacts(True, None)}, "records", "warn", "nothing was recorded yet"),
        ({"disk_free_bytes": 5 * 10**9}, "disk", "warn", "5000 MB"),
        ({"disk_free_bytes": 10**9}, "disk", "bad", "nothing more is kept soon"),
        ({"units": None}, "programs", "warn", "does not say"),
        ({"units": {"desahub-dns.service": "failed"}}, "programs", "bad", "desahub-dns.service is failed"),
        ({"has_radio": False}, "radio", "bad", "wlan0 is missing"),
    ],
)  # fmt: skip
def test_each_matter(changed: dict[str, Any], matter: str, level: str, words: str) -> None:
    found, means = worst(dataclasses.replace(WELL, **changed), matter)
    assert found.value == level
    assert words in means


def test_a_box_without_anything_says_what_is_unknown() -> None:
    found = {one.matter: one.level for one in judge(Box(config=None))}
    assert found == {
        "configuration": Level.BAD, "firewall": Level.BAD, "forwarding": Level.WARN, "clock": Level.WARN,
        "programs": Level.WARN,
    }  # fmt: skip


def test_who_is_not_root_is_told_that_root_would_know() -> None:
    (found,) = [
        one for one in judge(Box(config=None, is_root=False, gate_problem="no access")) if one.matter == "firewall"
    ]
    assert found.level is Level.WARN
    assert "root alone" in found.means
    assert found.remedy == "sudo desahub doctor"


def _no_gate() -> GateStatus:
    raise GateUnavailable("the gate does not answer")


def test_an_empty_machine_is_examined_without_an_error(tmp_path: Path) -> None:
    box = command.examined(_no_gate, Roots.under(tmp_path), tmp_path / "a", tmp_path / "b", NOW)
    assert box.config is None
    assert "cannot be read" in box.config_problem
    command.table(judge(box))


def test_a_machine_is_examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = Roots.under(tmp_path)
    (tmp_path / "etc/desahub/rendered").mkdir(parents=True)
    (tmp_path / "etc/desahub/rendered/dnsmasq.conf").write_text(dnsmasq.render(CONFIG, https=True))
    (tmp_path / "etc/desahub/rendered/portal.pem").write_text("x")
    (tmp_path / "var/lib/desahub-dns").mkdir(parents=True)
    (tmp_path / "var/lib/desahub-dns/leases").write_text(
        "1 02:00:00:00:00:01 10.20.0.50 * *\n2 02:00:00:00:00:02 10.30.0.50 * *\nnonsense\n1 a 999.1.1.1 * *\n"
    )
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    (tmp_path / "run/systemd/timesync/synchronized").touch()
    (tmp_path / "sys/class/net/wlan0/phy80211").mkdir(parents=True)
    (tmp_path / "sys/class/net/eth0").mkdir()
    (tmp_path / "sys/class/net/eth0/speed").write_text("100\n")
    (tmp_path / "proc/sys/net/ipv4").mkdir(parents=True)
    (tmp_path / "proc/sys/net/ipv4/ip_forward").write_text("1\n")
    monkeypatch.setattr(examine, "_DNS_SECONDS", 0.05)
    status = GateStatus(True, 3, nftables.fingerprint(CONFIG), "htb", "")
    box = command.examined(lambda: status, roots, FULL, FULL, NOW)
    assert (box.gate, box.is_applied) == (GateFacts(True, True, 3, "htb", ""), True)
    assert (box.is_certificate_in_use, box.offers_option_114) == (True, True)
    assert box.leases is not None
    assert box.leases["warga"][0] == box.leases["kantor"][0] == 1
    assert (box.clock, box.has_radio, box.link_mbit, box.forwards) == (WallQuality.NTP, True, 100, True)
    assert box.units is None, "no systemd there"
    assert box.disk_free_bytes
    assert box.certificate is not None
    assert box.certificate.state is State.ABSENT


def test_a_way_in_by_account_needs_the_kiosks_second_socket() -> None:
    networks = tuple(
        dataclasses.replace(network, access=(Access.ACCOUNT,)) if network.kind is NetworkKind.RESIDENT else network
        for network in CONFIG.networks
    )
    assert "desahub-accounts.socket" in examine.units_of(dataclasses.replace(CONFIG, networks=networks))


def test_units_are_asked_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    wanted = examine.units_of(CONFIG)
    assert "desahub-accounts.socket" not in wanted
    assert {"desahub-radio@warga.service", "desahub-radio@kantor.service"} <= set(wanted)
    answers = {
        "is-active": "active\n" * (len(wanted) - 1) + "failed\n",
        "list-units": "desahub-x.service loaded failed\n",
    }

    def run(argv: list[str], **_: Any) -> Any:
        return type("Done", (), {"output": answers[argv[1]]})

    monkeypatch.setattr(examine, "run", run)
    found = examine.units(CONFIG, Roots.under(tmp_path))
    assert found is not None
    assert [unit for unit, state in found.items() if state == "failed"] == [wanted[-1], "desahub-x.service"]
    answers["is-active"] = "Failed to connect to bus\n"
    assert examine.units(CONFIG, Roots.under(tmp_path)) is None


@pytest.mark.parametrize(
    ("answer", "is_right"),
    [
        (lambda asked: asked[:2] + b"\x81\x80" + asked[4:], True),
        (lambda asked: asked[:2] + b"\x81\x82" + asked[4:], False),  # SERVFAIL
        (lambda asked: b"\0\0\x81\x80" + asked[4:], False),  # another question's
        (lambda asked: asked, False),  # no answer at all
        (lambda asked: b"", False),
    ],
)
def test_dns_is_asked(answer: Any, is_right: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def serve() -> None:
            asked, sender = server.recvfrom(4096)
            assert b"\5masuk\4desa\10internal\0\0\1\0\1" in asked
            # A random id could be the other question's: then it is not.
            server.sendto(answer(asked if asked[:2] != b"\0\0" else b"\1\1" + asked[2:]), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        assert examine.dns_answers("masuk.desa.internal", server.getsockname()) is is_right
        thread.join(5)


def test_lists_and_records_are_looked_at(tmp_path: Path) -> None:
    roots = Roots.under(tmp_path)
    assert examine.filter_lists(CONFIG, NOW, roots) is None
    assert examine.records(CONFIG, NOW, roots) is None
    config: Config = parse(
        FULL.read_text("utf-8").replace('kind = "resident"', 'kind = "resident"\nfilter = true')
        + '\n[[filter.lists]]\nname = "judi"\nsource = "/srv/judi.txt"\n'
        + f'[records]\nenabled = true\npublic_key_file = "{tmp_path}/records.pub"\n'
    )
    assert examine.filter_lists(config, NOW, roots) == (FilterList("judi", None, ""),)
    assert examine.records(config, NOW, roots) == RecordFacts(False, None)
    folder = tmp_path / "var/lib/desahub-records"
    folder.mkdir(parents=True)
    (folder / "a").touch()
    (tmp_path / "records.pub").write_text("key")
    found = examine.records(config, NOW, roots)
    assert found is not None
    assert found.has_key
    assert found.hours is not None


def test_the_command_ends_with_1_when_something_is_bad(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "examined", lambda _: WELL)
    import argparse

    assert command.run(argparse.Namespace(json=False)) == 0
    assert "good  firewall" in capsys.readouterr().out
    monkeypatch.setattr(command, "examined", lambda _: dataclasses.replace(WELL, clock=WallQuality.RTC))
    assert command.run(argparse.Namespace(json=False)) == 0, "a doubt is no failure"
    monkeypatch.setattr(command, "examined", lambda _: dataclasses.replace(WELL, dns_answers=False))
    assert command.run(argparse.Namespace(json=True)) == 1
    assert '"matter": "DNS", "level": "bad"' in capsys.readouterr().out


def test_each_name_is_told_whether_the_certificate_is_for_it() -> None:
    letters = dataclasses.replace(CONFIG.letters, verification_host="cek.sukamaju.desa.id")
    config = dataclasses.replace(CONFIG, letters=letters)
    for names, words in (
        ((CONFIG.kiosk.host,), ("is for this name too", "is not for this name")),
        ((letters.verification_host,), ("is not for this name", "is for this name too")),
    ):
        box = dataclasses.replace(WELL, config=config, certificate=dataclasses.replace(USABLE, names=names))
        said = {one.matter: one.means for one in judge(box)}
        assert said[f"certificate {config.kiosk.host}"].startswith(words[0])
        assert said[f"certificate {letters.verification_host}"].startswith(words[1])


@pytest.mark.parametrize(
    ("condition", "level", "words"),
    [
        ("paper_out", Level.WARN, "no paper: media-empty-error"),
        ("attention", Level.WARN, "it needs a hand"),
        ("offline", Level.BAD, "nothing is printed"),
    ],
)
def test_a_printer(condition: str, level: Level, words: str) -> None:
    box = dataclasses.replace(WELL, printers=(PrinterFacts("surat", condition, "media-empty-error"),))
    found = worst(box, "printer surat")
    assert found[0] is level and words in found[1]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (SignerFacts(False, False, "no socket"), "no name and password"),
        (SignerFacts(True, False, "no socket"), "no socket"),
    ],
)
def test_signatures(facts: SignerFacts, words: str) -> None:
    found = worst(dataclasses.replace(WELL, signer=facts), "signatures")
    assert found[0] is Level.BAD and words in found[1]


def test_a_box_that_prints_and_signs_nothing_is_told_nothing_of_it() -> None:
    matters = {one.matter for one in judge(dataclasses.replace(WELL, printers=(), signer=None))}
    assert not matters & {"printer surat", "signatures"}


def test_who_is_not_root_is_told_that_printer_and_signer_are_not_seen() -> None:
    box = dataclasses.replace(
        WELL, is_root=False, printers=(PrinterFacts("surat", "offline", "no"),), signer=SignerFacts(False, True, "")
    )
    levels = {one.matter: one.level for one in judge(box)}
    assert levels["printer surat"] is Level.WARN and levels["signatures"] is Level.WARN
