"""What the service does with a request: rules are asked, the certificate is signed, and written down before it goes."""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core.enrolment import renewal_text
from appliance.core.errors import OperationError, StoreError
from noc import enrol
from noc.enrolment import claims
from noc.enrolment.ledger import Issued, Ledger, Page
from noc.enrolment.rules import Brake, RefusalCode, Refused, Verdict, judge_claim, judge_renewal

NONCE_SECONDS: Final = 120
NONCES_USED_MAX: Final = 100_000
WRONG_CLAIMS_A_MINUTE: Final = 10


class Nonces:
    """Numbers of which each proves one thing once. What is open costs no memory: a nonce vouches for itself."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._key = monotonic, secrets.token_bytes(32)
        self._used: OrderedDict[str, float] = OrderedDict()

    def make(self) -> str:
        """Make one, good for `NONCE_SECONDS`."""
        told = f"{int(self._monotonic()):016x}{secrets.token_hex(8)}"
        return told + self._tag(told)

    def use(self, nonce: str) -> bool:
        """Take one back: True if it was made here, is young, and was not used."""
        told, tag = nonce[:32], nonce[32:]
        if not hmac.compare_digest(tag.encode("utf-8", "replace"), self._tag(told).encode()):
            return False
        now = self._monotonic()
        while self._used and (len(self._used) >= NONCES_USED_MAX or next(iter(self._used.values())) < now):
            self._used.popitem(last=False)
        if nonce in self._used or now - int(told[:16], 16) >= NONCE_SECONDS:
            return False
        self._used[nonce] = now + NONCE_SECONDS
        return True

    def _tag(self, told: str) -> str:
        return hmac.new(self._key, told.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]


class EnrolmentDesk:
    """Claims and renewals, one at a time. ``lifetime`` is that of the certificates it gives."""

    def __init__(
        self,
        authority: enrol.Authority,
        ledger: Ledger,
        lifetime: datetime.timedelta,
        clock: Callable[[], datetime.datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._authority, self._ledger, self._lifetime = authority, ledger, lifetime
        self._clock, self._monotonic = clock, monotonic
        self._brake = Brake(WRONG_CLAIMS_A_MINUTE)
        self.nonces = Nonces(monotonic)

    @property
    def authority_pem(self) -> bytes:
        """The authority's certificate, for a box that has its fingerprint."""
        return self._authority.certificate_pem

    def nonce(self) -> dict[str, str]:
        """Give a number to sign, and the time: a box may know neither."""
        return {"nonce": self.nonces.make(), "time": str(int(self._clock().timestamp()))}

    def claim(self, body: bytes, address: str) -> bytes:
        """Exchange a claim code for a certificate (PEM). Raises `Refused`."""
        fields = _fields(body, "hub", "code", "request")
        if self._brake.is_held(address, self._monotonic()):
            raise Refused(RefusalCode.TOO_MANY)
        hub_id, key = self._request(fields["request"], fields["hub"])
        try:
            with self._ledger.page() as page:
                found = page.claim(hub_id)
            is_right = claims.is_right(found, fields["code"])
            with self._ledger.page() as page:
                # Read again: it may have been used or made anew while the code was compared.
                if found is None or (now := page.claim(hub_id)) is None or now.digest != found.digest:
                    raise self._wrong(address)
                try:
                    verdict = judge_claim(now, is_right=is_right, key=_digest(key), now_s=page.now_s)
                except Refused as refused:
                    if refused.code is RefusalCode.CLAIM_WRONG:
                        page.count_wrong(hub_id)
                        self._wrong(address)
                    page.note(hub_id, address, f"refused {refused.code}")
                    answer: bytes | Refused = refused
                else:
                    answer = self._answer(page, verdict, hub_id, key, address=address)
        except StoreError:
            raise Refused(RefusalCode.BUSY) from None
        return _given(answer)

    def renew(self, body: bytes, address: str) -> bytes:
        """Exchange an old certificate and the proof that its key is there for a new one (PEM). Raises `Refused`."""
        fields = _fields(body, "certificate", "request", "nonce", "signature")
        old = self._proved(fields)
        hub_id, key = self._request(fields["request"], _name(old))
        serial = f"{old.serial_number:x}"
        try:
            with self._ledger.page() as page:
                try:
                    verdict = judge_renewal(
                        page.known(serial),
                        is_hub_revoked=page.is_revoked(hub_id),
                        key=_digest(key),
                        now_s=page.now_s,
                        is_replaced=page.replaced_s(hub_id) > enrol.made_s(old),
                    )
                except Refused as refused:
                    if refused.code is not RefusalCode.TOO_SOON:
                        page.note(hub_id, address, f"refused {refused.code}")
                    answer: bytes | Refused = refused
                else:
                    answer = self._answer(page, verdict, hub_id, key, address=address, replaces=serial)
        except StoreError:
            raise Refused(RefusalCode.BUSY) from None
        return _given(answer)

    def _answer(
        self,
        page: Page,
        verdict: Verdict,
        hub_id: str,
        key: ec.EllipticCurvePublicKey,
        *,
        address: str,
        replaces: str = "",
    ) -> bytes | Refused:
        if verdict is Verdict.REPEAT:
            said = RefusalCode.SUPERSEDED if replaces else RefusalCode.CLAIM_USED
            return page.newest_with(hub_id, _digest(key)) or Refused(said)
        issued = sign(self._authority, hub_id, key, self._clock(), self._lifetime)
        page.issue(issued, replaces)
        if not replaces:
            page.use_claim(hub_id, issued.serial)
        page.note(hub_id, address, "renewed" if replaces else "claimed")
        return issued.pem

    def _request(self, pem: str, hub_id: str) -> tuple[str, ec.EllipticCurvePublicKey]:
        try:
            name, key = enrol.read_request(pem.encode())
        except OperationError as error:
            raise Refused(RefusalCode.MALFORMED, str(error)) from None
        if name != hub_id:
            raise Refused(RefusalCode.MALFORMED, f"the request is of {name}; it was sent for another hub")
        return name, key

    def _proved(self, fields: dict[str, str]) -> x509.Certificate:
        try:
            old = x509.load_pem_x509_certificate(fields["certificate"].encode())
            key = old.public_key()
        except (ValueError, UnsupportedAlgorithm):
            raise Refused(RefusalCode.MALFORMED, "the old certificate is none, or it is damaged") from None
        if not (enrol.is_of(self._authority, old) and _is_client(old) and isinstance(key, ec.EllipticCurvePublicKey)):
            raise Refused(RefusalCode.FOREIGN)
        text = renewal_text(fields["nonce"], fields["request"].encode())
        try:
            key.verify(base64.b64decode(fields["signature"], validate=True), text, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            raise Refused(RefusalCode.PROOF) from None
        # Last, so that only who has a key of ours can use one up.
        if not self.nonces.use(fields["nonce"]):
            raise Refused(RefusalCode.PROOF)
        return old

    def _wrong(self, address: str) -> Refused:
        self._brake.count(address, self._monotonic())
        return Refused(RefusalCode.CLAIM_WRONG)


def sign(
    authority: enrol.Authority,
    hub_id: str,
    key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
    lifetime: datetime.timedelta,
) -> Issued:
    """Make a hub's certificate, in the form in which the ledger keeps it."""
    made = enrol.hub_certificate(authority, key, hub_id, now, lifetime)
    return Issued(
        f"{made.serial_number:x}",
        hub_id,
        _digest(key),
        int(now.timestamp()),
        int(made.not_valid_after_utc.timestamp()),
        made.public_bytes(serialization.Encoding.PEM),
    )


def _given(answer: bytes | Refused) -> bytes:
    # Raised only here, after the transaction: what was counted and noted must stay.
    if isinstance(answer, Refused):
        raise answer
    return answer


def _is_client(certificate: x509.Certificate) -> bool:
    """The NOC's own servers have certificates of this authority too, and are no hubs."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _name(certificate: x509.Certificate) -> str:
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return names[0] if len(names) == 1 else ""


def _digest(key: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(
        key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


def _fields(body: bytes, *names: str) -> dict[str, str]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(RefusalCode.MALFORMED, "the body is no JSON") from None
    if not isinstance(found, dict) or set(found) != set(names):
        raise Refused(RefusalCode.MALFORMED, f"allowed is one object with {', '.join(names)}")
    if not all(isinstance(value, str) and value.isascii() for value in found.values()):
        raise Refused(RefusalCode.MALFORMED, "all values are plain text")
    return found
