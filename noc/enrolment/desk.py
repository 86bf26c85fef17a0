"""What the service does with a request: rules are asked, the certificate is signed, and written down before it goes."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.enrolment import renewal_text
from appliance.core.errors import OperationError, StoreError
from noc import enrol
from noc.enrolment import claims
from noc.enrolment.ledger import Issued, Ledger, Page
from noc.enrolment.proof import PROOF_FIELDS, Nonces, digest_of, fields_of, name_of, proved
from noc.enrolment.rules import Brake, RefusalCode, Refused, Verdict, judge_claim, judge_renewal

WRONG_CLAIMS_A_MINUTE: Final = 10


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
        fields = fields_of(body, "hub", "code", "request")
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
                    verdict = judge_claim(now, is_right=is_right, key=digest_of(key), now_s=page.now_s)
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
        fields = fields_of(body, *PROOF_FIELDS)
        old = proved(self._authority, self.nonces, fields, renewal_text)
        hub_id, key = self._request(fields["request"], name_of(old))
        serial = f"{old.serial_number:x}"
        try:
            with self._ledger.page() as page:
                try:
                    verdict = judge_renewal(
                        page.known(serial),
                        is_hub_revoked=page.is_revoked(hub_id),
                        key=digest_of(key),
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
            return page.newest_with(hub_id, digest_of(key)) or Refused(said)
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
        digest_of(key),
        int(now.timestamp()),
        int(made.not_valid_after_utc.timestamp()),
        made.public_bytes(serialization.Encoding.PEM),
    )


def _given(answer: bytes | Refused) -> bytes:
    # Raised only here, after the transaction: what was counted and noted must stay.
    if isinstance(answer, Refused):
        raise answer
    return answer
