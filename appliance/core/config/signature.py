"""``[signature]``: the service that signs letters electronically."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.core.config.values import FILE
from appliance.core.schema import Rule, between, option

_ADDRESS = Rule(
    "allowed is https://HOST or https://HOST/PATH of at most 200 characters, without a slash at its end",
    lambda v: (
        len(v) <= 200
        and bool(re.fullmatch(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:/[\w.~-]+)*", v, re.ASCII))
    ),
)


@dataclass(frozen=True, slots=True)
class Signature:
    """``[signature]``: leave the whole section out where letters are signed by hand."""

    service: str = option(
        about=(
            "The address of the eSign Client Service of BSrE that the regency runs, or of one like it. Its user and "
            "password stand in /etc/desahub/secrets/signature, as NAME:PASSWORD."
        ),
        example="https://esign.example.go.id",
        rule=_ADDRESS,
    )
    authority_file: str = option(
        about="The certificate authority (PEM) of the service, where it is not one that Debian trusts; else empty.",
        example="/etc/desahub/esign-ca.pem",
        rule=Rule(f"{FILE.allowed}, or empty", lambda v: v == "" or FILE.holds(v)),
        default="",
    )
    answer_seconds: int = option(
        about="How long one signature may take; after that the letter waits, or is signed by hand.",
        example=20,
        rule=between(3, 22, "seconds"),
        default=20,
    )
