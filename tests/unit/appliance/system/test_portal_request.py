"""What root does for a certificate from the NOC: when it asks, what it takes, and that the old one stays till then."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.clock import WallQuality
from appliance.core.config import Config, parse
from appliance.core.errors import ConfigError
from appliance.system import certificate, doctor, files, portal_request
from appliance.system.certificate import State, WallClock
from appliance.system.roots import Roots
from tests.authority import DAY, NOW, Authority
from tests.contract.certificate_source_twin import CertificateSourceTwin

HOST = "hub-satu.hub.kab.go.id"
HUB_TOML = Path(__file__).parents[3] / "golden/rendered/minimal/hub.toml"
NOC = '[noc]\nhost = "noc.kab.go.id"\n'


def configured(
    host: str = HOST, kiosk: str = "layanan.desa.internal", by: str = "noc", noc: str = NOC, letters: str = ""
) -> Config:
    text = HUB_TOML.read_text("utf-8")
    assert "[portal]" not in text
    assert "[noc]" not in text
    return parse(
        f'{text}\n[portal]\nhost = "{host}"\ncertificate = "{by}"\n[kiosk]\nhost = "{kiosk}"\n{noc}'
        + (f'[letters]\nverification_host = "{letters}"\n' if letters else "")
    )


class Box:
    """A box whose clock stands until it is told, with an authority that it trusts."""

    def __init__(self, folder: Path) -> None:
        self.roots, self.now, self.config = Roots.under(folder), NOW, configured()
        self.quality = WallQuality.NTP
        self.folder = certificate.folder(self.roots)
        self.request = self.roots.etc / "desahub/rendered/portal-request.pem"
        self.answers = self.roots.run / "desahub-portal-request"
        self.answers.mkdir(parents=True)
        self.authority = Authority()
        self.authority.trust(self.roots.etc)
        self.twin = CertificateSourceTwin(self.authority, ["kab.go.id"])

    @property
    def clock(self) -> WallClock:
        return WallClock(self.now, self.quality)

    def keep_up(self) -> bool:
        return portal_request.keep_up(self.config, self.clock, self.roots)

    def take(self) -> certificate.Judgement | None:
        return portal_request.take(self.config, self.clock, self.roots)

    def look(self) -> certificate.Judgement:
        return certificate.look(self.config, self.roots, self.clock)

    def names(self) -> list[str]:
        found = x509.load_pem_x509_csr(self.request.read_bytes())
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return alternatives.get_values_for_type(x509.DNSName)

    def say(self, code: str, message: str = "") -> None:
        digest = portal_request.request_digest(self.request.read_bytes())
        (self.answers / "answer.json").write_text(json.dumps({"request": digest, "code": code, "message": message}))

    def deliver(self) -> bytes:
        self.authority.now = self.now
        chain = self.twin.obtain(self.request.read_bytes())
        (self.answers / "fullchain.pem").write_bytes(chain)
        self.say("done")
        return chain

    def facts(self) -> portal_request.Facts:
        found = portal_request.facts(self.config, self.clock, self.roots)
        assert found is not None
        return found

    def doctor(self) -> dict[str, tuple[doctor.Level, str]]:
        judgement = self.look()
        box = doctor.Box(
            config=self.config, certificate=judgement, is_certificate_in_use=judgement.is_usable,
            offers_option_114=judgement.is_usable, now=self.now, portal_request=self.facts(),
        )  # fmt: skip
        return {each.matter: (each.level, each.means) for each in doctor.certificate(box)}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_box_asks_takes_what_comes_and_renews_with_another_key(box: Box) -> None:
    assert box.keep_up()
    assert (box.folder / "next-privkey.pem").stat().st_mode & 0o777 == 0o600
    assert box.request.stat().st_mode & 0o777 == 0o644
    assert b"PRIVATE" not in box.request.read_bytes()
    asked = box.request.read_bytes()
    assert box.keep_up()
    assert box.request.read_bytes() == asked, "one request until it is answered"
    assert box.take() is None
    chain = box.deliver()
    taken = box.take()
    assert taken is not None
    assert taken.is_usable
    assert box.look().is_usable
    assert (box.folder / "fullchain.pem").read_bytes() == chain
    assert (box.folder / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert not box.request.exists()
    assert not (box.folder / "next-privkey.pem").exists()
    assert box.facts().is_from_noc
    key, days = (box.folder / "privkey.pem").read_bytes(), 0
    while not box.keep_up():
        box.now += DAY
        days += 1
    assert 54 <= days <= 61, "a third of its life before the end, or a little earlier"
    assert box.look().is_usable, "the old one serves until the new one is here"
    box.deliver()
    taken = box.take()
    assert taken is not None
    assert taken.is_usable
    assert (box.folder / "privkey.pem").read_bytes() != key
    assert not box.keep_up()


def test_what_phones_would_not_trust_is_not_taken_and_the_old_one_stays(box: Box) -> None:
    box.keep_up()
    box.deliver()
    box.take()
    before = {path.name: path.read_bytes() for path in box.folder.iterdir()}
    box.now += 70 * DAY
    box.keep_up()
    asked = box.request.read_bytes()
    stranger = CertificateSourceTwin(Authority(box.now), ["kab.go.id"])
    (box.answers / "fullchain.pem").write_bytes(stranger.obtain(asked))
    box.say("done")
    taken = box.take()
    assert taken is not None
    assert taken.state is State.REFUSED
    assert {name: (box.folder / name).read_bytes() for name in before} == before
    assert box.look().is_usable
    level, said = box.doctor()["certificate from the NOC"]
    assert level is doctor.Level.WARN
    assert "does not lead to an authority" in said
    os.utime(box.folder / "next-privkey.pem", (box.now.timestamp(), box.now.timestamp()))
    box.now += 6 * DAY
    box.keep_up()
    assert box.request.read_bytes() == asked, "no authority is asked again at once"
    box.now += 2 * DAY
    box.keep_up()
    assert box.request.read_bytes() != asked


@pytest.mark.parametrize("cut_at", [0, 1, 2, 3, 4, 5])
def test_cut_short_at_any_step_the_next_run_does_the_rest(
    box: Box, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    box.keep_up()
    box.deliver()
    steps = 0

    def cut(real: object) -> object:
        def done(*given: object, **named: object) -> object:
            nonlocal steps
            steps += 1
            if steps > cut_at:
                raise KeyboardInterrupt
            assert callable(real)
            return real(*given, **named)

        return done

    with monkeypatch.context() as broken:
        broken.setattr(files, "write_durably", cut(files.write_durably))
        broken.setattr(files, "remove_durably", cut(files.remove_durably))
        if cut_at < 5:
            with pytest.raises(KeyboardInterrupt):
                box.take()
        else:
            box.take()
    box.take()
    box.keep_up()
    assert box.look().is_usable
    assert not box.request.exists()
    assert not (box.folder / "next-privkey.pem").exists()


def test_cut_short_between_another_key_and_its_request_both_belong_together_again(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.keep_up()
    box.say("key_reused")
    real = files.write_durably

    def cut(path: Path, *given: str, **named: str) -> bool:
        if path == box.request:
            raise KeyboardInterrupt
        return real(path, *given, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(files, "write_durably", cut)
        box.keep_up()
    (box.answers / "answer.json").unlink()  # it is in memory: a power cut takes it
    assert box.keep_up()
    box.deliver()
    taken = box.take()
    assert taken is not None, "the chain is for the key that waits"
    assert taken.is_usable


def test_while_nobody_knows_the_date_what_was_asked_stays_asked(box: Box) -> None:
    box.keep_up()
    box.deliver()
    box.take()
    box.now += 70 * DAY
    assert box.keep_up()
    asked, key = box.request.read_bytes(), (box.folder / "next-privkey.pem").read_bytes()
    box.now, box.quality = box.now - 30 * DAY, WallQuality.UNKNOWN
    assert box.keep_up(), "switched on without a clock: the date is that of the last shutdown, or earlier"
    assert (box.request.read_bytes(), (box.folder / "next-privkey.pem").read_bytes()) == (asked, key)
    box.quality = WallQuality.NTP
    assert not box.keep_up()
    assert not box.request.exists()


def test_names_that_the_noc_does_not_give_are_left_out_but_for_the_portals(box: Box) -> None:
    box.config = configured(kiosk="layanan.desa.example.id")
    box.keep_up()
    assert box.names() == [HOST, "layanan.desa.example.id"]
    box.say("name_refused", "layanan.desa.example.id: no")
    assert box.keep_up()
    assert box.names() == [HOST]
    asked = box.request.read_bytes()
    box.say("name_refused", f"{HOST}: no")
    box.keep_up()
    assert box.names() == [HOST]
    assert box.request.read_bytes() == asked
    assert box.doctor()["certificate from the NOC"] == (
        doctor.Level.WARN, f"the NOC refuses it (name_refused); it says: {HOST}: no",
    )  # fmt: skip


def test_where_all_villages_letters_are_checked_is_left_out_alone(box: Box) -> None:
    box.config = configured(kiosk=f"layanan.{HOST}", letters="cek.kab.go.id")
    box.keep_up()
    assert box.names() == [HOST, f"layanan.{HOST}", "cek.kab.go.id"]
    box.say("name_refused", "cek.kab.go.id: this hub may not have this name")
    box.keep_up()
    assert box.names() == [HOST, f"layanan.{HOST}"], "residents can still log in on their phones"
    asked = box.request.read_bytes()
    box.keep_up()
    assert box.request.read_bytes() == asked
    box.say("name_refused", "words of another release")
    box.keep_up()
    assert box.names() == [HOST]


def test_another_name_or_a_used_key_is_another_request(box: Box) -> None:
    box.keep_up()
    first = box.request.read_bytes()
    box.config = configured(host="masuk.hub.kab.go.id")
    box.keep_up()
    second = box.request.read_bytes()
    assert box.names() == ["masuk.hub.kab.go.id"]
    keys = [x509.load_pem_x509_csr(each).public_key() for each in (first, second)]
    assert keys[0] != keys[1], "with one key nobody asks for two things"
    box.say("key_reused")
    box.keep_up()
    assert box.request.read_bytes() != second


def test_by_hand_nothing_is_asked_and_what_was_asked_is_forgotten(box: Box) -> None:
    box.keep_up()
    box.config = configured(by="hand", noc="")
    assert not box.keep_up()
    assert not box.request.exists()
    assert list(box.folder.iterdir()) == []
    assert portal_request.facts(box.config, box.clock, box.roots) is None


def test_one_delivered_by_hand_serves_until_it_is_due(box: Box) -> None:
    chain, key = box.authority.server(HOST)
    box.folder.mkdir(parents=True)
    (box.folder / "privkey.pem").write_bytes(key)
    (box.folder / "privkey.pem").chmod(0o600)
    (box.folder / "fullchain.pem").write_bytes(chain)
    assert not box.keep_up()
    assert not box.facts().is_from_noc
    assert box.doctor()["certificate"][1].endswith("delivered by hand")
    box.now += 65 * DAY
    assert box.keep_up()


def test_what_the_agent_left_is_no_way_into_roots_files(box: Box, tmp_path: Path) -> None:
    box.keep_up()
    secret = tmp_path / "secret"
    secret.write_bytes(box.twin.obtain(box.request.read_bytes()))
    chain = box.answers / "fullchain.pem"
    for place in (
        lambda: chain.symlink_to(secret), lambda: os.mkfifo(chain), chain.mkdir,
        lambda: chain.write_bytes(b"x" * 100_000), lambda: chain.write_bytes(b"\xff"),
        lambda: chain.write_bytes(box.twin.sign(ec.generate_private_key(ec.SECP256R1()).public_key(), HOST)),
    ):  # fmt: skip
        place()
        assert box.take() is None
        chain.rmdir() if chain.is_dir() else chain.unlink()
    for text in ("", "[", "[]", "3", '{"request": 3}', '{"request": null, "code": []}'):
        (box.answers / "answer.json").write_text(text)
        assert box.facts().said == portal_request.Said()
    box.say("waiting\n", "a\x1bb\nc" + "x" * 1_000)
    said = box.facts().said
    assert said.code == ""
    assert said.message.isprintable()
    assert len(said.message) <= 300


def test_doctor_says_how_it_stands(box: Box) -> None:
    assert box.doctor()["certificate from the NOC"][0] is doctor.Level.WARN
    box.keep_up()
    assert "has not answered yet" in box.doctor()["certificate from the NOC"][1]
    box.say("waiting", "the authority cannot be reached")
    assert box.doctor()["certificate from the NOC"] == (
        doctor.Level.WARN, "is asked for, and the NOC is at it; it says: the authority cannot be reached",
    )  # fmt: skip
    box.deliver()
    assert "has come" in box.doctor()["certificate from the NOC"][1]
    box.take()
    found = box.doctor()
    assert "certificate from the NOC" not in found
    assert found["certificate"][1].endswith("; from the NOC")


@pytest.mark.parametrize(
    ("host", "noc", "path"),
    [("masuk.desa.internal", NOC, "portal.host"), (HOST, "", "portal.certificate")],
)
def test_hub_toml_asks_for_what_can_be(host: str, noc: str, path: str) -> None:
    with pytest.raises(ConfigError, match=path):
        configured(host, noc=noc)


def test_a_date_far_in_the_past_keeps_asking(box: Box) -> None:
    box.keep_up()
    box.now = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)
    assert box.keep_up()
