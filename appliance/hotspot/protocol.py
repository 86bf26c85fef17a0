"""What may be asked of the hotspot, and what it answers.

One connection carries one request and one answer, each a line of JSON, over a Unix stream socket. The keeper takes the
asker's uid from the kernel (``SO_PEERCRED``, unix(7)). ``by`` names the office account for the audit list: the kiosk
logs people in, so that its word for it is taken.

Each request names its answer's type: ``Request[Clients]`` is answered by `Clients`, or a `Refusal`, which the asking
side raises as `HotspotRefused`. Wall times are whole seconds since 1970 in UTC, labels of a clock that may be wrong;
0 means unknown. "sent" is from the device, "received" to it.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from typing import Any, Final, Protocol, TypeVar

from appliance.core.errors import GateRefused, HotspotRefused
from appliance.hotspot.answers import (
    Action,
    ActionKind,
    Actions,
    Batch,
    BatchCodes,
    Batches,
    BatchVoucher,
    Blocked,
    BlockedList,
    Clients,
    Done,
    History,
    OnlineClient,
    PastSession,
    Refusal,
    RefusalCode,
    Travel,
    TravelCode,
    TravelState,
    Usage,
    UsagePoint,
    VoucherState,
)
from appliance.hotspot.ends import EndReason
from appliance.hotspot.questions import (
    BATCH_COUNT_MAX,
    BLOCK_SECONDS_MAX,
    DEVICES_MAX,
    DURATION_SECONDS_MAX,
    DURATION_SECONDS_MIN,
    PAGE_MAX,
    PAGE_SIZE,
    QUOTA_MEGABYTES_MAX,
    TITLE_LENGTH_MAX,
    USAGE_POINTS_MAX,
    USAGE_STEP_SECONDS,
    VALID_DAYS_MAX,
    WHY_LENGTH_MAX,
    AskTravel,
    AskUsage,
    Block,
    Extend,
    GetBatch,
    InstallDistrictKey,
    ListActions,
    ListBatches,
    ListBlocked,
    ListClients,
    ListHistory,
    MakeBatch,
    MakeTravelCode,
    Request,
    Stop,
    Unblock,
    VoidBatch,
    VoidVoucher,
    need,
)
from appliance.hotspot.wire import from_json, to_json

__all__ = [
    "ANSWER_BYTES_MAX",
    "BATCH_COUNT_MAX",
    "BLOCK_SECONDS_MAX",
    "DEVICES_MAX",
    "DURATION_SECONDS_MAX",
    "DURATION_SECONDS_MIN",
    "PAGE_MAX",
    "PAGE_SIZE",
    "QUOTA_MEGABYTES_MAX",
    "REQUESTS",
    "REQUEST_BYTES_MAX",
    "TITLE_LENGTH_MAX",
    "USAGE_POINTS_MAX",
    "USAGE_STEP_SECONDS",
    "VALID_DAYS_MAX",
    "WHY_LENGTH_MAX",
    "Action",
    "ActionKind",
    "Actions",
    "AskTravel",
    "AskUsage",
    "Batch",
    "BatchCodes",
    "BatchVoucher",
    "Batches",
    "Block",
    "Blocked",
    "BlockedList",
    "Clients",
    "Done",
    "EndReason",
    "Extend",
    "GetBatch",
    "History",
    "Hotspot",
    "InstallDistrictKey",
    "ListActions",
    "ListBatches",
    "ListBlocked",
    "ListClients",
    "ListHistory",
    "MakeBatch",
    "MakeTravelCode",
    "OnlineClient",
    "PastSession",
    "Refusal",
    "RefusalCode",
    "Request",
    "Stop",
    "Travel",
    "TravelCode",
    "TravelState",
    "Unblock",
    "Usage",
    "UsagePoint",
    "VoidBatch",
    "VoidVoucher",
    "VoucherState",
    "answer_type",
    "decode_answer",
    "decode_request",
    "encode",
]

REQUEST_BYTES_MAX: Final = 8_192
ANSWER_BYTES_MAX: Final = 8 * 1024 * 1024  # a /20 full of clients
A = TypeVar("A")


class Hotspot(Protocol):
    """What a program may ask: the typed seam its users are given. The client over the socket, and the twin, keep it."""

    def ask(self, request: Request[A]) -> A:
        """Ask, and return the request's own answer.

        Raises:
            HotspotRefused: the hotspot says no, with a `RefusalCode`.
            HotspotUnavailable: no keeper, or no answer in time.
        """


_REQUESTS: Final[Mapping[str, type[Any]]] = {
    "list_clients": ListClients, "list_history": ListHistory, "extend": Extend, "stop": Stop, "block": Block,
    "unblock": Unblock, "list_blocked": ListBlocked, "make_batch": MakeBatch, "list_batches": ListBatches,
    "get_batch": GetBatch, "void_batch": VoidBatch, "void_voucher": VoidVoucher, "ask_usage": AskUsage,
    "list_actions": ListActions, "install_district_key": InstallDistrictKey,
    "ask_travel": AskTravel, "make_travel_code": MakeTravelCode,
}  # fmt: skip
_ANSWERS: Final[Mapping[str, type[Any]]] = {
    "refusal": Refusal, "done": Done, "clients": Clients, "history": History, "blocked": BlockedList,
    "batches": Batches, "batch": BatchCodes, "usage": Usage, "actions": Actions,
    "travel": Travel, "travel_code": TravelCode,
}  # fmt: skip
REQUESTS: Final = tuple(_REQUESTS.values())


def answer_type(request: Request[A]) -> type[A]:
    """The type of a request's answer, from its own declaration."""
    found: type[A] = typing.get_args(type(request).__orig_bases__[0])[0]  # type: ignore[attr-defined]  # set by typing
    return found


def encode(message: Any) -> bytes:
    """Write one request or answer as a line of JSON."""
    for name, kind in (*_REQUESTS.items(), *_ANSWERS.items()):
        if type(message) is kind:
            return json.dumps({"type": name, **to_json(message)}, separators=(",", ":")).encode() + b"\n"
    raise TypeError(f"not a message of this protocol: {message!r}")


def decode_request(line: bytes) -> Request[Any]:
    """Read a request. Raises `HotspotRefused` with code ``malformed``, saying what is wrong."""
    request: Request[Any] = _decode(line, _REQUESTS)
    return request


def decode_answer(line: bytes) -> Any:
    """Read an answer. Raises `HotspotRefused` with code ``malformed``."""
    return _decode(line, _ANSWERS)


def _decode(line: bytes, kinds: Mapping[str, type[Any]]) -> Any:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise HotspotRefused(RefusalCode.MALFORMED, "the message is not JSON") from None
    name = document.pop("type", None) if isinstance(document, dict) else None
    kind = kinds.get(name) if isinstance(name, str) else None
    need(kind is not None, f"type is one of {', '.join(kinds)}")
    try:
        return from_json(kind, document)
    except (ValueError, GateRefused) as error:
        raise HotspotRefused(RefusalCode.MALFORMED, f"{name}: {error}") from None
