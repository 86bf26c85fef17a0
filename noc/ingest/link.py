"""The ingest's connection to the broker: MQTT version 5 over mutual TLS, acknowledged by hand, without a thread.

The worker asks for messages and says which are committed; what it says goes out before it waits again. How many
messages may be open is agreed with the broker: that bounds our memory, whatever the hubs send. Several workers share
the messages ([4.8.2] shared subscriptions), each with a certificate, and so with a client id, of its own.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import select
import socket
import ssl
import time
from collections import deque
from pathlib import Path
from typing import Final

from appliance.core.letter_marks_wire import encode_receipt
from appliance.core.report import MESSAGE_BYTES_MAX, Ack, ack_topic, encode
from noc.enrol import ear_topic, ingest_name
from noc.ingest import mqtt
from noc.ingest.rules import Message
from noc.ingest.worker import Delivery, Word

_log = logging.getLogger(__name__)
RECEIVE_MAX: Final = 2_000  # messages the broker may have open with us
PACKET_MAX: Final = MESSAGE_BYTES_MAX + 1_024
ACKS_WAITING_MAX: Final = 20_000
KEEPALIVE_SECONDS: Final = 60
CONNECT_SECONDS: Final = 10.0
SEND_SECONDS: Final = 30.0
# The first worker is always there, and its session keeps what comes while it is away. Of the others nobody knows
# whether they come back: what waits for them is soon let go of, and hubs send it again.
FIRST_SESSION_SECONDS: Final = 7 * 86_400
OTHER_SESSION_SECONDS: Final = 600
_TOPICS: Final = tuple(f"$share/ingest/desahub/1/+/{word}" for word in ("report", "state", "letter-marks"))
_READ_BYTES: Final = 65_536


class BrokerLink:
    """One worker's connection, made when the worker first waits for a message, and again when it is lost."""

    def __init__(self, host: str, port: int, identity: Path, worker: int = 1) -> None:
        self._address = (host, port)
        self._name = ingest_name(worker)
        self._session_seconds = FIRST_SESSION_SECONDS if worker == 1 else OTHER_SESSION_SECONDS
        self._context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
        self._context.load_cert_chain(identity / "client.crt", identity / "client.key")
        self._arrived: deque[Delivery] = deque()
        self._acks: deque[tuple[str, Word]] = deque(maxlen=ACKS_WAITING_MAX)
        self._ear = ear_topic(self._name)
        self._word = b""
        self._connection: _Connection | None = None
        self._made = 0
        self._tries = 0
        self._next_try = 0.0

    def close(self) -> None:
        """Say goodbye. The session stays with the broker."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.out += mqtt.disconnect()
                self._connection.flush()
        self._drop("")

    def take(self, timeout_seconds: float) -> Delivery:
        """Take the next message. Raises `queue.Empty` when none comes in time."""
        deadline = time.monotonic() + timeout_seconds
        while not self._arrived:
            left = deadline - time.monotonic()
            self._turn(max(0.0, left))
            if not self._arrived and left <= 0:
                raise queue.Empty
        return self._arrived.popleft()

    def keep(self) -> None:
        """Keep the connection alive while no message is wanted."""
        self._turn(0.0)

    def done(self, delivery: Delivery) -> None:
        """Tell the broker that a message is committed; one of a connection that is gone it sends again anyhow."""
        made, packet_id = divmod(delivery.mid, 1 << 16)
        if packet_id and self._connection is not None and made == self._made:
            self._connection.out += mqtt.puback(packet_id)

    def acknowledge(self, hub_id: str, ack: Word) -> None:
        """Tell a hub what is committed. What is lost on the way is told when the hub sends again."""
        self._acks.append((hub_id, ack))

    def say_to_itself(self, word: bytes) -> None:
        """Say it to the broker, which says it back; the last word only, where there is no connection now."""
        self._word = word

    def _turn(self, timeout_seconds: float) -> None:
        connection = self._connection or self._connect(timeout_seconds)
        if connection is None:
            return
        try:
            connection.send_acks(self._acks)
            if self._word and connection.send_one(self._ear, self._word):
                self._word = b""
            connection.keep_alive()
            connection.flush()
            for packet in connection.read(timeout_seconds, RECEIVE_MAX):
                self._packet(connection, packet)
        except (OSError, mqtt.ProtocolError) as error:
            self._drop(str(error))

    def _packet(self, connection: _Connection, packet: mqtt.Packet) -> None:
        if isinstance(packet, mqtt.Received):
            message = Message(packet.topic, packet.payload, time.time_ns() // 1_000_000)
            qos, is_own = 1 if packet.packet_id else 0, packet.topic == self._ear
            self._arrived.append(Delivery(message, self._made << 16 | packet.packet_id, qos, is_own))
        elif isinstance(packet, mqtt.Taken):
            connection.taken(packet)
        elif isinstance(packet, mqtt.Connected):
            if packet.reason >= 128:
                raise mqtt.ProtocolError(f"the broker refuses {self._name}: reason {packet.reason}")
            connection.accepted(packet)
            connection.out += mqtt.subscribe(1, (*_TOPICS, self._ear))
            connection.flush()
        elif isinstance(packet, mqtt.Subscribed):
            if any(reason >= 128 for reason in packet.reasons[: len(_TOPICS)]):
                raise mqtt.ProtocolError(f"the broker does not let {self._name} hear the hubs")
            self._tries = 0
            _log.info("listening to the hubs at %s:%d as %s", *self._address, self._name)
        elif isinstance(packet, mqtt.Goodbye):
            raise mqtt.ProtocolError(f"the broker ends the connection: reason {packet.reason}")

    def _connect(self, timeout_seconds: float) -> _Connection | None:
        wait = self._next_try - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, timeout_seconds))
            return None
        self._made += 1
        try:
            self._connection = connection = _Connection(*self._address, self._context)
        except (OSError, ValueError) as error:
            self._drop(str(error))
            return None
        connection.out += mqtt.connect(
            self._name, keepalive_seconds=KEEPALIVE_SECONDS, session_seconds=self._session_seconds,
            receive_max=RECEIVE_MAX, packet_max=PACKET_MAX,
        )  # fmt: skip
        return connection

    def _drop(self, why: str) -> None:
        """Forget the connection and all that it brought and that is not taken: the broker sends that again."""
        if why:
            _log.warning("no connection to the broker at %s:%d: %s", *self._address, why)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._arrived.clear()
        self._next_try = time.monotonic() + random.uniform(0.1, 2.0**self._tries)  # noqa: S311 - full jitter, no secret
        self._tries = min(self._tries + 1, 2)


class _Connection:
    """A socket, what is to be sent on it, and what of it the broker has not answered."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        with contextlib.ExitStack() as undo:
            plain = undo.enter_context(socket.create_connection((host, port), timeout=CONNECT_SECONDS))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = context.wrap_socket(plain, server_hostname=host)
            undo.pop_all()
        self.out = bytearray()
        self._reader = mqtt.Reader(PACKET_MAX)
        self._open: set[int] = set()
        self._open_max = 0
        self._packet_id = 1
        self._sent = time.monotonic()
        self._asked: float | None = None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def accepted(self, answer: mqtt.Connected) -> None:
        """Begin to send, as much at once as the broker allows."""
        self._open_max = min(answer.receive_max, RECEIVE_MAX)

    def taken(self, answer: mqtt.Taken) -> None:
        """Let go of a message that the broker has."""
        self._open.discard(answer.packet_id)
        if answer.reason >= 128:
            _log.warning(
                "the broker refused a message of the ingest: reason %d; is its acl that of init?", answer.reason
            )

    def send_acks(self, acks: deque[tuple[str, Word]]) -> None:
        """Write as many of ``acks`` as may be open."""
        while acks and len(self._open) < self._open_max:
            hub_id, ack = acks.popleft()
            self.send_one(ack_topic(hub_id), encode(ack) if isinstance(ack, Ack) else encode_receipt(ack))

    def send_one(self, topic: str, payload: bytes) -> bool:
        """Write a message if one more may be open; say whether."""
        if len(self._open) >= self._open_max:
            return False
        self._packet_id = self._packet_id % 65_535 + 1
        while self._packet_id in self._open:
            self._packet_id = self._packet_id % 65_535 + 1
        self._open.add(self._packet_id)
        self.out += mqtt.publish(topic, payload, self._packet_id)
        return True

    def keep_alive(self) -> None:
        """Ask whether the broker is there when it was silent for long. Raises OSError when it does not answer."""
        now = time.monotonic()
        if self._asked is not None and now - self._asked > KEEPALIVE_SECONDS / 2:
            raise TimeoutError("the broker does not answer")
        if self._asked is None and now - self._sent > KEEPALIVE_SECONDS / 2:
            self.out += mqtt.PING
            self._asked = now

    def flush(self) -> None:
        """Send what waits. Raises OSError."""
        if self.out:
            self._socket.settimeout(SEND_SECONDS)
            self._socket.sendall(self.out)
            self.out.clear()
            self._sent = time.monotonic()

    def read(self, timeout_seconds: float, at_most: int) -> list[mqtt.Packet]:
        """Wait for packets and take with them what else is there. Raises OSError and `mqtt.ProtocolError`."""
        found: list[mqtt.Packet] = []
        self._socket.settimeout(0.0)
        if not self._socket.pending() and not select.select([self._socket], [], [], timeout_seconds)[0]:
            return found
        while len(found) < at_most:
            try:
                data = self._socket.recv(_READ_BYTES)
            except ssl.SSLWantReadError:
                break
            if not data:
                raise ConnectionResetError("the broker closed the connection")
            found.extend(self._reader.feed(data))
            self._asked = None
        return found
