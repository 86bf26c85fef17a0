"""Who may ask for which portal's certificate: proofs, names and keys, against a real ledger and a real spool."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.enrolment import portal_text, renewal_text
from noc import enrol
from noc.enrolment.portal_desk import owner_of
from noc.enrolment.rules import RefusalCode, Refused
from noc.portal_certificates import csr
from noc.portal_certificates.plan import Plan
from noc.portal_certificates.rules import Answer, Got
from tests.authority import Authority
from tests.unit.noc.enrolment.asking import START, Noc, new_key

ZONE = "hub.kab.go.id"
PLAN = Plan((ZONE, "desa.example.id"), "rfc2136", "noc@kab.go.id", True)
HUB = "hub-satu"
NAME = f"{HUB}.{ZONE}"


def request(
    key: ec.EllipticCurvePrivateKey, *names: str, common: str = "", more: x509.ExtensionType | None = None
) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False)
    if more is not None:
        builder = builder.add_extension(more, False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class Box:
    """A box with an identity at the NOC."""

    def __init__(self, noc: Noc, hub_id: str = HUB) -> None:
        self.noc, self.hub_id, self.key = noc, hub_id, new_key()
        self.certificate = noc.claim(hub_id, noc.code(hub_id), self.key)

    def ask(self, asked: str, **changed: str) -> dict[str, str]:
        nonce = self.noc.portal_desk._nonces.make()
        signature = self.key.sign(portal_text(nonce, asked.encode()), ec.ECDSA(hashes.SHA256()))
        fields = {
            "certificate": self.certificate.decode(), "request": asked, "nonce": nonce,
            "signature": base64.b64encode(signature).decode(),
        } | changed  # fmt: skip
        return self.noc.portal_desk.ask(json.dumps(fields).encode(), "a")

    def refusal(self, asked: str, **changed: str) -> RefusalCode:
        with pytest.raises(Refused) as found:
            self.ask(asked, **changed)
        return found.value.code


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    made = Noc(tmp_path)
    (tmp_path / "portal.toml").write_text(
        f'zones = ["{ZONE}", "desa.example.id"]\nprovider = "rfc2136"\nemail = "noc@kab.go.id"\nterms_agreed = true\n'
    )
    return made


@pytest.fixture
def box(noc: Noc) -> Box:
    return Box(noc)


def give(noc: Noc, asked: str, days: int = 90) -> bytes:
    """Answer a request as the authority would."""
    found = csr.read_request(asked.encode())
    chain, _ = Authority(noc.now).server(*found.names, ends=datetime.timedelta(days=days))
    read = csr.read_chain(chain)
    got = Got(found.names, found.key, chain.decode(), f"{read.serial:x}", read.begins_s, read.ends_s)
    noc.spool.put_answer(Answer(HUB, got))
    return chain


def test_a_request_waits_and_is_answered_with_the_chain(noc: Noc, box: Box) -> None:
    asked = request(new_key(), NAME, f"layanan.{NAME}", common=NAME)
    told = box.ask(asked)
    assert told["state"] == "waiting"
    assert told["message"]
    kept = noc.spool.request(HUB)
    assert kept is not None
    assert (kept.names, kept.request) == ((NAME, f"layanan.{NAME}"), asked)
    before = kept.asked_s
    noc.pass_days(0.01)
    assert box.ask(asked)["state"] == "waiting"
    assert noc.spool.request(HUB) == kept, "asked again, it keeps its place in the queue"
    assert before == int(START.timestamp())
    chain = give(noc, asked)
    assert box.ask(asked) == {"state": "done", "certificate": chain.decode()}
    assert box.ask(asked) == {"state": "done", "certificate": chain.decode()}, "an answer may be lost on its way"


def test_for_a_renewal_the_key_must_be_a_new_one(noc: Noc, box: Box) -> None:
    asked = request(new_key(), NAME)
    box.ask(asked)
    give(noc, asked)
    noc.pass_days(50)
    assert box.ask(asked)["state"] == "done"
    noc.pass_days(12)
    assert box.refusal(asked) is RefusalCode.KEY_REUSED
    assert box.ask(request(new_key(), NAME))["state"] == "waiting"


def test_a_hub_gets_no_name_of_another(noc: Noc, box: Box) -> None:
    for name in (
        f"hub-dua.{ZONE}", f"masuk.hub-dua.{ZONE}", f"{HUB}.desa.example.id", "desa.example.id", ZONE,
        f"x{HUB}.{ZONE}", f"{HUB}.lain.id", f"{HUB}.{ZONE}.lain.id", f"{HUB}.{ZONE.upper()}",
    ):  # fmt: skip
        assert box.refusal(request(new_key(), name)) is RefusalCode.NAME_REFUSED, name
        assert box.refusal(request(new_key(), NAME, name)) is RefusalCode.NAME_REFUSED, name
    assert noc.spool.requests() == []


def test_a_name_that_was_given_is_that_hubs_alone_with_all_below_it(noc: Noc, box: Box) -> None:
    with noc.ledger.page() as page:
        page.give_portal_name("masuk.desa.example.id", HUB)
        page.give_portal_name(f"hub-tiga.{ZONE}", "hub-dua")
        assert owner_of(page, PLAN, f"hub-tiga.{ZONE}") == "hub-dua"
        assert owner_of(page, PLAN, f"surat.hub-tiga.{ZONE}") == "hub-dua"
        page.give_portal_name("masuk.desa.example.id", "hub-dua")
        assert page.portal_owner("masuk.desa.example.id") == HUB, "it is not given twice"
        page.take_portal_name(f"hub-tiga.{ZONE}")
        assert owner_of(page, PLAN, f"hub-tiga.{ZONE}") == "hub-tiga"
    asked = request(new_key(), "masuk.desa.example.id", "surat.masuk.desa.example.id")
    assert box.ask(asked)["state"] == "waiting"
    noc.pass_days(1)
    assert Box(noc, "hub-dua").refusal(request(new_key(), "masuk.desa.example.id")) is RefusalCode.NAME_REFUSED


@given(st.text(st.sampled_from("ab-.*1"), max_size=20), st.sampled_from([ZONE, "desa.example.id", "kab.go.id", ""]))
def test_nobody_owns_what_is_in_no_zone(own: str, above: str) -> None:
    class Nothing:
        def portal_owner(self, name: str) -> None:
            return None

    name = f"{own}.{above}"
    found = owner_of(Nothing(), PLAN, name)  # type: ignore[arg-type]  # a page without a database
    assert found is None or name == f"{found}.{ZONE}" or name.endswith(f".{found}.{ZONE}")


def test_a_key_is_for_one_request_of_one_hub(noc: Noc, box: Box) -> None:
    key = new_key()
    assert box.ask(request(key, NAME))["state"] == "waiting"
    assert box.refusal(request(key, NAME, f"a.{NAME}")) is RefusalCode.KEY_REUSED
    other = Box(noc, "hub-dua")
    assert other.refusal(request(key, f"hub-dua.{ZONE}")) is RefusalCode.KEY_REUSED
    assert other.refusal(request(other.key, f"hub-dua.{ZONE}")) is RefusalCode.KEY_REUSED, "its identity's key"
    assert box.refusal(request(new_key(), NAME)) is RefusalCode.TOO_SOON
    noc.pass_days(0.1)
    assert box.ask(request(new_key(), NAME))["state"] == "waiting"


def test_one_hub_does_not_use_up_what_the_authority_allows(noc: Noc, box: Box) -> None:
    for _ in range(4):
        noc.pass_days(1)
        assert box.ask(request(new_key(), NAME))["state"] == "waiting"
    noc.pass_days(1)
    assert box.refusal(request(new_key(), NAME)) is RefusalCode.TOO_SOON
    noc.pass_days(4)
    assert box.ask(request(new_key(), NAME))["state"] == "waiting"


def test_what_is_no_request_for_names_is_refused(box: Box) -> None:
    key = new_key()
    must_staple = x509.TLSFeature([x509.TLSFeatureType.status_request])
    rotten = request(key, NAME)
    for asked in (
        "", "x", request(key), request(key, common=NAME), request(key, NAME, common="lain.id"),
        request(key, *(f"{each}.{NAME}" for each in "abcdef")), request(key, NAME, NAME), request(key, f"*.{NAME}"),
        request(key, NAME, more=must_staple), rotten[:200] + rotten[210:],
    ):  # fmt: skip
        assert box.refusal(asked) in (RefusalCode.MALFORMED, RefusalCode.NAME_REFUSED), asked
    rsa_like = ec.generate_private_key(ec.SECP384R1())
    assert box.refusal(request(rsa_like, NAME)) is RefusalCode.MALFORMED


def test_the_proof_is_for_this_request_and_for_nothing_else(noc: Noc, box: Box) -> None:
    asked = request(new_key(), NAME)
    nonce = noc.desk.nonces.make()
    renewal = base64.b64encode(box.key.sign(renewal_text(nonce, asked.encode()), ec.ECDSA(hashes.SHA256()))).decode()
    assert box.refusal(asked, nonce=nonce, signature=renewal) is RefusalCode.PROOF, "a renewal's proof is another"
    assert box.refusal(asked, nonce=nonce) is RefusalCode.PROOF
    assert box.refusal(asked, request=request(new_key(), NAME)) is RefusalCode.PROOF
    foreign = enrol.open_authority(noc.folder / "other", noc.now)
    lifetime = datetime.timedelta(days=9)
    stranger = enrol.hub_certificate(foreign, box.key.public_key(), HUB, noc.now, lifetime)
    pem = stranger.public_bytes(serialization.Encoding.PEM).decode()
    assert box.refusal(asked, certificate=pem) is RefusalCode.FOREIGN
    assert noc.spool.requests() == []


def test_a_hub_that_is_revoked_or_renewed_elsewhere_gets_nothing(noc: Noc, box: Box) -> None:
    noc.pass_days(1)
    other = Box(noc, "hub-dua")
    noc.pass_days(61)
    noc.renew(other.certificate, other.key, new_key())
    assert other.refusal(request(new_key(), f"hub-dua.{ZONE}")) is RefusalCode.SUPERSEDED
    with noc.ledger.page() as page:
        page.revoke_hub(HUB, "hilang")
    assert box.refusal(request(new_key(), NAME)) is RefusalCode.REVOKED


def test_without_a_plan_there_is_nothing_and_with_a_wrong_one_it_is_later(noc: Noc, box: Box) -> None:
    path = noc.folder / "portal.toml"
    path.write_text("zones = 3")
    assert box.refusal(request(new_key(), NAME)) is RefusalCode.BUSY
    path.unlink()
    assert box.refusal(request(new_key(), NAME)) is RefusalCode.NOT_OFFERED
