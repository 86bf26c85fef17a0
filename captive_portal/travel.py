"""Codes with which residents are online in the other villages of their district: made here, with the district's key.

A hub cannot ask another one who has an account there. But each hub with the key reads a district's voucher by itself
(docs/adr/0021), so that a resident takes one along. No hub can withdraw such a code, and whoever takes this box over
makes as many as they like: worth, life and number are the village's ``[accounts]``, counted here and not by the kiosk.

Called within a transaction; what is written is durable with it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from appliance.core.config.accounts import Accounts
from appliance.core.config.village import Timezone
from appliance.hotspot.protocol import Travel, TravelCode, TravelState
from appliance.store.database import Database
from captive_portal import local_time
from captive_portal.now import Now
from captive_portal.vouchers import codes
from captive_portal.vouchers.codes import DistrictCode

# Longer than any wait that hub.toml may set.
KEPT_DAYS: Final = 100


@dataclass(frozen=True, slots=True)
class Desk:
    """What codes are made by.

    Args:
        terms: the village's ``[accounts]``.
        key: the district's, None where this box has none.
        timezone: the village's, for days.
    """

    terms: Accounts
    key: bytes | None
    timezone: Timezone

    def standing(self, db: Database, reference: str, now: Now) -> Travel:
        """May this account have a code today?"""
        if self.key is None or not self.terms.travel_minutes:
            return Travel(TravelState.NOT_OFFERED)
        if not local_time.is_known(now):
            return Travel(TravelState.NO_DATE)  # a code without a last day would be worth its face for years
        today = local_time.date_of(now.wall_seconds, self.timezone)
        since = _plus(today, -self.terms.travel_wait_days)
        last = db.execute(
            # Also one of a day to come: a clock that was set back brings nobody a second one.
            "SELECT max(day) FROM travel_codes WHERE reference = ? AND day > ?",
            (reference, since),
        ).fetchone()[0]
        if last is not None:
            return Travel(TravelState.LATER, _plus(last, self.terms.travel_wait_days))
        given = db.execute("SELECT count(*) FROM travel_codes WHERE day = ?", (today,)).fetchone()[0]
        if given >= self.terms.travel_codes_per_day:
            return Travel(TravelState.LATER, _plus(today, 1))
        return Travel(TravelState.OFFERED)

    def make(self, db: Database, reference: str, now: Now) -> TravelCode | None:
        """Make an account its code, and write down that it has it; None where `standing` offers none.

        Once more on the same day it is the same code: a button that is pressed twice, or an answer that never arrived,
        would else cost its owner the code of a week.
        """
        state = self.standing(db, reference, now).state
        if self.key is None or state not in (TravelState.OFFERED, TravelState.LATER):
            return None
        today = local_time.date_of(now.wall_seconds, self.timezone)
        if state is TravelState.OFFERED:
            db.execute("DELETE FROM travel_codes WHERE day < ?", (_plus(today, -KEPT_DAYS),))
            db.execute("INSERT INTO travel_codes (reference, day) VALUES (?, ?)", (reference, today))
        elif not self._had_one(db, reference, today):
            return None
        last_day = min(
            datetime.date.fromisoformat(_plus(today, self.terms.travel_valid_days)), codes.DISTRICT_LAST_DAY_MAX
        )
        # As if at random: hubs do not know each other's numbers, and of 16 million two are rarely one.
        batch, serial = codes.numbers_of(self.key, f"{reference} {today}")
        what = DistrictCode(
            batch, serial, last_day, self.terms.travel_minutes, self.terms.travel_megabytes, devices=1, speed_level=0
        )
        code = codes.printed(codes.make_district(self.key, what))
        return TravelCode(code, what.minutes, what.megabytes, last_day.isoformat())

    def _had_one(self, db: Database, reference: str, today: str) -> bool:
        found = db.execute("SELECT 1 FROM travel_codes WHERE reference = ? AND day = ?", (reference, today))
        return found.fetchone() is not None


def _plus(day: str, days: int) -> str:
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()
