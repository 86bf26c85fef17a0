"""Packets to bytes and back; what no broker sends is refused, and never read as something else."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as some

from noc.ingest import mqtt
from noc.ingest.mqtt import Alive, Connected, Goodbye, Packet, ProtocolError, Reader, Received, Subscribed, Taken

CONNACK = bytes((0x20, 6, 0, 0, 3, 33, 0, 20))
TOPIC = "desahub/1/hub-satu/report"


def read(data: bytes, packet_max: int = 300_000) -> list[Packet]:
    return list(Reader(packet_max).feed(data))


def test_what_an_ingest_writes_is_as_the_standard_draws_it() -> None:
    assert mqtt.puback(10) == b"\x40\x02\x00\x0a"
    assert mqtt.publish("a/b", b"xyz", 258) == b"\x32\x0b\x00\x03a/b\x01\x02\x00xyz"
    assert mqtt.subscribe(1, ["a/#"]) == b"\x82\x09\x00\x01\x00\x00\x03a/#\x01"
    made = mqtt.connect("i-1", keepalive_seconds=60, session_seconds=600, receive_max=500, packet_max=1_000)
    assert made == (
        b"\x10\x1d\x00\x04MQTT\x05\x00\x00\x3c\x0d\x11\x00\x00\x02\x58\x21\x01\xf4\x27\x00\x00\x03\xe8\x00\x03i-1"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (CONNACK, Connected(0, 20)),
        (b"\x20\x03\x00\x87\x00", Connected(0x87, mqtt.RECEIVE_MAX_DEFAULT)),
        (b"\x90\x05\x00\x01\x00\x01\x87", Subscribed(b"\x01\x87")),
        (b"\x40\x02\x00\x07", Taken(7, 0)),
        (b"\x40\x03\x00\x07\x10", Taken(7, 0x10)),
        (b"\xd0\x00", Alive()),
        (b"\xe0\x00", Goodbye(0)),
        (b"\xe0\x02\x8e\x00", Goodbye(0x8E)),
        (b"\x30\x05\x00\x01t\x00p", Received("t", b"p", 0)),
        # A subscription identifier and two user properties before the payload; delivered again.
        (b"\x3a\x18\x00\x01t\x00\x09\x10\x0b\x80\x01\x26\x00\x01a\x00\x02bc\x26\x00\x00\x00\x00pp", None),
    ],
)
def test_what_a_broker_sends_is_read(data: bytes, expected: Packet | None) -> None:
    assert read(data) == [expected or Received("t", b"pp", 9)]


@given(
    some.lists(some.tuples(some.text(max_size=20), some.binary(max_size=400), some.integers(1, 65_535)), max_size=8),
    some.randoms(use_true_random=False),
)
def test_messages_come_out_however_the_bytes_are_cut(
    messages: list[tuple[str, bytes, int]], chance: random.Random
) -> None:
    data = b"".join(mqtt.publish(*each) for each in messages)
    reader, found, start = Reader(300_000), list[Packet](), 0
    while start < len(data):
        size = chance.randrange(1, 200)
        found += reader.feed(data[start : start + size])
        start += size
    assert found == [Received(*each) for each in messages]


@pytest.mark.parametrize(
    "data",
    [
        mqtt.publish("t", bytes(200_000), 1)[:5],  # more than was agreed, refused before it is held
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x34\x06\x00\x01t\x00\x01\x00",  # QoS 2
        b"\x36\x06\x00\x01t\x00\x01\x00",  # QoS 3
        b"\x32\x06\x00\x01t\x00\x00\x00",  # packet identifier 0
        b"\x32\x06\x00\x09t\x00\x01\x00",  # a topic longer than the packet
        b"\x32\x05\x00\x01\xff\x00\x01",  # no text, and cut off
        b"\x30\x04\x00\x01t\x7f",  # properties longer than the packet
        b"\x30\x05\x00\x01t\x01\xff",  # an unknown property
        b"\x30\x00",
        b"\x20\x01\x00",
        b"\x20\x06\x00\x00\x03\x21\x00\x00",  # a receive maximum of 0
        b"\x41\x02\x00\x01",  # flags where none belong
        b"\x40\x01\x00",
        b"\x62\x02\x00\x01",  # PUBREL
        b"\xf0\x00",  # AUTH
        b"\x00\x00",
    ],
)
def test_what_no_broker_sends_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(data, 100_000)


@given(some.binary(max_size=300))
def test_noise_is_refused_or_waited_for(data: bytes) -> None:
    reader = Reader(1_000)
    try:
        for _ in range(3):
            for packet in reader.feed(data):
                assert isinstance(packet, Packet)
    except ProtocolError:
        pass


@given(some.binary(max_size=60), some.sampled_from([0x20, 0x30, 0x32, 0x40, 0x90, 0xD0, 0xE0]))
def test_a_packet_of_noise_is_read_or_refused_at_once(body: bytes, first: int) -> None:
    try:
        found = read(bytes((first, len(body))) + body)
    except ProtocolError:
        return
    assert len(found) == 1


def test_a_packet_that_was_changed_anywhere_is_read_or_refused() -> None:
    chance = random.Random(5)
    whole = CONNACK + mqtt.publish(TOPIC, struct.pack(">20I", *range(20)), 77) + mqtt.puback(3)
    for _ in range(3_000):
        changed = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            read(bytes(changed))
        except ProtocolError as error:
            assert "the broker does not speak MQTT as agreed" in str(error)
