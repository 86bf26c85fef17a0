"""A hub that says whatever a test wants, through the real broker."""

from __future__ import annotations

import queue
import ssl
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


class HubClient:
    """Connected with a hub's certificate; ``heard`` holds (topic, payload)."""

    def __init__(self, port: int, identity: Path, *, key: str = "hub", wanted_id: str = "") -> None:
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()
        self._ready = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=wanted_id, protocol=mqtt.MQTTv5)
        context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
        context.load_cert_chain(identity / f"{key}.crt", identity / f"{key}.key")
        self.client.tls_set_context(context)
        self.client.on_connect = lambda *_: self._ready.set()
        self.client.on_message = lambda _c, _d, message: self.heard.put((message.topic, bytes(message.payload)))
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_publish = lambda _c, _d, _m, reason, _p: self.answers.put(reason)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._ready.wait(10), "no connection"

    def hear(self, topic: str) -> None:
        self._ready.clear()
        self.client.subscribe(topic, qos=1)
        assert self._ready.wait(10), "no answer to a subscription"

    def say(self, topic: str, payload: bytes) -> str:
        self.client.publish(topic, payload, qos=1)
        return str(self.answers.get(timeout=10))

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
