"""A resident's receipt on a narrow roll of paper: the code that follows the letter, and where. It names nobody."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext

from appliance.core.config import Config
from appliance.faces import village
from appliance.kiosk.letters import codes, words
from appliance.kiosk.letters.letter import Letter
from appliance.papers.ticket import Pair, Qr, Rule, Size, Text, encode


def print_key(letter_id: int) -> str:
    """By what the printer knows a receipt: pressed twice it is printed once."""
    return f"receipt-{letter_id}"


def ticket(letter: Letter, config: Config, track_path: str) -> bytes:
    """A receipt for the ticket printer of ``config``; ``track_path`` is the page that asks for the code."""
    columns = config.printer.ticket_columns if config.printer is not None else 32
    sent = datetime.datetime.fromtimestamp(letter.submitted_seconds, ZoneInfo(config.village.timezone)).date()
    # The address without the code: whoever finds a photo of the QR alone has nothing.
    address = f"http://{config.kiosk.host}{track_path}"
    return encode(
        (
            Text(village.title(config.village), is_bold=True, is_centred=True),
            Text(gettext("Tanda terima"), is_centred=True),
            Rule(),
            Text(codes.shown_code(letter.code), Size.LARGE, is_bold=True, is_centred=True),
            Rule(),
            Text(letter.kind.title),
            Pair(gettext("Dikirim"), words.tanggal(sent)),
            Text(gettext("Lacak surat dengan kode ini, tanpa masuk:")),
            Text(address),
            Qr(address),
        ),
        columns,
    )
