"""``[agent]`` and ``[noc]``: what the box measures, and to whom it reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.config.values import HOST_OR_ADDRESS, TARGET
from appliance.core.errors import Problem
from appliance.core.probes import PROBE_HOSTS
from appliance.core.schema import Rule, between, option


@dataclass(frozen=True, slots=True)
class Agent:
    """``[agent]``"""

    interval_seconds: int = option(
        about="How often the box measures itself.", example=60, rule=between(1, 3600, "seconds"), default=60
    )
    batch_seconds: int = option(
        about="How long records wait to be sent together.",
        example=300,
        rule=between(1, 3600, "seconds"),
        default=300,
    )
    targets: tuple[str, ...] = option(
        about="Addresses whose answer proves that the uplink works: a TCP connection is opened to one after another.",
        example=["1.1.1.1:443", "9.9.9.9:443"],
        rule=TARGET,
        at_most=8,
        default=("1.1.1.1:443", "9.9.9.9:443"),
    )
    probe_kilobytes: int = option(
        about=(
            "What questions that cross the line may cost in any 24 hours, in kilobytes of 1,000 bytes; with less they "
            "are asked less often, with more the line is known better."
        ),
        example=300,
        rule=between(30, 100_000, "kB"),
        default=300,
    )
    web_probe: str = option(
        about="Whose question is asked over HTTP, to see whether somebody else answers: a host that phones ask too.",
        example="connectivitycheck.gstatic.com",
        rule=Rule(
            f"allowed are {', '.join(sorted(PROBE_HOSTS))}",
            lambda v: v in PROBE_HOSTS,
        ),
        default="connectivitycheck.gstatic.com",
    )
    outbox_megabytes: int = option(
        about=(
            "How much room unsent records may take; 64 are more than 30 days of them. Without room the oldest are "
            "thinned to one an hour, and only then dropped."
        ),
        example=64,
        rule=between(8, 4096, "MB"),
        default=64,
    )
    backlog_percent: int = option(
        about="The share of uplink.upload_kbit that records may take which waited while the line was down.",
        example=50,
        rule=between(1, 100, "percent"),
        default=50,
    )

    def problems(self) -> Iterator[Problem]:
        """Without a target nothing could be said about the uplink."""
        if not self.targets:
            yield Problem("targets", "is empty", "allowed is at least one address with its port")
        if self.batch_seconds < self.interval_seconds:
            yield Problem(
                "batch_seconds",
                f"is {self.batch_seconds}",
                f"allowed is at least interval_seconds, {self.interval_seconds}",
            )


@dataclass(frozen=True, slots=True)
class Noc:
    """``[noc]``: leave the whole section out for a box that reports to nobody."""

    host: str = option(
        about="The NOC's MQTT broker, by name or IPv4 address; its certificate must carry it.",
        example="noc.example.go.id",
        rule=HOST_OR_ADDRESS,
    )
    port: int = option(about="The broker's port for MQTT over TLS.", example=8883, rule=between(1, 65535), default=8883)
    enrolment_port: int = option(
        about="The port on the same host where the box gets and renews its certificate.",
        example=8443,
        rule=between(1, 65535),
        default=8443,
    )
