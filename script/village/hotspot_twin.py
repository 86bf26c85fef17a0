"""A hotspot in memory with made-up devices, for a village without root: the office's pages have something to show.

It listens where the portal's keeper would, and says the same protocol. Two of its devices have hostile names, as DHCP
lets anybody choose. Nothing here is measured; what the office does to it holds until it is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import math
import os
import signal
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance.core import config as hub_config
from appliance.core.errors import HotspotRefused
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import (
    USAGE_STEP_SECONDS,
    Block,
    Extend,
    GetBatch,
    MakeBatch,
    Refusal,
    RefusalCode,
    Stop,
    UsagePoint,
    VoidVoucher,
    decode_request,
    encode,
)
from appliance.hotspot.twin import TwinHotspot
from appliance.unit.local_socket import Dialogue, LineServer

HOSTILE_NAMES = ("<script>alert(1)</script>", "'; DROP TABLE grants; --")
_NAMES = (
    "Redmi-Note-12", "Galaxy-A05s", "vivo-Y17s", "OPPO-A18", "iPhone", "Infinix-HOT-40i", "laptop-sekolah",
    "realme-C53", "", "android-7f3a19", "Poco-M6", "tablet-posyandu", "itel-A70", "Bu Ketut", "DESKTOP-9QF2",
)  # fmt: skip


class Clock:
    """Wall time, which `fill` sets back for what has already happened."""

    def __init__(self) -> None:
        self.seconds_ago = 0

    def __call__(self) -> int:
        """Whole seconds since 1970."""
        return int(time.time()) - self.seconds_ago


def fill(twin: TwinHotspot, clock: Clock, devices: int) -> None:
    """Put devices, vouchers, use and a short history into ``twin``, whose clock is ``clock``."""
    clock.seconds_ago = 5 * 86_400
    twin.ask(MakeBatch("1 hari, 1 perangkat", 48, 1, 86_400, 0, "", 90, "operator"))
    twin.ask(MakeBatch("Keluarga, 7 hari, 4 perangkat", 24, 4, 604_800, 10_000, "", 30, "operator"))
    twin.ask(GetBatch(1, "operator"))
    for number in range(6):
        gone = _client(200 + number)
        clock.seconds_ago = 60_000 - 9_000 * number
        use = {"received_bytes": 80_000_000 >> number, "sent_bytes": 9_000_000 >> number}
        twin.put_online(gone, 1_800, host_name=_NAMES[number], **use)
        clock.seconds_ago -= 300 + 250 * number
        twin.ask(Stop(gone, "operator", "Permintaan pemilik perangkat"))
    blocked = _client(220)
    twin.put_online(blocked, 3_600, host_name="kotak-hitam", received_bytes=2_400_000_000, sent_bytes=800_000_000)
    clock.seconds_ago -= 600
    twin.ask(Block(blocked.mac, 86_400, "operator", "Mengganggu pengguna lain"))
    twin.ask(VoidVoucher(1, 48, "operator", "Kertasnya rusak"))
    # The eldest first: the twin ends what its clock has passed.
    for number in sorted(range(devices), key=_seconds_ago, reverse=True):
        clock.seconds_ago = _seconds_ago(number)
        _come(twin, number)
    clock.seconds_ago = 120
    if devices > 4:
        twin.ask(Extend(_client(4), 3_600, "operator", "-"))
    clock.seconds_ago = 0
    twin.usage_points = tuple(_use(clock()))


def _client(number: int) -> Client:
    # A made-up MAC, locally administered as phones' random ones are.
    return Client(
        f"10.20.{number // 250}.{number % 250 + 2}",
        f"02:de:5a:{number >> 8:02x}:{number & 255:02x}:{number * 37 & 255:02x}",
    )


def _seconds_ago(number: int) -> int:
    return 300 + number * 431 % 9_000


def _come(twin: TwinHotspot, number: int) -> None:
    """A device comes: some by voucher, some busy, some silent; the same each time."""
    busy = max(0, 2_600_000 - number * 150_000) if number % 3 == 0 else (number % 7) * 9_000 if number % 4 else 0
    values: dict[str, Any] = {
        "host_name": HOSTILE_NAMES[number] if number < len(HOSTILE_NAMES) else _NAMES[number % len(_NAMES)],
        "received_bytes": 1_700_000 + (number * 7_919 % 97) * 4_300_000,
        "sent_bytes": 300_000 + (number * 104_729 % 53) * 350_000,
        "received_bits_per_second": busy,
        "sent_bits_per_second": busy // 9,
        "idle_seconds": 0 if busy else number * 61 % 900,
        "is_let_through": number != 11,
    }
    if number % 5 == 2:
        twin.use_voucher(1 + number % 2, 1 + number % 20, _client(number), **values)
    else:
        twin.put_online(_client(number), 14_400, **values)


def _use(now: int) -> list[UsagePoint]:
    """Two days of use: little at night, much in the evening, and half an hour without power."""
    last = now // USAGE_STEP_SECONDS * USAGE_STEP_SECONDS
    points = []
    for steps_ago in range(570, 0, -1):
        start = last - steps_ago * USAGE_STEP_SECONDS
        if 200 <= steps_ago < 206:
            continue
        hour = start / 3_600 % 24
        busy = 0.15 + 0.8 * max(0.0, math.sin((hour - 1) / 24 * 2 * math.pi)) * (0.8 + 0.2 * math.sin(steps_ago * 1.7))
        points.append(UsagePoint(start, int(520_000_000 * busy), int(70_000_000 * busy), round(60 * busy) + 1))
    return points


async def serve(twin: TwinHotspot, path: Path) -> None:
    """Answer on ``path`` until SIGTERM or Ctrl-C."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)

    def answer(_: int, request: object) -> object:
        try:
            return twin.ask(request)  # type: ignore[arg-type]  # decode_request made it
        except HotspotRefused as error:
            return Refusal(RefusalCode(error.code), str(error))

    dialogue: Dialogue[object, object] = Dialogue(
        decode_request, answer, lambda reason: Refusal(RefusalCode.MALFORMED, reason), encode
    )
    async with LineServer(dialogue, {os.getuid()}).listening(path):
        await stopped.wait()


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m script.village.hotspot_twin", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="hub.toml, for the classes of speed and the zone")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen")
    parser.add_argument("--devices", type=int, default=14, help="how many are online (%(default)s)")
    options = parser.parse_args()
    config = hub_config.parse(options.config.read_text("utf-8"))
    zone: datetime.tzinfo = ZoneInfo(config.village.timezone)
    clock = Clock()
    twin = TwinHotspot([speed.name for speed in config.speeds], clock, zone)
    fill(twin, clock, options.devices)
    asyncio.run(serve(twin, options.socket))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
