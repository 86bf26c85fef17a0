"""``portal.toml``: the zones of hubs' portals, the DNS provider and the authority. Pure but for `read`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from appliance.core.errors import ConfigError, OperationError, Problem
from appliance.core.schema import Rule, between, load, option

FILE_BYTES_MAX: Final = 64 * 1024
LETS_ENCRYPT: Final = "https://acme-v02.api.letsencrypt.org/directory"
_NAME: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_PROVIDER: Final = re.compile(r"[a-z0-9]{2,40}")
_MAIL: Final = re.compile(r"[^\s@<>,;/]{1,64}@[A-Za-z0-9.-]{1,253}")
_RESOLVER: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,260}")

NAME_RULE: Final = Rule(
    "allowed is a name of the public DNS in lower case, such as hub.kabupaten.go.id",
    lambda value: _NAME.fullmatch(value) is not None,
)


def _directory(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Plan:
    """``portal.toml``"""

    zones: tuple[str, ...] = option(
        about="Zones in which hubs have names: HUB.ZONE of the first one, or what desahub-noc portal name says.",
        example=["hub.kabupaten.go.id"],
        rule=NAME_RULE,
        at_most=200,
    )
    provider: str = option(
        about="The DNS provider, by lego's word for it (lego dnshelp).",
        example="rfc2136",
        rule=Rule("allowed are lower-case letters and digits", lambda value: _PROVIDER.fullmatch(value) is not None),
    )
    email: str = option(
        about="The address under which the authority knows this NOC.",
        example="noc@kabupaten.go.id",
        rule=Rule("allowed is a mail address", lambda value: _MAIL.fullmatch(value) is not None),
    )
    terms_agreed: bool = option(
        about="Did you read the authority's terms of service, and do you agree?", example=True, default=False
    )
    directory: str = option(
        about="The authority's ACME directory.",
        example=LETS_ENCRYPT,
        rule=Rule("allowed is an address with https", _directory),
        default=LETS_ENCRYPT,
    )
    tries_an_hour: int = option(
        about="How many certificates are tried for within an hour at most.",
        example=20,
        rule=between(1, 200),
        default=20,
    )
    new_names_a_week: int = option(
        about=(
            "How many certificates for names that had none are asked for within a week at most. Let's Encrypt gives 50 "
            "for each registered domain; renewals do not count."
        ),
        example=40,
        rule=between(1, 100_000),
        default=40,
    )
    resolvers: tuple[str, ...] = option(
        about="Resolvers that find a name's zone, HOST:PORT each; left out, the machine's.",
        example=["9.9.9.9:53"],
        rule=Rule("allowed is HOST:PORT", lambda value: _RESOLVER.fullmatch(value) is not None),
        at_most=5,
        default=(),
    )
    asks_nameservers: bool = option(
        about=(
            "Are the zone's name servers asked, until all show the record, before the authority is told to look? "
            "Only where this machine cannot reach them on port 53: no."
        ),
        example=True,
        default=True,
    )

    def problems(self) -> Iterator[Problem]:
        """Say what does not go together."""
        if not self.zones:
            yield Problem("zones", "is empty", "allowed is at least one zone")
        if not self.terms_agreed:
            yield Problem(
                "terms_agreed", "is not true", "read the authority's terms of service, then write terms_agreed = true"
            )

    def holds(self, name: str) -> bool:
        """Tell whether a name is in one of the zones."""
        return _NAME.fullmatch(name) is not None and any(name.endswith(f".{zone}") for zone in self.zones)

    def own_name(self, hub_id: str) -> str:
        """The name that a hub has where nobody gave it another."""
        return f"{hub_id}.{self.zones[0]}"


def parse(text: str) -> Plan:
    """Read the text of a ``portal.toml``.

    Raises:
        ConfigError: with every problem found.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem("", f"is no TOML: {error}", "put the line right that is named")]) from None
    return load(Plan, document)


def read(path: Path) -> Plan | None:
    """Read the file; None where there is none.

    Raises:
        ConfigError: as `parse`.
        OperationError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise OperationError(f"{path}: has more than {FILE_BYTES_MAX} bytes")
    return parse(content.decode("utf-8", "replace"))
