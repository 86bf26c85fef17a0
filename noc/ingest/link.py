"""The ingest's connection to the broker: paho, MQTT version 5, mutual TLS, acknowledged by hand.

paho's own thread only moves messages into a queue; the worker tells it when one is committed.
"""

from __future__ import annotations

import logging
import queue
import random
import ssl
import threading
import time
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from appliance.core.report import Ack, ack_topic, encode
from noc.enrol import INGEST_NAME
from noc.ingest.rules import Message
from noc.ingest.worker import Delivery

_log = logging.getLogger(__name__)
RECEIVE_MAX: Final = 500  # messages the broker may have open with us: what bounds our memory
SESSION_SECONDS: Final = 7 * 86_400
QUEUE_MAX: Final = 5_000  # beyond RECEIVE_MAX only QoS 0 can fill it, and that no hub sends
_TOPICS: Final = ("desahub/1/+/report", "desahub/1/+/state")


class BrokerLink:
    """Keeps the connection up from `start` to `stop`. ``is_alive`` tells whether its thread still runs."""

    def __init__(self, host: str, port: int, identity: Path) -> None:
        self._address = (host, port)
        self._arrived: queue.Queue[Delivery] = queue.Queue(QUEUE_MAX)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._client = self._make(identity)

    def start(self) -> None:
        """Begin to connect, again and again, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the connection and wait for its thread."""
        self._stopping.set()
        self._client.disconnect()
        self._thread.join(5)

    def is_alive(self) -> bool:
        """Tell whether the connection's thread still runs; one that died takes the process with it."""
        return self._thread.is_alive()

    def take(self, timeout_seconds: float) -> Delivery:
        """Take the next message. Raises `queue.Empty` when none comes in time."""
        return self._arrived.get(timeout=timeout_seconds) if timeout_seconds else self._arrived.get_nowait()

    def done(self, delivery: Delivery) -> None:
        """Tell the broker that a message is committed."""
        self._client.ack(delivery.mid, delivery.qos)

    def acknowledge(self, hub_id: str, ack: Ack) -> None:
        """Tell a hub what is committed. One that is away sends again and is told then."""
        self._client.publish(ack_topic(hub_id), encode(ack), qos=1)

    def _make(self, identity: Path) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=INGEST_NAME,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
        context.load_cert_chain(identity / "client.crt", identity / "client.key")
        client.tls_set_context(context)
        # With this paho queues what the worker publishes, and wakes the connection's thread. Without, the worker writes
        # for itself: two threads in one TLS connection garble it (openssl-threads(7)).
        client.on_socket_register_write = lambda *_: None
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.on_subscribe = self._subscribed
        return client

    def _run(self) -> None:
        tries = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._connect()
                # Unlike loop_forever() it can be woken by what another thread publishes.
                while self._client.loop() == mqtt.MQTT_ERR_SUCCESS:
                    pass
            except (OSError, ValueError) as error:
                _log.warning("the broker at %s:%d cannot be reached: %s", *self._address, error)
            tries = 0 if time.monotonic() - began > 60 else min(tries + 1, 2)
            self._stopping.wait(random.uniform(0.1, 2.0**tries))  # noqa: S311 - full jitter, no secret

    def _connect(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it untyped
        properties.SessionExpiryInterval = SESSION_SECONDS
        properties.ReceiveMaximum = RECEIVE_MAX
        self._client.connect(*self._address, keepalive=60, clean_start=False, properties=properties)

    def _connected(
        self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            _log.warning("the broker refuses the ingest: %s", reason)
            return
        client.subscribe([(topic, 1) for topic in _TOPICS])

    def _subscribed(
        self, client: mqtt.Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("the broker does not let the ingest hear the hubs: %s", reasons[0])
            client.disconnect()
            return
        _log.info("listening to the hubs at %s:%d", *self._address)

    def _disconnected(
        self, _client: mqtt.Client, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if not self._stopping.is_set():
            _log.warning("the broker is gone: %s", reason)

    def _message(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        received = Message(message.topic, bytes(message.payload), time.time_ns() // 1_000_000)
        try:
            self._arrived.put_nowait(Delivery(received, message.mid, message.qos))
        except queue.Full:
            _log.error("a message was dropped: the store does not keep up, and it was sent without QoS 1")
