"""One message to one channel, by Apprise: the only place that knows it. Blocks; may be called from any thread.

Apprise says why something failed in its log alone, and writes secrets there (a bot's token stands in the address of
Telegram's API). So its log goes nowhere but here, and what is taken from it is made safe first.
"""

from __future__ import annotations

import contextlib
import html
import logging
import threading
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import apprise
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.email import NotifyEmail
from apprise.plugins.telegram import NotifyTelegram

from appliance.core.errors import DesahubError
from noc.alarms.channels import Channel, Email, Security, Telegram, Webhook, secrets_of
from noc.alarms.words import Message

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 20
_NAME: Final = "Internet Desa Hub"
_SECURE: Final = {Security.STARTTLS: "starttls", Security.TLS: "ssl", Security.NONE: "insecure"}
_apprise_log: Final = logging.getLogger("apprise")
_WHY: Final = "Socket Exception: "


class SendingFailed(DesahubError):  # noqa: N818 - reads as the sentence it is where it is caught
    """A channel did not take a message. The text says why, without the channel's secrets."""


def send(channel: Channel, message: Message) -> None:
    """Send a message. Raises `SendingFailed`."""
    title, body, kind = message.title, message.body, "text"
    if isinstance(channel, Telegram):
        # Telegram reads markup. Left to itself Apprise drops of a village's name what looks like a tag.
        title, body, kind = "", html.escape(f"{title}\n\n{body}", quote=False), "html"
    with _listening() as said:
        try:
            has_taken = bool(_plugin(channel).notify(title=title, body=body, body_format=kind))
        except (TypeError, ValueError) as error:
            # Apprise refuses what it cannot use when it is made.
            raise SendingFailed(safe(str(error), channel)) from None
    if not has_taken:
        raise SendingFailed(safe("; ".join(said) or "it was not taken, and nothing says why", channel))


def safe(text: str, channel: Channel) -> str:
    """Take a channel's secrets out of a text, and make one line of it."""
    for secret in secrets_of(channel):
        for each in (secret, quote(secret), quote(secret, safe=""), unquote(secret)):
            text = text.replace(each, "***")
    return " ".join(text.split())


def _plugin(channel: Channel) -> Any:
    make: Any  # Apprise's plugins take their arguments untyped
    asset = apprise.AppriseAsset(app_id=_NAME, app_desc=_NAME, app_url="")
    common = {"asset": asset, "cto": CONNECT_SECONDS, "rto": READ_SECONDS, "redirect": "no"}
    if isinstance(channel, Telegram):
        make = NotifyTelegram
        telegram = make(bot_token=channel.token, targets=[channel.chat], detect_owner=False, format="html", **common)
        telegram.notify_url = f"{channel.server.rstrip('/')}/bot"
        return telegram
    if isinstance(channel, Email):
        make = NotifyEmail
        email = make(
            smtp_host=channel.server, from_addr=f"{_NAME} <{channel.sender}>", targets=[channel.to],
            secure_mode=_SECURE[channel.security], user=channel.user or None, password=channel.password or None,
            host=channel.server, port=channel.port or None, format="text", **common,
        )  # fmt: skip
        email.socket_connect_timeout = CONNECT_SECONDS
        return email
    if isinstance(channel, Webhook):
        make = NotifyJSON
        parts = urlsplit(channel.url)
        headers = {name.strip(): value.strip() for name, _, value in (each.partition(":") for each in channel.headers)}
        return make(
            headers=headers, method="POST", host=parts.hostname, port=parts.port, secure=parts.scheme == "https",
            fullpath=parts.path or "/", params=dict(parse_qsl(parts.query, keep_blank_values=True)), format="text",
            **common,
        )  # fmt: skip
    raise TypeError(f"{type(channel).__name__} is no channel that can be sent to")


class _Ear(logging.Handler):
    """Keeps what Apprise says in this thread: its warnings, and the reason behind them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.thread == self._thread and (record.levelno >= logging.WARNING or text.startswith(_WHY)):
            self.said.append(text.removeprefix(_WHY))


@contextlib.contextmanager
def _listening() -> Iterator[list[str]]:
    ear = _Ear()
    _apprise_log.propagate = False
    _apprise_log.setLevel(logging.DEBUG)
    _apprise_log.addHandler(ear)
    try:
        yield ear.said
    finally:
        _apprise_log.removeHandler(ear)
