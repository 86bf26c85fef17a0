"""How the line is shared: ``hub.toml`` as lines for ``tc -batch``.

What comes from the internet waits at the egress of each bridge, what goes there at the egress of the uplink; who waits
where is chosen by nftables, which writes a class into the packet's priority. What the box itself says to residents has
none, and passes unshaped: it never touches the line.

Every client has a leaf of its own, a slot. Its own rate is tiny, so that who asks for little is served before the
turns are taken; above it all take turns, one packet each, up to the line or the client's speed.

Source: tc(8), tc-htb(8), tc-cake(8), tc-fq_codel(8) of iproute2 6.1.
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Final

from appliance.core.config import Config
from appliance.core.config.uplink import Shaper

# The major number of all classes: no socket option and no other qdisc of the box uses it.
HANDLE: Final = 0xDE5A
# Forwarded packets of whoever has no slot (the office, the walled garden) are spread over these by their address.
SHARED_FIRST: Final = 0x40
SHARED_COUNT: Final = 64
SLOTS_FIRST: Final = 0x1000
SLOTS_MAX: Final = 1_024
# The class that all forwarded packets have with cake, which tells hosts apart by itself.
CAKE_CLASS: Final = 1
ROOT: Final = 1
_BOX: Final = 2
_FRAME_BYTES: Final = 1_514
# Where nothing is set, tc would take the burst of a timer that ticks ten times slower than the kernel's.
_BURST_SECONDS: Final = 0.002
_QUEUE_SECONDS: Final = 0.1
_QUEUE_BYTES: Final = (10 * _FRAME_BYTES, 128 * 1024)
# Stands in the lines until they are known: see `stamp`.
_STAMP: Final = "STAMP"


class Leaf(enum.StrEnum):
    """Where the packets of one client wait."""

    FQ_CODEL = "fq_codel"
    BFIFO = "bfifo"


@dataclass(frozen=True, slots=True)
class Pool:
    """The slots of one class of speed; ``speed`` is empty for clients that have their fair share alone.

    Slot number n is class ``first`` + n on each interface; rates are the line's where the class has more.
    """

    speed: str
    first: int
    download_kbit: int
    upload_kbit: int


def pools(config: Config) -> tuple[Pool, ...]:
    """All classes of speed with their slots, the fair share first."""
    line = config.uplink
    speeds = [("", line.download_kbit, line.upload_kbit)]
    speeds += [(one.name, one.download_kbit, one.upload_kbit) for one in config.speeds]
    return tuple(
        Pool(name, SLOTS_FIRST + i * SLOTS_MAX, min(down, line.download_kbit), min(up, line.upload_kbit))
        for i, (name, down, up) in enumerate(speeds)
    )


def interfaces(config: Config) -> tuple[str, ...]:
    """Where the box shapes: each bridge, then the uplink."""
    return (*(network.interface for network in config.networks), config.uplink.interface)


def class_text(minor: int) -> str:
    """A class as tc and nft write it, such as ``de5a:1000``."""
    return f"{HANDLE:x}:{minor:x}"


def whole(config: Config, interface: str, leaf: Leaf, ready: Mapping[str, int]) -> str:
    """Everything for one interface, whatever was there before.

    Args:
        config: the village's configuration; `Config.uplink` says with what is shaped.
        interface: one of `interfaces`.
        leaf: what the kernel has.
        ready: for each speed, how many slots there are to be.
    """
    return _whole(config, interface, leaf, ready).replace(_STAMP, str(stamp(config, interface, leaf)))


def stamp(config: Config, interface: str, leaf: Leaf) -> int:
    """What tells the queues of `whole` from those of another configuration or release: 1 to 2^31 - 1.

    The kernel keeps it as ``r2q`` of htb, from which it would work out the quantum of classes that name none; ours all
    do. How many slots there are is not in it.
    """
    made = _whole(config, interface, leaf, {pool.speed: 1 for pool in pools(config)})
    # Nobody looks after the bound of a network that is alone: what is left of one from before goes with its queues.
    if len(config.networks) == 1 and interface != config.uplink.interface:
        made += "alone"
    return zlib.crc32(made.encode()) & 0x7FFFFFFF or 1


def slots_of(config: Config, interface: str, minors: Set[int]) -> dict[str, int] | None:
    """For each speed, how many slots an interface has whose classes are ``minors``; None where any class is amiss."""
    if config.uplink.shaper is Shaper.CAKE:
        return {} if minors == {CAKE_CLASS} else None
    wanted = {ROOT, *range(SHARED_FIRST, SHARED_FIRST + SHARED_COUNT)}
    wanted |= {_BOX} if interface == config.uplink.interface else set()
    found = {}
    for pool in pools(config) if has_slots(config, interface) else ():
        found[pool.speed] = len(minors & set(range(pool.first, pool.first + SLOTS_MAX)))
        wanted |= set(range(pool.first, pool.first + found[pool.speed]))
    return found if minors == wanted else None


def _whole(config: Config, interface: str, leaf: Leaf, ready: Mapping[str, int]) -> str:
    if config.uplink.shaper is Shaper.CAKE:
        return _lines(interface, _cake(config, interface))
    return _lines(interface, _htb(config, interface, leaf)) + "".join(
        more(config, interface, leaf, speed, range(count)) for speed, count in ready.items()
    )


def has_slots(config: Config, interface: str) -> bool:
    """Do clients of the gate wait at ``interface``? Not where there is the office alone."""
    return interface not in (network.interface for network in config.office_networks)


def more(config: Config, interface: str, leaf: Leaf, speed: str, numbers: range) -> str:
    """Slots ``numbers`` of one speed, besides those that are there. An interface of the office alone has none."""
    if not has_slots(config, interface):
        return ""
    pool = next(pool for pool in pools(config) if pool.speed == speed)
    line = _line_kbit(config, interface)
    ceiling = pool.upload_kbit if interface == config.uplink.interface else pool.download_kbit
    return _lines(interface, (text for number in numbers for text in _leaf(pool.first + number, line, ceiling, leaf)))


def bound(interface: str, kbit: int) -> str:
    """Let all of one interface have ``kbit`` at most, less than its line or as much; what waits there stays."""
    return _lines(interface, [f"class change @ parent {HANDLE:x}: classid {class_text(ROOT)} htb {_rates(kbit, kbit)}"])


def _lines(interface: str, commands: Iterable[str]) -> str:
    return "".join(command.replace(" @ ", f" dev {interface} ") + "\n" for command in commands)


def _line_kbit(config: Config, interface: str) -> int:
    line = config.uplink
    return line.upload_kbit if interface == line.interface else line.download_kbit


def _fresh(qdisc: str) -> Iterator[str]:
    # An htb cannot be replaced by one of the same handle: something simple comes between them.
    yield f"qdisc replace @ root bfifo limit {_QUEUE_BYTES[1]}"
    yield f"qdisc replace @ root handle {HANDLE:x}: {qdisc}"


def _htb(config: Config, interface: str, leaf: Leaf) -> Iterator[str]:
    line = _line_kbit(config, interface)
    to_internet = interface == config.uplink.interface
    # Without a class of ours: towards the internet that is the box itself; towards residents it passes unshaped (0).
    yield from _fresh(f"htb default {_BOX if to_internet else 0:x} r2q {_STAMP}")
    root = class_text(ROOT)
    yield f"class add @ parent {HANDLE:x}: classid {root} htb {_rates(line, line)}"
    if to_internet:
        # Measurements and names get through whatever the residents do.
        own = max(8, line // 10)
        yield f"class add @ parent {root} classid {class_text(_BOX)} htb {_rates(own, line)} prio 0"
        yield f"qdisc add @ parent {class_text(_BOX)} {_queue(line, leaf)}"
    for i in range(SHARED_COUNT):
        yield from _leaf(SHARED_FIRST + i, line, line, leaf)


def _leaf(minor: int, line_kbit: int, ceiling_kbit: int, leaf: Leaf) -> Iterator[str]:
    """One class below the root. All of them at once, each at its own rate, do not exceed the line."""
    own = min(max(1, line_kbit // SLOTS_MAX), ceiling_kbit)
    name = class_text(minor)
    yield f"class add @ parent {class_text(ROOT)} classid {name} htb {_rates(own, ceiling_kbit)} prio 1"
    yield f"qdisc add @ parent {name} {_queue(ceiling_kbit, leaf)}"


def _rates(rate_kbit: int, ceiling_kbit: int) -> str:
    # A burst is what passes at once after a rest: two frames, or what the line carries between two looks at the clock.
    # More would let the first seconds of a download exceed its speed.
    burst, ceiling_burst = (_burst_bytes(kbit) for kbit in (rate_kbit, ceiling_kbit))
    return f"rate {rate_kbit}kbit burst {burst}b ceil {ceiling_kbit}kbit cburst {ceiling_burst}b quantum {_FRAME_BYTES}"


def _burst_bytes(kbit: int) -> int:
    return max(2 * _FRAME_BYTES, int(kbit * 1000 / 8 * _BURST_SECONDS))


def _queue(kbit: int, leaf: Leaf) -> str:
    if leaf is Leaf.FQ_CODEL:
        # Small in memory, since there are thousands; slower to act than the default, for lines of many milliseconds.
        return "fq_codel limit 256 flows 16 target 15ms interval 150ms"
    least, most = _QUEUE_BYTES
    return f"bfifo limit {min(max(least, int(kbit * 1000 / 8 * _QUEUE_SECONDS)), most)}"


def _cake(config: Config, interface: str) -> Iterator[str]:
    line = f"bandwidth {_line_kbit(config, interface)}kbit besteffort"
    if interface == config.uplink.interface:
        yield from _fresh(f"cake {line} dual-srchost nat")
        return
    # Cake itself would shape what the box says too: htb, without a limit of its own, leads around it.
    yield from _fresh(f"htb default 0 r2q {_STAMP}")
    name = class_text(CAKE_CLASS)
    yield f"class add @ parent {HANDLE:x}: classid {name} htb rate 10gbit burst 256kb ceil 10gbit cburst 256kb"
    yield f"qdisc add @ parent {name} cake {line} dual-dsthost"
