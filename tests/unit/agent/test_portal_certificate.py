"""From a box's request to its portal's certificate and the next one: the real service, an authority in memory."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from agent import enrolment, identity, portal_certificate
from agent.enrolment_link import Refused, Unreachable
from appliance.core.clock import WallQuality
from appliance.core.errors import OperationError
from appliance.system import certificate, portal_request
from appliance.system.certificate import WallClock
from appliance.system.roots import Roots
from noc.enrolment.wire import Limits
from noc.portal_certificates import turn
from noc.portal_certificates.plan import parse
from noc.portal_certificates.source import Trouble
from tests.authority import Authority
from tests.contract.certificate_source_twin import CertificateSourceTwin
from tests.unit.agent.test_enrolment import Box
from tests.unit.appliance.system.test_portal_request import configured
from tests.unit.noc.enrolment.asking import Noc
from tests.unit.noc.enrolment.serving import server_identity, serving

PLAN = 'zones = ["hub.kab.go.id"]\nprovider = "rfc2136"\nemail = "noc@kab.go.id"\nterms_agreed = true\n'


class PortalBox:
    """Root's and the agent's part of a box, and the NOC behind it."""

    def __init__(self, folder: Path, noc: Noc, port: int) -> None:
        self.roots, self.noc, self.config = Roots.under(folder / "box"), noc, configured()
        self.agent = Box(folder, noc, port)
        self.agent.claim()
        self.request = self.roots.etc / "desahub/rendered/portal-request.pem"
        self.answers = self.roots.run / "desahub-portal-request"
        self.answers.mkdir(parents=True)
        self.authority = Authority(noc.now)
        self.authority.trust(self.roots.etc)
        self.twin = CertificateSourceTwin(self.authority, ["hub.kab.go.id"])

    @property
    def clock(self) -> WallClock:
        return WallClock(self.noc.now, WallQuality.NTP)

    def root(self) -> bool:
        """What ``desahub certificate refresh`` does; True while something is asked for."""
        portal_request.take(self.config, self.clock, self.roots)
        return portal_request.keep_up(self.config, self.clock, self.roots)

    def carry(self) -> str:
        return portal_certificate.carry(
            self.agent.directory, self.agent.section, self.agent.moment(), request=self.request, folder=self.answers
        )

    def obtain(self) -> int:
        self.authority.now = self.noc.now
        return turn.run(self.noc.spool, parse(PLAN), self.twin, lambda: int(self.noc.now.timestamp()))

    def look(self) -> certificate.Judgement:
        return certificate.look(self.config, self.roots, self.clock)

    def answer(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.answers / "answer.json").read_text())
        return found


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    (tmp_path / "noc").mkdir()
    made = Noc(tmp_path / "noc")
    (tmp_path / "noc/portal.toml").write_text(PLAN)
    return made


@pytest.fixture
def box(tmp_path: Path, noc: Noc) -> Iterator[PortalBox]:
    identity_of_noc = server_identity(noc, tmp_path / "server", "127.0.0.1", "localhost")
    with serving(noc, identity_of_noc, Limits()) as port:
        yield PortalBox(tmp_path, noc, port)


def test_from_nothing_to_a_certificate_and_to_the_next_one(box: PortalBox) -> None:
    assert box.carry() == "", "nothing is asked for yet"
    assert box.root()
    assert box.carry() == "waiting"
    assert box.obtain() == 1
    assert box.carry() == "done"
    assert not box.root()
    first = box.look()
    assert first.is_usable
    assert box.carry() == "", "what is here is not asked for again"
    days = 0
    while not box.root():
        box.noc.pass_days(1)
        box.agent.renew()
        days += 1
    assert 54 <= days <= 61
    assert box.carry() == "waiting"
    assert box.look().is_usable
    assert box.obtain() == 1
    assert box.carry() == "done"
    assert not box.root()
    second = box.look()
    assert second.is_usable
    assert first.ends is not None
    assert second.ends is not None
    assert second.ends > first.ends
    private = "PRIVATE KEY"
    keys = {pem.split("-----BEGIN CERTIFICATE")[0] for pem in (first.pem, second.pem)}
    assert len(keys) == 2
    assert all(private in each for each in keys)
    assert not [path for path in box.noc.folder.rglob("*.json") if private in path.read_text()]


def test_a_box_that_waits_asks_often_at_first_and_seldom_later(box: PortalBox) -> None:
    box.root()
    assert box.carry() == "waiting"
    assert box.carry() == "waiting"
    box.noc.pass_days(2 / 24)
    assert box.carry() == "waiting"
    box.noc.pass_days(0.5 / 24)
    assert box.carry() == ""
    box.noc.pass_days(0.6 / 24)
    assert box.carry() == "waiting"


def test_what_came_and_was_not_taken_is_asked_for_again_after_a_day(box: PortalBox) -> None:
    box.root()
    box.carry()
    assert box.obtain() == 1
    assert box.carry() == "done"
    chain = (box.answers / "fullchain.pem").read_bytes()
    (box.answers / "fullchain.pem").write_bytes(b"what a NOC that is mistaken sent")
    assert box.root()
    assert box.carry() == ""
    box.noc.pass_days(1.01)
    assert box.carry() == "done"
    assert (box.answers / "fullchain.pem").read_bytes() == chain
    assert not box.root()
    assert box.look().is_usable


def test_what_the_noc_is_told_reaches_the_box_in_words_and_no_more(box: PortalBox) -> None:
    box.root()
    box.carry()
    box.twin.trouble = Trouble.DNS_UPDATE
    assert box.obtain() == 0
    box.carry()
    message = str(box.answer()["message"])
    assert "DNS provider did not take the record" in message
    assert "as told" not in message, "what the provider said is for the NOC's operator"


def test_a_refusal_is_kept_for_doctor_and_not_asked_again_for_hours(box: PortalBox) -> None:
    box.config = configured(host="masuk.lain.example")
    box.root()
    with pytest.raises(Refused, match="may not have this name"):
        box.carry()
    facts = portal_request.facts(box.config, box.clock, box.roots)
    assert facts is not None
    assert facts.said.code == "name_refused"
    assert box.carry() == ""
    box.noc.pass_days(7 / 24)
    with pytest.raises(Refused):
        box.carry()


def test_a_noc_that_is_not_there_leaves_everything_as_it_was(box: PortalBox) -> None:
    box.root()
    section, box.agent.section = box.agent.section, type(box.agent.section)("127.0.0.1", 8883, 1)
    with pytest.raises(Unreachable):
        box.carry()
    assert not (box.answers / "answer.json").exists()
    box.agent.section = section
    assert box.carry() == "waiting"


def test_without_an_identity_nobody_is_asked(box: PortalBox) -> None:
    box.root()
    (box.agent.directory / identity.CERTIFICATE).unlink()
    with pytest.raises(OperationError, match="desahub claim"):
        box.carry()


def test_the_program_says_by_its_status_whether_to_come_again(box: PortalBox, tmp_path: Path) -> None:
    text = '[noc]\nhost = "127.0.0.1"\n'
    box.agent.run("renew")
    config = tmp_path / "hub.toml"
    assert text.splitlines()[0] in config.read_text()
    arguments = ["portal", "--config", str(config), "--state", str(box.agent.state)]
    arguments += ["--request", str(box.request), "--answers", str(box.answers)]
    assert enrolment.main(arguments, box.agent.moment) == 0, "nothing to ask"
    box.root()
    assert enrolment.main(arguments, box.agent.moment) == enrolment.TEMPORARY
    box.obtain()
    assert enrolment.main(arguments, box.agent.moment) == 0
    chain = x509.load_pem_x509_certificates((box.answers / "fullchain.pem").read_bytes())
    assert chain[0].not_valid_after_utc > box.noc.now + datetime.timedelta(days=80)
    with (box.answers / "answer.json").open() as file:
        assert json.load(file)["code"] == "done"
