"""How a box gets an identity and keeps it: against the real service on loopback, with any clock and any power cut."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from agent import enrolment, identity
from agent.enrolment_link import EnrolmentLink, Refused, Unreachable, judged_at
from appliance import cli
from appliance.core import claim
from appliance.core.clock import Moment, WallQuality
from appliance.core.config.reporting import Noc as NocSection
from appliance.core.enrolment import renewal_due_s
from appliance.core.errors import OperationError
from appliance.system import clock_floor
from noc.enrolment import claims
from noc.enrolment.wire import Limits
from tests.unit.noc.enrolment.asking import START, Noc
from tests.unit.noc.enrolment.serving import server_identity, serving

HUB = "hub-satu"
EXAMPLE = Path(__file__).parents[3] / "image-build/debian/hub.toml"


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    (tmp_path / "noc").mkdir()
    return Noc(tmp_path / "noc")


@pytest.fixture
def port(noc: Noc, tmp_path: Path) -> Iterator[int]:
    with serving(noc, server_identity(noc, tmp_path / "server", "127.0.0.1", "localhost"), Limits()) as found:
        yield found


class Box:
    """A box at the NOC on loopback; ``quality`` is how it knows the NOC's date, ``wall`` another date of its own."""

    def __init__(self, folder: Path, noc: Noc, port: int) -> None:
        self.state, self.noc, self.section = folder / "state", noc, NocSection("127.0.0.1", 8883, port)
        self.directory = self.state / "identity"
        self.state.mkdir(exist_ok=True)
        self.quality, self.boot_id = WallQuality.NTP, "ab" * 16
        self.wall: datetime.datetime | None = None

    def moment(self) -> Moment:
        wall = self.wall or self.noc.now
        return Moment(self.boot_id, 5_000, int(wall.timestamp() * 1000), self.quality)

    def code(self, days: int = 30) -> claim.ClaimCode:
        return claim.parse(claims.make(self.noc.ledger, self.noc.authority, HUB, days))

    def claim(self, code: claim.ClaimCode | None = None) -> None:
        enrolment.claim_identity(
            self.directory, HUB, self.section, code or self.code(), moment=self.moment(), tell=lambda _: None
        )

    def renew(self) -> bool:
        return enrolment.renew_identity(self.directory, HUB, self.section, self.moment())

    def end(self) -> datetime.datetime:
        found = identity.certificate(self.directory)
        assert found is not None
        return found.not_valid_after_utc

    def is_whole(self) -> bool:
        """Does TLS take key and certificate together?"""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_cert_chain(self.directory / "hub.crt", self.directory / "hub.key")
        except (ssl.SSLError, OSError):
            return False
        return sorted(path.name for path in self.directory.iterdir()) == ["ca.crt", "hub.crt", "hub.key"]

    def run(self, what: str, *codes: Path) -> int:
        config = self.state.parent / "hub.toml"
        text = EXAMPLE.read_text("utf-8").split("[noc]")[0]
        assert "[hub]" in text
        name = next(line for line in text.splitlines() if line.startswith("id ="))
        noc = f'[noc]\nhost = "127.0.0.1"\nenrolment_port = {self.section.enrolment_port}\n'
        config.write_text(text.replace(name, f'id = "{HUB}"') + noc, "utf-8")
        arguments = [what, "--config", str(config), "--state", str(self.state)]
        if codes:
            arguments += ["--codes", *(str(path) for path in codes)]
        return enrolment.main(arguments, self.moment)


@pytest.fixture
def box(tmp_path: Path, noc: Noc, port: int) -> Box:
    return Box(tmp_path, noc, port)


def test_a_code_becomes_an_identity_that_is_renewed_in_time(box: Box) -> None:
    box.claim()
    assert box.is_whole()
    assert (box.directory / "hub.key").stat().st_mode & 0o777 == 0o600
    assert box.directory.stat().st_mode & 0o777 == 0o700
    first, key = box.end(), (box.directory / "hub.key").read_bytes()
    assert (first - START).days == 90
    begin = (START - datetime.timedelta(days=1)).timestamp()
    assert (box.directory / "hub.crt").stat().st_mtime == begin
    renewed_after = 0
    while not box.renew():
        box.noc.pass_days(1)
        renewed_after += 1
    assert 54 <= renewed_after <= 60, "a third of its life before the end, or up to an eighteenth earlier"
    assert box.is_whole()
    assert (box.directory / "hub.key").read_bytes() != key
    assert box.end() == first + datetime.timedelta(days=renewed_after)
    assert not box.renew()


def test_hubs_of_one_week_are_renewed_on_different_days() -> None:
    day = 86_400
    due = [renewal_due_s(0, 90 * day, serial) for serial in range(2_000)]
    assert 55 * day <= min(due) < 55.1 * day
    assert 59.9 * day < max(due) <= 60 * day
    by_day = [sum(start * day <= each < (start + 1) * day for each in due) for start in range(55, 60)]
    assert min(by_day) > 300


def test_back_after_90_days_away_with_a_certificate_that_has_ended(box: Box) -> None:
    box.claim()
    box.noc.pass_days(185)
    assert box.renew()
    assert box.is_whole()
    assert box.end() > box.noc.now


@pytest.mark.parametrize("quality", [WallQuality.UNKNOWN, WallQuality.RTC])
@pytest.mark.parametrize("year", [1970, 2025, 2036, 9999])
def test_a_box_with_a_wrong_clock_claims_renews_and_learns_the_time(box: Box, year: int, quality: WallQuality) -> None:
    box.quality, box.wall = quality, datetime.datetime(year, 1, 1, 0, 0, 10, tzinfo=datetime.UTC)
    box.claim()
    assert box.is_whole()
    assert not box.renew()
    assert (box.directory / clock_floor.NOC_TIME).stat().st_mtime == box.noc.now.timestamp()
    box.noc.pass_days(70)
    assert box.renew()
    assert not box.renew()


def test_a_clock_that_a_time_server_set_is_believed(noc: Noc) -> None:
    authority = noc.authority.certificate
    late = Moment("ab" * 16, 0, int(authority.not_valid_after_utc.timestamp() * 1000) + 1000, WallQuality.NTP)
    assert judged_at(late, authority) > authority.not_valid_after_utc
    unsure = Moment("ab" * 16, 0, 2**62, WallQuality.RTC)
    assert judged_at(unsure, authority) == authority.not_valid_after_utc


def test_a_lost_answer_is_asked_for_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    code = box.code()

    def cut(*_: object) -> None:
        raise OperationError("the power went")

    with monkeypatch.context() as broken:
        broken.setattr(identity, "install_next", cut)
        with pytest.raises(OperationError, match="power"):
            box.claim(code)
    box.claim(code)
    box.noc.pass_days(60)
    with monkeypatch.context() as broken:
        broken.setattr(identity, "install_next", cut)
        with pytest.raises(OperationError, match="power"):
            box.renew()
    assert box.renew()
    assert box.is_whole()


@pytest.mark.parametrize("cut_after", range(6))
def test_a_power_cut_between_any_two_steps_of_a_renewal(
    box: Box, monkeypatch: pytest.MonkeyPatch, cut_after: int
) -> None:
    box.claim()
    box.noc.pass_days(60)
    replace, done = Path.replace, 0

    def cut(self: Path, target: Path) -> Path:
        nonlocal done
        if done == cut_after:
            raise OSError(5, "cut", str(self))
        done += 1
        return replace(self, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", cut)
        with contextlib.suppress(OperationError):
            box.renew()
    identity.settle(box.directory)
    if not box.is_whole():
        assert box.renew()
    assert box.is_whole()
    assert box.end() > START + datetime.timedelta(days=90) or box.renew()


def test_another_noc_gets_nothing(box: Box, tmp_path: Path, noc: Noc) -> None:
    (tmp_path / "other").mkdir()
    other = Noc(tmp_path / "other")
    code = claim.parse(claims.make(other.ledger, other.authority, HUB, 1))
    with pytest.raises(OperationError, match="another fingerprint"):
        box.claim(code)
    assert not box.directory.exists()
    # It shows the right authority's certificate, which is no secret, and is another server.
    other.desk._authority = noc.authority
    with serving(other, server_identity(other, tmp_path / "false", "127.0.0.1"), Limits()) as port:
        box.section = NocSection("127.0.0.1", 8883, port)
        with pytest.raises(OperationError, match="is not the NOC's"):
            box.claim()
    with serving(noc, server_identity(noc, tmp_path / "misnamed", "noc.example.go.id"), Limits()) as port:
        box.section = NocSection("127.0.0.1", 8883, port)
        with pytest.raises(OperationError, match="not for this name"):
            box.claim()
    assert not box.directory.exists()


def test_nothing_is_asked_before_it_is_known_of_whom(box: Box) -> None:
    with EnrolmentLink(box.section, box.moment()) as link, pytest.raises(AssertionError):
        link.ask("GET", "/v1/nonce")


def test_a_wrong_code_is_tried_once_a_boot_and_what_is_in_use_stays(
    box: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    right = box.code()
    wrong = claim.ClaimCode("00000000" if right.secret != "00000000" else "11111111", right.fingerprint)
    card = tmp_path / "desahub-claim.txt"
    card.write_text(f"\ufeff# Desa Sukamaju\r\n{wrong.text()}\r\n", "utf-8")
    assert box.run("claim", card) == 1
    assert "not known here" in caplog.text
    for _ in range(3):
        assert box.run("claim", card) == 0
    with box.noc.ledger.page() as page:
        found = page.claim(HUB)
    assert found is not None
    assert found.wrong_tries == 1
    box.boot_id = "cd" * 16
    assert box.run("claim", card) == 1
    card.write_text(right.text().lower(), "utf-8")
    assert box.run("claim", card) == 0
    assert box.is_whole()
    assert sorted(path.name for path in box.state.iterdir()) == ["identity"]
    assert box.run("claim", card) == 0, "claimed already"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", b"x" * 5_000, b"12345"])
def test_a_file_that_is_no_code_is_said_and_passed_over(
    box: Box, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "bad").write_bytes(content)
    assert box.run("claim", tmp_path / "bad", tmp_path / "missing") == 0
    assert str(tmp_path / "bad") in caplog.text
    (tmp_path / "good").write_text(box.code().text())
    assert box.run("claim", tmp_path / "bad", tmp_path / "missing", tmp_path / "good") == 0
    assert box.is_whole()


def test_without_a_line_it_is_tried_again(box: Box, tmp_path: Path) -> None:
    (tmp_path / "code").write_text(box.code().text())
    section, box.section = box.section, NocSection("127.0.0.1", 8883, 1)
    assert box.run("claim", tmp_path / "code") == 75
    assert not box.directory.exists()
    box.section = section
    assert box.run("claim", tmp_path / "code") == 0
    assert box.run("renew") == 0
    box.noc.pass_days(60)
    box.section = NocSection("127.0.0.1", 8883, 1)
    assert box.run("renew") == 75
    assert box.is_whole() or (box.directory / "hub.key.next").exists()


def test_a_revoked_box_is_told_so(box: Box) -> None:
    box.claim()
    box.noc.pass_days(60)
    with box.noc.ledger.page() as page:
        page.revoke_hub(HUB, "dicuri")
    with pytest.raises(Refused, match="revoked at the NOC") as caught:
        box.renew()
    assert caught.value.code == "revoked"
    assert box.run("renew") == 1
    box.claim()
    assert box.is_whole()


def test_a_copied_card_is_found_by_whoever_renews_second(box: Box, tmp_path: Path) -> None:
    box.claim()
    shutil.copytree(box.state, tmp_path / "copy/state")
    copy = Box(tmp_path / "copy", box.noc, box.section.enrolment_port)
    box.noc.pass_days(60)
    assert box.renew()
    with pytest.raises(Refused, match="two boxes") as caught:
        copy.renew()
    assert caught.value.code == "superseded"


def test_the_command_claims_or_keeps_the_code(
    box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The command asks the machine's own clock.
    box.noc.now = datetime.datetime.now(datetime.UTC)
    code = box.code().text()
    box.run("claim")  # writes hub.toml
    config = ["--config", str(tmp_path / "hub.toml"), "--state", str(box.state)]
    assert cli.main(["claim", *config, code[:-1]]) == 1
    assert "24 characters" in capsys.readouterr().err
    section, box.section = box.section, NocSection("127.0.0.1", 8883, 1)
    box.run("renew")
    assert cli.main(["claim", *config, *code.split("-")]) == 0
    assert "within five minutes" in capsys.readouterr().out
    kept = box.state / "claim"
    assert kept.read_text().strip() == code
    assert kept.stat().st_mode & 0o777 == 0o600
    box.section = section
    assert box.run("claim") == 0
    assert box.is_whole()
    assert not kept.exists()
    assert cli.main(["claim", *config, box.code().text()]) == 0
    out = capsys.readouterr().out
    assert "it is the one of this claim code" in out
    assert f"{HUB} has its identity" in out
    assert cli.main(["claim", *config, code]) == 1
    assert "the NOC says no" in capsys.readouterr().err


def test_the_link_takes_no_endless_answer_and_no_nonsense(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    code = box.code()
    for said in (b"[]", b"{", b'{"certificate": 5}', b'{"certificate": "x"}', b"x" * 20_000):
        with monkeypatch.context() as broken:
            broken.setattr(box.noc.desk, "claim", lambda *_, s=said: s)
            with pytest.raises(OperationError):
                box.claim(code)
    assert not (box.directory / "hub.crt").exists()
    with pytest.raises(Unreachable):
        EnrolmentLink(NocSection("127.0.0.1", 8883, 1), box.moment()).__enter__()


def test_a_certificate_of_another_key_or_name_is_not_taken(box: Box) -> None:
    box.claim()
    found = identity.certificate(box.directory)
    assert found is not None
    pem = found.public_bytes(serialization.Encoding.PEM)
    identity.request_next(box.directory, HUB)
    with pytest.raises(OperationError, match="another key"):
        identity.install_next(box.directory, HUB, pem, box.noc.authority.certificate_pem)
    assert identity.certificate(box.directory) == found


def test_root_gives_nothing_away_through_a_link_that_took_the_place_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *who: given.append(who))
    monkeypatch.setattr(Path, "mkdir", lambda folder, **_: folder.symlink_to(tmp_path / "elsewhere"))
    with pytest.raises(OperationError):
        identity.request(tmp_path / "identity", HUB)
    assert given == []
    assert not list((tmp_path / "elsewhere").iterdir())
