"""``[records]``: connection records, where the law asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.config.values import FILE
from appliance.core.errors import Problem
from appliance.core.schema import Rule, between, option


@dataclass(frozen=True, slots=True)
class Records:
    """``[records]``: connection records, where the law asks for them. Off by default."""

    enabled: bool = option(about="Whether connections are recorded.", example=False, default=False)
    public_key_file: str = option(
        about="The public key that records are encrypted to; who holds the private key reads them.",
        example="/etc/desahub/records.pub",
        rule=Rule(f"{FILE.allowed}, or empty", lambda v: v == "" or FILE.holds(v)),
        default="",
    )
    keep_days: int = option(
        about="After how many days records are dropped.", example=90, rule=between(1, 1_825, "days"), default=90
    )

    def problems(self) -> Iterator[Problem]:
        """Records are never kept unencrypted."""
        if self.enabled and not self.public_key_file:
            yield Problem(
                "public_key_file", "is missing", "needed where enabled = true: records are kept encrypted only"
            )
