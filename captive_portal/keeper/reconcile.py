"""What must be asked of the gate so that it lets through exactly whom the grants do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.gate.protocol import Admit, Admitted, Client, Revoke
from captive_portal.rules import SILENT_SECONDS, Standing

# The kernel's time and a grant's differ by so little; renewing costs more than looking.
SAME_SECONDS: Final = 3
SPARE_SECONDS: Final = 300
# What waits in a device's queue, 128 KiB at most, is off its quota and not yet received; and counters and quotas are
# read one after the other while packets flow.
SAME_BYTES: Final = 200_000


def changes(inside: Mapping[Client, Admitted], wanted: Mapping[Client, Standing]) -> tuple[Admit | Revoke, ...]:
    """Compare whom the gate lets through with whom it should; first who goes, then who comes or is mended.

    Args:
        inside: the gate's own word.
        wanted: whoever has a live grant, and what is left of it.
    """
    revoked = tuple(Revoke(client) for client in inside if client not in wanted)
    admitted = tuple(
        Admit(client, standing.seconds, standing.limits)
        for client, standing in wanted.items()
        if not _is_same(inside.get(client), standing)
    )
    return (*revoked, *admitted)


def _is_same(found: Admitted | None, standing: Standing) -> bool:
    if found is None:
        return False
    quota, left = standing.limits.quota, found.quota_left_bytes
    if (quota is None) != (left is None):
        return False
    if quota is not None and left is not None and abs(quota.left_bytes - left) > SAME_BYTES:
        return False
    return found.speed == standing.limits.speed and _is_same_time(found, standing)


def _is_same_time(found: Admitted, standing: Standing) -> bool:
    # An account's time stands still while nobody uses the device, and the kernel's clock does not: it is set right when
    # the device speaks again, or before it runs out, not with each look.
    if found.idle_seconds >= SILENT_SECONDS and SPARE_SECONDS <= found.remaining_seconds < standing.seconds:
        return True
    return abs(found.remaining_seconds - standing.seconds) <= SAME_SECONDS


def is_exhausted(found: Admitted | None, standing: Standing) -> bool:
    """Has the kernel come to the end of a quota of which we count a last packet or two as left?"""
    quota = standing.limits.quota
    if found is None or quota is None or found.quota_left_bytes != 0:
        return False
    return quota.left_bytes <= SAME_BYTES
