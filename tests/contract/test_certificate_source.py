"""The authority behind `CertificateSource`: Debian's lego against a real ACME server and a real zone, and the twin."""

from __future__ import annotations

import datetime
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from noc.portal_certificates import csr
from noc.portal_certificates.lego import Lego
from noc.portal_certificates.plan import parse
from noc.portal_certificates.source import CertificateSource, Failed, Trouble
from tests.acme import ZONE, Acme, acme, refusing_authority
from tests.authority import Authority
from tests.contract.certificate_source_twin import CertificateSourceTwin
from tests.unit.noc.enrolment.test_portal_desk import request

NAMES = (f"hub-satu.{ZONE}", f"layanan.hub-satu.{ZONE}")
MakeLego = Callable[..., Lego]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    with acme(tmp_path_factory.mktemp("acme") / "served") as made:
        yield made


@pytest.fixture
def lego(server: Acme, tmp_path: Path) -> MakeLego:
    def made(credentials: dict[str, str] | None = None, **changed: object) -> Lego:
        return Lego(parse(server.plan(**changed)), server.credentials | (credentials or {}), tmp_path / "lego")

    return made


@pytest.fixture(params=["lego", "twin"])
def source(request: pytest.FixtureRequest) -> CertificateSource:
    if request.param == "lego":
        made: MakeLego = request.getfixturevalue("lego")
        return made()
    return CertificateSourceTwin(Authority(datetime.datetime.now(datetime.UTC)), [ZONE])


def asked(*names: str) -> bytes:
    return request(ec.generate_private_key(ec.SECP256R1()), *names).encode()


def trouble(source: CertificateSource, pem: bytes) -> Trouble:
    with pytest.raises(Failed) as found:
        source.obtain(pem)
    return found.value.trouble


def test_the_chain_is_for_the_key_and_the_names_of_the_request(source: CertificateSource) -> None:
    pem = asked(*NAMES)
    chain = source.obtain(pem)
    found, wanted = csr.read_chain(chain), csr.read_request(pem)
    assert found.key == wanted.key
    assert set(found.names) == set(wanted.names)
    assert found.begins_s < datetime.datetime.now(datetime.UTC).timestamp() < found.ends_s
    assert len(x509.load_pem_x509_certificates(chain)) >= 2, "phones need the authority between"


def test_a_name_in_no_zone_of_ours_is_not_proved(source: CertificateSource) -> None:
    assert trouble(source, asked("hub-satu.lain.test")) is Trouble.DNS_UPDATE


def test_the_account_is_made_once_and_for_nobody_else_to_read(tmp_path: Path, lego: MakeLego) -> None:
    before = os.umask(0o022)
    try:
        lego().obtain(asked(NAMES[0]))
    finally:
        os.umask(before)
    keys = list((tmp_path / "lego").rglob("*.key"))
    assert len(keys) == 1
    assert stat.S_IMODE(keys[0].stat().st_mode) == 0o600
    content = keys[0].read_bytes()
    assert trouble(lego(), asked("hub-satu.lain.test")) is Trouble.DNS_UPDATE
    assert [path.read_bytes() for path in (tmp_path / "lego").rglob("*.key")] == [content]
    assert not list((tmp_path / "lego/certificates").iterdir())
    assert not (tmp_path / "lego/request.pem").exists()


@pytest.mark.parametrize(
    ("credentials", "changed", "wanted"),
    [
        ({"RFC2136_TSIG_SECRET": "c2VjcmV0LXRoYXQtaXMtbm90LXRoZS1vbmU="}, {}, Trouble.DNS_UPDATE),
        ({"RFC2136_NAMESERVER": "127.0.0.1:1"}, {}, Trouble.DNS_UPDATE),
        ({"RFC2136_NAMESERVER": ""}, {}, Trouble.PROVIDER),
        ({}, {"provider": "nobody"}, Trouble.PROVIDER),
        ({}, {"directory": "https://127.0.0.1:1/dir"}, Trouble.CA_AWAY),
        ({"LEGO_CA_CERTIFICATES": "/etc/ssl/certs/ca-certificates.crt"}, {}, Trouble.CA_AWAY),
    ],
    ids=["wrong secret", "no DNS provider", "no words", "unknown provider", "no authority", "a false authority"],
)
def test_what_stands_in_the_way_is_told(
    lego: MakeLego, server: Acme, credentials: dict[str, str], changed: dict[str, object], wanted: Trouble
) -> None:
    with pytest.raises(Failed) as found:
        lego(credentials, **changed).obtain(asked(NAMES[0]))
    assert found.value.trouble is wanted, str(found.value)
    assert found.value.detail
    for secret in (server.secret, credentials.get("RFC2136_TSIG_SECRET", server.secret)):
        assert secret not in str(found.value)


@pytest.mark.parametrize(
    ("kind", "status", "wanted"),
    [
        ("rateLimited", 429, Trouble.RATE_LIMITED),
        ("rejectedIdentifier", 400, Trouble.REFUSED),
        ("caa", 403, Trouble.REFUSED),
        ("serverInternal", 500, Trouble.CA_AWAY),
        ("accountDoesNotExist", 400, Trouble.ACCOUNT),
    ],
)
def test_what_an_authority_says_is_understood(lego: MakeLego, kind: str, status: int, wanted: Trouble) -> None:
    with refusing_authority(kind, status) as directory:
        assert trouble(lego(directory=directory), asked(NAMES[0])) is wanted


def test_a_program_that_is_not_there_is_said(server: Acme, tmp_path: Path) -> None:
    source = Lego(parse(server.plan()), server.credentials, tmp_path / "lego", program="lego-of-nobody")
    with pytest.raises(Failed, match="lego-of-nobody"):
        source.obtain(asked(NAMES[0]))
