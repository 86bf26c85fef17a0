"""Bring marks of letters from the kiosk to the NOC: asked for over its socket, sent one message after the other.

What the NOC has is a cursor in the kiosk's own book of marks, kept in a file. It moves only by the NOC's receipt, which
names the message and the store: where that was made anew, the cursor goes back to the beginning, and all that stands
holds is sent again, not only what is a week old. A mark that comes twice changes nothing there, so that whatever is
lost on the way, here or there, is simply sent again.

One message at a time, in the room of the backlog: reports do not wait for letters.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.in_flight import NOBODY_LISTENS, SOON_MS
from agent.pace import Bucket
from appliance.core.errors import DesahubError, OperationError, ReportError, ReportMalformed
from appliance.core.letter_marks import (
    ANSWER_BYTES_MAX,
    SOCKET_PATH,
    Cursor,
    Found,
    Mark,
    decode_answer,
    encode_question,
)
from appliance.core.letter_marks_wire import decode_receipt, encode_marks, receipt_key
from appliance.system.files import write_durably
from appliance.unit.ask import ask

_log = logging.getLogger(__name__)
ASK_EVERY_MS: Final = 60_000
# The NOC answers as soon as it has committed. What it has not by then is sent again.
RECEIPT_TIMEOUT_MS: Final = 10 * 60_000
REFUSED_MS: Final = 3_600_000  # by a broker whose NOC has no room for marks yet
ASK_SECONDS_MAX: Final = 2.0
_REFUSAL: Final = 0x80  # from here on a reason code says no (MQTT 5.0, 2.4)


def ask_kiosk(cursor: Cursor, path: Path | str = SOCKET_PATH) -> Found:
    """Ask the kiosk what lies behind a cursor. Raises OSError and `OperationError`."""
    return decode_answer(ask(path, encode_question(cursor), ASK_SECONDS_MAX, ANSWER_BYTES_MAX))


class LetterMarks:
    """What is to be sent of letters. All of it is called by the agent's loop.

    Args:
        place: where the cursor is kept; a file that cannot be read is the beginning.
        question: asks the kiosk.
    """

    def __init__(self, place: Path, question: Callable[[Cursor], Found] = ask_kiosk) -> None:
        self._place, self._question = place, question
        self._epoch, self._cursor = _read(place)
        self._next_ms = 0
        self._key = ""  # of the message that waits for its receipt
        self._message_id = -1
        self._until: tuple[Cursor, bool] = (Cursor(), True)
        self._said = ""

    def begin(self) -> None:
        """Begin with a new connection: what went over the last one is sent again."""
        self._key, self._message_id, self._next_ms = "", -1, 0

    def due_ms(self) -> int:
        """Say at which boottime `turn` has something to do."""
        return self._next_ms

    def turn(self, now_ms: int, room: Bucket, publish: Callable[[bytes], int]) -> None:
        """Ask and send, if it is time and there is room. ``publish`` returns the message's id in this connection."""
        if now_ms < self._next_ms:
            return
        if not room.has_room(now_ms):
            self._next_ms = now_ms + room.empty_for_ms()
            return
        self._next_ms = now_ms + ASK_EVERY_MS
        found = self._ask()
        if found is None:
            return
        payload = _packed(found.marks)
        if not payload:
            if found.marks:
                self._keep(self._epoch, found.until)
            return
        self._key, self._until = receipt_key(payload), (found.until, found.is_all)
        self._message_id = publish(payload)
        self._next_ms = now_ms + RECEIPT_TIMEOUT_MS
        room.take(len(payload))

    def answered(self, message_id: int, reason: int, now_ms: int) -> None:
        """Take the broker's answer to a message of this connection."""
        if message_id != self._message_id or not self._key:
            return
        if reason == NOBODY_LISTENS:
            self._again(now_ms + SOON_MS)
        elif reason >= _REFUSAL:
            self._say(f"the NOC's broker does not take marks of letters (reason {reason}); is its acl that of init?")
            self._again(now_ms + REFUSED_MS)

    def received(self, payload: bytes, now_ms: int) -> None:
        """Take the NOC's receipt."""
        try:
            receipt = decode_receipt(payload)
        except ReportError as error:
            _log.warning("the NOC's receipt for marks of letters cannot be read: %s", error)
            return
        if not self._key or receipt.key != self._key:
            return  # of a message that was sent twice
        self._said = ""
        if self.heard_epoch(receipt.store_epoch):
            return
        cursor, is_all = self._until
        self._keep(receipt.store_epoch, cursor)
        self._again(now_ms + (ASK_EVERY_MS if is_all else 0))

    def heard_epoch(self, epoch: str) -> bool:
        """Begin anew where the NOC's store is another than that of the cursor; say whether it is."""
        if epoch == self._epoch or not self._epoch:
            return False
        _log.warning("the NOC's store was made anew: all marks of letters are sent again")
        self._keep(epoch, Cursor())
        self._again(0)
        return True

    def _again(self, at_ms: int) -> None:
        self._key, self._message_id, self._next_ms = "", -1, at_ms

    def _ask(self) -> Found | None:
        try:
            return self._question(self._cursor)
        except (OSError, DesahubError) as error:
            self._say(f"the kiosk does not tell which letters are signed or void; it is asked again: {error}")
            return None

    def _keep(self, epoch: str, cursor: Cursor) -> None:
        self._epoch, self._cursor = epoch, cursor
        text = json.dumps({"epoch": epoch, "sequence": cursor.sequence, "chain": cursor.chain.hex()})
        try:
            write_durably(self._place, f"{text}\n", 0o600)
        except OperationError as error:
            # It holds while this process lives; after that some are sent twice.
            self._say(f"up to which letter the NOC has them could not be kept: {error}")

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            _log.warning("%s", text)


def _packed(marks: tuple[Mark, ...]) -> bytes:
    """Write a message; a mark that cannot travel is passed over, so that it does not hold up all others."""
    if not marks:
        return b""
    try:
        return encode_marks(marks)
    except ReportMalformed:
        good = tuple(each for each in marks if _can_travel(each))
        return encode_marks(good) if good else b""


def _can_travel(mark: Mark) -> bool:
    try:
        encode_marks((mark,))
    except ReportMalformed as error:
        _log.error("a letter's mark cannot be sent: %s", error)
        return False
    return True


def _read(place: Path) -> tuple[str, Cursor]:
    try:
        document = json.loads(place.read_text("utf-8"))
        found = Cursor(document["sequence"], bytes.fromhex(document["chain"]))
        if type(found.sequence) is not int or not isinstance(document["epoch"], str):
            raise TypeError
        return document["epoch"], found
    except FileNotFoundError:
        return "", Cursor()
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("%s cannot be read (%s): all marks of letters are sent again", place, type(error).__name__)
        return "", Cursor()
