"""Requests that two readers would read in two ways: the ACME client must never find another name than we did."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.errors import OperationError
from noc.portal_certificates import csr
from tests.unit.noc.enrolment.test_portal_desk import request

OWN, OTHERS = "hub-satu.hub.kab.go.id", "another-hub-with-a-long-name.hub.kab.go.id"
EXTENSION_REQUEST = bytes.fromhex("06092a864886f70d01090e")
MICROSOFTS = bytes.fromhex("060a2b06010401823702010e")
PASSWORD = bytes.fromhex("06092a864886f70d010907")


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def part(tag: int, content: bytes) -> bytes:
    """DER (X.690): tag, length, content."""
    size = len(content)
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + head + content


def asked_in(attribute: bytes, name: str) -> bytes:
    """An attribute with a list of extensions: the names alone."""
    names = x509.SubjectAlternativeName([x509.DNSName(name)]).public_bytes()
    extension = part(0x30, bytes.fromhex("0603551d11") + part(0x04, names))
    return part(0x30, attribute + part(0x31, part(0x30, extension)))


def with_attributes(key: ec.EllipticCurvePrivateKey, *attributes: bytes) -> bytes:
    """A request that is signed, with these attributes as they are."""
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    info = part(0x30, b"\x02\x01\x00" + part(0x30, b"") + public + part(0xA0, b"".join(attributes)))
    signed = bytes.fromhex("300a06082a8648ce3d040302") + part(0x03, b"\0" + key.sign(info, ec.ECDSA(hashes.SHA256())))
    return x509.load_der_x509_csr(part(0x30, info + signed)).public_bytes(serialization.Encoding.PEM)


def test_a_request_as_boxes_make_it_is_read(key: ec.EllipticCurvePrivateKey) -> None:
    for pem in (request(key, OWN).encode(), with_attributes(key, asked_in(EXTENSION_REQUEST, OWN))):
        assert csr.read_request(pem).names == (OWN,)
        assert csr.read_request(pem.strip()).names == (OWN,)


@pytest.mark.parametrize("between", ["", "\n", "Certificate request of a box\n"])
def test_of_two_requests_in_one_text_none_is_read(key: ec.EllipticCurvePrivateKey, between: str) -> None:
    own, others = request(key, OWN), request(key, OTHERS)
    for text in (own + between + others, others + between + own):
        with pytest.raises(OperationError, match="one request"):
            csr.read_request(text.encode())


def test_a_request_inside_of_another_text_is_not_read(key: ec.EllipticCurvePrivateKey) -> None:
    own = request(key, OWN)
    for text in (f"words\n{own}", f"{own}words\n", own.replace("CERTIFICATE", "NEW CERTIFICATE")):
        with pytest.raises(OperationError, match="one request"):
            csr.read_request(text.encode())


def test_names_in_an_attribute_that_only_some_read_are_refused(key: ec.EllipticCurvePrivateKey) -> None:
    microsofts, usual = asked_in(MICROSOFTS, OWN), asked_in(EXTENSION_REQUEST, OTHERS)
    assert microsofts < usual, "a set is sorted: the one that we find first is Microsoft's"
    for attributes in ([microsofts, usual], [microsofts]):
        with pytest.raises(OperationError, match="more than host names"):
            csr.read_request(with_attributes(key, *attributes))


def test_a_request_with_another_attribute_is_refused(key: ec.EllipticCurvePrivateKey) -> None:
    password = part(0x30, PASSWORD + part(0x31, part(0x0C, b"rahasia")))
    with pytest.raises(OperationError, match="more than host names"):
        csr.read_request(with_attributes(key, password, asked_in(EXTENSION_REQUEST, OWN)))
