"""The ways by which alarms leave, and who wants what: ``alarms.toml``, as frozen data. Pure but for `read`.

Secrets stand in this file alone. They are in no message of an error, no log and no database; `secrets_of` names them
for whoever must keep them out of a text.
"""

from __future__ import annotations

import datetime
import enum
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from appliance.core.config.village import Timezone
from appliance.core.errors import ConfigError, OperationError, Problem
from appliance.core.schema import Rule, between, length, load, option, section
from noc.rules import problems as known

FILE_NAME: Final = "alarms.toml"
CHANNELS_MAX: Final = 20
EXAMPLE: Final = """\
# Written by desahub-noc init. Who is told of alarms, and how: docs/operations.md, "Alarms".
# After a change: sudo desahub-noc alarms check; the watch takes it over by itself.
#
# base_url = "https://noc.example.go.id"     # for links in messages
# language = "id"                            # or "en"
# timezone = "Asia/Makassar"                 # of times in messages, where no single hub says its own
#
# [[telegram]]
# name = "piket"
# token = "123456:the-token-of-your-bot"
# chat = "-1001234567890"                    # a group's number, or a person's
# areas = ["51.03"]                          # only incidents there; none: everywhere
# only = ["no_contact", "noc_deaf"]          # only these problems; none: all
# quiet_from = "22:00"                       # then only what is urgent; the rest waits for the morning
# quiet_until = "05:00"
#
# [[email]]
# name = "dinas"
# server = "smtp.example.go.id"
# user = "noc"
# password = "…"
# sender = "noc@example.go.id"
# to = "piket@example.go.id"
#
# [[webhook]]
# name = "pusat"
# url = "https://hooks.example.go.id/noc"
# headers = ["Authorization: Bearer …"]
"""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_AREA: Final = re.compile(r"\d\d(\.\d\d(\.\d\d)?)?", re.ASCII)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_MAIL: Final = re.compile(r"[^\s@<>,;]{1,64}@[A-Za-z0-9.-]{1,253}")
_TOKEN: Final = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,80}", re.ASCII)
_CHAT: Final = re.compile(r"-?\d{1,20}|@[A-Za-z0-9_]{5,32}", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z0-9-]{1,64}: ?[\x21-\x7e][\x20-\x7e]{0,1000}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?", re.ASCII)


def _like(pattern: re.Pattern[str], allowed: str) -> Rule:
    return Rule(f"allowed is {allowed}", lambda value: pattern.fullmatch(value) is not None)


_CLOCK_RULE: Final = Rule(
    "allowed is a time of day such as 22:00, or nothing", lambda value: value == "" or bool(_CLOCK.fullmatch(value))
)


class Language(enum.StrEnum):
    """In which language messages are."""

    INDONESIAN = "id"
    ENGLISH = "en"


class Security(enum.StrEnum):
    """How the way to a mail server is kept."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What all channels have: what is sent there, and when."""

    name: str = option(
        about="How the NOC's pages and commands call it.",
        example="piket",
        rule=_like(_NAME, "1 to 32 small letters, digits and hyphens"),
    )
    areas: tuple[str, ...] = option(
        about="Only incidents that touch these areas, and only their hubs are counted; none: everywhere.",
        example=["51.03"],
        rule=_like(_AREA, "the code of a province, kabupaten or kecamatan, such as 51.03"),
        default=(),
    )
    only: tuple[known.Problem, ...] = option(
        about="Only these problems; none: all.", example=["no_contact"], default=()
    )
    quiet_from: str = option(
        about="From this time of day on only what is urgent leaves.", example="22:00", rule=_CLOCK_RULE, default=""
    )
    quiet_until: str = option(
        about="From this time of day on the rest leaves too.", example="05:00", rule=_CLOCK_RULE, default=""
    )

    def wants(self, problem: known.Problem) -> bool:
        """Say whether this channel is told of a problem at all."""
        return not self.only or problem in self.only

    def quiet_until_ms(self, now_ms: int, zone: ZoneInfo) -> int | None:
        """Until when only what is urgent leaves, None outside the quiet hours."""
        if not self.quiet_from:
            return None
        now = datetime.datetime.fromtimestamp(now_ms / 1000, zone)
        begin, end = (datetime.time.fromisoformat(each) for each in (self.quiet_from, self.quiet_until))
        at = now.time()
        is_quiet = begin <= at < end if begin < end else at >= begin or at < end
        if not is_quiet:
            return None
        until = datetime.datetime.combine(now.date(), end, zone)
        if until <= now:
            until += datetime.timedelta(days=1)
        return int(until.timestamp() * 1000)


def _between_common(channel: Channel) -> Iterator[Problem]:
    if bool(channel.quiet_from) != bool(channel.quiet_until):
        missing = "quiet_until" if channel.quiet_from else "quiet_from"
        yield Problem(missing, "is missing", "quiet hours have a begin and an end, such as 22:00 and 05:00")
    elif channel.quiet_from and channel.quiet_from == channel.quiet_until:
        yield Problem("quiet_until", "is the same as quiet_from", "allowed is another time of day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram(Channel):
    """A chat of Telegram, through a bot that is in it."""

    token: str = option(about="The bot's token, as @BotFather gave it.", example="123456:AA-the-rest-of-the-token")
    chat: str = option(
        about="The group's or person's number, or the @name of a public channel.",
        example="-1001234567890",
        rule=_like(_CHAT, "a number such as -1001234567890, or @name"),
    )
    server: str = option(
        about="Where Telegram's Bot API is; another one where you run your own.",
        example="https://api.telegram.org",
        default="https://api.telegram.org",
    )

    def problems(self) -> Iterator[Problem]:
        """What is wrong between the fields."""
        yield from _between_common(self)
        if not _TOKEN.fullmatch(self.token):
            yield Problem("token", "is no token of a bot (it is not shown here)", "copy it from @BotFather, as a whole")
        yield from _check_url("server", self.server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Email(Channel):
    """A mailbox, through a mail server."""

    server: str = option(
        about="The mail server.", example="smtp.example.go.id", rule=_like(_HOST, "a host name or an address")
    )
    port: int = option(
        about="Its port; 0 is the usual one: 587 with starttls, 465 with tls, 25 with none.",
        example=587,
        rule=between(0, 65_535),
        default=0,
    )
    security: Security = option(about="How the way there is kept.", example="starttls", default=Security.STARTTLS)
    user: str = option(about="Who logs in; none: nobody does.", example="noc", rule=length(0, 200), default="")
    password: str = option(about="The password of this user.", example="secret", default="")
    sender: str = option(
        about="Whom messages are from.", example="noc@example.go.id", rule=_like(_MAIL, "an address such as a@b.id")
    )
    to: str = option(
        about="Whom messages are for; several people are a list of the mail server, or a channel each.",
        example="piket@example.go.id",
        rule=_like(_MAIL, "one address such as a@b.id"),
    )

    def problems(self) -> Iterator[Problem]:
        """What is wrong between the fields."""
        yield from _between_common(self)
        if bool(self.user) != bool(self.password):
            yield Problem("user", "user and password belong together", "give both, or neither")
        if self.password and self.security is Security.NONE:
            yield Problem("security", "would send the password unprotected", "allowed with a password: starttls, tls")
        if not self.password.isprintable():
            yield Problem("password", "holds a control character (it is not shown here)", "allowed is printable text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Channel):
    """A program of somebody's that takes JSON by HTTP POST: ``title``, ``message``, ``type`` and ``version``."""

    url: str = option(about="Where to. It may hold a secret and is not shown.", example="https://hooks.example.go.id/x")
    headers: tuple[str, ...] = option(
        about="Header lines to send along, such as one with a token.",
        example=["Authorization: Bearer secret"],
        at_most=10,
        default=(),
    )

    def problems(self) -> Iterator[Problem]:
        """What is wrong between the fields."""
        yield from _between_common(self)
        yield from _check_url("url", self.url)
        for i, each in enumerate(self.headers):
            if not _HEADER.fullmatch(each):
                yield Problem(f"headers[{i}]", "is no header line (it is not shown here)", 'allowed is "Name: value"')


def _check_url(path: str, url: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        is_right = bool(parts.hostname) and url.isprintable() and " " not in url and (parts.port or 1) > 0
    except ValueError:
        is_right, parts = False, urlsplit("")
    if not is_right or parts.scheme not in ("http", "https") or parts.fragment or parts.username:
        yield Problem(path, "is no web address (it is not shown here)", "allowed is https://… (or http://…), no user")


@dataclass(frozen=True, slots=True)
class Alarms:
    """The whole document."""

    base_url: str = option(
        about="The address of the NOC's pages, for links in messages.", example="https://noc.example.go.id", default=""
    )
    language: Language = option(about="In which language messages are.", example="id", default=Language.INDONESIAN)
    timezone: Timezone = option(
        about="Of times in messages, where no single hub says its own, and of quiet hours.",
        example="Asia/Makassar",
        default=Timezone.WIB,
    )
    telegram: tuple[Telegram, ...] = section(about="Chats of Telegram.", at_most=CHANNELS_MAX, default=())
    email: tuple[Email, ...] = section(about="Mailboxes.", at_most=CHANNELS_MAX, default=())
    webhook: tuple[Webhook, ...] = section(about="Programs that take JSON.", at_most=CHANNELS_MAX, default=())

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Every channel."""
        return (*self.telegram, *self.email, *self.webhook)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone, ready to use."""
        return ZoneInfo(self.timezone)

    def problems(self) -> Iterator[Problem]:
        """What is wrong between the channels."""
        names = [each.name for each in self.channels]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem("name", f"{name} is the name of several channels", "give each its own")
        if self.channels and not self.base_url:
            yield Problem("base_url", "is missing", "needed is the address of the NOC's pages, for links in messages")
        if self.base_url:
            yield from _check_url("base_url", self.base_url)

    def link(self, path: str) -> str:
        """The address of a page."""
        return f"{self.base_url.rstrip('/')}/{path}"

    def unheard(self) -> tuple[known.Problem, ...]:
        """The problems that no channel is told of."""
        return tuple(each for each in known.Problem if not any(channel.wants(each) for channel in self.channels))


def parse(text: str) -> Alarms:
    """Read the document's text. Raises `ConfigError` with everything that is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem(FILE_NAME, f"is no TOML: {error}")]) from None
    return load(Alarms, document)


def read(path: Path) -> Alarms:
    """Read the file; one that is not there has no channels.

    Raises:
        ConfigError: with everything that is wrong in it.
        OperationError: it cannot be read, or others than its group may read the secrets in it.
    """
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Alarms()
    except UnicodeDecodeError:
        raise OperationError(f"{path}: is no text in UTF-8") from None
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}; run this as root") from None
    found = parse(text)
    if mode & 0o007 and found.channels:
        raise OperationError(f"{path}: everybody on this machine may read the secrets in it; chmod 640 {path}")
    return found


def secrets_of(channel: Channel) -> tuple[str, ...]:
    """What of a channel must stand in no text, the longest first."""
    found: list[str] = []
    if isinstance(channel, Telegram):
        found = [channel.token, channel.token.partition(":")[2]]
    elif isinstance(channel, Email):
        found = [channel.password]
    elif isinstance(channel, Webhook):
        parts = urlsplit(channel.url)
        found = [channel.url, parts.path.strip("/"), parts.query]
        found += [each.partition(":")[2].strip() for each in channel.headers]
        found += [word for each in channel.headers for word in each.partition(":")[2].split()[1:]]
    return tuple(sorted({each for each in found if each}, key=len, reverse=True))
