"""What the gate does with a request: the rules between its socket and its firewall."""

from __future__ import annotations

import dataclasses
import ipaddress
import threading

from appliance.core.config import Config
from appliance.core.errors import GateRefused, OperationError
from appliance.gate.firewall import Firewall
from appliance.gate.protocol import (
    UNLIMITED,
    Admit,
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


def may_be_admitted(config: Config, address: str) -> bool:
    """Is ``address`` one that a device in a resident network can have?"""
    asked = ipaddress.IPv4Address(address)
    for network in config.resident_networks:
        own = network.interface_address
        if asked in own.network:
            return asked not in (own.ip, own.network.network_address, own.network.broadcast_address)
    return False


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
    """

    def __init__(self, firewall: Firewall, config: Config, shaper: Shaping | None = None) -> None:
        self._firewall, self._config = firewall, config
        self._shaper: Shaping = shaper or NoShaper()
        self._lock = threading.Lock()

    def use(self, config: Config) -> bool:
        """Put the firewall of ``config`` in force; devices of networks that are gone are shut out.

        Whose class of ``[[speeds]]`` is gone has its fair share, and is listed so.

        Returns:
            Whether the firewall was changed; one with the same fingerprint is left alone.

        Raises:
            OperationError: it was refused; all stays as it was.
        """
        with self._lock:
            config = self._shaper.possible(config)
            try:
                changed = self._firewall.load(nftables.render(config), nftables.fingerprint(config))
            except OperationError:
                self._shaper.possible(self._config)
                raise
            self._config = config
            self._shaper.use(config)
            for one in self._firewall.clients():
                if not may_be_admitted(config, one.client.address):
                    self._firewall.change([Revoke(one.client)])
            return changed

    def check(self) -> None:
        """Put right what is missing of the queues; asked every few seconds.

        Raises:
            OperationError: the kernel does not answer.
        """
        if self._shaper.check():
            with self._lock:
                # The ruleset is in force; this gives who shares a slot one of its own.
                self._firewall.load(nftables.render(self._config), nftables.fingerprint(self._config))

    def admit(self, client: Client, lease_seconds: int, limits: Limits = UNLIMITED) -> None:
        """Let ``client`` through. Who had the same address before is shut out: it was given to another device.

        Raises:
            GateRefused: ``not_a_resident``, ``unknown_speed``, ``full`` or ``failed``.
        """
        # Held until the firewall has changed: a reload in between would leave in whom its networks do not know.
        with self._lock:
            if not may_be_admitted(self._config, client.address):
                raise GateRefused(
                    RefusalCode.NOT_A_RESIDENT, f"{client.address} is no device's address in a resident network"
                )
            if limits.speed not in _speeds(self._config):
                known = ", ".join(sorted(_speeds(self._config) - {""})) or "none is defined"
                raise GateRefused(
                    RefusalCode.UNKNOWN_SPEED, f"{limits.speed} is no class of [[speeds]]; allowed: {known}"
                )
            self._firewall.change([Admit(client, lease_seconds, limits)])

    def revoke(self, client: Client) -> None:
        """Shut ``client`` out. Raises `GateRefused` with code ``failed``."""
        self._firewall.change([Revoke(client)])

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
            shaped = self._shaper.state()
            return GateStatus(
                self._firewall.is_closed(),
                len(self._firewall.clients()),
                self._firewall.fingerprint(),
                shaped.shaper,
                shaped.problem,
            )
        except OperationError as error:
            raise GateRefused(RefusalCode.FAILED, str(error)) from None


def answer(gate: LocalGate, request: Request) -> Answer:
    """Do what ``request`` asks; a refusal becomes an answer."""
    try:
        match request:
            case Admit(client, lease_seconds, limits):
                gate.admit(client, lease_seconds, limits)
                return Done()
            case Revoke(client):
                gate.revoke(client)
                return Done()
            case ListClients():
                return Clients(gate.clients())
            case AskClient(client):
                return ClientState(gate.admitted(client))
            case AskStatus():
                return gate.status()
    except GateRefused as error:
        return Refusal(RefusalCode(error.code), str(error))
