"""The way to the NOC: paho, MQTT version 5, mutual TLS. The only place on the hub that imports paho.

A thread of its own keeps the connection; what it hears goes into a queue. `Publisher.turn`, called by the agent's loop,
sends batches and lets go of what the NOC has committed, so that the outbox has one thread.

Every byte is paid for. A batch comes just before the keepalive would ask for a PING; its topic travels once in a
connection, then a number stands for it (a topic alias); acknowledgements come about hourly, and without one of our own.
"""

from __future__ import annotations

import logging
import queue
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent import connection, round_trip
from agent.in_flight import NOBODY_LISTENS, InFlight
from agent.letter_marks import LetterMarks
from agent.pace import Backoff, Bucket
from agent.round_trip import RoundTrip
from appliance.core.clock import Moment
from appliance.core.commands import command_topic, result_topic
from appliance.core.config import Config
from appliance.core.config.reporting import Noc
from appliance.core.errors import ReportError, ReportMalformed
from appliance.core.letter_marks_wire import is_receipt, marks_topic
from appliance.core.report import (
    Ack,
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
LIVE_RECORDS: Final = 30  # the newest, which go at once; what is older than those is backlog
BACKLOG_RECORDS: Final = 480  # in one report: the more, the fewer bytes each of them takes
BACKLOG_ON_ITS_WAY_MAX: Final = 4 * BACKLOG_RECORDS
REPORTS_IN_FLIGHT_MAX: Final = 4
# The NOC acknowledges what flows about once an hour. What it has not by then is sent again, and answered at once.
ACK_TIMEOUT_MS: Final = 75 * 60_000
# A broker calls a hub gone after one and a half times this (MQTT 5.0, 3.1.2.10), and looks every 5 s: within 450 s.
KEEPALIVE_SECONDS: Final = 295
BATCH_BEFORE_KEEPALIVE_SECONDS: Final = 5
NEVER_MS: Final = 2**62
_ALIAS: Final = 1


@dataclass(frozen=True, slots=True)
class Birth:
    """What a box says of itself when it connects."""

    hub_id: str
    software_version: str
    configuration_fingerprint: str
    interval_seconds: int = 60
    batch_seconds: int = 300


class Letters(Protocol):
    """What the publisher asks of the outbox."""

    def newest(self, limit: int, without: set[tuple[str, int]]) -> list[Record]: ...

    def release(self, ack: Ack) -> int: ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often batches go, and how many bytes a second backlog may take."""

    batch_seconds: int
    backlog_bytes_per_second: float

    @property
    def batch_ms(self) -> int:
        """A batch that would come just behind the keepalive comes just before it, and saves a PING of 200 bytes."""
        before = KEEPALIVE_SECONDS - BATCH_BEFORE_KEEPALIVE_SECONDS
        return 1000 * (before if before < self.batch_seconds <= KEEPALIVE_SECONDS + 5 else self.batch_seconds)


def rhythm(config: Config) -> Rhythm:
    """Tell a box's rhythm."""
    share = config.agent.backlog_percent / 100
    return Rhythm(config.agent.batch_seconds, config.uplink.upload_kbit * 125 * share)


class _Client(mqtt.Client):
    """paho's, but a report counts as a sign of life, and the kernel ends a connection that nobody answers.

    paho 2.2 notes that it has sent something only where the socket took a part of it. So it asks for a PING at every
    keepalive, whatever went in between: 49 kB a day.
    """

    def _create_socket_connection(self) -> socket.socket:
        made = super()._create_socket_connection()
        connection.end_when_unanswered(made)
        return made

    def _packet_write(self) -> MQTTErrorCode:
        had_something = bool(self._out_packet)
        result = super()._packet_write()
        if had_something and not self._out_packet and result == MQTTErrorCode.MQTT_ERR_SUCCESS:
            with self._msgtime_mutex:
                self._last_msg_out = time.monotonic()
        return result


class Publisher:
    """Sends what waits. ``wake`` is called (from another thread) when there is something to do.

    ``urgent`` says whether something was kept that should not wait for its batch. ``carry`` takes a command of the NOC
    as it came, and whether the broker had kept it; also from another thread. ``letter_marks`` is what goes beside the
    reports; None where nobody outside checks letters.

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
        rhythm: Rhythm,
        now: Callable[[], Moment],
        wake: Callable[[], None],
        urgent: Callable[[], bool] = lambda: False,
        carry: Callable[[bytes, bool], None] | None = None,
        letter_marks: LetterMarks | None = None,
    ) -> None:
        self._noc, self._birth, self._outbox = noc, birth, outbox
        self._rhythm, self._now, self._wake = rhythm, now, wake
        self._bucket = Bucket(rhythm.backlog_bytes_per_second)
        self._carry, self._urgent, self._letter_marks = carry, urgent, letter_marks
        self._acks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._ready, self._stopping = threading.Event(), threading.Event()
        self._sent: dict[tuple[str, int], int] = {}
        self._answers: queue.SimpleQueue[tuple[int, int, int]] = queue.SimpleQueue()
        self._in_flight = InFlight()
        self._birth_id = 0
        self._birth_is_unheard = False
        self._connections = self._sent_over = 0
        self._next_send_ms = self._next_backlog_ms = 0
        self._has_backlog = self._topic_is_known = self._may_alias = False
        self._backoff, self._ready_at = Backoff(), 0.0
        self._epoch = ""
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
            self._next_send_ms = self._next_backlog_ms = 0
            self._has_backlog = True
            self._topic_is_known = self._birth_is_unheard = False
            self._in_flight.begin()
            if self._letter_marks is not None:
                self._letter_marks.begin()
        if not self._ready.is_set():
            return
        self._take_answers(now)
        overdue = [key for key, at in self._sent.items() if now.boottime_ms - at >= ACK_TIMEOUT_MS]
        for key in overdue:
            del self._sent[key]
        if self._urgent() or now.boottime_ms >= self._next_send_ms:
            self._send_live(now)
        if self._letter_marks is not None:
            # Before the backlog, with which they share the room: that a letter is void should not wait for old records.
            self._letter_marks.turn(now.boottime_ms, self._bucket, self._publish_marks)
        while self._has_backlog and now.boottime_ms >= self._next_backlog_ms:
            self._send_backlog(now)

    def due_ms(self) -> int:
        """Say at which boottime `turn` has something to do, unless it is woken before."""
        if not self._ready.is_set():
            return NEVER_MS
        due_ms = self._next_send_ms if self._letter_marks is None else self._letter_marks.due_ms()
        due_ms = min(due_ms, self._next_send_ms)
        return min(due_ms, self._next_backlog_ms) if self._has_backlog else due_ms

    def _publish_marks(self, payload: bytes) -> int:
        message_id: int = self._client.publish(marks_topic(self._birth.hub_id), payload, qos=1).mid
        return message_id

    def _send_live(self, now: Moment) -> None:
        self._next_send_ms = now.boottime_ms + self._rhythm.batch_ms
        if self._birth_is_unheard:
            self._birth_is_unheard = False
            self._say_birth()
        records = self._outbox.newest(LIVE_RECORDS, set(self._sent))
        if records:
            self._send(records, now)
        # Also when an acknowledgement was lost: what it was about is older than what goes now.
        self._has_backlog = self._has_backlog or len(records) == LIVE_RECORDS

    def _send_backlog(self, now: Moment) -> None:
        if not self._bucket.has_room(now.boottime_ms):
            self._next_backlog_ms = now.boottime_ms + self._bucket.empty_for_ms()
            return
        if len(self._sent) >= BACKLOG_ON_ITS_WAY_MAX:
            # An acknowledgement wakes us, or the time is over for those on their way.
            self._next_backlog_ms = now.boottime_ms + self._rhythm.batch_ms
            return
        records = self._outbox.newest(BACKLOG_RECORDS, set(self._sent))
        if records:
            self._bucket.take(self._send(records, now))
        self._has_backlog = len(records) == BACKLOG_RECORDS

    def _send(self, records: list[Record], now: Moment) -> int:
        # Oldest first: then most differences are small and none is negative.
        payload = b""
        while records and not payload:
            try:
                payload = encode(Report(now.boot_id, now.boottime_ms, tuple(reversed(records))))
            except ReportMalformed as error:
                # Too large together, or one of them cannot travel: then it is passed over, as if it had been sent.
                if len(records) == 1:
                    _log.error("record %d of this outbox cannot be sent: %s", records[0].sequence, error)
                    self._sent[records[0].boot_id, records[0].sequence] = now.boottime_ms
                records = records[: len(records) // 2]
        if not records:
            return 0
        topic, properties = report_topic(self._birth.hub_id), Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho leaves it untyped
        if self._may_alias:
            properties.TopicAlias = _ALIAS
            topic = "" if self._topic_is_known else topic
            self._topic_is_known = True
        keys = [(each.boot_id, each.sequence) for each in records]
        self._in_flight.sent(self._client.publish(topic, payload, qos=1, properties=properties).mid, keys)
        self._sent.update(dict.fromkeys(keys, now.boottime_ms))
        return len(payload)

    def _take_answers(self, now: Moment) -> None:
        """Take back what the broker had nobody for."""
        unheard: list[tuple[str, int]] = []
        is_birth_unheard = False
        while not self._answers.empty():
            connections, message_id, reason = self._answers.get_nowait()
            if connections != self._sent_over:
                continue
            if self._letter_marks is not None:
                self._letter_marks.answered(message_id, reason, now.boottime_ms)
            is_birth_unheard |= message_id == self._birth_id and reason == NOBODY_LISTENS
            unheard += self._in_flight.answered(message_id, reason)
        for key in unheard:
            self._sent.pop(key, None)
        self._birth_is_unheard |= is_birth_unheard
        if unheard or is_birth_unheard:
            again_ms = now.boottime_ms + self._in_flight.wait_ms(self._rhythm.batch_ms)
            self._next_send_ms, self._next_backlog_ms = min(self._next_send_ms, again_ms), again_ms
            self._has_backlog = True

    def _hear(self) -> None:
        while True:
            try:
                payload = self._acks.get_nowait()
            except queue.Empty:
                return
            if is_receipt(payload):
                if self._letter_marks is not None:
                    self._letter_marks.received(payload, self._now().boottime_ms)
                continue
            try:
                ack = decode(payload)
            except ReportError as error:
                _log.warning("the NOC's acknowledgement cannot be read: %s", error)
                continue
            if isinstance(ack, Ack):
                self._take(ack)

    def _take(self, ack: Ack) -> None:
        if self._epoch and ack.store_epoch != self._epoch:
            _log.warning("the NOC's store was made anew: what it had committed is sent again")
            self._sent.clear()
            self._has_backlog = True
        self._epoch = ack.store_epoch
        if self._letter_marks is not None:
            self._letter_marks.heard_epoch(ack.store_epoch)
        self._outbox.release(ack)
        self._next_backlog_ms = 0
        for each in ack.committed:
            for key in [k for k in self._sent if k[0] == each.boot_id and each.first <= k[1] <= each.last]:
                del self._sent[key]

    def _make(self, identity: Path) -> mqtt.Client:
        client = _Client(
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
        client.on_publish = self._published
        return client

    def _run(self) -> None:
        is_first = True
        while not self._stopping.is_set():
            self._ready_at, is_orphaned = 0.0, False
            try:
                if not is_first:
                    # A fresh client: paho would send what was on its way beside what the outbox sends again.
                    # It also reads a renewed certificate.
                    self._client = self._make(self._identity)
                is_first = False
                self._state_now = self._state(online=True)
                self._client.will_set(state_topic(self._birth.hub_id), encode(self._state(online=False)), qos=1)
                self._client.connect(self._noc.host, self._noc.port, KEEPALIVE_SECONDS, clean_start=True)
                # Unlike loop_forever() it can be woken by what another thread publishes.
                while not is_orphaned and self._client.loop() == mqtt.MQTT_ERR_SUCCESS:
                    is_orphaned = connection.is_orphaned(self._client.socket())
            except (OSError, ValueError) as error:
                _log.warning("the NOC at %s:%d cannot be reached: %s", self._noc.host, self._noc.port, error)
            self._ready.clear()
            if self._stopping.is_set():
                return
            if is_orphaned:
                _log.warning("this box got another address: the connection to the NOC is made anew")
                connection.close(self._client.socket())
            held_seconds = time.monotonic() - self._ready_at if self._ready_at else None
            wait_seconds = self._backoff.after(held_seconds, random.random(), by_line=is_orphaned)  # noqa: S311 - jitter, no secret
            if held_seconds is not None and not is_orphaned and self._backoff.seems_copied():
                _log.error(
                    "the connection to the NOC ends as soon as it is made; another box may have a copy of this one's "
                    "card. The next try is in %.0f minutes", wait_seconds / 60,
                )  # fmt: skip
            self._stopping.wait(wait_seconds)

    def _state(self, *, online: bool) -> State:
        now = self._now()
        session = now.boottime_ms if online else self._state_now.session
        birth = self._birth
        return State(
            now.boot_id, session, online, birth.software_version, birth.configuration_fingerprint,
            birth.interval_seconds, birth.batch_seconds,
        )  # fmt: skip

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, props: Any) -> None:
        if reason.is_failure:
            _log.warning("the NOC refuses this box: %s", reason)
            return
        self._may_alias = getattr(props, "TopicAliasMaximum", 0) >= _ALIAS
        topics = [ack_topic(self._birth.hub_id)]
        if self._carry is not None:
            topics.append(command_topic(self._birth.hub_id))
        # At QoS 0: one that is lost is made up for, and a PUBACK for each would cost as much again.
        client.subscribe([(topic, 1 if topic == command_topic(self._birth.hub_id) else 0) for topic in topics])

    def _subscribed(self, client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("the NOC does not let this box hear its acknowledgements: %s", reasons[0])
            client.disconnect()
            return
        self._say_birth()
        _log.info("connected to the NOC at %s:%d", self._noc.host, self._noc.port)
        self._connections += 1
        self._ready_at = time.monotonic()
        self._ready.set()
        self._wake()

    def _say_birth(self) -> None:
        self._birth_id = self._client.publish(state_topic(self._birth.hub_id), encode(self._state_now), qos=1).mid

    def _published(self, _client: mqtt.Client, _data: Any, message_id: int, reason: ReasonCode, _props: Any) -> None:
        self._answers.put((self._connections, message_id, reason.value))
        if reason.value == NOBODY_LISTENS:
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
