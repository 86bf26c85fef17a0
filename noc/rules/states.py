"""How a hub was, for a span of time: the words of the timeline. Pure data."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Condition(enum.StrEnum):
    """How a hub is, for a span of time."""

    UP = "up"
    LINK = "link"
    UNUSABLE = "unusable"
    POWER = "power"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


class Cause(enum.StrEnum):
    """Why it is so."""

    NONE = ""
    NO_LINK = "no_link"
    NO_ADDRESS = "no_address"
    NO_GATEWAY = "no_gateway"
    NO_INTERNET = "no_internet"
    LINK_DOWN = "link_down"
    CAPTIVE = "captive"
    LOSS = "loss"
    SLOW = "slow"
    POWER_LOST = "power_lost"
    MODEM_WITHOUT_POWER = "modem_without_power"
    SWITCHED_OFF = "switched_off"
    REBOOT = "reboot"
    PLANNED = "planned"


class Basis(enum.StrEnum):
    """How the cause is known."""

    NONE = ""
    MEASURED = "measured"
    INFERRED = "inferred"


class Evidence(enum.StrEnum):
    """What a cause rests on, or why nothing is known."""

    UPLINK_STATE = "uplink_state"
    LOSS = "loss"
    SPEED_TEST = "speed_test"
    ON_BATTERY = "on_battery"
    UNDER_VOLTAGE = "under_voltage"
    BOOT_GAP = "boot_gap"
    UNCLEAN_SHUTDOWN = "unclean_shutdown"
    CLEAN_SHUTDOWN = "clean_shutdown"
    REBOOT_ASKED = "reboot_asked"
    WINDOW = "window"
    NO_RECORD = "no_record"
    NOT_TOLD = "not_told"
    CHANGED_UNSEEN = "changed_unseen"
    LAST_MOMENTS = "last_moments"
    NOT_EXPLAINED = "not_explained"


@dataclass(frozen=True, slots=True)
class State:
    """A condition with its cause, how that is known, and what it rests on."""

    condition: Condition
    cause: Cause = Cause.NONE
    basis: Basis = Basis.NONE
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start_ms`` up to but without ``end_ms`` the hub was so."""

    start_ms: int
    end_ms: int
    state: State

    @property
    def duration_ms(self) -> int:
        """How long."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Window:
    """Work that was planned and announced; it excuses what is down meanwhile, not what nobody knows."""

    start_ms: int
    end_ms: int


def unknown(why: Evidence) -> State:
    """Say that nobody knows, and why."""
    return State(Condition.UNKNOWN, evidence=(why,))


def measured(condition: Condition, cause: Cause, *evidence: Evidence) -> State:
    """Say what the box measured."""
    return State(condition, cause, Basis.MEASURED, evidence)


UP: Final = State(Condition.UP)
