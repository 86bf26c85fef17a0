"""Has the kernel share the line: at start, on reload, and whenever an interface comes back or its queues are gone.

A modem is pulled out and plugged in again, a bridge is made anew: then the kernel has forgotten everything about it.
Looking costs one message for each interface; tc runs only where something is missing, never at a login.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.config import Config
from appliance.core.config.uplink import Shaper
from appliance.core.errors import OperationError
from appliance.gate.division import Divider
from appliance.gate.places import Places
from appliance.network import shaper
from appliance.network.shaper import Leaf
from appliance.system import queues
from appliance.system.netlink import ROUTE, Netlink

log = logging.getLogger("desahub.gate")
CHECK_SECONDS: Final = 2.0
# Faster lines carry 64 KB, what receive offload glues together at most, within 3 ms.
_FAST_KBIT: Final = 200_000
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class ShaperState:
    """What shares the line (``htb``, ``cake`` or ``none``), and why it is not what it should be."""

    shaper: str
    problem: str


class Queues(Protocol):
    """What the kernel is asked and told."""

    def root(self, interface: str) -> queues.Root | None:
        """What waits at an interface; see `queues.root`."""
        ...

    def classes(self, interface: str) -> frozenset[int]:
        """Which classes of ours there are at an interface; see `queues.classes`."""
        ...

    def passed_bytes(self, interface: str) -> int | None:
        """What has passed our classes at an interface, None without them; see `queues.passed_bytes`."""
        ...

    def batch(self, lines: str) -> None:
        """Have tc do ``lines``; see `queues.batch`."""
        ...

    def has(self, kind: str) -> bool:
        """Does the kernel have a qdisc of this kind? See `queues.has`."""
        ...

    def keep_apart(self, interface: str) -> None:
        """Switch receive offload off at an interface and at what hangs on it; see `queues.keep_packets_apart`."""
        ...


class KernelQueues:
    """Keeps `Queues` in the kernel of this network namespace."""

    def __init__(self) -> None:
        self._netlink = Netlink(ROUTE)

    def root(self, interface: str) -> queues.Root | None:
        """See `Queues.root`."""
        return queues.root(self._netlink, interface)

    def classes(self, interface: str) -> frozenset[int]:
        """See `Queues.classes`."""
        return queues.classes(self._netlink, interface, shaper.HANDLE)

    def passed_bytes(self, interface: str) -> int | None:
        """See `Queues.passed_bytes`."""
        return queues.passed_bytes(self._netlink, interface, shaper.HANDLE << 16 | shaper.ROOT)

    def batch(self, lines: str) -> None:
        """See `Queues.batch`."""
        queues.batch(lines)

    def has(self, kind: str) -> bool:
        """See `Queues.has`."""
        return queues.has(kind)

    def keep_apart(self, interface: str) -> None:
        """See `Queues.keep_apart`."""
        for one in (interface, *queues.ports(interface)):
            if queues.keep_packets_apart(one):
                log.info("%s: receive offload switched off, so that packets wait one by one", one)


class Shaping(Protocol):
    """What the gate asks of a shaper."""

    def possible(self, config: Config) -> Config:
        """``config`` with a shaper that the kernel has; its firewall is rendered from that."""
        ...

    def use(self, config: Config) -> None:
        """Share the line as ``config`` says, where there is an interface; failures are for `state`."""
        ...

    def check(self) -> bool:
        """Put right what is missing; return whether clients should be given new places."""
        ...

    def state(self) -> ShaperState:
        """What is in force."""
        ...


class LineShaper:
    """Keeps `Shaping` by tc.

    Args:
        queues_: the kernel's.
        places: says how many slots there are to be, and is told the classes of speed.
    """

    def __init__(self, queues_: Queues, places: Places) -> None:
        self._queues, self._places = queues_, places
        self._lock = threading.Lock()
        self._config: Config | None = None
        # The index of each interface whose queues are made; and what went wrong, by interface, or "" for all.
        self._made: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        self._refused = ""
        self._crowded = False
        self._divider = Divider(queues_)
        self._has = functools.cache(self._queues.has)

    def possible(self, config: Config) -> Config:
        """``config``, with htb where it asks for cake and the kernel has none."""
        self._refused = ""
        if config.uplink.shaper is Shaper.CAKE and not self._has_cake():
            self._refused = "uplink.shaper is cake, which this kernel does not have; htb shares the line instead"
            log.error('%s. Install a kernel with sch_cake, or set shaper = "htb"', self._refused)
            config = dataclasses.replace(config, uplink=dataclasses.replace(config.uplink, shaper=Shaper.HTB))
        self._places.use(shaper.pools(config) if config.uplink.shaper is Shaper.HTB else ())
        return config

    def use(self, config: Config) -> None:
        """Make the queues of ``config``. Only at an interface where anything changes, what waits there is dropped."""
        with self._lock:
            if self._config is not None and _of_queues(config) == _of_queues(self._config):
                self._config = config
                self._look_at_all(config)
                return
            gone = set(shaper.interfaces(self._config)) - set(shaper.interfaces(config)) if self._config else set()
            self._config, self._made, self._problems = config, {}, {}
            for interface in gone:
                self._unshape(interface)
            self._look_at_all(config)

    def check(self) -> bool:
        """Look at each interface; make more slots where they run out."""
        with self._lock:
            if self._config is None:
                return False
            self._look_at_all(self._config)
            self._attempt("the bridges together", self._divider.look, self._config, self._made.keys())
            grown, self._crowded = self._grow(self._config) or self._crowded, False
            return grown

    def state(self) -> ShaperState:
        """What shares the line now."""
        with self._lock:
            problems = [self._refused, *dict.fromkeys(self._problems.values())]
            wanted = self._config.uplink.shaper.value if self._config else NONE
            return ShaperState(NONE if self._problems and not self._made else wanted, "; ".join(filter(None, problems)))

    def _look_at_all(self, config: Config) -> None:
        line = config.uplink
        if not self._made:
            # Where the kernel does not answer, the look that follows says so.
            with contextlib.suppress(OperationError):
                self._take_over_slots(config)
        for interface in shaper.interfaces(config):
            self._attempt(interface, self._look_at, config, interface)
            # What comes in at the uplink waits at the bridges, and the other way round.
            if (line.download_kbit if interface == line.interface else line.upload_kbit) < _FAST_KBIT:
                self._queues.keep_apart(interface)

    def _look_at(self, config: Config, interface: str) -> None:
        found = self._queues.root(interface)
        if found is None:
            self._made.pop(interface, None)
            return
        if found.handle == shaper.HANDLE and self._made.get(interface) == found.index:
            return
        self._made.pop(interface, None)
        if self._slots_at(config, interface, found) == self._places_at(config, interface):
            self._made[interface] = found.index
            log.info("%s: the queues are as they should be", interface)
            return
        self._queues.batch(shaper.whole(config, interface, self._leaf(), self._places.ready()))
        self._made[interface] = found.index
        log.info("%s: %s shares the line", interface, config.uplink.shaper.value)

    def _take_over_slots(self, config: Config) -> None:
        """Know of the slots that a gate before this one made: all interfaces have the same."""
        found = self._queues.root(config.uplink.interface)
        slots, ready = self._slots_at(config, config.uplink.interface, found), self._places.ready()
        for speed, count in (slots or {}).items():
            if count > ready[speed]:
                self._crowded = self._places.grown(speed, count) or self._crowded

    def _slots_at(self, config: Config, interface: str, found: queues.Root | None) -> dict[str, int] | None:
        """How many slots of each speed there are, where the queues are those of ``config``; else None."""
        if found is None or found.handle != shaper.HANDLE:
            return None
        if found.stamp != shaper.stamp(config, interface, self._leaf()):
            return None
        return shaper.slots_of(config, interface, self._queues.classes(interface))

    def _places_at(self, config: Config, interface: str) -> dict[str, int]:
        return self._places.ready() if shaper.has_slots(config, interface) else {}

    def _grow(self, config: Config) -> bool:
        crowded = False
        for speed, numbers in self._places.short().items():
            lines = "".join(shaper.more(config, one, self._leaf(), speed, numbers) for one in self._made)
            if not self._attempt("", self._queues.batch, lines):
                # Half made, they would be refused again: all anew, with the next look.
                self._made = {}
                continue
            crowded = self._places.grown(speed, numbers.stop) or crowded
        return crowded

    def _leaf(self) -> Leaf:
        return Leaf.FQ_CODEL if self._has(Leaf.FQ_CODEL) else Leaf.BFIFO

    def _has_cake(self) -> bool:
        try:
            return self._has("cake")
        except OperationError as error:
            log.error("the kernel could not be asked for cake: %s", error)
            return False

    def _unshape(self, interface: str) -> None:
        root = self._queues.root(interface)
        if root is not None and root.handle == shaper.HANDLE:
            self._attempt("", self._queues.batch, f"qdisc del dev {interface} root\n")

    def _attempt(self, about: str, act: Callable[..., None], *arguments: object) -> bool:
        """Do it and say whether it went well; else it is logged once, and kept for `state` until it does."""
        try:
            act(*arguments)
        except OperationError as error:
            if self._problems.get(about) != str(error):
                log.error("the line is not shared%s: %s", f" at {about}" if about else "", error)
            self._problems[about] = str(error)
            return False
        self._problems.pop(about, None)
        return True


def _of_queues(config: Config) -> tuple[object, ...]:
    """What the queues are made from."""
    line = config.uplink
    networks = tuple((network.interface, network.kind) for network in config.networks)
    return (line.interface, line.download_kbit, line.upload_kbit, line.shaper, networks, shaper.pools(config))


class NoShaper:
    """Keeps `Shaping` where nothing is forwarded: for the twin."""

    def possible(self, config: Config) -> Config:
        """As it is."""
        return config

    def use(self, config: Config) -> None:
        """Nothing."""

    def check(self) -> bool:
        """Nothing."""
        return False

    def state(self) -> ShaperState:
        """Nothing is shaped."""
        return ShaperState(NONE, "the firewall is in memory only")
