"""``desahub-noc simulate``: fill a NOC for trying it out, through its own broker."""

from __future__ import annotations

import argparse
import datetime
import json
import resource
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.errors import OperationError
from noc import enrol
from noc.places import Places
from noc.simulate.crowd import Broker, Crowd
from noc.simulate.hub import BATCH_RECORDS, SimulatedHub
from noc.simulate.life import MINUTE_MS, Life, Rates
from noc.store.contract import Hub
from noc.store.opening import OpenStore, open_store_for

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PREFIX: Final = "sim-"
HUBS_MAX: Final = 83_762
_DESCRIPTORS_SPARE: Final = 64
_SECONDS_PER_LINE: Final = 10.0
_MINUTES_PER_HOUR: Final = 60
# A province of each third of the country, with its time: Jawa Tengah, Bali, Maluku.
_PROVINCES: Final = ((33, "Asia/Jakarta", 7), (51, "Asia/Makassar", 8), (81, "Asia/Jayapura", 9))
_NAMES: Final = ("Sukamaju", "Karangasem", "Wonosari", "Tanjung Harapan", "Bukit Indah", "Cikadu", "Lubuk Batang")


def register(commands: _SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add ``simulate``."""
    simulate = commands.add_parser(
        "simulate", parents=[common], help="drive simulated hubs through the broker of a NOC that has no real ones"
    )
    simulate.add_argument("--hubs", type=int, required=True, metavar="N", help=f"how many, 1 to {HUBS_MAX}")
    simulate.add_argument(
        "--broker", default="localhost", metavar="NAME", help="by a name of its certificate (%(default)s)"
    )
    simulate.add_argument("--port", type=int, default=8883, help="the broker's port (%(default)s)")
    simulate.add_argument(
        "--hours-ago", type=float, default=0.0, metavar="HOURS", help="begin to live in the past (%(default)s)"
    )
    simulate.add_argument(
        "--speed", type=float, default=60.0, metavar="TIMES",
        help="live the past so many times as fast, until it is now (%(default)s)",
    )  # fmt: skip
    simulate.add_argument("--seconds", type=float, metavar="SECONDS", help="end after this (at Ctrl-C)")
    simulate.add_argument(
        "--trouble", type=float, default=1.0, metavar="TIMES", help="so many times as many cuts (%(default)s)"
    )
    simulate.add_argument("--seed", type=int, metavar="NUMBER", help="the same number lives the same lives (by chance)")
    simulate.add_argument("--truth", type=Path, metavar="FILE", help="write at the end what really happened, as JSON")
    simulate.set_defaults(command=_simulate)


def inventory(number: int) -> Hub:
    """Make up the village of a simulated hub: spread over three provinces, forty villages to a kecamatan."""
    province, timezone, _ = _PROVINCES[number % len(_PROVINCES)]
    place = number // len(_PROVINCES)
    kecamatan, village = divmod(place, 40)
    kabupaten, kecamatan = divmod(kecamatan, 20)
    code = f"{province}.{1 + kabupaten % 99:02d}.{1 + kecamatan:02d}.{2001 + village}"
    return Hub(f"{PREFIX}{number:05d}", f"{_NAMES[number % len(_NAMES)]} {number}", code, timezone)


def require_simulation(store: OpenStore, hubs: int) -> None:
    """Put the simulated hubs into the inventory.

    Raises:
        OperationError: it has a hub that is none of a simulation; nothing was changed.
    """
    there = {each.hub_id for each in store.hubs()}
    if real := sorted(each for each in there if not each.startswith(PREFIX)):
        raise OperationError(
            f"this NOC has real hubs ({real[0]} and {len(real) - 1} more): what is simulated would stand among what is "
            "true; make a NOC of its own with desahub-noc --directory … --state … init"
        )
    for number in range(hubs):
        if inventory(number).hub_id not in there:
            store.add_hub(inventory(number))


def make_certificates(authority: enrol.Authority, hub_ids: Sequence[str], folder: Path, now: datetime.datetime) -> None:
    """Write ``HUB.pem`` for each hub: a certificate of a day, and one key for all, since nobody is to be kept out."""
    key = ec.generate_private_key(ec.SECP256R1())
    for hub_id in hub_ids:
        made = enrol.hub_certificate(authority, key.public_key(), hub_id, now, datetime.timedelta(days=1))
        pem = made.public_bytes(serialization.Encoding.PEM) + enrol.private_pem(key)
        enrol.write_once(folder / f"{hub_id}.pem", pem, 0o600)


def _simulate(options: argparse.Namespace, places: Places) -> int:
    _check(options)
    store = open_store_for(places)
    try:
        require_simulation(store, options.hubs)
    finally:
        store.close()
    now = datetime.datetime.now(datetime.UTC)
    authority = enrol.open_authority(places.authority, now, make=False)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with tempfile.TemporaryDirectory(prefix="desahub-simulate-") as name:
        folder = Path(name)
        print(f"making certificates for {options.hubs} hubs", flush=True)
        make_certificates(authority, [inventory(number).hub_id for number in range(options.hubs)], folder, now)
        (folder / "ca.crt").write_bytes(authority.certificate_pem)
        broker = Broker(_address(options), options.broker, folder, folder / "ca.crt")
        _live(options, broker, stopping)
    return 0


def _live(options: argparse.Namespace, broker: Broker, stopping: threading.Event) -> None:
    began, now_ms = time.monotonic(), time.time_ns() // 1_000_000
    start_ms = now_ms - int(options.hours_ago * _MINUTES_PER_HOUR * MINUTE_MS)

    def simulated_ms() -> int:
        lived_ms = int((time.monotonic() - began) * 1_000 * (options.speed if options.hours_ago else 1.0))
        return min(start_ms + lived_ms, time.time_ns() // 1_000_000)

    seed = now_ms if options.seed is None else options.seed
    rates = Rates().times(options.trouble)
    hubs = [_hub(number, seed, start_ms, rates) for number in range(options.hubs)]
    crowd = Crowd(hubs, broker, simulated_ms)
    told = began

    def tell() -> None:
        nonlocal told
        if time.monotonic() - told >= _SECONDS_PER_LINE:
            told = time.monotonic()
            print(_line(crowd, simulated_ms()), flush=True)

    try:
        crowd.run(stopping, began + options.seconds if options.seconds else float("inf"), tell)
        print(_line(crowd, simulated_ms()), flush=True)
    finally:
        crowd.close()
    if options.truth is not None:
        options.truth.write_text(json.dumps(_truth(hubs), indent=1) + "\n", encoding="utf-8")


def _hub(number: int, seed: int, start_ms: int, rates: Rates) -> SimulatedHub:
    # Boxes do not measure in step, and each sends a batch at its own minute of five.
    begin_ms = start_ms - (number * 7_919) % MINUTE_MS
    life = Life(hash((seed, number)), begin_ms, utc_hours=_PROVINCES[number % len(_PROVINCES)][2], rates=rates)
    return SimulatedHub(inventory(number).hub_id, life, until_batch=1 + number % BATCH_RECORDS)


def _truth(hubs: Sequence[SimulatedHub]) -> dict[str, object]:
    return {
        each.hub_id: {
            "lived_until_ms": each.life.now_ms,
            "waiting": each.waiting,
            "acknowledged": each.acknowledged,
            "troubles": [
                {"kind": str(one.kind), "begin_ms": one.begin_ms, "end_ms": one.end_ms} for one in each.life.troubles
            ],
        }
        for each in hubs
    }


def _line(crowd: Crowd, at_ms: int) -> str:
    counts = crowd.counts
    at = datetime.datetime.fromtimestamp(at_ms // 1_000, datetime.UTC)
    return (
        f"{at:%Y-%m-%d %H:%M} UTC: {crowd.online} connected, {crowd.unreachable} cut off; {counts.reports} reports"
        f" sent, {crowd.acknowledged} records acknowledged, {crowd.waiting} wait; {counts.connects} connects,"
        f" {counts.lost} lost"
    )


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.hubs <= HUBS_MAX:
        raise OperationError(f"--hubs {options.hubs}: allowed are 1 to {HUBS_MAX}")
    if options.hours_ago < 0 or options.speed < 1 or options.trouble < 0:
        raise OperationError("allowed are --hours-ago from 0, --speed from 1 and --trouble from 0")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.hubs + _DESCRIPTORS_SPARE
    if most != resource.RLIM_INFINITY and wanted > most:
        raise OperationError(
            f"{options.hubs} hubs need {wanted} descriptors, this process may have {most}: simulate fewer, or raise "
            "the limit (ulimit -n), which the broker needs too"
        )
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _address(options: argparse.Namespace) -> tuple[str, int]:
    try:
        found = socket.getaddrinfo(options.broker, options.port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise OperationError(f"--broker {options.broker}: {error.strerror or error}") from None
    return str(found[0][4][0]), options.port
