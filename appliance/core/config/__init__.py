"""The schema of ``hub.toml``: everything one village's box is told, in one file.

The sections are modules of this package; here is what holds between them. `parse` is the only way in.
``docs/config.md`` is written from this package by ``desahub config-docs``.
"""

from __future__ import annotations

import ipaddress
import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core import schema
from appliance.core.config.accounts import Accounts
from appliance.core.config.filter import Filter
from appliance.core.config.letters import Letters
from appliance.core.config.networks import NETWORKS_MAX, Access, Network, NetworkKind, Radio
from appliance.core.config.portal import RECORDS_TERM, CertificateFrom, Kiosk, Portal
from appliance.core.config.printer import Printer
from appliance.core.config.records import Records
from appliance.core.config.reporting import Agent, Noc
from appliance.core.config.signature import Signature
from appliance.core.config.uplink import Shaper, Speed, Uplink
from appliance.core.config.village import Hub, Village
from appliance.core.errors import ConfigError, Problem
from appliance.core.probes import PROBE_HOSTS
from appliance.core.registries import REGISTRIES
from appliance.core.schema import section


@dataclass(frozen=True, slots=True)
class Config:
    """The whole of ``hub.toml``."""

    village: Village = section(about="The village itself.")
    hub: Hub = section(about="This box.")
    uplink: Uplink = section(about="The way to the internet.")
    networks: tuple[Network, ...] = section(
        about="The networks the box offers, at least one for residents.", at_most=NETWORKS_MAX
    )
    speeds: tuple[Speed, ...] = section(
        about="Classes of speed that networks and vouchers name.", at_most=8, default=()
    )
    radio: Radio | None = section(
        about="The radio. Leave it out where access points hang on the bridge by cable.", default=None
    )
    portal: Portal = section(about="What residents meet first.", default=Portal())
    accounts: Accounts | None = section(
        about='What a resident\'s own account gives, where a network has access = ["account"].', default=None
    )
    filter: Filter = section(about="What the family filter keeps away.", default=Filter())
    records: Records = section(about="Connection records, where the law asks for them.", default=Records())
    agent: Agent = section(about="What the box measures and how often.", default=Agent())
    kiosk: Kiosk = section(about="The village's local services.", default=Kiosk())
    letters: Letters = section(about="Letters: how they are numbered and checked.", default=Letters())
    printer: Printer | None = section(about="What letters and tickets are printed on.", default=None)
    signature: Signature | None = section(about="Who signs letters electronically.", default=None)
    noc: Noc | None = section(about="Where the box reports.", default=None)

    @property
    def resident_networks(self) -> tuple[Network, ...]:
        """The networks whose people pass the portal."""
        return tuple(network for network in self.networks if network.kind is NetworkKind.RESIDENT)

    @property
    def office_networks(self) -> tuple[Network, ...]:
        """The encrypted networks of the village office."""
        return tuple(network for network in self.networks if network.kind is NetworkKind.OFFICE)

    @property
    def has_accounts(self) -> bool:
        """Is an account a way in anywhere?"""
        return any(Access.ACCOUNT in network.access for network in self.resident_networks)

    @property
    def account_terms(self) -> Accounts:
        """What an account gives, where one is a way in."""
        return self.accounts or Accounts()

    @property
    def terms_of_use(self) -> tuple[str, ...]:
        """What residents agree to: the village's terms, and what the box itself owes it to them to say."""
        return (*self.portal.terms, RECORDS_TERM) if self.records.enabled else self.portal.terms

    def problems(self) -> Iterator[Problem]:
        """Check what only shows between sections: names, interfaces and addresses used twice, probe hosts."""
        if not self.resident_networks:
            yield Problem("networks", "holds no network of kind resident", "allowed is at least one")
        yield from self._doubles()
        yield from self._speed_problems()
        for (i, one), (j, other) in itertools.combinations(enumerate(self.networks), 2):
            if one.interface_address.network.overlaps(other.interface_address.network):
                yield Problem(
                    f"networks[{j}].address",
                    f"is {other.address}, which overlaps networks[{i}].address {one.address}",
                    "allowed are networks apart from each other",
                )
        if self.uplink.address:
            wide = ipaddress.IPv4Interface(self.uplink.address).network
            for i, network in enumerate(self.networks):
                if network.interface_address.network.overlaps(wide):
                    yield Problem(
                        f"networks[{i}].address",
                        f"is {network.address}, which overlaps uplink.address {self.uplink.address}",
                        "allowed are networks apart from each other",
                    )
        if self.portal.host == self.kiosk.host:
            yield Problem("kiosk.host", f"is {self.kiosk.host}, as portal.host", "allowed are two different names")
        if self.portal.host == self.kiosk.practice_host:
            yield Problem(
                "portal.host", f"is {self.portal.host}, where the practice mode is", "allowed is another name"
            )
        taken = (
            ("portal.host", self.portal.host), ("kiosk.host", self.kiosk.host),
            ("the practice mode", self.kiosk.practice_host),
        )  # fmt: skip
        for path, host in taken:
            if host == self.letters.verification_host:
                yield Problem("letters.verification_host", f"is {host}, as {path}", "allowed are different names")
        yield from self._account_problems()
        if self.portal.certificate is CertificateFrom.NOC and self.noc is None:
            yield Problem(
                "portal.certificate", "is noc, and there is no [noc]", "allowed is hand, or name the NOC in [noc]"
            )
        yield from self._garden_problems()
        yield from self._blocked_by_mistake()

    def _account_problems(self) -> Iterator[Problem]:
        """An account is made at the kiosk, where nothing personal travels through the residents' open air."""
        if not self.has_accounts:
            if self.accounts is not None:
                yield Problem(
                    "accounts",
                    "stands where no network lets anybody in by an account",
                    'leave it out, or add "account" to the access of a resident network',
                )
            return
        if not self.office_networks and not self.kiosk.screen:
            i = next(i for i, network in enumerate(self.networks) if Access.ACCOUNT in network.access)
            yield Problem(
                f"networks[{i}].access",
                "names account, and nowhere could anybody get one: accounts are made at the kiosk, from the office's "
                "encrypted network or at the screen in the hall",
                "add a network of kind office, or set kiosk.screen = true",
            )
        names = [speed.name for speed in self.speeds]
        if self.account_terms.speed and self.account_terms.speed not in names:
            known = ", ".join(names) or "none is defined"
            yield Problem(
                "accounts.speed", f"is {self.account_terms.speed!r}", f"allowed is a name of [[speeds]]: {known}"
            )

    def _garden_problems(self) -> Iterator[Problem]:
        for i, name in enumerate(self.portal.walled_garden):
            if name in REGISTRIES:
                yield Problem(
                    f"portal.walled_garden[{i}]",
                    f"is {name!r}, under which everybody has sites",
                    "name the sites themselves, such as bansos.example.go.id",
                )
            # A name stands for everything below it, and dnsmasq gives it no other answer.
            for host in sorted(PROBE_HOSTS):
                if host == name or host.endswith(f".{name}"):
                    yield Problem(
                        f"portal.walled_garden[{i}]",
                        f"is {name!r}, which lets {host} through: phones ask it to find the portal, and no "
                        "login window would open",
                        "leave it out, or name a narrower host",
                    )
                    break

    def _speed_problems(self) -> Iterator[Problem]:
        names = [speed.name for speed in self.speeds]
        for i, name in enumerate(names):
            if name in names[:i]:
                yield Problem(
                    f"speeds[{i}].name", f"is {name!r}, as speeds[{names.index(name)}].name", "allowed is each once"
                )
        for i, network in enumerate(self.networks):
            if network.speed and network.speed not in names:
                known = ", ".join(names) or "none is defined"
                yield Problem(
                    f"networks[{i}].speed", f"is {network.speed!r}", f"allowed is a name of [[speeds]]: {known}"
                )
        if self.uplink.shaper is Shaper.CAKE and self.speeds:
            yield Problem(
                "uplink.shaper", "is cake with [[speeds]]", "leave [[speeds]] out, or choose htb: cake knows no classes"
            )

    def _blocked_by_mistake(self) -> Iterator[Problem]:
        """Names the box itself needs answered; a domain is blocked with everything below it."""
        needed = dict.fromkeys(sorted(PROBE_HOSTS), "phones ask it to find the portal: no login window would open")
        needed |= {self.portal.host: "it is portal.host", self.kiosk.host: "it is kiosk.host"}
        if self.letters.verification_host:
            needed[self.letters.verification_host] = "it is letters.verification_host"
        if self.noc is not None:
            needed[self.noc.host] = "it is noc.host"
        for i, domain in enumerate(self.filter.blocked_domains):
            for host in needed:
                if host == domain or host.endswith(f".{domain}"):
                    yield Problem(
                        f"filter.blocked_domains[{i}]",
                        f"is {domain!r}, which blocks {host} ({needed[host]})",
                        "leave it out, or block a narrower domain",
                    )
                    break

    def _doubles(self) -> Iterator[Problem]:
        for key in ("name", "interface", "ssid"):
            seen: dict[str, int] = {}
            for i, network in enumerate(self.networks):
                value = getattr(network, key)
                if value in seen:
                    yield Problem(
                        f"networks[{i}].{key}",
                        f"is {value!r}, as networks[{seen[value]}].{key}",
                        "allowed is each value once",
                    )
                seen.setdefault(value, i)
        taken = {"uplink.interface": self.uplink.interface}
        if self.radio is not None:
            if self.radio.interface == self.uplink.interface:
                yield Problem(
                    "radio.interface",
                    f"is {self.radio.interface!r}, as uplink.interface",
                    "allowed is another one",
                )
            taken["radio.interface"] = self.radio.interface
        for i, network in enumerate(self.networks):
            for path, interface in taken.items():
                if network.interface == interface:
                    yield Problem(
                        f"networks[{i}].interface",
                        f"is {interface!r}, as {path}",
                        "allowed is a bridge of its own",
                    )


def parse(text: str) -> Config:
    """Read the text of a ``hub.toml``.

    Raises:
        ConfigError: with every problem, each as ``path.to.key: what is wrong, what is allowed``.
    """
    try:
        # Windows' editor puts an invisible mark in front (BOM), which TOML does not know.
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ConfigError([Problem("hub.toml", "is nested too deeply", "see docs/config.md")]) from None
    except ValueError as error:  # TOMLDecodeError is one; Python's own limits, as on digits, are others
        said = str(error) if str(error).isprintable() else repr(str(error))
        raise ConfigError([Problem("hub.toml", f"is not TOML: {said[:200]}", "see https://toml.io")]) from None
    return schema.load(Config, document)
