"""``[accounts]``: what a resident's own account gives on the Wi-Fi, here and in the other villages of the district."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.core.config.values import SHORT_NAME
from appliance.core.schema import Rule, between, option

# What a district's code can say (docs/adr/0021); `captive_portal.vouchers.codes` has the same lists.
TRAVEL_MINUTES: Final = (30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880, 4_320, 7_200, 10_080)
TRAVEL_MEGABYTES: Final = (0, 50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000)


@dataclass(frozen=True, slots=True)
class Accounts:
    """``[accounts]``"""

    session_seconds: int = option(
        about="How long a device stays logged in, over several days too; then the PIN is asked again.",
        example=604_800,
        rule=between(3_600, 2_592_000, "seconds"),
        default=604_800,
    )
    daily_seconds: int = option(
        about=(
            "How long all devices of one account together may be in use on one day; 0 for no limit. A device that has "
            "sent nothing for two minutes is not in use."
        ),
        example=14_400,
        rule=Rule("allowed is 0 or 60 to 86400 seconds", lambda v: v == 0 or 60 <= v <= 86_400),
        default=14_400,
    )
    daily_megabytes: int = option(
        about="How much all devices of one account together may use on one day; 0 for no limit.",
        example=2_000,
        rule=between(0, 1_000_000, "megabytes (1,000,000 bytes)"),
        default=2_000,
    )
    speed: str = option(
        about="The name of a class in [[speeds]] for devices with an account; empty for the network's own.",
        example="biasa",
        rule=Rule(f"{SHORT_NAME.allowed}, or empty", lambda v: v == "" or SHORT_NAME.holds(v)),
        default="",
    )
    devices: int = option(
        about="How many devices one account is for at once.", example=2, rule=between(1, 8, "devices"), default=2
    )
    travel_minutes: int = option(
        about=(
            "How long a code for other villages of the district gives; 0 gives none. Codes are given only where this "
            "box has the district's key."
        ),
        example=240,
        rule=Rule(
            f"allowed are 0, {', '.join(map(str, TRAVEL_MINUTES))} minutes", lambda v: v == 0 or v in TRAVEL_MINUTES
        ),
        default=240,
    )
    travel_megabytes: int = option(
        about="How much such a code allows; 0 sets no bound.",
        example=1_000,
        rule=Rule(f"allowed are {', '.join(map(str, TRAVEL_MEGABYTES))} megabytes", lambda v: v in TRAVEL_MEGABYTES),
        default=1_000,
    )
    travel_valid_days: int = option(
        about="On how many days after today such a code can first be used. No box can withdraw one: keep it short.",
        example=7,
        rule=between(1, 30, "days"),
        default=7,
    )
    travel_wait_days: int = option(
        about="How many days after one such code a resident gets the next.",
        example=7,
        rule=between(1, 90, "days"),
        default=7,
    )
    travel_codes_per_day: int = option(
        about="How many such codes this box gives on one day at most, to all residents together.",
        example=20,
        rule=between(1, 1_000, "codes"),
        default=20,
    )
