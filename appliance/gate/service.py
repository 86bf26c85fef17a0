"""What the gate does with a request: the rules between its socket and its firewall."""

from __future__ import annotations

import dataclasses
import logging
import socket
import threading
from collections.abc import Sequence
from typing import Final

from appliance.core.config import Config
from appliance.core.config.networks import Network
from appliance.core.errors import GateRefused, OperationError
from appliance.gate.firewall import Firewall
from appliance.gate.pins import NoPins, Pins
from appliance.gate.protocol import (
    UNLIMITED,
    Admissions,
    Admit,
    AdmitAll,
    Admitted,
    Answer,
    AskClient,
    AskStatus,
    Client,
    Clients,
    ClientState,
    Done,
    GateStatus,
    Limits,
    ListClients,
    Refusal,
    RefusalCode,
    Request,
    Revoke,
)
from appliance.gate.shaper import NoShaper, Shaping
from appliance.network import nftables

log = logging.getLogger("desahub.gate")
# Who sent nothing for so long is let go: its address may be another device's by now, which a pin would keep offline.
PIN_SECONDS: Final = 120


class Residents:
    """The addresses that devices of the resident networks can have."""

    def __init__(self, config: Config) -> None:
        own = [(network, network.interface_address) for network in config.resident_networks]
        self._ranges = [
            (int(one.network.network_address), int(one.network.broadcast_address), int(one.ip), network)
            for network, one in own
        ]

    def network_of(self, address: str) -> Network | None:
        """The network in which a device can have ``address``; None where it is no device's."""
        asked = int.from_bytes(socket.inet_aton(address), "big")
        for first, last, box, network in self._ranges:
            if first < asked < last:
                return None if asked == box else network
        return None


def _speeds(config: Config) -> frozenset[str]:
    """What a speed may be called; the empty name is the fair share."""
    return frozenset({"", *(speed.name for speed in config.speeds)})


def _with_known_speed(one: Admitted, known: frozenset[str]) -> Admitted:
    return one if one.speed in known else dataclasses.replace(one, speed="")


class LocalGate:
    """Keeps `protocol.Gate` over a firewall in the same process. `use` comes first.

    Args:
        firewall: the kernel's, or the twin.
        config: says which addresses are residents'; and what the firewall is.
        shaper: shares the line among them.
        pins: holds on to their neighbour entries.
    """

    def __init__(
        self, firewall: Firewall, config: Config, shaper: Shaping | None = None, pins: Pins | None = None
    ) -> None:
        # What hub.toml asks for, and what of it this kernel can do: they differ where it has no cake.
        self._firewall, self._asked, self._config = firewall, config, config
        self._pins: Pins = pins or NoPins()
        self._shaper: Shaping = shaper or NoShaper()
        self._lock = threading.Lock()
        self._let_in_count = self._refused_count = 0

    def use(self, config: Config) -> bool:
        """Put the firewall of ``config`` in force; devices of networks that are gone are shut out.

        Whose class of ``[[speeds]]`` is gone has its fair share, and is listed so.

        Returns:
            Whether the firewall was changed; one with the same fingerprint is left alone.

        Raises:
            OperationError: it was refused; all stays as it was.
        """
        with self._lock:
            return self._use(config)

    def check(self) -> None:
        """Put right what somebody else took away: rules, queues, pins. Asked every few seconds.

        Raises:
            OperationError: the kernel does not answer.
        """
        with self._lock:
            if self._firewall.fingerprint() != nftables.fingerprint(self._config):
                log.warning("the rules in force are not the gate's: they are put back")
                self._use(self._asked)
        if self._shaper.check():
            with self._lock:
                # The ruleset is in force; this gives who shares a slot one of its own.
                self._firewall.load(nftables.render(self._config), nftables.fingerprint(self._config))
        since, residents = self._pins.now(), Residents(self._config)
        self._pins.keep(
            {
                one.client: network.interface
                for one in self._firewall.clients()
                if one.idle_seconds < PIN_SECONDS and (network := residents.network_of(one.client.address))
            },
            since,
        )

    def admit(self, client: Client, lease_seconds: int, limits: Limits = UNLIMITED) -> None:
        """Let ``client`` through. Who had the same address before is shut out: it was given to another device.

        Raises:
            GateRefused: ``not_a_resident``, ``unknown_speed``, ``full`` or ``failed``.
        """
        refusal = self.admit_all([Admit(client, lease_seconds, limits)])[0]
        if refusal is not None:
            raise refusal

    def admit_all(self, requests: Sequence[Admit]) -> list[GateRefused | None]:
        """Let several through, in one transaction where the kernel takes it; an address occurs once at most.

        Returns:
            For each request what `admit` would have raised, None for who was let through.
        """
        refused: dict[Client, GateRefused] = {}
        # Held until the firewall has changed: a reload in between would leave in whom its networks do not know.
        with self._lock:
            places = self._places(requests, refused)
            wanted = [one for one in requests if one.client in places]
            try:
                before = {one.client for one in wanted if self.admitted(one.client) is not None}
                self._change(wanted, refused)
            except GateRefused as error:
                refused |= {one.client: error for one in wanted}
            else:
                self._let_in_count += len({one.client for one in wanted} - before - refused.keys())
            self._refused_count += len(refused)
        for client, network in places.items():
            if client not in refused:
                self._pins.pin(client, network.interface)
        return [refused.get(one.client) for one in requests]

    def _places(self, requests: Sequence[Admit], refused: dict[Client, GateRefused]) -> dict[Client, Network]:
        """The networks of those who may be let through; the others are ``refused``."""
        residents, known = Residents(self._config), _speeds(self._config)
        found = {}
        for one in requests:
            client, speed = one.client, one.limits.speed
            network = residents.network_of(client.address)
            if network is None:
                refused[client] = GateRefused(
                    RefusalCode.NOT_A_RESIDENT, f"{client.address} is no device's address in a resident network"
                )
            elif speed not in known:
                allowed = ", ".join(sorted(known - {""})) or "none is defined"
                refused[client] = GateRefused(
                    RefusalCode.UNKNOWN_SPEED, f"{speed} is no class of [[speeds]]; allowed: {allowed}"
                )
            else:
                found[client] = network
        return found

    def _change(self, wanted: Sequence[Admit], refused: dict[Client, GateRefused]) -> None:
        """Admit together; where that is refused, each by itself, so that one keeps no other out."""
        try:
            if wanted:
                self._firewall.change(wanted)
        except GateRefused as error:
            if len(wanted) == 1:
                refused[wanted[0].client] = error
                return
            for one in wanted:
                self._change([one], refused)

    def revoke(self, client: Client) -> None:
        """Shut ``client`` out. Raises `GateRefused` with code ``failed``."""
        self._firewall.change([Revoke(client)])
        self._pins.release(client)

    def clients(self) -> tuple[Admitted, ...]:
        """Who is let through. Raises `GateRefused` with code ``failed``."""
        try:
            known = _speeds(self._config)
            return tuple(_with_known_speed(one, known) for one in self._firewall.clients())
        except OperationError as error:
            raise GateRefused(RefusalCode.FAILED, str(error)) from None

    def admitted(self, client: Client) -> Admitted | None:
        """What is left of one client's lease. Raises `GateRefused` with code ``failed``."""
        try:
            found = self._firewall.admitted(client)
            return found and _with_known_speed(found, _speeds(self._config))
        except OperationError as error:
            raise GateRefused(RefusalCode.FAILED, str(error)) from None

    def status(self) -> GateStatus:
        """How the firewall is. Raises `GateRefused` with code ``failed``."""
        try:
            shaped, fingerprint = self._shaper.state(), self._firewall.fingerprint()
            if fingerprint == nftables.fingerprint(self._config):
                # The rules for another shaper are the right ones; that it is another one is said by itself.
                fingerprint = nftables.fingerprint(self._asked)
            return GateStatus(
                self._firewall.is_closed(),
                len(self._firewall.clients()),
                fingerprint,
                shaped.shaper,
                shaped.problem,
                self._let_in_count,
                self._refused_count,
            )
        except OperationError as error:
            raise GateRefused(RefusalCode.FAILED, str(error)) from None

    def _use(self, asked: Config) -> bool:
        config = self._shaper.possible(asked)
        try:
            changed = self._firewall.load(nftables.render(config), nftables.fingerprint(config))
        except OperationError:
            self._shaper.possible(self._asked)
            raise
        self._asked, self._config = asked, config
        self._shaper.use(config)
        residents = Residents(config)
        for one in self._firewall.clients():
            if residents.network_of(one.client.address) is None:
                self._firewall.change([Revoke(one.client)])
        return changed


def answer(gate: LocalGate, request: Request) -> Answer:
    """Do what ``request`` asks; a refusal becomes an answer."""
    try:
        match request:
            case Admit(client, lease_seconds, limits):
                gate.admit(client, lease_seconds, limits)
            case AdmitAll(admits):
                return Admissions(tuple(_refusal(error) if error else None for error in gate.admit_all(admits)))
            case Revoke(client):
                gate.revoke(client)
            case ListClients():
                return Clients(gate.clients())
            case AskClient(client):
                return ClientState(gate.admitted(client))
            case AskStatus():
                return gate.status()
    except GateRefused as error:
        return _refusal(error)
    return Done()


def _refusal(error: GateRefused) -> Refusal:
    return Refusal(RefusalCode(error.code), str(error))
