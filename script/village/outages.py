"""Cuts whose truth is known, held against what the NOC says of them: the second part of what --check runs.

The second village's cable is pulled, its provider goes dead, its box loses its power; meanwhile the NOC's broker and
ingest are killed. The script's own clock knows when. What NOC staff read (``desahub-noc timeline``) must be that, to
the second where the design promises it, and the first village must not be touched by any of it.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from noc.rules.outages import LONG_MS
from noc.rules.states import Condition
from script.village import cables, hub, plan, power, truth
from script.village.machine import Machine
from script.village.plan import Place
from script.village.programs import Process, VillageError, run, start, wait_until
from script.village.truth import Found, Said, Truth
from script.village.village import Neighbour, Village
from script.village.walk import noc_answers, noc_says

CUT_SECONDS = 40
LONG_CUT_SECONDS = LONG_MS // 1000 + 10
DEAD_SECONDS = 30
DARK_SECONDS = 15
# A line that nobody uses is asked each 10 s while it is down (agent/line.py).
PROBED_SECONDS = 11
# A box that tried in vain for minutes waits up to 300 s before it tries again (agent/pace.py).
BACK_SECONDS = 400
# When the line answers again, seen by somebody else than the agent.
_OBSERVER = """
import socket, sys, time
while True:
    began = time.time()
    try:
        socket.create_connection((sys.argv[1], 80), 0.25).close()
    except OSError:
        time.sleep(0.02)
    else:
        print(began, flush=True)
        break
"""
_NOC_RECORDS = """
import json, pathlib, sys
from noc.store.sqlite import open_noc_store_reading
store = open_noc_store_reading(pathlib.Path("/var/lib/desahub-noc/noc.db"))
print(json.dumps([[r.record.boot_id, r.record.sequence] for r in store.records(sys.argv[1], 0, 2**62)]))
"""
_HUB_RECORDS = """
import json, sqlite3
db = sqlite3.connect("file:/var/lib/desahub-agent/outbox.db?mode=ro", uri=True)
print(json.dumps(db.execute("SELECT boot_id, sequence FROM record ORDER BY position").fetchall()))
"""
_DEAD_TABLE = "desa_dead_provider"


class Trial:
    """The cuts of one run, on the second hub. A box can lose its power only in the run that made it."""

    def __init__(self, village: Village, *, can_cut_power: bool, cut_seconds: int = CUT_SECONDS) -> None:
        self._village, self._can_cut_power, self._cut_seconds = village, can_cut_power, cut_seconds
        self._began = time.time()
        self.rows: list[tuple[Truth, Found]] = []

    @property
    def _neighbour(self) -> Neighbour:
        if self._village.neighbour is None:
            raise VillageError("this village has no neighbour: start it with --hubs 2")
        return self._village.neighbour

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """List the steps in their order."""
        power_cut = [("the power of the second box is cut", self.power_cut)] if self._can_cut_power else []
        return [
            ("the NOC knows both hubs", self.both_known),
            ("the second cable is pulled, and the NOC's broker and ingest are killed", self.cable_pulled),
            ("the second provider is dead behind its modem", self.provider_dead),
            *power_cut,
            ("the NOC's programs read the same", self.programs_read_the_same),
            ("every record came once", self.complete),
            ("the first hub was touched by nothing", self.first_untouched),
        ]

    def both_known(self) -> str:
        """Both are heard."""
        for place in plan.PLACES:
            wait_until(lambda: self._is_heard(place), f"the NOC to hear {place.hub_id}", seconds=60, pause_seconds=0.5)  # noqa: B023 - is called here
        self._began = time.time()
        return " and ".join(f"{place.village_name}, {place.kabupaten} ({place.zone})" for place in plan.PLACES)

    def cable_pulled(self) -> str:
        """A cable without a link is known at once, and that it is in again as soon as the provider gives an address."""
        link = ["ip", "-n", plan.NET, "link", "set", plan.SECOND.cable]
        units = ["desahub-noc-broker.service", "desahub-noc-ingest.service"]
        began = time.time()
        run([*link, "down"])
        try:
            time.sleep(5)
            self._inside_net("systemctl", "kill", "--signal=SIGKILL", *units)
            self._inside_net("systemctl", "stop", *units)
            self._first_is_not_called_down(began + self._cut_seconds / 2)
            self._inside_net("systemctl", "start", *units)
            self._first_is_not_called_down(began + self._cut_seconds)
        finally:
            ended = self._answered_again(lambda: run([*link, "up"]))
        said = self._held(Truth("cable pulled", Condition.LINK, began, ended))
        wait_until(lambda: self._is_heard(plan.FIRST), "the NOC to hear the first hub", seconds=90, pause_seconds=0.5)
        return said

    def provider_dead(self) -> str:
        """Behind a link that is there nothing answers: known by questions, and by whom nobody answers."""
        busy = self._a_phone_talks()
        rules = f"add table inet {_DEAD_TABLE}\n" + "".join(
            f"add chain inet {_DEAD_TABLE} {hook} {{ type filter hook {hook} priority -300; }}\n"
            f"add rule inet {_DEAD_TABLE} {hook} {side} {plan.SECOND.cable} drop\n"
            for hook, side in (("prerouting", "iifname"), ("output", "oifname"))
        )
        try:
            time.sleep(5)
            began = time.time()
            self._village.net.inside(["nft", "-f", "-"], text=rules)
            try:
                time.sleep(DEAD_SECONDS)
            finally:
                ended = self._answered_again(lambda: self._inside_net("nft", "delete", "table", "inet", _DEAD_TABLE))
            return self._held(
                Truth("provider dead", Condition.LINK, began, ended, begin_seconds=2, end_seconds=PROBED_SECONDS)
            )
        finally:
            busy.kill()
            busy.wait()

    def power_cut(self) -> str:
        """Of a power cut the begin is known within one interval of the box's records, its end by the next boot."""
        machine = self._neighbour.hub
        began = time.time()
        power.cut(machine)
        time.sleep(DARK_SECONDS)
        power.boot_hub_again(machine)
        machine.wait_active(*hub.UNITS)
        cables.plug_in(self._neighbour.phones, plan.SECOND)
        told = machine.inside(["systemctl", "show", "--value", "-p", "ActiveEnterTimestamp", "desahub-agent.service"])
        ended = datetime.datetime.strptime(told.strip(), "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=datetime.UTC)
        return self._held(Truth("power cut", Condition.POWER, began, ended.timestamp(), end_seconds=2))

    def programs_read_the_same(self) -> str:
        """The outages that the watch keeps, and the programming interface tells, are those of the timeline."""

        def missing() -> list[str]:
            told = noc_answers(self._village.net, f"v1/hubs/{plan.SECOND.hub_id}/outages")["outages"]
            assert isinstance(told, list)
            known = {(each["condition"], round(each["start_ms"] / 1000), round(each["end_ms"] / 1000)) for each in told}
            return [true.what for true, found in self.rows if (found.condition, found.begin_to, found.end) not in known]

        wait_until(lambda: not missing(), "the interface to tell of the same outages", seconds=60, pause_seconds=1)
        return f"{len(self.rows)} outages, begin and end as in the timeline"

    def complete(self) -> str:
        """What a hub still keeps of what it measured, and what the NOC has, is the same; each once."""
        counts = []
        machines = zip(plan.PLACES, (self._village.hub, self._neighbour.hub), strict=True)
        for place, machine in machines:
            measured = _pairs(machine, _HUB_RECORDS)
            wait_until(
                lambda: set(measured) <= set(self._noc_has(place)),  # noqa: B023 - is called here
                f"every record of {place.hub_id} to reach the NOC", seconds=BACK_SECONDS, pause_seconds=1,
            )  # fmt: skip
            kept = self._noc_has(place)
            # What was measured since it was asked is none of this.
            latest = dict(sorted(measured))
            known = {(boot, number) for boot, number in kept if number <= latest.get(boot, number)}
            if len(kept) != len(set(kept)) or not known <= set(measured):
                raise VillageError(f"{place.hub_id}: {len(kept)} records, {len(set(kept))} different, "
                                   f"{len(known - set(measured))} that it never made")  # fmt: skip
            counts.append(f"{place.hub_id} {len(measured)} records of {len({boot for boot, _ in measured})} boots")
        return "; ".join(counts)

    def first_untouched(self) -> str:
        """The NOC's timeline of the first hub knows of nothing meanwhile."""
        ended = time.time() - 10
        lines = [line for line in self._timeline(plan.FIRST) if line.end > self._began + 1 and line.start < ended]
        strange = [line for line in lines if line.condition is not Condition.UP]
        if strange:
            raise VillageError(f"{plan.FIRST.hub_id}: {strange}")
        return f"{plan.FIRST.hub_id} was up for all of {ended - self._began:.0f} s"

    def table(self) -> str:
        """Write truth and record beside each other."""
        return truth.table(self.rows, ZoneInfo(plan.SECOND.timezone))

    def _held(self, true: Truth) -> str:
        found: list[Found] = []

        def is_told() -> bool:
            found[:] = [each for each in [truth.find(self._timeline(plan.SECOND), true)] if each is not None]
            return bool(found)

        wait_until(is_told, f"the NOC to tell of it: {true}", seconds=BACK_SECONDS, pause_seconds=1)
        self.rows.append((true, found[0]))
        wrong = truth.faults(true, found[0])
        if wrong:
            raise VillageError(f"{'; '.join(wrong)}\n{self.table()}")
        return f"{true.ended - true.began:.0f} s, told as {found[0].end - found[0].begin_to} s of {true.sla_class}"

    def _answered_again(self, mend: Callable[[], object]) -> float:
        """Mend, and say when the line answered the first time after that."""
        observer = [str(plan.REPOSITORY / ".venv/bin/python"), "-c", _OBSERVER, plan.WEB_ADDRESS]
        mend()
        return float(run(["ip", "netns", "exec", plan.HUB_2, *observer], timeout_seconds=90))

    def _a_phone_talks(self) -> Process:
        namespace = self._neighbour.phones[0].namespace
        run(["ip", "netns", "exec", namespace, "curl", "-sSf", "-o", "/dev/null", "-X", "POST", "-d", "",
             f"http://{plan.PORTAL_HOST}/sambung"])  # fmt: skip
        ping = f"while :; do busybox ping -c 1 -W 1 {plan.WEB_ADDRESS} >/dev/null; sleep 0.2; done"
        return start(["ip", "netns", "exec", namespace, "sh", "-c", ping])

    def _first_is_not_called_down(self, until: float) -> None:
        while time.time() < until:
            state = noc_says(self._village.net, plan.FIRST.hub_id)["state"]
            if state not in ("online", "attention"):
                raise VillageError(f"the NOC calls {plan.FIRST.hub_id} {state}, and only its own broker was down")
            time.sleep(0.5)

    def _is_heard(self, place: Place) -> bool:
        now_ms = time.time() * 1000
        return float(str(noc_says(self._village.net, place.hub_id).get("last_record_time_ms") or 0)) > now_ms - 6_000

    def _noc_has(self, place: Place) -> list[tuple[str, int]]:
        return _pairs(self._village.net, _NOC_RECORDS, place.hub_id)

    def _timeline(self, place: Place) -> list[Said]:
        zone = ZoneInfo(place.timezone)
        months = sorted({f"{datetime.datetime.fromtimestamp(t, zone):%Y-%m}" for t in (self._began, time.time())})
        text = "".join(self._inside_net("desahub-noc", "timeline", place.hub_id, "--month", month) for month in months)
        return truth.read_timeline(text, zone)

    def _inside_net(self, *argv: str) -> str:
        return self._village.net.inside(argv)


def _pairs(machine: Machine, program: str, *argv: str) -> list[tuple[str, int]]:
    told = machine.inside(["/opt/desahub/bin/python", "-c", program, *argv])
    return [(boot_id, sequence) for boot_id, sequence in json.loads(told)]
