"""The gate's socket: who asks, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.gate import service
from appliance.gate.permissions import Role, may_ask
from appliance.gate.protocol import (
    REQUEST_BYTES_MAX,
    Answer,
    Refusal,
    RefusalCode,
    Request,
    decode_request,
    encode,
)
from appliance.unit.local_socket import Dialogue, Limits, LineServer


def server(gate: service.LocalGate, roles: Mapping[int, Role]) -> LineServer[Request, Answer]:
    """Make the server that answers for ``gate``; ``roles`` says which uid is who."""

    def answer(uid: int, request: Request) -> Answer:
        if not may_ask(roles.get(uid), request):
            return Refusal(RefusalCode.NOT_ALLOWED, "this user may not ask this of the gate")
        return service.answer(gate, request)

    def malformed(reason: str) -> Answer:
        return Refusal(RefusalCode.MALFORMED, reason)

    return LineServer(Dialogue(decode_request, answer, malformed, encode), roles, Limits(REQUEST_BYTES_MAX))
