"""Residents' phones: each asks the hub for an address by real DHCP and keeps it, as a phone does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from script.village import plan
from script.village.plan import Phone
from script.village.programs import Process, VillageError, start, wait_until

_LEASE_SCRIPT = plan.REPOSITORY / "script" / "village" / "lease.sh"


def join(phones: Sequence[Phone], *, seconds: float = 60) -> list[Process]:
    """Switch DHCP on in every phone and wait until each has its address.

    Returns:
        the DHCP clients, which go on renewing until they are ended (or this process ends).
    """
    clients = [_client(phone) for phone in phones]
    missing = list(phones)

    def all_have() -> bool:
        missing[:] = [phone for phone in missing if not _has_address(phone)]
        return not missing

    try:
        wait_until(all_have, "addresses for the phones", seconds=seconds)
    except VillageError:
        numbers = ", ".join(str(phone.number) for phone in missing[:10])
        raise VillageError(
            f"{len(missing)} of {len(phones)} phones got no address by DHCP (phones {numbers}); "
            "see: script/hub journalctl -u desahub-dns"
        ) from None
    return clients


def _client(phone: Phone) -> Process:
    return start(
        ["nsenter", f"--net=/run/netns/{phone.namespace}", "busybox", "udhcpc", "-f", "-i", "eth0", "-t", "20",
         "-T", "2", "-A", "2", "-x", f"hostname:hp-{phone.number}", "-s", str(_LEASE_SCRIPT)],
        environment={"NAMESPACE": phone.namespace, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip


def _has_address(phone: Phone) -> bool:
    return Path(f"/etc/netns/{phone.namespace}/resolv.conf").exists()
