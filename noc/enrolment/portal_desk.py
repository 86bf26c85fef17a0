"""What the service does with a hub's request for its portal's certificate: who asks, for which name, with which key.

A request that holds is written down for `noc.portal_certificates`, which alone talks to the authority. The hub asks
again until the answer is there.
"""

from __future__ import annotations

import logging
from pathlib import Path

from appliance.core.enrolment import PortalState, portal_text, renewal_due_s
from appliance.core.errors import DesahubError, OperationError, StoreError
from noc import enrol
from noc.enrolment.ledger import Ledger, Page
from noc.enrolment.proof import PROOF_FIELDS, Nonces, fields_of, name_of, proved
from noc.enrolment.rules import PortalKey, RefusalCode, Refused, judge_holder, judge_portal
from noc.portal_certificates import csr
from noc.portal_certificates import plan as planning
from noc.portal_certificates.plan import Plan
from noc.portal_certificates.rules import WEEK, Request
from noc.portal_certificates.spool import Spool
from noc.portal_certificates.turn import describe

_log = logging.getLogger(__name__)


class PortalDesk:
    """Requests for portals' certificates, one at a time. ``plan`` is the file that names the zones."""

    def __init__(self, authority: enrol.Authority, ledger: Ledger, nonces: Nonces, spool: Spool, plan: Path) -> None:
        self._authority, self._ledger, self._nonces = authority, ledger, nonces
        self._spool, self._plan = spool, plan

    def ask(self, body: bytes, address: str) -> dict[str, str]:
        """Take a request, or say what came of it: ``state`` waiting with ``message``, or done with ``certificate``.

        Raises:
            Refused: this hub gets none for it.
        """
        fields = fields_of(body, *PROOF_FIELDS)
        own = proved(self._authority, self._nonces, fields, portal_text)
        hub_id = name_of(own)
        plan = self._read_plan()
        try:
            asked = csr.read_request(fields["request"].encode())
        except OperationError as error:
            raise Refused(RefusalCode.MALFORMED, str(error)) from None
        try:
            with self._ledger.page() as page:
                now_s = page.now_s
                try:
                    judge_holder(
                        page.known(f"{own.serial_number:x}"),
                        is_hub_revoked=page.is_revoked(hub_id),
                        is_replaced=page.replaced_s(hub_id) > enrol.made_s(own),
                    )
                    self._judge(page, plan, hub_id, asked, address)
                except Refused as refused:
                    page.note(hub_id, address, f"portal {refused.code}")
                    said: Refused | None = refused
                else:
                    said = None
            # Raised only here, after the transaction: what was noted must stay.
            if said is not None:
                raise said
            return self._told(hub_id, asked, fields["request"], now_s)
        except (StoreError, OperationError) as error:
            _log.warning("a request of %s waits: %s", hub_id, error)
            raise Refused(RefusalCode.BUSY) from None

    def _read_plan(self) -> Plan:
        try:
            plan = planning.read(self._plan)
        except DesahubError as error:
            # Said where an operator looks; the hub only learns that it must wait.
            _log.error("%s: %s", self._plan, error)
            raise Refused(RefusalCode.BUSY, "the NOC's portal.toml is not right; ask the NOC") from None
        if plan is None:
            raise Refused(RefusalCode.NOT_OFFERED)
        return plan

    def _judge(self, page: Page, plan: Plan, hub_id: str, asked: csr.PortalRequest, address: str) -> None:
        is_new = judge_portal(
            hub_id, asked.names, lambda name: owner_of(page, plan, name),
            used=page.portal_key(asked.key),
            is_identity_key=page.is_identity_key(asked.key),
            newest_s=page.newest_portal_key_s(hub_id),
            keys_in_week=page.portal_keys_since(hub_id, page.now_s - WEEK),
            now_s=page.now_s,
        )  # fmt: skip
        if is_new:
            page.put_portal_key(asked.key, PortalKey(hub_id, asked.names, page.now_s))
            page.note(hub_id, address, f"portal asked for {' '.join(asked.names)}")

    def _told(self, hub_id: str, asked: csr.PortalRequest, pem: str, now_s: int) -> dict[str, str]:
        answer = self._spool.answer(hub_id)
        got = answer.got if answer is not None else None
        if got is not None and got.key == asked.key:
            if now_s >= renewal_due_s(got.begins_s, got.ends_s, int(got.serial, 16)):
                raise Refused(RefusalCode.KEY_REUSED)
            # What is done is no work any more: the folder holds open requests alone.
            self._spool.forget(hub_id)
            return {"state": PortalState.DONE, "certificate": got.chain}
        request = self._spool.request(hub_id)
        if request is None or request.key != asked.key:
            request = Request(hub_id, asked.names, asked.key, pem, now_s)
            self._spool.put_request(request)
        return {"state": PortalState.WAITING, "message": describe(answer, request, self._spool.queue().said)}


def owner_of(page: Page, plan: Plan, name: str) -> str | None:
    """Say whose a name is: to whom an operator gave it, or the hub that it is called by; None for nobody's.

    What is below a hub's name is that hub's too: ``layanan.HUB.ZONE`` beside ``HUB.ZONE``.
    """
    if not plan.holds(name):
        return None
    above = name
    while plan.holds(above):
        given = page.portal_owner(above)
        if given is not None:
            return given
        above = above.partition(".")[2]
    own = name.removesuffix(f".{plan.zones[0]}")
    return own.rpartition(".")[2] if own != name else None
