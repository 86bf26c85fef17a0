"""A simulated hub's connection: TCP, TLS with its certificate, MQTT, never waiting for any of them."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
from pathlib import Path
from typing import Final

from appliance.core.report import MESSAGE_BYTES_MAX, ack_topic, report_topic, state_topic
from noc.ingest import mqtt

KEEPALIVE_SECONDS: Final = 295  # as a hub asks for (docs/wire.md)
_PACKET_MAX: Final = MESSAGE_BYTES_MAX + 1_024
_READ_BYTES: Final = 16_384


class Wire:
    """One connection attempt and what becomes of it. Every method may raise OSError or `mqtt.ProtocolError`."""

    def __init__(self, address: tuple[str, int], name: str, certificate: Path, authority: Path, hub_id: str) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(certificate)
        plain = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        try:
            plain.setblocking(False)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BlockingIOError):
                plain.connect(address)
            # A socket that is not connected yet cannot be wrapped as one; the handshake waits for it.
            self._plain: socket.socket | None = plain
            self._tls: ssl.SSLSocket | None = None
        except BaseException:
            plain.close()
            raise
        self._context, self._name, self._hub_id = context, name, hub_id
        self._reader = mqtt.Reader(_PACKET_MAX)
        self._out = bytearray()
        self._packet_id = 0
        self._is_shaken = False
        self.is_up = False
        self.events = selectors.EVENT_WRITE

    @property
    def socket(self) -> socket.socket:
        """The socket, to be watched for `events`."""
        found = self._tls or self._plain
        if found is None:
            raise ConnectionResetError("closed")
        return found

    def close(self) -> None:
        """Cut it, without a goodbye: the broker says the will."""
        if self._plain is not None:
            self._plain.close()
        if self._tls is not None:
            self._tls.close()
        self._plain = self._tls = None

    def begin(self, will: bytes) -> None:
        """Ask for a session."""
        self._out += mqtt.connect(
            self._hub_id, keepalive_seconds=KEEPALIVE_SECONDS, session_seconds=0, receive_max=100,
            packet_max=_PACKET_MAX, will=(state_topic(self._hub_id), will),
        )  # fmt: skip

    def up(self, birth: bytes) -> None:
        """The session is there: hear acknowledgements, and say the birth."""
        self.is_up = True
        self._out += mqtt.subscribe(self._next_id(), [ack_topic(self._hub_id)])
        self._out += mqtt.publish(state_topic(self._hub_id), birth, self._next_id())

    def report(self, payload: bytes) -> None:
        """Send a report."""
        self._out += mqtt.publish(report_topic(self._hub_id), payload, self._next_id())

    def goodbye(self) -> None:
        """End the session in order: nobody says the will."""
        self._out += mqtt.disconnect()
        self.step()

    def step(self) -> list[mqtt.Packet]:
        """Go as far as it goes, and give what came."""
        self.events = selectors.EVENT_READ
        if self._tls is None and not self._wrap():
            return []
        try:
            if not self._is_shaken:
                self._shake()
            self._flush()
            return self._read()
        except ssl.SSLWantReadError:
            return []
        except ssl.SSLWantWriteError:
            self.events |= selectors.EVENT_WRITE
            return []

    def _wrap(self) -> bool:
        plain = self.socket
        error = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "no connection")
        try:
            plain.getpeername()
        except OSError:
            self.events = selectors.EVENT_WRITE
            return False
        self._tls = self._context.wrap_socket(plain, server_hostname=self._name, do_handshake_on_connect=False)
        self._plain = None
        return True

    def _shake(self) -> None:
        assert self._tls is not None  # noqa: S101 - for the type checker
        self._tls.do_handshake()
        self._is_shaken = True

    def _flush(self) -> None:
        while self._out:
            try:
                sent = self.socket.send(self._out)
            except ssl.SSLWantWriteError:
                self.events |= selectors.EVENT_WRITE
                return
            del self._out[:sent]

    def _read(self) -> list[mqtt.Packet]:
        found: list[mqtt.Packet] = []
        while True:
            try:
                data = self.socket.recv(_READ_BYTES)
            except ssl.SSLWantReadError:
                return found
            if not data:
                raise ConnectionResetError("the broker closed the connection")
            for packet in self._reader.feed(data):
                found.append(packet)
                if isinstance(packet, mqtt.Received) and packet.packet_id:
                    self._out += mqtt.puback(packet.packet_id)
            self._flush()

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % 65_535 + 1
        return self._packet_id
