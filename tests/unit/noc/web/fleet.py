"""A made-up fleet of 60 hubs in three provinces and three time zones, for tests of pages and for looking at them.

Of most hubs there is what the watch and people wrote; `DETAILED` and `SILENT` have also said something themselves.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.clock import WallQuality
from appliance.core.report import Number, Record
from noc.fleet import HubState
from noc.fleet_book.contract import Asset, Card, Contact, Day, FleetBook, Followed, Standing, Visit
from noc.rules.alert_state import Deed, Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.history import observe
from noc.rules.outages import Outage, outages
from noc.rules.problems import Problem
from noc.rules.reading import Terms
from noc.rules.sla import SlaClass
from noc.rules.states import Basis, Cause, Condition, Evidence
from noc.rules.timeline import timeline
from noc.store.contract import Arrivals, ArrivedRecord, Hub, NocStore
from tests.unit.noc.seed import BOOT, NOW_MS, batches, born, samples

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
DAYS: Final = 90
DETAILED: Final = "hub-51030101"  # spoke until now, with a cut of the line, a power cut and a gap
SILENT: Final = "hub-51030201"  # fell silent three hours ago with its kecamatan
NEVER: Final = "hub-33010205"
DARK_DISTRICT: Final = "51.03.02"
DEED: Final = Deed(NOW_MS - DAYS * DAY_MS, "admin", "import", "contoh")
AREA_NAMES: Final = {
    "33": "Jawa Tengah", "33.01": "Cilacap", "33.01.01": "Kedungreja", "33.01.02": "Kesugihan",
    "33.02": "Banyumas", "33.02.01": "Lumbir", "33.02.02": "Wangon",
    "51": "Bali", "51.03": "Badung", "51.03.01": "Kuta Selatan", "51.03.02": "Petang",
    "51.07": "Karangasem", "51.07.01": "Rendang", "51.07.02": "Sidemen",
    "94": "Papua Tengah", "94.01": "Nabire", "94.01.01": "Napan", "94.01.02": "Yaur",
    "94.02": "Puncak Jaya", "94.02.01": "Mulia", "94.02.02": "Ilu",
}  # fmt: skip
_ZONES: Final = {"33": "Asia/Jakarta", "51": "Asia/Makassar", "94": "Asia/Jayapura"}
_VILLAGES: Final = ("Sukamaju", "Karanganyar", "Wonosari", "Tanjung Harapan", "Muara Enim Ilir")
_PROVIDERS: Final = ("Telkom", "Satelit Nusantara", "Lintas Desa")


@dataclass(frozen=True, slots=True)
class Made:
    """One hub of the fleet as it is told to the book."""

    card: Card
    standing: Standing


def fleet() -> Iterator[Made]:
    """Make the 60 hubs: five villages in each of twelve kecamatan."""
    districts = [code for code in AREA_NAMES if len(code) == len("33.01.01")]
    for i, (code, number) in enumerate(itertools.product(districts, range(1, 6))):
        card = Card(
            f"hub-{code.replace('.', '')}{number:02d}",
            f"{_VILLAGES[number - 1]} {AREA_NAMES[code]}",
            f"{code}.{2000 + number}",
            _ZONES[code[:2]],
            residents=None if number == 4 else 1_200 + 137 * i,
            provider=_PROVIDERS[i % 3],
            upstream=f"menara-{code}",
            download_kbit=10_000,
            upload_kbit=2_000,
        )
        yield Made(card, _standing(card, i))


def _standing(card: Card, i: int) -> Standing:
    if card.hub_id == NEVER:
        return Standing(card.hub_id, HubState.NEVER, (), None, None, None)
    is_dark = card.kode_wilayah.startswith(DARK_DISTRICT)
    if is_dark or i % 14 == 9:
        ago_ms = 3 * HOUR_MS if is_dark else (i + 1) * 7 * HOUR_MS
        heard_ms = NOW_MS - ago_ms
        return Standing(
            card.hub_id, HubState.NO_CONTACT, (Problem.NO_CONTACT,), heard_ms + 450_000, heard_ms, heard_ms,
            software_version="1.0.0", configuration_fingerprint="3f9a1c22b0de", used_ms=heard_ms,
        )  # fmt: skip
    kinds = {3: (Problem.UPLINK_DOWN,), 6: (Problem.DISK_FULL, Problem.HOT), 11: (Problem.UNIT_FAILED,)}
    problems = kinds.get(i % 13, ())
    return Standing(
        card.hub_id,
        HubState.ATTENTION if problems else HubState.ONLINE,
        problems,
        NOW_MS - (i % 9 + 1) * 5 * HOUR_MS,
        NOW_MS - (i % 5) * MINUTE_MS,
        NOW_MS - (i % 5) * MINUTE_MS,
        clients_online=i % 17,
        uptime_seconds=(i % 9 + 1) * 18_000,
        received_kbit=800 + 90 * i,
        sent_kbit=90 + 10 * i,
        round_trip_ms=600 if card.kode_wilayah.startswith("94") else 25 + i,
        software_version="1.0.0",
        configuration_fingerprint="3f9a1c22b0de",
        used_ms=NOW_MS - (i % 5) * MINUTE_MS,
    )


def seed_fleet(store: NocStore, book: FleetBook) -> None:
    """Fill both: inventory, cards, standings, 90 days, outages, two incidents, people and things of `DETAILED`."""
    made = list(fleet())
    for each in made:
        card = each.card
        store.add_hub(Hub(card.hub_id, card.name, card.kode_wilayah, card.timezone))
    book.put_area_names(AREA_NAMES, DEED)
    book.put_cards([each.card for each in made], DEED)
    said = {hub_id: _said(store, hub_id, ago_ms) for hub_id, ago_ms in ((DETAILED, 0), (SILENT, 3 * HOUR_MS))}
    book.put_followed([_followed(i, each, said.get(each.card.hub_id, [])) for i, each in enumerate(made)], "contoh")
    book.put_standings([each.standing for each in made], NOW_MS)
    book.make_headlines(NOW_MS)
    dark = frozenset(each.card.hub_id for each in made if each.card.kode_wilayah.startswith(DARK_DISTRICT))
    full = next(each for each in made if Problem.DISK_FULL in each.standing.problems)
    book.put_incidents([_incident(1, GroupKind.DISTRICT, DARK_DISTRICT, Problem.NO_CONTACT, dark)], [], NOW_MS)
    alone = frozenset((full.card.hub_id,))
    book.put_incidents([_incident(2, GroupKind.HUB, full.card.hub_id, Problem.DISK_FULL, alone)], [], NOW_MS)
    for hub_id in (DETAILED, *sorted(dark)):
        book.put_contact(Contact(0, hub_id, "I Wayan Sudarma", "Kepala desa", "+62 812-0000-0001", 0), DEED)
        book.put_contact(Contact(0, hub_id, "Ni Made Ayu", "Operator hub", "+62 812-0000-0002", 1), DEED)
    book.put_asset(Asset(0, DETAILED, "Modem", "LTE CAT6", "SN-0071", "2026-01-12"), DEED)
    book.put_visit(Visit(0, DETAILED, "2026-05-02", "Teknisi Ketut", "Mengganti catu daya dan merapikan kabel."), DEED)


def _incident(number: int, kind: GroupKind, name: str, problem: Problem, hubs: frozenset[str]) -> Incident:
    since_ms = NOW_MS - 3 * HOUR_MS + 450_000
    return Incident(number, Group(kind, name), problem, since_ms, since_ms + MINUTE_MS, hubs, hubs)


def _said(store: NocStore, hub_id: str, ago_ms: int) -> list[ArrivedRecord]:
    records = list(records_of(hub_id, NOW_MS - ago_ms))
    received_ms = records[-1].received_ms
    store.commit(Arrivals(batches(records, 30), [born(hub_id, received_ms)]))
    while store.project(1_000):
        pass
    while store.roll_up(NOW_MS, 1_000):
        pass
    return records


def records_of(hub_id: str, end_ms: int, minutes: int = 1_440) -> Iterator[ArrivedRecord]:
    """A day of one-minute records: a cut of the line, a power cut of 25 minutes with a new boot, and a gap."""
    power_cut = range(700, 725)
    for minute in range(minutes + 1):
        if minute in power_cut or 1_000 <= minute < 1_060:
            continue
        is_second = minute >= power_cut.stop
        boot, booted = ("f" * 32, power_cut.stop - 1) if is_second else (BOOT, -5_000)
        boottime_ms = (minute - booted) * MINUTE_MS
        is_first = minute == power_cut.stop
        sequence = minute - booted + MINUTE_MS - 1 if is_second else minute + 5_000
        time_ms = end_ms - (minutes - minute) * MINUTE_MS
        told = _samples(minute, is_cut=300 <= minute < 340, boots=4 if is_second else 3)
        if is_first:
            told |= {"event.boot": 1, "boot_reason": 2}
        yield ArrivedRecord(
            hub_id, Record(boot, sequence, boottime_ms, time_ms, WallQuality.NTP, told), time_ms, time_ms
        )


def _samples(minute: int, *, is_cut: bool, boots: int) -> dict[str, Number | None]:
    wave = 2.2 + math.sin(minute / 130) + math.sin(minute / 17) / 3
    told = samples(minute, boots=boots, uplink_state=0 if is_cut else 5, uplink_up=int(not is_cut))
    told |= {
        "interface_received_peak_kbit.uplink": int(2_400 * wave),
        "interface_sent_peak_kbit.uplink": int(400 * wave),
        "uplink_latency_ms.t1": None if is_cut else int(22 * wave),
        "uplink_latency_ms.t2": None if is_cut else int(31 * wave),
        "uplink_jitter_ms.t1": None if is_cut else int(2 * wave),
        "uplink_jitter_ms.t2": None if is_cut else int(3 * wave),
        "uplink_loss_permille.t1": 1000 if is_cut else minute % 7,
        "uplink_loss_permille.t2": 1000 if is_cut else minute % 5,
        "logins": minute // 20,
        "refusals": minute // 300,
        "temperature_celsius": 48 + 3 * wave,
        "configuration_matches": 1,
        "unit_failed_count": 0,
    }
    if minute % 5 == 0:
        told |= {"unit_state.filter_service": 0}
    return told


def _followed(i: int, made: Made, records: list[ArrivedRecord]) -> Followed:
    hub_id, zone = made.card.hub_id, ZoneInfo(made.card.timezone)
    today = datetime.datetime.fromtimestamp(NOW_MS / 1000, zone).date()
    is_never = made.standing.state is HubState.NEVER
    days = [] if is_never else [_day(hub_id, i, today, ago) for ago in range(DAYS)]
    since_ms = NOW_MS - DAYS * DAY_MS
    history = observe(records, Terms())
    if records:
        found = list(outages(timeline(history, Terms(), NOW_MS - DAY_MS, NOW_MS)))
    else:
        found = [] if is_never else [_outage(NOW_MS - (5 * ago + i % 5) * DAY_MS, i) for ago in range(1, 18)]
    return Followed(hub_id, history, since_ms, found, days)


def _outage(end_ms: int, i: int) -> Outage:
    seconds = 240 + 1_100 * (i % 7)
    start_ms = end_ms - seconds * 1000
    if i % 2:
        gap = (Evidence.BOOT_GAP, Evidence.UNCLEAN_SHUTDOWN)
        return Outage(start_ms, end_ms, Condition.POWER, Cause.POWER_LOST, Basis.INFERRED, gap, True, True)
    told = (Evidence.UPLINK_STATE,)
    return Outage(start_ms, end_ms, Condition.LINK, Cause.NO_INTERNET, Basis.MEASURED, told, True, True)


def _day(hub_id: str, i: int, today: datetime.date, ago: int) -> Day:
    length = 73_600 if ago == 0 else 86_400
    seconds = dict.fromkeys(SlaClass, 0)
    seconds[SlaClass.AHEAD] = 86_400 - length
    cut = (i * 37 + ago * 53) % 11
    seconds[SlaClass.LINK_LONG] = 1_900 if cut == 3 else 0
    seconds[SlaClass.LINK_SHORT] = 180 if cut in (2, 3) else 0
    seconds[SlaClass.POWER] = 5_400 if cut == 7 else 0
    seconds[SlaClass.UNUSABLE] = 1_200 if cut == 9 else 0
    seconds[SlaClass.MAINTENANCE] = 3_600 if (ago + i) % 45 == 30 else 0
    seconds[SlaClass.UNKNOWN] = length // 2 if 40 <= ago < 43 else 0
    seconds[SlaClass.UP] = length - sum(
        amount for each, amount in seconds.items() if each not in (SlaClass.AHEAD, SlaClass.UP)
    )
    return Day(
        hub_id,
        (today - datetime.timedelta(days=ago)).isoformat(),
        seconds,
        long_cuts=int(cut == 3),
        short_cuts=int(cut in (2, 3)),
        received_bytes=2_000_000_000 + 7_000_000 * i,
        sent_bytes=210_000_000 + 700_000 * i,
        clients_peak=14 + i % 9,
        logins=35 + i % 20,
    )
