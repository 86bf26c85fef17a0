"""The hub's side of the bench of bytes, run in a network namespace of its own: a day passes, or a backlog drains.

What runs is the agent's own publisher with its own TLS and paho. Only its clock is turned: between two batches there
are 290 s by that clock, and `PAUSE_SECONDS` by the kernel's, longer than its delayed acknowledgements take (40 to
200 ms, tcp(7)), so that no packet of one batch carries what belongs to another. That there is no PING in between is
`tests.unit.agent.test_publisher`'s to show: the batch comes before the keepalive does.
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.publisher import Birth, Publisher, Rhythm
from appliance.core.clock import Moment, WallQuality
from appliance.core.config.reporting import Noc
from appliance.core.report import Record
from appliance.core.samples import told
from appliance.store.outbox import MemoryOutbox
from tests.bench import village_day

PAUSE_SECONDS: Final = 0.25
LINE_KBIT: Final = 64
BACKLOG_MINUTES: Final = 2_880


class Clock:
    """The box's clock, which the bench turns."""

    def __init__(self) -> None:
        self.moment = Moment("5f3c1a72904e4bd8a1c6e0d39b7f2468", 0, 0, WallQuality.NTP)

    def __call__(self) -> Moment:
        return self.moment


def until(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.01)


def keep(outbox: MemoryOutbox, record: Record) -> Moment:
    """Put a record into the outbox as the sampler does."""
    moment = Moment(record.boot_id, record.boottime_ms, record.wall_ms, record.wall_quality)
    outbox.append(moment, {name: told(name, value) for name, value in record.samples.items()})
    return moment


def a_day(publisher: Publisher, clock: Clock, outbox: MemoryOutbox, minutes: int) -> dict[str, float]:
    """Let minutes pass as the agent's loop does; batches go when they are due."""
    batches = 0
    for record in village_day.records(minutes, seed=11):
        while batches and publisher.due_ms() < record.boottime_ms:
            clock.moment = Moment(record.boot_id, publisher.due_ms(), record.wall_ms, record.wall_quality)
            publisher.turn()
            batches += 1
            time.sleep(PAUSE_SECONDS)
        clock.moment = keep(outbox, record)
        if not batches:
            publisher.turn()
            batches = 1
            time.sleep(PAUSE_SECONDS)
    return {"batches": batches, "records": minutes}


def a_backlog(publisher: Publisher, outbox: MemoryOutbox, now: Clock) -> dict[str, float]:
    """Drain 48 hours by the real clock, while records go on coming; tell how long, and how long an event took."""
    began, slowest = time.monotonic(), 0.0
    live = list(village_day.records(BACKLOG_MINUTES + 40, seed=11))[BACKLOG_MINUTES:]
    under_way: list[tuple[float, mqtt.MQTTMessageInfo]] = []
    real = publisher._client.publish

    def publish(*given: Any, **more: Any) -> mqtt.MQTTMessageInfo:
        info = real(*given, **more)
        under_way.append((time.monotonic(), info))
        return info

    publisher._client.publish = publish  # type: ignore[method-assign] # to see when the broker has it
    drained = 0.0
    base = now.moment
    for second in range(180):
        elapsed_ms = int((time.monotonic() - began) * 1000)
        now.moment = Moment(base.boot_id, base.boottime_ms + elapsed_ms, base.wall_ms + elapsed_ms, base.wall_quality)
        if second % 5 == 4:
            outbox.append(now.moment, dict(live[second // 5].samples) | {"event.bench": 1})
            publisher._next_send_ms = 0
            before = len(under_way)
            publisher.turn()
            sent_at, info = under_way[before]
            until(info.is_published, "the broker's answer to a live batch")
            slowest = max(slowest, time.monotonic() - sent_at)
        publisher.turn()
        if outbox.waiting().waiting_records <= 40:
            drained = time.monotonic() - began
            break
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
    return {"seconds": drained, "slowest_live_seconds": slowest, "waiting": outbox.waiting().waiting_records}


def plain_json(host: str, port: int, identity: Path, minutes: int) -> dict[str, float]:
    """What a plain agent does: a report a minute as nested JSON, QoS 1, its topic in each."""
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="hub-satu", protocol=mqtt.MQTTv5)
    context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
    context.load_cert_chain(identity / "hub.crt", identity / "hub.key")
    client.tls_set_context(context)
    client.on_connect = lambda *_: ready.set()
    client.connect(host, port, keepalive=600)
    client.loop_start()
    if not ready.wait(20):
        sys.exit("no connection")
    for record in village_day.records(minutes, seed=11):
        nested: dict[str, Any] = {}
        for name, value in record.samples.items():
            base, _, label = name.partition(".")
            if label:
                nested.setdefault(label, {})[base] = value
            else:
                nested[base] = value
        message = {
            "boot_id": record.boot_id, "sequence": record.sequence, "boottime_ms": record.boottime_ms,
            "wall_ms": record.wall_ms, "wall_quality": record.wall_quality.name.lower(), "samples": nested,
        }  # fmt: skip
        client.publish("desahub/1/hub-satu/report", json.dumps(message), qos=1).wait_for_publish(20)
        time.sleep(PAUSE_SECONDS)
    client.disconnect()
    client.loop_stop()
    return {"records": minutes}


def act() -> int:
    """Run one of the three and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["day", "backlog", "json"])
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("identity", type=Path)
    parser.add_argument("minutes", type=int)
    options = parser.parse_args()
    if options.what == "json":
        print(json.dumps(plain_json(options.host, options.port, options.identity, options.minutes)))
        return 0
    clock, outbox = Clock(), MemoryOutbox(10_000)
    if options.what == "backlog":
        for record in village_day.records(BACKLOG_MINUTES, seed=11):
            clock.moment = keep(outbox, record)
    publisher = Publisher(
        Noc(options.host, options.port), options.identity, Birth("hub-satu", "0.2.0", "3f9a1c22b0de"), outbox,
        rhythm=Rhythm(300, LINE_KBIT * 125 * 0.5), now=clock, wake=lambda: None,
    )  # fmt: skip
    publisher.start()
    until(publisher._ready.is_set, "a connection")
    found = (
        a_backlog(publisher, outbox, clock) if options.what == "backlog"
        else a_day(publisher, clock, outbox, options.minutes)
    )  # fmt: skip
    publisher.stop()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(act())
