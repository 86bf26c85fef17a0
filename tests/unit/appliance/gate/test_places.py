"""Who has which slot."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.gate.elements import Change, Element, Put, Take
from appliance.gate.places import READY_FIRST, Places
from appliance.gate.protocol import Admit, Client, Limits, Revoke
from appliance.network.nftables import CLASS_MAP
from appliance.network.shaper import HANDLE, SLOTS_MAX, Pool

FAIR, FAST = Pool("", 0x1000, 10_000, 10_000), Pool("biasa", 0x1400, 4_000, 4_000)


class Sets:
    """The kernel's sets, as far as places know of them; strict as the kernel is."""

    def __init__(self) -> None:
        self.classes: dict[bytes, bytes] = {}
        self.admitted: dict[bytes, str] = {}

    def all(self, name: str) -> list[Element]:
        if name == CLASS_MAP:
            return [Element(key, data=data) for key, data in self.classes.items()]
        return [Element(key, comment=comment) for key, comment in self.admitted.items()]

    def change(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, Take):
                del self.classes[change.key]
            elif isinstance(change, Put):
                assert change.element.key not in self.classes, "the kernel refuses another value for the same key"
                self.classes[change.element.key] = change.element.data


class World:
    """Places over `Sets`, used as the firewall uses them."""

    def __init__(self, *pools: Pool) -> None:
        self.sets = Sets()
        self.places = Places(self.sets)  # type: ignore[arg-type] # the two methods that places use
        self.places.use(pools or (FAIR, FAST))
        self.places.loaded()

    def do(self, *requests: Admit | Revoke) -> None:
        self.sets.change(self.places.changes(requests))
        self.places.settled(requests)
        for request in requests:
            key = bytes(map(int, request.client.address.split("."))) + bytes.fromhex(
                request.client.mac.replace(":", "")
            )
            if isinstance(request, Admit):
                for other in [other for other in self.sets.admitted if other[:4] == key[:4]]:
                    del self.sets.admitted[other]
                self.sets.admitted[key] = request.limits.speed
            else:
                self.sets.admitted.pop(key, None)

    def minor(self, number: int) -> int | None:
        data = self.sets.classes.get(bytes(map(int, client(number).address.split("."))))
        if data is None:
            return None
        (value,) = struct.unpack("=I", data)
        assert value >> 16 == HANDLE
        return int(value & 0xFFFF)


def client(number: int, mac: int | None = None) -> Client:
    own = number if mac is None else mac
    return Client(f"10.20.{number // 250}.{number % 250 + 2}", f"02:00:00:00:{own // 256:02x}:{own % 256:02x}")


def admit(number: int, speed: str = "", mac: int | None = None) -> Admit:
    return Admit(client(number, mac), 60, Limits(speed))


def test_each_client_has_a_slot_of_its_own_in_the_class_of_its_speed() -> None:
    world = World()
    world.do(*(admit(number, "biasa" if number % 2 else "") for number in range(100)))
    minors = [world.minor(number) for number in range(100)]
    assert len(set(minors)) == 100
    assert all((minor >= FAST.first) == bool(number % 2) for number, minor in enumerate(minors) if minor is not None)


def test_a_renewal_keeps_the_slot_and_writes_nothing() -> None:
    world = World()
    world.do(admit(1))
    assert world.places.changes([admit(1)]) == []


def test_a_renewal_with_another_speed_takes_another_slot() -> None:
    world = World()
    world.do(admit(1))
    world.do(admit(1, "biasa"))
    assert world.minor(1) == FAST.first


def test_who_goes_leaves_the_slot_to_the_next() -> None:
    world = World()
    for _ in range(3 * READY_FIRST):
        world.do(admit(1))
        world.do(Revoke(client(1)))
        assert world.minor(1) is None
    world.do(admit(2))
    assert world.places.short() == {}


def test_a_late_farewell_of_another_device_takes_nothing_from_who_has_the_address_now() -> None:
    world = World()
    world.do(admit(1, mac=1))
    world.do(admit(1, mac=2))
    world.do(Revoke(client(1, mac=1)))
    assert world.minor(1) is not None


def test_what_was_planned_but_refused_is_not_remembered() -> None:
    world = World()
    world.places.changes([admit(1)])
    world.places.loaded()
    world.do(admit(2))
    assert world.minor(2) == FAIR.first


def test_leases_that_ran_out_free_their_slots() -> None:
    world = World()
    world.do(admit(1), admit(2))
    world.sets.change(world.places.ended([client(1).address, client(9).address]))
    assert world.minor(1) is None
    assert world.minor(2) is not None


def test_slots_are_made_before_they_run_out_and_shared_where_there_are_no_more() -> None:
    world = World(FAIR)
    for number in range(SLOTS_MAX + 10):
        world.do(admit(number))
        for speed, numbers in world.places.short().items():
            assert len({world.minor(i) for i in range(number + 1)}) == number + 1, "nobody shared until now"
            world.places.grown(speed, numbers.stop)
    assert world.places.ready() == {"": SLOTS_MAX}
    minors = [world.minor(number) for number in range(SLOTS_MAX + 10)]
    assert len(set(minors)) == SLOTS_MAX
    assert max(minors.count(minor) for minor in minors) == 2


def test_who_shares_gets_a_slot_of_its_own_once_there_are_more() -> None:
    world = World(FAIR)
    world.do(*(admit(number) for number in range(READY_FIRST + 20)))
    assert len({world.minor(number) for number in range(READY_FIRST + 20)}) == READY_FIRST
    assert world.places.grown("", 2 * READY_FIRST)
    world.places.loaded()
    assert len({world.minor(number) for number in range(READY_FIRST + 20)}) == READY_FIRST + 20
    assert not world.places.grown("", 4 * READY_FIRST)


def test_after_a_restart_everybody_has_the_slot_of_before() -> None:
    world = World()
    world.do(*(admit(number, "biasa" if number % 3 else "") for number in range(READY_FIRST + 50)))
    before = dict(world.sets.classes)
    world.places = Places(world.sets)  # type: ignore[arg-type] # as above
    world.places.use((FAIR, FAST))
    world.places.loaded()
    assert world.sets.classes == before
    world.do(admit(999))
    assert list(world.sets.classes.values()).count(world.sets.classes[b"\x0a\x14\x03\xfb"]) == 1


def test_a_speed_that_is_gone_is_the_fair_share_and_one_that_moved_is_found_again() -> None:
    world = World()
    world.do(admit(1, "biasa"), admit(2))
    world.places.use((FAIR,))
    world.places.loaded()
    assert {world.minor(1), world.minor(2)} == {FAIR.first, FAIR.first + 1}
    world.places.use((FAIR, Pool("cepat", 0x1400, 1, 1), Pool("biasa", 0x1800, 1, 1)))
    world.places.loaded()
    assert world.minor(1) == 0x1800


def test_an_empty_map_is_filled_with_who_is_admitted_and_strangers_are_taken_out() -> None:
    world = World()
    world.do(admit(1), admit(2, "biasa"))
    world.sets.classes = {b"\x0a\x14\x00\x63": struct.pack("=I", HANDLE << 16 | FAIR.first)}
    world.places.loaded()
    assert world.minor(1) is not None
    assert world.minor(2) is not None
    assert b"\x0a\x14\x00\x63" not in world.sets.classes


def test_with_cake_nothing_is_written() -> None:
    places = Places(Sets())  # type: ignore[arg-type] # as above
    places.use(())
    places.loaded()
    assert places.changes([admit(1), Revoke(client(2))]) == []
    places.settled([admit(1)])
    assert places.ended([client(1).address]) == []


_STEP = st.tuples(st.sampled_from(["", "biasa", None]), st.integers(0, 12), st.integers(0, 2))


@settings(max_examples=200, deadline=None)
@given(st.lists(_STEP, max_size=40))
def test_whatever_comes_and_goes_memory_and_kernel_agree(steps: list[tuple[str | None, int, int]]) -> None:
    world = World()
    for speed, number, mac in steps:
        world.do(Revoke(client(number, mac)) if speed is None else admit(number, speed, mac))
    held = dict(world.sets.classes)
    assert {key[:4] for key in world.sets.admitted} == held.keys()
    assert len(set(held.values())) == len(held), "nobody shares while slots are free"
    world.places.loaded()
    assert world.sets.classes == held


@pytest.mark.parametrize("bad", [b"\xff\xff\xff\xff", struct.pack("=I", HANDLE << 16), struct.pack("=I", 0)])
def test_a_class_that_is_no_slot_is_replaced(bad: bytes) -> None:
    world = World()
    world.do(admit(1))
    world.sets.classes = dict.fromkeys(world.sets.classes, bad)
    world.places.loaded()
    assert world.minor(1) == FAIR.first
