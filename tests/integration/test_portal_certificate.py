"""A portal's certificate from end to end: box, NOC, zone and authority are the real programs; TLS answers with it."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.clock import WallQuality
from appliance.core.config import parse
from appliance.system import certificate, doctor, portal_request
from appliance.system.certificate import WallClock
from appliance.system.roots import Roots
from tests.acme import ZONE, Acme, acme
from tests.integration.conftest import REPOSITORY, Bed
from tests.integration.test_enrolment import Enrolment

HUB = "hub-satu"
HOST = f"{HUB}.{ZONE}"


@pytest.fixture
def server(bed: Bed) -> Iterator[Acme]:
    with acme(bed.folder / "acme") as made:
        etc = bed.folder / "etc"
        (etc / "portal.toml").write_text(made.plan())
        (etc / "portal.env").write_text("".join(f"{name}={value}\n" for name, value in made.credentials.items()))
        (etc / "portal.env").chmod(0o600)
        yield made


class Box:
    """Root's part of a box, below a folder; the agent's part runs as the program that it is."""

    def __init__(self, enrolment: Enrolment) -> None:
        self.enrolment, self.roots = enrolment, Roots.under(enrolment.bed.folder / "box")
        enrolment.claim(HUB)
        (self.roots.run / portal_request.FOLDER).mkdir(parents=True)
        text = (enrolment.bed.folder / f"{HUB}.toml").read_text()
        self.config = parse(f'{text}\n[portal]\nhost = "{HOST}"\ncertificate = "noc"\n')

    @property
    def clock(self) -> WallClock:
        return WallClock(datetime.datetime.now(datetime.UTC), WallQuality.NTP)

    def trust(self, root: bytes) -> None:
        store = self.roots.etc / "ssl/certs/ca-certificates.crt"
        store.parent.mkdir(parents=True)
        store.write_bytes(root)

    def root(self) -> bool:
        portal_request.take(self.config, self.clock, self.roots)
        return portal_request.keep_up(self.config, self.clock, self.roots)

    def carry(self) -> int:
        request = self.roots.etc / "desahub/rendered" / portal_request.REQUEST_FILE
        answers = self.roots.run / portal_request.FOLDER
        done = self.enrolment.run_box("portal", HUB, "--request", str(request), "--answers", str(answers))
        assert done.returncode in (0, 75), done.stderr
        return done.returncode

    def judgement(self) -> certificate.Judgement:
        return certificate.look(self.config, self.roots, self.clock)

    def doctor(self) -> list[str]:
        found = self.judgement()
        box = doctor.Box(
            config=self.config, certificate=found, is_certificate_in_use=found.is_usable,
            offers_option_114=found.is_usable, now=self.clock.now,
            portal_request=portal_request.facts(self.config, self.clock, self.roots),
        )  # fmt: skip
        return [f"{each.level}: {each.means}" for each in doctor.certificate(box)]


@pytest.fixture
def box(bed: Bed, server: Acme) -> Iterator[Box]:
    enrolment = Enrolment(bed)
    yield Box(enrolment)
    enrolment.end()


def obtain(bed: Bed) -> str:
    """One run of desahub-noc-portal.service; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "noc.portal_certificates", "--directory", str(bed.folder / "etc"),
         "--state", str(bed.folder / "noc")],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


def answered_with(pem: str, folder: Path, root: bytes) -> datetime.datetime:
    """Serve TLS with a rendered certificate, and look as a phone that trusts ``root``: until when it holds."""
    (folder / "portal.pem").write_text(pem)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(folder / "portal.pem")
    phone = ssl.create_default_context(cadata=root.decode())
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with ours.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            socket.create_connection(listener.getsockname(), timeout=30) as raw,
            phone.wrap_socket(raw, server_hostname=HOST) as wrapped,
        ):
            shown = wrapped.getpeercert()
            wrapped.sendall(b"x")
        thread.join(30)
    assert shown is not None
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), datetime.UTC)


def test_a_box_gets_its_portals_certificate_and_phones_trust_it(bed: Bed, server: Acme, box: Box) -> None:
    root = server.root()
    assert "was not asked" not in bed.noc("portal", "check")
    assert box.root()
    assert box.carry() == 75
    assert f"{HUB}\t{HOST}\tno certificate, asked for" in bed.noc("portal", "list")
    said = obtain(bed)
    assert f"{HUB} has a certificate for {HOST}" in said
    assert server.secret not in said
    assert box.carry() == 0
    # Who does not know the authority uses nothing of it, and says so.
    box.trust(server.authority.server("lain")[0])
    assert box.root()
    assert not box.judgement().is_usable
    assert any("does not lead to an authority" in line for line in box.doctor())
    (box.roots.etc / "ssl/certs/ca-certificates.crt").write_bytes(root)
    assert not box.root()
    found = box.judgement()
    assert found.is_usable, found.because
    assert found.ends == answered_with(found.pem, bed.folder, root)
    assert any(line.startswith("good: option 114 is sent") and "from the NOC" in line for line in box.doctor())
    day = found.ends.date() if found.ends else None
    assert f"{HUB}\t{HOST}\tuntil {day}" in bed.noc("portal", "list")
    assert obtain(bed) == ""
    _no_key_left_the_box(bed, box)


def _no_key_left_the_box(bed: Bed, box: Box) -> None:
    key = (certificate.folder(box.roots) / certificate.KEY_FILE).read_bytes()
    for folder in ("etc", "noc", "noc-enrolment", "noc-portal", HUB):
        for path in (bed.folder / folder).rglob("*"):
            assert not path.is_file() or path.is_symlink() or key not in path.read_bytes(), path
    accounts = list((bed.folder / "noc-portal").rglob("*.key"))
    assert [path.stat().st_mode & 0o777 for path in accounts] == [0o600]
    assert os.access(bed.folder / "noc-portal/answers" / f"{HUB}.json", os.R_OK)


def test_what_is_in_the_way_is_told_at_both_ends(bed: Bed, server: Acme, box: Box) -> None:
    env = bed.folder / "etc/portal.env"
    env.write_text(env.read_text().replace(server.secret, "c2VjcmV0LXRoYXQtaXMtbm90LXRoZS1vbmU="))
    box.root()
    box.carry()
    said = obtain(bed)
    assert "DNS provider did not take the record" in said
    assert "bad authentication" in said
    assert "tried 1 times" in bed.noc("portal", "list")
    box.carry()
    assert any("DNS provider did not take the record" in line for line in box.doctor())
    assert obtain(bed) == "", "and not again at once"


def test_names_are_given_by_an_operator_each_to_one_hub(bed: Bed, server: Acme, box: Box) -> None:
    box.enrolment.bed.noc("hub", "add", "--hub-id", "hub-dua2", "--name", "Dua", "--kode-wilayah", "51.03.01.2002")
    assert f'host = "masuk.{ZONE}"' in bed.noc("portal", "name", "hub-dua2", f"masuk.{ZONE}")
    for arguments, words in (
        ((HUB, f"masuk.{ZONE}"), "is of hub-dua2"),
        ((HUB, f"hub-dua2.{ZONE}"), "is of hub-dua2, which is called so"),
        ((HUB, f"surat.hub-dua2.{ZONE}"), "is of hub-dua2, which is called so"),
        ((HUB, "masuk.lain.test"), "is in no zone"),
        (("hub-tiga", f"tiga.{ZONE}"), "is not in the inventory"),
    ):
        with pytest.raises(AssertionError, match=words):
            bed.noc("portal", "name", *arguments)
    bed.noc("portal", "name", "hub-dua2", f"masuk.{ZONE}", "--take-away")
    assert "may have" in bed.noc("portal", "name", HUB, f"masuk.{ZONE}")
    assert f"{HUB}\tmasuk.{ZONE}\tno certificate" in bed.noc("portal", "list")


def test_a_revoked_hub_is_not_obtained_for(bed: Bed, server: Acme, box: Box) -> None:
    box.root()
    box.carry()
    bed.noc("hub", "revoke", HUB, "--why", "hilang")
    assert obtain(bed) == ""
    assert "no certificate" in bed.noc("portal", "list")
