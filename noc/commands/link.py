"""The connection of ``desahub-noc command`` to the broker: paho, MQTT version 5, mutual TLS, while it waits."""

from __future__ import annotations

import queue
import re
import ssl
import threading
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from appliance.core.commands import command_topic, result_topic
from appliance.core.errors import OperationError
from noc.enrol import COMMANDS_NAME

READY_SECONDS: Final = 15.0
_RESULT: Final = re.compile(re.escape(result_topic("|")).replace(r"\|", "([^/]+)"))
Answer = tuple[str, bytes]


class Link:
    """Sends commands and hears results. paho connects again by itself when the connection goes.

    Raises:
        OperationError: from the constructor, when the identity cannot be read.
    """

    def __init__(self, host: str, port: int, identity: Path) -> None:
        self._host, self._port = host, port
        self._heard: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._refused = ""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=COMMANDS_NAME, protocol=mqtt.MQTTv5)
        try:
            context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
            context.load_cert_chain(identity / "client.crt", identity / "client.key")
        except OSError as error:
            raise OperationError(f"{identity}: {error.strerror}; run this as root, after desahub-noc init") from None
        client.tls_set_context(context)
        # As in the ingest: with this paho's own thread alone writes to the connection.
        client.on_socket_register_write = lambda *_: None
        client.on_connect, client.on_subscribe = self._connected, self._subscribed
        client.on_disconnect = lambda *_: self._ready.clear()
        client.on_message = self._message
        self._client = client

    def __enter__(self) -> Link:
        """Connect, and wait until answers can be heard. Raises `OperationError` when that does not come about."""
        try:
            self._client.connect(self._host, self._port, 60, clean_start=True)
        except (OSError, ValueError) as error:
            raise OperationError(f"the broker at {self._host}:{self._port} cannot be reached: {error}") from None
        self._client.loop_start()
        if not self._ready.wait(READY_SECONDS):
            self.__exit__()
            raise OperationError(
                f"the broker at {self._host}:{self._port} lets nobody order anything: {self._refused or 'no answer'}"
            )
        return self

    def __exit__(self, *_: object) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, hub_id: str, payload: bytes) -> None:
        """Send a command; never retained, so that the broker keeps it for nobody."""
        self._client.publish(command_topic(hub_id), payload, qos=1, retain=False)

    def take(self, timeout_seconds: float) -> Answer | None:
        """Take the next answer: which hub, and its bytes; None when none comes in time."""
        try:
            return self._heard.get(timeout=max(0.0, timeout_seconds))
        except queue.Empty:
            return None

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            return
        client.subscribe(result_topic("+"), qos=1)

    def _subscribed(self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = str(reasons[0])
            return
        self._ready.set()

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if found := _RESULT.fullmatch(message.topic):
            self._heard.put((found[1], bytes(message.payload)))
