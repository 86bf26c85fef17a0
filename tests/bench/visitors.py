"""A feast: visitors whose phones show ever new random MACs, each of which wants an address, and residents at the kiosk.

Source: RFC 2131 (DHCP), RFC 2132 (its options), packet(7).
"""

from __future__ import annotations

import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from script.village import plan
from script.village.programs import VillageError
from tests.bench import figures, load
from tests.bench.figures import Figure

VISITORS: Final = 300
MACS: Final = 900
KIOSK_REQUESTS: Final = 100
_DISCOVER, _OFFER, _REQUEST, _ACK, _NAK = 1, 2, 3, 5, 6
_COOKIE: Final = b"\x63\x82\x53\x63"
_ETH_P_IP: Final = 0x0800
_PATIENCE_SECONDS: Final = 4.0
# A phone goes on for a minute (RFC 2131, section 4.1), less patient than that.
_TRIES: Final = 8


def measure(tell: Callable[[str], None]) -> Iterator[Figure]:
    """Ask for an address with each MAC while a phone asks the kiosk for its page."""
    tell(
        f"{VISITORS} visitors with {MACS} random MACs ask for addresses, {VISITORS} at a time; a phone is at the kiosk"
    )
    milliseconds: list[float] = []
    errors: list[Exception] = []
    over = threading.Event()

    def kiosk() -> None:
        try:
            while not over.is_set() or len(milliseconds) < KIOSK_REQUESTS:
                milliseconds.append(_kiosk_milliseconds())
        except (OSError, VillageError) as error:
            errors.append(error)

    visiting = threading.Thread(target=kiosk)
    visiting.start()
    try:
        chance = random.Random(20_260_320)  # the same visitors at each run
        given: dict[str, str] = {}
        for _ in range(MACS // VISITORS):
            given |= addresses("desa-phone-1", [_random_mac(chance) for _ in range(VISITORS)])
    finally:
        over.set()
        visiting.join()
    if errors:
        raise VillageError(f"the kiosk failed meanwhile: {errors[0]}")
    refused = MACS - len(set(given.values()))
    yield Figure(f"{MACS} random MACs without an address of their own", refused, "", "none", None, "0", refused == 0)
    value = figures.p95(milliseconds)
    yield Figure("the kiosk's page meanwhile, p95", value, "ms", "none", None, "<= 500 ms", value <= 500)


def addresses(namespace: str, macs: list[str]) -> dict[str, str]:
    """Ask with all ``macs`` at once; the address each got by DHCP. Those without an answer ask again, as phones do."""
    given: dict[str, str] = {}
    with load.socket_in(namespace, socket.SOCK_RAW, socket.AF_PACKET) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_388_608)
        wire.bind(("eth0", _ETH_P_IP))
        for _ in range(_TRIES):
            left = [mac for mac in macs if mac not in given]
            if not left:
                break
            for mac in left:
                wire.send(_frame(mac, _DISCOVER))
                _answer(wire, given, 0)
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while len(given) < len(macs) and time.monotonic() < deadline:
                _answer(wire, given, 0.2)
    return given


def _answer(wire: socket.socket, given: dict[str, str], patience_seconds: float) -> None:
    """Take what the server has sent: an offer is asked for, what is acknowledged is noted."""
    while select.select([wire], [], [], patience_seconds)[0]:
        patience_seconds = 0
        found = _read(wire.recv(2_048))
        if found is None:
            continue
        kind, mac, address, server = found
        if kind == _OFFER:
            wire.send(_frame(mac, _REQUEST, address, server))
        elif kind == _ACK:
            given[mac] = socket.inet_ntoa(address)
        elif kind == _NAK:
            # Somebody else was quicker: begin anew at once (RFC 2131, section 3.1, step 4, and 4.4.4).
            given.pop(mac, None)
            wire.send(_frame(mac, _DISCOVER))


def _random_mac(chance: random.Random) -> str:
    # Locally administered, unicast: what phones make up (IEEE 802c).
    first = chance.randrange(256) & 0xFC | 0x02
    return ":".join(f"{octet:02x}" for octet in (first, *(chance.randrange(256) for _ in range(5))))


def _frame(mac: str, kind: int, wanted: bytes = b"", server: bytes = b"") -> bytes:
    own = bytes.fromhex(mac.replace(":", ""))
    options = _COOKIE + bytes([53, 1, kind]) + bytes([61, 7, 1]) + own + bytes([55, 4, 1, 3, 6, 114])
    options += b"\x32\x04" + wanted + b"\x36\x04" + server if wanted else b""
    # The broadcast flag: the answer must reach a device that is not there.
    head = struct.pack("!BBBB4sHH", 1, 1, 6, 0, own[2:], 0, 0x8000)
    body = head + bytes(16) + own + bytes(10 + 64 + 128) + options + b"\xff"
    datagram = struct.pack("!HHHH", 68, 67, 8 + len(body), 0) + body
    bare = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    packet = bare[:10] + struct.pack("!H", _checksum(bare)) + bare[12:] + datagram
    return b"\xff" * 6 + own + struct.pack("!H", _ETH_P_IP) + packet


def _checksum(header: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _read(frame: bytes) -> tuple[int, str, bytes, bytes] | None:
    """Kind, MAC, address and server of an answer; None for anything else."""
    if len(frame) < 14 + 20 + 8 + 240 or frame[23] != 17:
        return None
    body = frame[14 + (frame[14] & 15) * 4 + 8 :]
    if body[0] != 2 or body[236:240] != _COOKIE:
        return None
    kind, server, options = 0, b"", body[240:]
    while len(options) > 2 and options[0] != 255:
        if options[0] == 0:
            options = options[1:]
            continue
        code, length = options[0], options[1]
        value = options[2 : 2 + length]
        if code == 53:
            kind = value[0]
        elif code == 54:
            server = value
        options = options[2 + length :]
    return kind, ":".join(f"{octet:02x}" for octet in body[28:34]), body[16:20], server


def _kiosk_milliseconds() -> float:
    started = time.perf_counter()
    with load.connection("desa-phone-2", (plan.HUB_ADDRESS, 80)) as http:
        answer = load.ask(http, f"GET / HTTP/1.1\r\nHost: {plan.KIOSK_HOST}\r\nConnection: close\r\n\r\n".encode())
    if b" 200 " not in answer[:20]:
        raise VillageError(f"the kiosk answered {answer[:200]!r}")
    return (time.perf_counter() - started) * 1000
