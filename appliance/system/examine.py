"""Look at this machine for `doctor`: each part by itself, so that a missing one hides no other."""

from __future__ import annotations

import datetime
import ipaddress
import secrets
import socket
from pathlib import Path
from typing import Final

import psutil

from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.network import dnsmasq, nginx
from appliance.system import filter_state
from appliance.system.doctor import FilterList, RecordFacts
from appliance.system.processes import run
from appliance.system.roots import REAL, Roots

_DNS_SECONDS: Final = 2.0
_SYSTEMCTL_SECONDS: Final = 20.0
_UNITS: Final = (
    "desahub-firewall.service", "desahub-gate.service", "desahub-keeper.service", "desahub-dns.service",
    "desahub-web.service", "desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service",
    "systemd-networkd.service",
)  # fmt: skip
_UNITS_OF_FILTER: Final = ("desahub-filter.service", "desahub-filtered-dns.service")


def units_of(config: Config) -> tuple[str, ...]:
    """The units that ``config`` wants to run."""
    found = list(_UNITS)
    if any(network.filter for network in config.networks):
        found += _UNITS_OF_FILTER
    if config.records.enabled:
        found.append("desahub-records.service")
    if config.printer is not None:
        found.append("desahub-printer.service")
    if config.signature is not None:
        found.append("desahub-signer.service")
    if config.has_accounts:
        found.append("desahub-accounts.socket")
    if config.kiosk.screen:
        found.append("desahub-screen.service")
    if config.radio is not None:
        found += [f"desahub-radio@{network.name}.service" for network in config.networks]
    return tuple(found)


def units(config: Config, roots: Roots = REAL) -> dict[str, str] | None:
    """How systemd says each unit is: active, failed, …; units of ours that failed besides. None without systemd."""
    if not (roots.run / "systemd/system").is_dir():
        return None
    wanted = units_of(config)
    try:
        states = run(
            ["systemctl", "is-active", *wanted], timeout_seconds=_SYSTEMCTL_SECONDS, accepted=range(256)
        ).output.split()
        failed = run(
            ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "desahub*"],
            timeout_seconds=_SYSTEMCTL_SECONDS,
        ).output
    except OperationError:
        return None
    if len(states) != len(wanted):
        return None
    return dict(zip(wanted, states, strict=True)) | {
        line.split()[0]: "failed" for line in failed.splitlines() if line.strip()
    }


def is_certificate_in_use(roots: Roots = REAL) -> bool:
    """Did the last `apply` give nginx a certificate?"""
    return (roots.etc / Path(nginx.CERTIFICATE).relative_to("/etc")).exists()


def offers_option_114(roots: Roots = REAL) -> bool:
    """Does dnsmasq's configuration send RFC 8910's option?"""
    try:
        text = (roots.etc / "desahub/rendered/dnsmasq.conf").read_text("utf-8", "replace")
    except OSError:
        return False
    return any(line.startswith("dhcp-option=") and ",114," in line for line in text.splitlines())


def leases(config: Config, roots: Roots = REAL) -> dict[str, tuple[int, int]] | None:
    """By network: addresses that dnsmasq has given out, and those it may. None where its file cannot be read."""
    path = roots.var / Path(dnsmasq.LEASE_FILE).relative_to("/var")
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        lines = []
    except OSError:
        return None
    taken = [address for line in lines if (address := _leased(line)) is not None]
    found = {}
    for network in config.networks:
        first, last = dnsmasq.pool(network)
        found[network.name] = (sum(first <= one <= last for one in taken), int(last) - int(first) + 1)
    return found


def _leased(line: str) -> ipaddress.IPv4Address | None:
    columns = line.split()
    try:
        return ipaddress.IPv4Address(columns[2]) if len(columns) == 5 else None
    except ValueError:
        return None


def dns_answers(host: str, server: tuple[str, int] = ("127.0.0.1", 53)) -> bool:
    """Does the box's DNS answer a question for ``host``? Source: RFC 1035 section 4."""
    question = secrets.token_bytes(2) + b"\1\0\0\1\0\0\0\0\0\0"
    question += b"".join(bytes([len(label)]) + label.encode("ascii") for label in host.split(".")) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(_DNS_SECONDS)
        try:
            asker.connect(server)
            asker.send(question)
            answer = asker.recv(4096)
        except OSError:
            return False
    # The same id, an answer, and no failure (code 0).
    return len(answer) >= 12 and answer[:2] == question[:2] and answer[2] & 0x80 != 0 and answer[3] & 0x0F == 0


def filter_lists(config: Config, now: datetime.datetime, roots: Roots = REAL) -> tuple[FilterList, ...] | None:
    """The lists of the family filter; None where no network has it."""
    if not any(network.filter for network in config.networks):
        return None
    state = filter_state.read(roots)
    found = []
    for one in config.filter.lists:
        known = state.of(one.name) if state else None
        if known is None:
            found.append(FilterList(one.name, None, ""))
        else:
            found.append(FilterList(one.name, _days(known.fetched_wall and known.checked_wall, now), known.error))
    return tuple(found)


def _days(wall: str, now: datetime.datetime) -> float | None:
    try:
        return max(0.0, (now - datetime.datetime.fromisoformat(wall)) / datetime.timedelta(days=1))
    except (ValueError, TypeError):
        return None


def records(config: Config, now: datetime.datetime, roots: Roots = REAL) -> RecordFacts | None:
    """Connection records; None where they are not asked for."""
    if not config.records.enabled:
        return None
    try:
        has_key = bool(Path(config.records.public_key_file).read_bytes())
    except OSError:
        has_key = False
    try:
        newest = max((path.stat().st_mtime for path in (roots.var / "lib/desahub-records").iterdir()), default=None)
    except OSError:
        newest = None
    return RecordFacts(has_key, None if newest is None else max(0.0, (now.timestamp() - newest) / 3600))


def disk(roots: Roots = REAL) -> tuple[int | None, int]:
    """Free and whole bytes of the disk under /var."""
    try:
        found = psutil.disk_usage(str(roots.var))
    except OSError:
        return None, 0
    return found.free, found.total


def has_radio(config: Config, roots: Roots = REAL) -> bool | None:
    """Is the configured radio there? None where none is configured. Source: sysfs, ``phy80211``."""
    if config.radio is None:
        return None
    return (roots.sys / "class/net" / config.radio.interface / "phy80211").exists()


def link_mbit(config: Config, roots: Roots = REAL) -> int | None:
    """The speed that the uplink's cable agreed on; None where the driver does not say. Source: sysfs, ``speed``."""
    try:
        found = int((roots.sys / "class/net" / config.uplink.interface / "speed").read_text("ascii"))
    except (OSError, ValueError):
        return None
    return found if found > 0 else None
