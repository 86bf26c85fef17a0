"""The way to the NOC: paho, MQTT version 5, mutual TLS. The only place on the hub that imports paho.

A thread of its own keeps the connection; what it hears goes into a queue. `Publisher.turn`, called by the agent's loop,
sends batches and lets go of what the NOC has committed, so that the outbox has one thread.
"""

from __future__ import annotations

import logging
import queue
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent import round_trip
from agent.round_trip import RoundTrip
from appliance.core.clock import Moment
from appliance.core.commands import command_topic, result_topic
from appliance.core.config.reporting import Noc
from appliance.core.errors import ReportError
from appliance.core.report import (
    Ack,
    Committed,
    Record,
    Report,
    State,
    ack_topic,
    decode,
    encode,
    report_topic,
    state_topic,
)

_log = logging.getLogger(__name__)
RECORDS_PER_REPORT: Final = 120
REPORTS_IN_FLIGHT_MAX: Final = 4
ACK_TIMEOUT_MS: Final = 30_000
BACKOFF_SECONDS_MAX: Final = 300.0
STEADY_SECONDS: Final = 120.0  # a connection that lasted this long starts the backoff anew


@dataclass(frozen=True, slots=True)
class Birth:
    """What a box says of itself when it connects."""

    hub_id: str
    software_version: str
    configuration_fingerprint: str


class Letters(Protocol):
    """What the publisher asks of the outbox."""

    def newest(self, limit: int, without: set[tuple[str, int]]) -> list[Record]: ...

    def release(self, committed: tuple[Committed, ...]) -> int: ...


class Publisher:
    """Sends what waits. ``wake`` is called (from another thread) when there is something to do.

    ``carry`` takes a command of the NOC as it came, and whether the broker had kept it; also from another thread.

    Raises:
        OSError, ssl.SSLError: from the constructor, when the identity cannot be read.
    """

    def __init__(
        self,
        noc: Noc,
        identity: Path,
        birth: Birth,
        outbox: Letters,
        *,
        batch_seconds: int,
        now: Callable[[], Moment],
        wake: Callable[[], None],
        carry: Callable[[bytes, bool], None] | None = None,
    ) -> None:
        self._noc, self._birth, self._outbox = noc, birth, outbox
        self._batch_ms, self._now, self._wake = batch_seconds * 1000, now, wake
        self._carry = carry
        self._acks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ready, self._stopping = threading.Event(), threading.Event()
        self._sent: dict[tuple[str, int], int] = {}
        self._connections = self._sent_over = 0
        self._next_send_ms = 0
        self._epoch = ""
        # Twice the batch, so that reports themselves keep the connection and no PING is paid for.
        self._keepalive_seconds = min(1_200, max(30, 2 * batch_seconds))
        self._identity = identity
        self._client = self._make(identity)
        self._thread = threading.Thread(target=self._run, name="noc", daemon=True)

    def start(self) -> None:
        """Begin to connect, again and again, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end the thread."""
        self._stopping.set()
        if self._ready.is_set():
            info = self._client.publish(state_topic(self._birth.hub_id), encode(self._state(online=False)), qos=1)
            # Without an answer in time the broker sends the will instead: disconnect() alone would discard it.
            try:
                info.wait_for_publish(2)
            except (RuntimeError, ValueError) as error:
                _log.info("no goodbye to the NOC: %s", error)
        self._client.disconnect()
        self._thread.join(5)

    def is_alive(self) -> bool:
        """Tell whether the connection's thread runs; paho's can die without a word."""
        return self._thread.is_alive()

    def round_trip(self) -> RoundTrip | None:
        """What the connection knows of the line, for nothing; None while there is none."""
        return round_trip.of(self._client.socket()) if self._ready.is_set() else None

    def tell(self, result: bytes) -> None:
        """Send what became of a command. While there is no connection it is let go: the NOC asks again."""
        if self._ready.is_set():
            self._client.publish(result_topic(self._birth.hub_id), result, qos=1)

    def turn(self) -> None:
        """Hear acknowledgements, then send what is due. Never blocks on the network."""
        self._hear()
        now = self._now()
        if self._sent_over != self._connections:
            # Also when the last one went and this one came since the last turn: what was under way then, or is
            # acknowledged to nobody, is not waited for.
            self._sent_over = self._connections
            self._sent.clear()
            self._next_send_ms = 0
        if not self._ready.is_set():
            return
        self._sent = {key: at for key, at in self._sent.items() if now.boottime_ms - at < ACK_TIMEOUT_MS}
        if now.boottime_ms < self._next_send_ms:
            return
        while len(self._sent) < REPORTS_IN_FLIGHT_MAX * RECORDS_PER_REPORT:
            records = self._outbox.newest(RECORDS_PER_REPORT, set(self._sent))
            if records:
                self._send(records, now)
            if len(records) < RECORDS_PER_REPORT:
                self._next_send_ms = now.boottime_ms + self._batch_ms
                return

    def _send(self, records: list[Record], now: Moment) -> None:
        report = encode(Report(now.boot_id, now.boottime_ms, tuple(records)))
        self._client.publish(report_topic(self._birth.hub_id), report, qos=1)
        self._sent.update(dict.fromkeys(((each.boot_id, each.sequence) for each in records), now.boottime_ms))

    def _hear(self) -> None:
        while True:
            try:
                payload = self._acks.get_nowait()
            except queue.Empty:
                return
            try:
                ack = decode(payload)
            except ReportError as error:
                _log.warning("the NOC's acknowledgement cannot be read: %s", error)
                continue
            if isinstance(ack, Ack):
                self._take(ack)

    def _take(self, ack: Ack) -> None:
        if self._epoch and ack.store_epoch != self._epoch:
            _log.warning("the NOC's store was made anew; what it had committed before may be lost there")
        self._epoch = ack.store_epoch
        self._outbox.release(ack.committed)
        for each in ack.committed:
            for key in [k for k in self._sent if k[0] == each.boot_id and each.first <= k[1] <= each.last]:
                del self._sent[key]

    def _make(self, identity: Path) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._birth.hub_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
        context.load_cert_chain(identity / "hub.crt", identity / "hub.key")
        client.tls_set_context(context)
        client.max_inflight_messages_set(REPORTS_IN_FLIGHT_MAX)
        # With this paho queues what other threads publish, and wakes the one of the connection. Without, each thread
        # writes for itself: two in one TLS connection garble it (openssl-threads(7)).
        client.on_socket_register_write = lambda *_: None
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_subscribe, client.on_message = self._subscribed, self._message
        return client

    def _run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                if tries:
                    # A fresh client: paho would send what was on its way beside what the outbox sends again.
                    # It also reads a renewed certificate.
                    self._client = self._make(self._identity)
                self._state_now = self._state(online=True)
                self._client.will_set(state_topic(self._birth.hub_id), encode(self._state(online=False)), qos=1)
                self._client.connect(self._noc.host, self._noc.port, self._keepalive_seconds, clean_start=True)
                # Unlike loop_forever() it can be woken by what another thread publishes.
                while self._client.loop() == mqtt.MQTT_ERR_SUCCESS:
                    pass
            except (OSError, ValueError) as error:
                _log.warning("the NOC at %s:%d cannot be reached: %s", self._noc.host, self._noc.port, error)
            self._ready.clear()
            tries = 1 if time.monotonic() - began > STEADY_SECONDS else tries + 1
            self._stopping.wait(backoff_seconds(tries, random.random()))  # noqa: S311 - jitter, no secret

    def _state(self, *, online: bool) -> State:
        now = self._now()
        session = now.boottime_ms if online else self._state_now.session
        return State(now.boot_id, session, online, self._birth.software_version, self._birth.configuration_fingerprint)

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        if reason.is_failure:
            _log.warning("the NOC refuses this box: %s", reason)
            return
        topics = [ack_topic(self._birth.hub_id)]
        if self._carry is not None:
            topics.append(command_topic(self._birth.hub_id))
        client.subscribe([(topic, 1) for topic in topics])

    def _subscribed(self, client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("the NOC does not let this box hear its acknowledgements: %s", reasons[0])
            client.disconnect()
            return
        client.publish(state_topic(self._birth.hub_id), encode(self._state_now), qos=1)
        _log.info("connected to the NOC at %s:%d", self._noc.host, self._noc.port)
        self._connections += 1
        self._ready.set()
        self._wake()

    def _disconnected(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        self._ready.clear()
        if not self._stopping.is_set():
            _log.warning("the connection to the NOC ended: %s", reason)

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if self._carry is not None and message.topic == command_topic(self._birth.hub_id):
            self._carry(bytes(message.payload), message.retain)
            return
        self._acks.put(bytes(message.payload))
        self._wake()


def backoff_seconds(tries: int, fraction: float) -> float:
    """Say how long to wait before the next try: full jitter, so that a province does not come back at one instant.

    Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
    """
    return 0.2 + fraction * float(min(BACKOFF_SECONDS_MAX, 2.0 ** min(tries, 9)))
