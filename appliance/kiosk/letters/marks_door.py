"""Where the agent asks the kiosk for marks of letters: a local socket, one question and one answer a connection.

Systemd makes the socket for the agent alone (``desahub-marks.socket``); the kernel is asked once more who it is
(``SO_PEERCRED``, unix(7)), and others are turned away before they are heard. One thread answers, one question after
the other: there is one agent, and it asks about once a minute.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import struct
import threading
import time
from typing import Final

from appliance.core import faults
from appliance.core.errors import DesahubError, OperationError
from appliance.core.letter_marks import decode_question, encode_answer
from appliance.kiosk.letters import marks
from appliance.store.database import Store

_log = logging.getLogger(__name__)
SOCKET_NAME: Final = "marks"  # FileDescriptorName= of the socket's unit
ASKER: Final = "desahub-agent"
QUESTION_BYTES_MAX: Final = 256
TURN_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 1.0


def answer_forever(listener: socket.socket, store: Store, asker_uid: int) -> threading.Thread:
    """Answer the agent in a thread of its own, for as long as this process lives."""

    listener.setblocking(True)

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if listener.fileno() < 0 or error.errno == errno.EINVAL:
                    return  # it was closed, or listens no more
                # Too many files are open: the thread stays, there is no other.
                _log.error("the agent cannot ask for letters: %s", error)
                time.sleep(PAUSE_SECONDS)
                continue
            with contextlib.closing(connection):
                _answer_one(connection, store, asker_uid)

    thread = threading.Thread(target=answer, name="marks", daemon=True)
    thread.start()
    return thread


def _answer_one(connection: socket.socket, store: Store, asker_uid: int) -> None:
    try:
        if _peer_uid(connection) != asker_uid:
            return
        connection.settimeout(TURN_SECONDS)
        question = decode_question(_line(connection))
        with store.reading() as db:
            found = marks.behind(db, question)
        connection.sendall(encode_answer(found))
    except (OSError, DesahubError) as error:
        # It asks again; what is marked stays marked.
        _log.warning("the agent was not told of letters: %s", error)
    except Exception as error:  # noqa: BLE001 - a fault in one question must not take the thread
        _log.error("the agent was not told of letters: %s", faults.trace(error))


def _line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        chunk = connection.recv(QUESTION_BYTES_MAX)
        received += chunk
        if not chunk or len(received) > QUESTION_BYTES_MAX:
            raise OperationError(f"a question is one line of at most {QUESTION_BYTES_MAX} bytes")
    return bytes(received)


def _peer_uid(connection: socket.socket) -> int:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid
