"""A certificate is used only when phones will trust it, and each refusal says why and what to do."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.clock import WallQuality
from appliance.core.config import Config, parse
from appliance.system import certificate
from appliance.system.certificate import Delivered, Judgement, State, WallClock, judge, look, margin
from appliance.system.roots import Roots
from tests.authority import DAY, NOW, Authority, key_pem, pem

HOST = "masuk.sukamaju.desa.id"
HUB_TOML = Path(__file__).parents[3] / "golden/rendered/minimal/hub.toml"
CLOCK = WallClock(NOW, WallQuality.NTP)
NO_MODE = 0o100600


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def judged(
    authority: Authority,
    pair: tuple[bytes, bytes],
    *,
    clock: WallClock = CLOCK,
    mode: int = NO_MODE,
    trusted: bytes = b"",
) -> Judgement:
    return judge(Delivered(*pair, mode), HOST, trusted or pem(authority.root), clock, 2 * DAY)


def test_a_good_one_is_used_with_key_and_chain_in_one_file(authority: Authority, tmp_path: Path) -> None:
    found = judged(authority, authority.server(HOST))
    assert (found.state, found.is_usable, found.remedy) == (State.USABLE, True, "")
    assert found.because == f"valid for {HOST} until 2026-08-30 00:00 UTC"
    assert (found.pem.count("PRIVATE KEY-----"), found.pem.count("BEGIN CERTIFICATE")) == (2, 2)
    (tmp_path / "portal.pem").write_text(found.pem)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "portal.pem")


@pytest.mark.parametrize("names", [(HOST,), ("*.sukamaju.desa.id",), ("x.example", HOST)])
def test_names_that_cover_the_portal(authority: Authority, names: tuple[str, ...]) -> None:
    assert judged(authority, authority.server(*names)).is_usable


def test_further_names_count_where_it_is_for_them(authority: Authority) -> None:
    also = ("layanan.sukamaju.desa.id", "cek.lain.example")
    for names, covered in (
        ((HOST,), (HOST,)),
        ((HOST, also[0]), (HOST, also[0])),
        (("*.sukamaju.desa.id",), (HOST, also[0])),
        ((also[0],), ()),
    ):
        pair = authority.server(*names)
        found = judge(Delivered(*pair, 0o600), HOST, pem(authority.root), CLOCK, 2 * DAY, also=also)
        assert found.names == covered and found.is_usable is bool(covered)
        assert not covered or found.because.startswith(f"valid for {', '.join(covered)} until ")


@pytest.mark.parametrize(
    "names",
    [("masuk.lain.desa.id",), ("*.desa.id",), ("sukamaju.desa.id",), (f"a.{HOST}",), ("*.masuk.sukamaju.desa.id",)],
)
def test_names_that_do_not(authority: Authority, names: tuple[str, ...]) -> None:
    found = judged(authority, authority.server(*names))
    assert found.state is State.REFUSED
    assert found.because == f"it is for {names[0]}, not for {HOST}"
    assert found.pem == ""


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (-90, -1, "it ended at 2026-05-31"),
        (-90, 0, "it ended at 2026-06-01"),
        (-90, 1, "sooner than phones forget"),
        (-90, 2, "sooner than phones forget"),
        (1, 90, "it begins at 2026-06-02"),
    ],
)
def test_times(authority: Authority, begins: int, ends: int, words: str) -> None:
    found = judged(authority, authority.server(HOST, begins=begins * DAY, ends=ends * DAY))
    assert found.state is State.REFUSED
    assert words in found.because
    assert found.remedy


def test_a_clock_that_nobody_set_is_taken_for_no_earlier_than_the_certificate(authority: Authority) -> None:
    early = WallClock(NOW - 3_000 * DAY, WallQuality.UNKNOWN)
    found = judged(authority, authority.server(HOST), clock=early)
    assert found.is_usable
    assert "assumed: nobody has set the clock" in found.because
    assert not judged(authority, authority.server(HOST), clock=WallClock(early.now, WallQuality.RTC)).is_usable
    late = WallClock(NOW + 3_000 * DAY, WallQuality.UNKNOWN)
    assert "ended" in judged(authority, authority.server(HOST), clock=late).because


def test_what_is_not_of_a_known_authority_is_refused(authority: Authority) -> None:
    chain, key = authority.server(HOST)
    leaf_only = chain.split(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n"
    for pair, trusted in (
        (authority.server(HOST, self_signed=True), b""),
        (Authority().server(HOST), b""),
        ((leaf_only, key), b""),
        ((chain, key), pem(Authority().root)),
    ):
        found = judged(authority, pair, trusted=trusted)
        assert found.state is State.REFUSED
        assert "does not lead to an authority that phones know" in found.because


def test_a_machine_without_authorities_says_so(authority: Authority) -> None:
    found = judge(Delivered(*authority.server(HOST), NO_MODE), HOST, b"nonsense", CLOCK, DAY)
    assert found.remedy == "sudo apt-get install ca-certificates"


def test_unreadable_authorities_take_no_other_with_them(authority: Authority) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert judged(authority, authority.server(HOST), trusted=broken + pem(authority.root) + broken).is_usable


@pytest.mark.parametrize("mode", [0o100644, 0o100640, 0o100604, 0o100601])
def test_a_key_that_others_can_read_is_refused(authority: Authority, mode: int) -> None:
    found = judged(authority, authority.server(HOST), mode=mode)
    assert "can be read by others" in found.because


def test_key_and_chain_must_be_a_pair(authority: Authority) -> None:
    chain, _ = authority.server(HOST)
    _, other = authority.server(HOST)
    assert "is not the key" in judged(authority, (chain, other)).because
    assert "no private key" in judged(authority, (chain, chain)).because
    assert "holds no certificate" in judged(authority, (other, other)).because
    assert "passphrase" in judged(authority, (chain, key_pem(authority.root_key, b"secret"))).because


@pytest.fixture(scope="module")
def good(authority: Authority) -> tuple[bytes, bytes]:
    return authority.server(HOST)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_files_are_refused_never_a_crash(
    authority: Authority, good: tuple[bytes, bytes], data: st.DataObject
) -> None:
    files = [bytearray(one) for one in good]
    which = data.draw(st.integers(0, 1))
    at = data.draw(st.floats(0, 0.999).map(lambda part: int(part * len(files[which]))))
    match data.draw(st.sampled_from(["cut", "flip", "junk"])):
        case "cut":
            del files[which][at:]
        case "flip":
            files[which][at] ^= 1 << data.draw(st.integers(0, 7))
        case _:
            files[which] = bytearray(data.draw(st.binary(max_size=300)))
    found = judged(authority, (bytes(files[0]), bytes(files[1])))
    # A flip between the lines of PEM may change nothing.
    assert found.is_usable or (found.because and found.remedy and not found.pem)


@pytest.fixture
def box(tmp_path: Path, authority: Authority) -> tuple[Config, Roots]:
    roots = Roots.under(tmp_path)
    authority.trust(roots.etc)
    text = HUB_TOML.read_text("utf-8") + f'\n[portal]\nhost = "{HOST}"\n'
    return parse(text), roots


def _deliver(roots: Roots, pair: tuple[bytes, bytes]) -> None:
    place = certificate.folder(roots)
    place.mkdir(parents=True, exist_ok=True)
    (place / certificate.CHAIN_FILE).write_bytes(pair[0])
    (place / certificate.KEY_FILE).write_bytes(pair[1])
    (place / certificate.KEY_FILE).chmod(0o600)


def test_a_look_at_the_box(box: tuple[Config, Roots], authority: Authority) -> None:
    config, roots = box
    assert look(config, roots, CLOCK).state is State.ABSENT
    _deliver(roots, authority.server(HOST))
    assert look(config, roots, CLOCK).is_usable
    (certificate.folder(roots) / certificate.KEY_FILE).unlink()
    assert "privkey.pem: cannot be read: No such file" in look(config, roots, CLOCK).because
    _deliver(roots, (b"x" * 70_000, b""))
    assert "more than 65536 bytes" in look(config, roots, CLOCK).because


def test_the_margin_covers_a_lease_and_the_next_look(box: tuple[Config, Roots]) -> None:
    assert margin(box[0]) == datetime.timedelta(days=1, hours=1)


def test_an_extension_that_stands_there_twice_is_refused(good: tuple[bytes, bytes], authority: Authority) -> None:
    first, *others = x509.load_pem_x509_certificates(good[0])
    # Basic constraints become a second list of names (RFC 5280, sections 4.2.1.9 and 4.2.1.6).
    twice = first.public_bytes(Encoding.DER).replace(b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x11", 1)
    chain = ssl.DER_cert_to_PEM_cert(twice).encode() + b"".join(one.public_bytes(Encoding.PEM) for one in others)
    found = judged(authority, (chain, good[1]))
    assert not found.is_usable
    assert "no host name" in found.because


def test_a_version_that_does_not_exist_is_refused(good: tuple[bytes, bytes], authority: Authority) -> None:
    first, *others = x509.load_pem_x509_certificates(good[0])
    # The version is the first field: [0] EXPLICIT INTEGER, 2 for version 3 (RFC 5280, section 4.1).
    eleventh = first.public_bytes(Encoding.DER).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x0a", 1)
    chain = ssl.DER_cert_to_PEM_cert(eleventh).encode() + b"".join(one.public_bytes(Encoding.PEM) for one in others)
    found = judged(authority, (chain, good[1]))
    assert not found.is_usable
    assert found.because
    assert found.remedy
