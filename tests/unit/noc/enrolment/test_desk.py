"""Claims and renewals with real keys and a real ledger, and everything that is no claim and no renewal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noc import enrol
from noc.enrolment.commands import describe
from noc.enrolment.rules import RefusalCode, Refused
from tests.unit.noc.enrolment.asking import Noc, new_key, request


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    return Noc(tmp_path)


def refusal(step: Callable[[], object]) -> RefusalCode:
    with pytest.raises(Refused) as caught:
        step()
    return caught.value.code


def state(noc: Noc, hub_id: str = "hub-satu") -> str:
    return describe(noc.ledger.standings().get(hub_id), int(noc.now.timestamp()))


def test_a_code_becomes_one_certificate_for_ninety_days(noc: Noc) -> None:
    code, key = noc.code("hub-satu"), new_key()
    assert state(noc) == "no certificate, claim code open"
    pem = noc.claim("hub-satu", code, key)
    made = x509.load_pem_x509_certificate(pem)
    assert made.public_key() == key.public_key()
    assert made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "hub-satu"
    assert (made.not_valid_after_utc - noc.now).days == 90
    assert noc.claim("hub-satu", code, key) == pem, "the answer was lost: the same certificate again"
    assert state(noc) == "until 2026-08-30"
    assert refusal(lambda: noc.claim("hub-satu", code, new_key())) is RefusalCode.CLAIM_USED
    assert state(noc) == "until 2026-08-30, TWO BOXES HAVE THIS IDENTITY"


def test_the_code_itself_is_nowhere_in_the_ledger(noc: Noc) -> None:
    code = noc.code("hub-satu")
    with sqlite3.connect(noc.folder / "enrolment.db") as db:
        dump = "\n".join(db.iterdump())
    db.close()
    assert "hub-satu" in dump
    assert code not in dump
    assert code.encode().hex() not in dump.lower()


def test_wrong_codes_are_slowed_for_their_address_and_in_the_end_void_the_claim(noc: Noc) -> None:
    code, key = noc.code("hub-satu"), new_key()
    wrong = "0" * 8 if code != "0" * 8 else "1" * 8
    for _ in range(10):
        assert refusal(lambda: noc.claim("hub-satu", wrong, key)) is RefusalCode.CLAIM_WRONG
    assert refusal(lambda: noc.claim("hub-satu", code, key)) is RefusalCode.TOO_MANY
    assert noc.claim("hub-satu", code, key, address="another")
    code = noc.code("hub-satu")
    for number in range(100):
        assert refusal(lambda n=number: noc.claim("hub-satu", wrong, key, f"b{n}")) is RefusalCode.CLAIM_WRONG  # type: ignore[misc]
    assert refusal(lambda: noc.claim("hub-satu", code, key, "c")) is RefusalCode.CLAIM_BLOCKED
    assert "too often" in state(noc)


def test_an_unknown_hub_hears_the_same_as_a_wrong_code(noc: Noc) -> None:
    assert refusal(lambda: noc.claim("hub-tiga", "0" * 8, new_key())) is RefusalCode.CLAIM_WRONG
    assert noc.ledger.standings() == {}, "strangers write nothing down"


def test_an_old_code_and_a_replaced_code_are_void(noc: Noc) -> None:
    old = noc.code("hub-satu", days=1)
    noc.pass_days(1)
    assert refusal(lambda: noc.claim("hub-satu", old, new_key())) is RefusalCode.CLAIM_EXPIRED
    noc.code("hub-satu")
    assert refusal(lambda: noc.claim("hub-satu", old, new_key())) is RefusalCode.CLAIM_WRONG


def test_renewal_takes_a_new_key_and_a_lost_answer_costs_nothing(noc: Noc) -> None:
    first, second, third = new_key(), new_key(), new_key()
    one = noc.claim("hub-satu", noc.code("hub-satu"), first)
    assert refusal(lambda: noc.renew(one, first, second)) is RefusalCode.TOO_SOON
    noc.pass_days(60)
    two = noc.renew(one, first, second)
    assert noc.renew(one, first, second) == two
    noc.pass_days(60)
    three = noc.renew(two, second, third)
    assert state(noc) == "until 2026-12-28"
    # A copy of the card from before asks now.
    assert refusal(lambda: noc.renew(one, first, new_key())) is RefusalCode.SUPERSEDED
    assert refusal(lambda: noc.renew(one, first, second)) is RefusalCode.SUPERSEDED
    assert refusal(lambda: noc.renew(two, second, new_key())) is RefusalCode.SUPERSEDED
    assert noc.renew(two, second, third) == three


def test_a_box_that_was_away_for_years_is_let_in_with_its_old_key_unless_it_is_revoked(noc: Noc) -> None:
    key, next_key = new_key(), new_key()
    pem = noc.claim("hub-satu", noc.code("hub-satu"), key)
    noc.pass_days(180)
    assert state(noc) == "ended 2026-08-30"
    renewed = noc.renew(pem, key, next_key)
    noc.pass_days(800)
    assert noc.renew(renewed, next_key, new_key())
    with noc.ledger.page() as page:
        assert page.revoke_hub("hub-satu", "dicuri") == 1
    assert refusal(lambda: noc.renew(renewed, next_key, new_key())) is RefusalCode.REVOKED
    assert state(noc) == "revoked"


def test_a_new_claim_revokes_the_box_before_and_lets_a_revoked_hub_back_in(noc: Noc) -> None:
    old, new = new_key(), new_key()
    before = noc.claim("hub-satu", noc.code("hub-satu"), old)
    after = noc.claim("hub-satu", noc.code("hub-satu"), new)
    revoked = [each.serial for each in noc.ledger.revocations()]
    assert revoked == [f"{x509.load_pem_x509_certificate(before).serial_number:x}"]
    noc.pass_days(60)
    assert refusal(lambda: noc.renew(before, old, new_key())) is RefusalCode.REVOKED
    assert noc.renew(after, new, new_key())
    with noc.ledger.page() as page:
        assert page.revoke_hub("hub-satu", "hilang") == 2
    code = noc.code("hub-satu")
    with noc.ledger.page() as page:
        assert page.revoke_hub("hub-satu", "hilang") == 0
    assert refusal(lambda: noc.claim("hub-satu", code, old)) is RefusalCode.CLAIM_WRONG, "revoking voids the code"
    assert noc.claim("hub-satu", noc.code("hub-satu"), new_key())
    assert state(noc).startswith("until")


@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_box_that_another_replaced_stays_out_though_its_certificate_had_ended_by_then(
    noc: Noc, is_revoked: bool
) -> None:
    lost = new_key()
    before = noc.claim("hub-satu", noc.code("hub-satu"), lost)
    noc.pass_days(100)
    if is_revoked:
        with noc.ledger.page() as page:
            assert page.revoke_hub("hub-satu", "dicuri") == 0, "none that the broker would let in"
    code = noc.code("hub-satu")
    if is_revoked:
        assert refusal(lambda: noc.renew(before, lost, new_key())) is RefusalCode.REVOKED
    assert noc.claim("hub-satu", code, new_key())
    assert refusal(lambda: noc.renew(before, lost, new_key())) is RefusalCode.REVOKED
    assert noc.ledger.revocations() == [], "it is no news for the broker"


def test_a_certificate_that_the_ledger_lost_is_renewed_on_its_signature(noc: Noc) -> None:
    key = new_key()
    pem = request("hub-satu", key).encode()
    _, unknown = enrol.sign_request(noc.authority, pem, lambda _: True, noc.now)
    assert noc.renew(unknown, key, new_key())


@pytest.mark.parametrize("is_claimed", [False, True])
def test_a_certificate_that_the_ledger_lost_stays_out_once_the_hub_was_revoked(noc: Noc, is_claimed: bool) -> None:
    key = new_key()
    _, unknown = enrol.sign_request(noc.authority, request("hub-satu", key).encode(), lambda _: True, noc.now)
    noc.pass_days(1)
    with noc.ledger.page() as page:
        page.revoke_hub("hub-satu", "dicuri")
        page.note("hub-satu", "", "revoked: dicuri")
    code = noc.code("hub-satu")
    if is_claimed:
        right = new_key()
        pem = noc.claim("hub-satu", code, right)
        noc.pass_days(60)
        assert noc.renew(pem, right, new_key())
    assert refusal(lambda: noc.renew(unknown, key, new_key())) is RefusalCode.REVOKED


def test_what_is_no_proof(noc: Noc, tmp_path: Path) -> None:
    key, other = new_key(), new_key()
    pem = noc.claim("hub-satu", noc.code("hub-satu"), key)
    noc.pass_days(60)
    replayed = noc.renewal(pem, key, new_key())
    body = json.dumps(replayed).encode()
    assert noc.desk.renew(body, "a")
    assert refusal(lambda: noc.desk.renew(body, "a")) is RefusalCode.PROOF, "said again"
    pem = noc.claim("hub-satu", noc.code("hub-satu"), key)
    noc.pass_days(60)
    late = noc.renewal(pem, key, other)
    noc.pass_days(0.01)
    assert refusal(lambda: noc.desk.renew(json.dumps(late).encode(), "a")) is RefusalCode.PROOF
    assert refusal(lambda: noc.renew(pem, other, other)) is RefusalCode.PROOF, "signed with another key"
    assert refusal(lambda: noc.renew(pem, key, other, nonce="0" * 64)) is RefusalCode.PROOF
    assert refusal(lambda: noc.renew(pem, key, other, nonce="")) is RefusalCode.PROOF
    assert refusal(lambda: noc.renew(pem, key, other, signature="%%%")) is RefusalCode.PROOF
    assert refusal(lambda: noc.renew(pem, key, other, request=request("hub-satu", new_key()))) is RefusalCode.PROOF
    stranger = Noc(tmp_path / "stranger")
    theirs = stranger.claim("hub-satu", stranger.code("hub-satu"), other)
    assert refusal(lambda: noc.renew(theirs, other, other)) is RefusalCode.FOREIGN
    server = enrol.server_certificate(noc.authority, other.public_key(), ["localhost"])
    assert refusal(lambda: noc.renew(server, other, new_key())) is RefusalCode.FOREIGN, "a server is no hub"
    service = enrol.service_certificate(noc.authority, other.public_key(), enrol.INGEST_NAME)
    assert refusal(lambda: noc.renew(service, other, new_key())) is RefusalCode.MALFORMED
    p384 = ec.generate_private_key(ec.SECP384R1())
    assert refusal(lambda: noc.renew(pem, key, p384)) is RefusalCode.MALFORMED
    swapped = noc.renewal(pem, key, other) | {"request": request("hub-dua2", other)}
    assert refusal(lambda: noc.desk.renew(json.dumps(swapped).encode(), "a")) is RefusalCode.PROOF
    assert noc.renew(pem, key, other), "and the right one goes through after all that"


BODIES = st.binary(max_size=300) | st.recursive(
    st.none() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["hub", "code", "request", "certificate", "nonce", "signature", "x"]), inner, max_size=6
        )
    ),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(body=BODIES)
def test_any_other_body_is_malformed_and_nothing_else_happens(noc: Noc, body: bytes) -> None:
    assert refusal(lambda: noc.desk.claim(body, "a")) is RefusalCode.MALFORMED
    assert refusal(lambda: noc.desk.renew(body, "a")) is RefusalCode.MALFORMED
    assert noc.ledger.standings() == {}


@pytest.mark.parametrize("field", ["hub", "code", "request"])
@pytest.mark.parametrize(
    "value", ["", "\x00", "é", "-----BEGIN CERTIFICATE REQUEST-----\nMA==\n", "9" * 5_000, None, {}]
)
def test_one_bad_field_of_a_claim(noc: Noc, field: str, value: object) -> None:
    body = {"hub": "hub-satu", "code": noc.code("hub-satu"), "request": request("hub-satu", new_key())} | {field: value}
    code = refusal(lambda: noc.desk.claim(json.dumps(body).encode(), "a"))
    assert code in (RefusalCode.MALFORMED, RefusalCode.CLAIM_WRONG)
