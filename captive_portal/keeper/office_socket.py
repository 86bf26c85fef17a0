"""The keeper's socket: who may ask what of the office's protocol, by the uid the kernel names (unix(7))."""

from __future__ import annotations

import pwd
from collections.abc import Callable, Mapping
from typing import Any, Final

from appliance.hotspot import protocol
from appliance.hotspot.protocol import Refusal, RefusalCode, Request, decode_request, encode
from appliance.unit.local_socket import Dialogue, Limits, LineServer

_EVERYTHING: Final = frozenset(protocol.REQUESTS)
# A key that opens every hub of a district comes from a technician, never from a web page.
_OFFICE: Final = _EVERYTHING - {protocol.InstallDistrictKey}
_USERS: Final[Mapping[str, frozenset[type[Any]]]] = {"root": _EVERYTHING, "desahub-kiosk": _OFFICE}


def permissions() -> dict[int, frozenset[type[Any]]]:
    """What the users of this machine may ask, by uid; users that do not exist may nothing."""
    found = {}
    for name, allowed in _USERS.items():
        try:
            found[pwd.getpwnam(name).pw_uid] = allowed
        except KeyError:
            continue
    return found


def server(
    answer: Callable[[Request[Any]], Any], allowed: Mapping[int, frozenset[type[Any]]]
) -> LineServer[Request[Any], Any]:
    """The server of `Office.answer`; ``async with server(...).listening(path)``.

    Args:
        answer: does what is asked.
        allowed: what each uid may ask, as `permissions`.
    """

    def ask(uid: int, request: Request[Any]) -> Any:
        if type(request) not in allowed.get(uid, frozenset()):
            return Refusal(RefusalCode.NOT_ALLOWED, "this user may not ask this of the hotspot")
        return answer(request)

    def malformed(reason: str) -> Refusal:
        return Refusal(RefusalCode.MALFORMED, reason)

    limits = Limits(request_bytes=protocol.REQUEST_BYTES_MAX, connections_per_uid=64)
    return LineServer(Dialogue(decode_request, ask, malformed, encode), allowed.keys(), limits)
