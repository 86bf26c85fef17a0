"""Who may be online, until when, how much and how fast. Pure: nothing here asks a clock, the kernel or a database.

`decide` answers a device that asks to be connected. `standing` says, at any moment after that, what is left of its
grant and whether it has ended: portal and keeper ask the same function, so that they cannot disagree.
"""

from __future__ import annotations

import enum
import functools
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.core.config import Config
from appliance.core.config.accounts import Accounts
from appliance.core.config.networks import Access, Network
from appliance.core.config.village import Timezone
from appliance.gate.protocol import LEASE_SECONDS_MAX, QUOTA_BYTES_MAX, Client, Limits, Quota
from appliance.hotspot.ends import EndReason
from captive_portal import local_time
from captive_portal.now import Now

MEGABYTE: Final = 1_000_000
SILENT_SECONDS: Final = 120  # a device that sends nothing for so long is not in use
End = EndReason  # one list: the office is told what the history keeps


_BY_DEFAULT: Final = Accounts()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the village allows."""

    networks: tuple[Network, ...]
    speeds: frozenset[str] = frozenset()
    timezone: Timezone = Timezone.WIB
    accounts: Accounts = _BY_DEFAULT

    @classmethod
    def of(cls, config: Config) -> Policy:
        """Take the portal's part of ``hub.toml``."""
        speeds = frozenset(speed.name for speed in config.speeds)
        return cls(config.resident_networks, speeds, config.village.timezone, config.account_terms)

    @property
    def has_days(self) -> bool:
        """Is anything bounded by the day? Without that no day needs to be counted."""
        return any(
            network.daily_seconds
            or network.daily_megabytes
            or (Access.ACCOUNT in network.access and (self.accounts.daily_seconds or self.accounts.daily_megabytes))
            for network in self.networks
        )


@dataclass(frozen=True, slots=True)
class Device:
    """Who asks: an address ("" for none), the MAC that answers for it now, and the MAC it was given to."""

    address: str
    mac: str | None
    leased_mac: str | None


class Verdict(enum.StrEnum):
    """What is decided about a device that asks to be connected."""

    ADMIT = "admit"
    NOT_A_RESIDENT = "not_a_resident"  # its address is in no network of residents
    NO_MAC = "no_mac"  # the kernel has no neighbour entry for it
    NO_LEASE = "no_lease"  # the address was not given to this device
    BLOCKED = "blocked"  # the office keeps it out
    WAY_NOT_OFFERED = "way_not_offered"  # its network has another way in, such as a voucher
    CLOSED = "closed"  # outside the network's opening hours
    DAILY_TIME_USED = "daily_time_used"
    DAILY_DATA_USED = "daily_data_used"
    USED_UP = "used_up"  # nothing is left of what it offers, such as a voucher


_VERDICTS: Final = {
    End.TIME: Verdict.USED_UP, End.DATA: Verdict.USED_UP, End.CLOSED: Verdict.CLOSED,
    End.DAILY_TIME: Verdict.DAILY_TIME_USED, End.DAILY_DATA: Verdict.DAILY_DATA_USED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """The office keeps a device out; ``remaining_seconds`` None is until somebody lets it in again."""

    mac: str
    remaining_seconds: int | None
    by: str
    why: str
    since_wall_seconds: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device besides its grants: what it used today, and its block.

    By accepting the terms it uses its own day; with an account that of the account.
    """

    seconds_today: int = 0
    bytes_today: int = 0
    block: Block | None = None


NOTHING_KNOWN: Final = Known()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a way in gives: the terms of a network, or what is left of a voucher.

    Args:
        way: how the device gets in.
        lease_seconds: how long it gives at most.
        quota_bytes: sent and received together; None for no limit.
        speed: the name of a class in ``[[speeds]]``; "" for the network's own.
        voucher: the voucher's reference, such as ``12-7``, never its code; or the account's, such as ``A-7K2M9Q4X``.
        budget_id: the budget that all devices of a voucher or an account use up together; None makes one for this
            grant alone.
    """

    way: Access
    lease_seconds: int
    quota_bytes: int | None = None
    speed: str = ""
    voucher: str = ""
    budget_id: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict. With ADMIT the client, its network, what it is given, and how much of that holds now.

    ``lease_seconds`` and ``left_bytes`` are bounded by the day and the opening hours too; the lease ends at
    ``ends_boot_seconds`` of this boot. With CLOSED, ``opens_in_seconds`` says when its network opens.
    """

    verdict: Verdict
    client: Client | None = None
    lease_seconds: int = 0
    ends_boot_seconds: int = 0
    network: str = ""
    offer: Offer | None = None
    left_bytes: int | None = None
    opens_in_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """Time and data that one grant, or all grants of a voucher or an account, use up. Its id names the kernel's quota.

    The lease began at a second of one boot; that boot was last known to live at ``noted_boot_seconds``.
    """

    id: int
    lease_seconds: int
    boot_id: str
    boot_seconds: int
    noted_boot_seconds: int
    quota_bytes: int | None = None
    used_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted to a client; ``wall_seconds`` says to a person when.

    Bytes are of the last checkpoint, when the gate's own counters for this client stood at ``counted_...``.
    """

    client: Client
    budget: Budget
    session_id: int
    network: str
    way: Access
    wall_seconds: int
    speed: str = ""
    voucher: str = ""
    sent_bytes: int = 0
    received_bytes: int = 0
    counted_sent_bytes: int = 0
    counted_received_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a grant gives from now on. With an ``end`` it gives nothing any more, and says why."""

    seconds: int
    limits: Limits
    end: End | None = None
    data_end: End = End.DATA  # which end comes when the quota in ``limits`` is used up


def identify(policy: Policy, device: Device) -> tuple[Verdict, Client | None]:
    """Say who asks: ADMIT with the client, or why it is nobody of ours."""
    if network_of(policy, device.address) is None:
        return Verdict.NOT_A_RESIDENT, None
    if device.mac is None:
        return Verdict.NO_MAC, None
    # Anyone in the air can answer for an address; only whom it was given to may use it, and take its grant over.
    if device.mac != device.leased_mac:
        return Verdict.NO_LEASE, None
    return Verdict.ADMIT, Client(device.address, device.mac)


def decide(
    policy: Policy, device: Device, now: Now, known: Known = NOTHING_KNOWN, offer: Offer | None = None
) -> Decision:
    """Decide about one device that asks to be connected. Who is connected already gets a new grant.

    Args:
        policy: what the village allows.
        device: who asks.
        now: the clocks.
        known: what was used today, and whether the office keeps it out.
        offer: what it brings, such as a voucher's rest; None when it accepts the terms.
    """
    verdict, client = identify(policy, device)
    network = network_of(policy, device.address)
    if client is None or network is None:
        return Decision(verdict)
    if known.block is not None:
        return Decision(Verdict.BLOCKED)
    offer = terms(network) if offer is None else offer
    if offer.way not in network.access:
        return Decision(Verdict.WAY_NOT_OFFERED, network=network.name)
    use = _Use(network, offer.way, known)
    seconds, time_end = _seconds(policy, use, now, offer.lease_seconds)
    left_bytes, data_end = _bytes(policy, use, offer.quota_bytes)
    if time_end is End.CLOSED and not seconds:
        opens = local_time.seconds_until_open(network.open_hours, now, policy.timezone)
        return Decision(Verdict.CLOSED, network=network.name, opens_in_seconds=opens)
    if not seconds or left_bytes == 0:
        return Decision(_VERDICTS[data_end if seconds else time_end], network=network.name)
    return Decision(Verdict.ADMIT, client, seconds, now.boot_seconds + seconds, network.name, offer, left_bytes)


def terms(network: Network) -> Offer:
    """What accepting the terms gives in a network."""
    quota = network.session_megabytes * MEGABYTE or None
    return Offer(Access.TERMS, network.session_seconds, quota)


def network_of(policy: Policy, address: str) -> Network | None:
    """The resident network in which a device has ``address``; None for the box's own addresses, and others."""
    asked = _number(address)
    for network in policy.networks:
        first, last, own = _bounds(network.address)
        if first < asked < last and asked != own:
            return network
    return None


@functools.lru_cache(maxsize=4_096)
def _number(address: str) -> int:
    """An IPv4 address as a number; -1 for anything else."""
    try:
        return int(ipaddress.IPv4Address(address))
    except ValueError:
        return -1


@functools.lru_cache(maxsize=64)
def _bounds(interface_address: str) -> tuple[int, int, int]:
    """The first and the last address of a network, which are no device's, and the box's own."""
    own = ipaddress.IPv4Interface(interface_address)
    return int(own.network.network_address), int(own.network.broadcast_address), int(own.ip)


def standing(policy: Policy, grant: Grant, known: Known, now: Now, idle_seconds: int = 0) -> Standing:
    """Say what a grant gives from now on.

    Args:
        policy: what the village allows now; a changed ``hub.toml`` holds for who is connected too.
        grant: with what its budget has used up to now.
        known: what its device used today up to now, and its block.
        now: the clocks.
        idle_seconds: for how long the device has sent nothing.
    """
    network = network_of(policy, grant.client.address)
    # Where accounts are no way in any more nobody would hear that one ended at the kiosk.
    if network is None or (grant.way is Access.ACCOUNT and grant.way not in network.access):
        return Standing(0, Limits(), End.NETWORK if network is None else End.ACCOUNT)
    budget = grant.budget
    use = _Use(network, grant.way, known)
    seconds, end = _seconds(policy, use, now, remaining_seconds(budget, now))
    left_bytes, data_end = _bytes(policy, use, left_of_quota(budget))
    if known.block is not None:
        return Standing(0, Limits(), End.BLOCKED)
    if not seconds:
        return Standing(0, Limits(), end)
    if left_bytes == 0:
        return Standing(0, Limits(), data_end)
    if network.idle_seconds and idle_seconds >= network.idle_seconds:
        return Standing(0, Limits(), End.IDLE)
    speed = grant.speed if grant.speed in policy.speeds else network.speed
    quota = None if left_bytes is None else Quota(budget.id, min(left_bytes, QUOTA_BYTES_MAX))
    return Standing(min(seconds, LEASE_SECONDS_MAX), Limits(speed, quota), data_end=data_end)


def day_subject(way: Access, mac: str, reference: str) -> str:
    """Whose share of the day a device uses: its own, or that of its account."""
    return f"account {reference}" if way is Access.ACCOUNT else mac


def known_of(grant: Grant, found: Mapping[str, Known]) -> Known:
    """What is known of the device of a grant, of what is known by MAC and by `day_subject`."""
    device = found.get(grant.client.mac, NOTHING_KNOWN)
    used = found.get(day_subject(grant.way, grant.client.mac, grant.voucher), NOTHING_KNOWN)
    return Known(used.seconds_today, used.bytes_today, device.block)


def remaining_seconds(held: Budget | Grant, now: Now) -> int:
    """How much time of a budget is left: never less than 0, never more than its lease.

    In the same boot the lease less what has passed. In another boot nobody knows how long the box was off: what was
    left when that boot was last known to live, in the resident's favour.
    """
    budget = held.budget if isinstance(held, Grant) else held
    until = now.boot_seconds if budget.boot_id == now.boot_id else budget.noted_boot_seconds
    return max(0, min(budget.lease_seconds - (until - budget.boot_seconds), budget.lease_seconds))


def left_of_quota(budget: Budget) -> int | None:
    """How many bytes are left of a budget, None without a quota."""
    return None if budget.quota_bytes is None else max(0, budget.quota_bytes - budget.used_bytes)


@dataclass(frozen=True, slots=True)
class _Use:
    """By which way a device is online where, and what is known of it."""

    network: Network
    way: Access
    known: Known

    def daily_seconds(self, policy: Policy) -> int:
        """How long this may be used on one day; 0 for no limit."""
        by_way = {Access.TERMS: self.network.daily_seconds, Access.ACCOUNT: policy.accounts.daily_seconds}
        return by_way.get(self.way, 0)

    def daily_bytes(self, policy: Policy) -> int:
        """How much may be used on one day; 0 for no limit."""
        by_way = {Access.TERMS: self.network.daily_megabytes, Access.ACCOUNT: policy.accounts.daily_megabytes}
        return by_way.get(self.way, 0) * MEGABYTE


def _seconds(policy: Policy, use: _Use, now: Now, lease_seconds: int) -> tuple[int, End]:
    """The nearest end in time: in how many seconds (0 for passed), and which it is."""
    bounds = [(max(0, lease_seconds), End.TIME)]
    is_open = local_time.seconds_open(use.network.open_hours, now, policy.timezone)
    if is_open is not None:
        bounds.append((is_open, End.CLOSED))
    daily_seconds = use.daily_seconds(policy)
    if 0 < daily_seconds < local_time.DAY_SECONDS:
        left = max(0, daily_seconds - use.known.seconds_today)
        today = local_time.seconds_left_today(now, policy.timezone)
        # Tomorrow has its own share: who has more left than today is long goes on into it.
        bounds.append((left if left < today else today + daily_seconds, End.DAILY_TIME))
    return min(bounds, key=lambda bound: bound[0])


def _bytes(policy: Policy, use: _Use, left_bytes: int | None) -> tuple[int | None, End]:
    """The nearest end in data: how many bytes are left (None for no limit), and which end that is."""
    if not use.daily_bytes(policy):
        return left_bytes, End.DATA
    daily = max(0, use.daily_bytes(policy) - use.known.bytes_today)
    if left_bytes is None or daily < left_bytes:
        return daily, End.DAILY_DATA
    return left_bytes, End.DATA
