"""The firewall, and the whole gate, in memory: for tests, and for a village without root.

Stateful: leases run out with the clock that is given, counters live as the kernel's do, and the kernel's refusals are
given. Nothing is forwarded by it.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.core.config import Config
from appliance.core.errors import GateRefused
from appliance.gate.firewall import refuse_doubles
from appliance.gate.protocol import Admit, Admitted, Client, RefusalCode, Revoke
from appliance.gate.service import LocalGate
from appliance.network.nftables import CLIENTS_MAX


@dataclass(frozen=True, slots=True)
class _Lease:
    ends: float
    seen: float
    speed: str
    quota_id: int | None
    sent_bytes: int
    received_bytes: int


class TwinFirewall:
    """Keeps `firewall.Firewall` in memory.

    Args:
        clock: seconds that only go forward.
        clients_max: how many devices fit, as the size of the kernel's set.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, clients_max: int = CLIENTS_MAX) -> None:
        self._clock, self._clients_max = clock, clients_max
        self._leases: dict[Client, _Lease] = {}
        self._quotas: dict[int, int] = {}
        self._fingerprint, self.ruleset = "", ""
        self._lock = threading.Lock()

    def load(self, ruleset: str, fingerprint: str) -> bool:
        """Remember that a ruleset is in force; who is admitted stays so."""
        with self._lock:
            changed = fingerprint != self._fingerprint
            self._fingerprint, self.ruleset = fingerprint, ruleset
            return changed

    def change(self, requests: Sequence[Admit | Revoke]) -> None:
        """Admit and revoke, all or nothing."""
        refuse_doubles(requests)
        with self._lock:
            if not self._fingerprint:
                raise GateRefused(RefusalCode.FAILED, "no ruleset is in force")
            leases, quotas = self._live(), dict(self._quotas)
            for request in requests:
                old = leases.pop(request.client, None)
                if isinstance(request, Revoke):
                    continue
                others = [one for one in leases if one.address == request.client.address]
                for other in others:
                    del leases[other]
                if len(leases) >= self._clients_max:
                    raise GateRefused(RefusalCode.FULL, "no room for another device")
                leases[request.client] = _admitted(request, old, self._clock())
                if request.limits.quota is not None:
                    quotas[request.limits.quota.id] = request.limits.quota.left_bytes
            used = {lease.quota_id for lease in leases.values()}
            self._leases = leases
            self._quotas = {number: left for number, left in quotas.items() if number in used}

    def clients(self) -> tuple[Admitted, ...]:
        """Who is let through now."""
        with self._lock:
            now = self._clock()
            return tuple(
                Admitted(
                    client,
                    math.ceil(lease.ends - now),
                    lease.sent_bytes,
                    lease.received_bytes,
                    int(now - lease.seen),
                    lease.speed,
                    None if lease.quota_id is None else self._quotas[lease.quota_id],
                )
                for client, lease in self._live().items()
            )

    def admitted(self, client: Client) -> Admitted | None:
        """Is exactly this client let through now?"""
        return next((one for one in self.clients() if one.client == client), None)

    def is_closed(self) -> bool:
        """The twin forwards nothing; it says closed once a ruleset is loaded."""
        return bool(self.fingerprint())

    def fingerprint(self) -> str:
        """The fingerprint last loaded."""
        with self._lock:
            return self._fingerprint

    def count(self, client: Client, sent_bytes: int, received_bytes: int) -> bool:
        """Do as if one packet came by. Returns whether the kernel would have let it through.

        A packet that its quota has no room for uses up the rest, as in the kernel.
        """
        with self._lock:
            lease = self._live().get(client)
            if lease is None:
                return False
            if lease.quota_id is not None:
                left = self._quotas[lease.quota_id]
                self._quotas[lease.quota_id] = max(0, left - sent_bytes - received_bytes)
                if sent_bytes + received_bytes > left:
                    return False
            self._leases[client] = dataclasses.replace(
                lease,
                seen=self._clock() if sent_bytes else lease.seen,
                sent_bytes=lease.sent_bytes + sent_bytes,
                received_bytes=lease.received_bytes + received_bytes,
            )
            return True

    def _live(self) -> dict[Client, _Lease]:
        now = self._clock()
        return {client: lease for client, lease in self._leases.items() if lease.ends > now}


def _admitted(request: Admit, old: _Lease | None, now: float) -> _Lease:
    quota = request.limits.quota
    return _Lease(
        now + request.lease_seconds,
        old.seen if old else now,
        request.limits.speed,
        None if quota is None else quota.id,
        old.sent_bytes if old else 0,
        old.received_bytes if old else 0,
    )


class TwinGate(LocalGate):
    """Keeps `protocol.Gate` in memory, with the gate's own rules.

    ``firewall`` is its `TwinFirewall`: count traffic there, or look at what is in force.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.monotonic,
        clients_max: int = CLIENTS_MAX,
    ) -> None:
        self.firewall = TwinFirewall(clock, clients_max)
        super().__init__(self.firewall, config)
        self.use(config)
