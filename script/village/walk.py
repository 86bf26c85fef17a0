"""The walk of one resident through the village, from no internet to the NOC's list: what --check runs.

Each step does what a person or a phone would do and says what it saw. All run in the phone's or the machine's own
namespace, through the same commands that a developer has.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.core.probes import PROBES
from script.village import plan
from script.village.programs import VillageError, wait_until
from script.village.village import Village

DOWNLOAD_BYTES = 24 * 1024 * 1024
# Totals in the NOC's answer: what went to the phones' network, behind the shaper's queue, and what the uplink brought.
_TO_THE_NETWORK, _UPLINK = "interface_sent_bytes.net_warga", "interface_received_bytes.uplink"
_CURL = ("curl", "-s", "--fail", "--max-time", "2", "-o", "/dev/null")
# Ways out other than port 80, which is led to the portal.
ATTEMPTS: tuple[tuple[str, ...], ...] = (
    (*_CURL, f"http://{plan.WEB_ADDRESS}:443/"),
    (*_CURL, f"http://{plan.WEB_ADDRESS}:8123/"),
    ("busybox", "ping", "-c", "1", "-W", "1", plan.WEB_ADDRESS),
)


@dataclass
class Walk:
    """One resident's walk with one phone."""

    village: Village
    number: int = 1

    def phone(self, *argv: str, timeout_seconds: float = 30) -> str:
        """Run a command in the phone."""
        return self.village.phone(self.number, *argv, timeout_seconds=timeout_seconds)

    def fetch(self, url: str, *options: str) -> tuple[int, str, str]:
        """Ask for a page as the phone: status, redirect target, body."""
        mark = "\n--desa--"
        written = self.phone(
            "curl", "-sS", "--max-time", "10", "-w", f"{mark}%{{http_code}} %{{redirect_url}}", *options, url
        )
        body, _, last = written.rpartition(mark)
        status, _, target = last.partition(" ")
        return int(status), target, body

    def _gets_out(self, attempt: Sequence[str]) -> bool:
        try:
            self.phone(*attempt)
        except VillageError:
            return False
        return True

    def closed_before_login(self) -> str:
        """Nothing of the internet is reached before login; that these same attempts work is shown after it."""
        for attempt in ATTEMPTS:
            if self._gets_out(attempt):
                raise VillageError(f"before login this got through: {' '.join(attempt)}")
        return f"{len(ATTEMPTS)} attempts on web ports and by ping end at the hub"

    def probes_redirected(self) -> str:
        """Every known probe, and any other host, is led to the portal."""
        portal = f"http://{plan.PORTAL_HOST}/"
        urls = [f"http://{probe.host}{probe.path}" for probe in PROBES] + ["http://anything.example/some/page?x=1"]
        for url in urls:
            status, target, _ = self.fetch(url)
            if status != 302 or not target.startswith(portal):
                raise VillageError(f"{url}: {status} to {target!r}, expected 302 to {portal}")
        return f"{len(urls)} addresses, each 302 to {portal}"

    def portal_page(self) -> str:
        """The portal's page names the village and asks one question."""
        status, _, body = self.fetch(f"http://{plan.PORTAL_HOST}/")
        if status != 200 or plan.VILLAGE_NAME not in body or "Sambungkan" not in body:
            raise VillageError(f"the portal's page: status {status}\n{body[:500]}")
        return f"{len(body.encode())} bytes, in Indonesian, names Desa {plan.VILLAGE_NAME}"

    def accept(self) -> str:
        """One tap on Sambungkan."""
        status, target, body = self.fetch(f"http://{plan.PORTAL_HOST}/sambung", "-X", "POST", "-d", "")
        if status != 303 or not target.endswith("/status"):
            raise VillageError(f"accepting: status {status} to {target!r}\n{body[:500]}")
        status, _, body = self.fetch(target)
        if status != 200:
            raise VillageError(f"the status page: {status}\n{body[:500]}")
        return "accepted; the status page answers"

    def internet_after(self) -> str:
        """After login the probes' true answers pass, pages load, and what was held back gets through."""
        for probe in PROBES:
            status, _, body = self.fetch(f"http://{probe.host}{probe.path}")
            if status != probe.status or body != probe.body:
                raise VillageError(
                    f"{probe.host}{probe.path}: {status} {body!r}, expected {probe.status} {probe.body!r}"
                )
        status, _, body = self.fetch("http://berita.example/")
        if status != 200 or "the internet" not in body:
            raise VillageError(f"a page of the internet: {status} {body!r}")
        for attempt in ATTEMPTS:
            if not self._gets_out(attempt):
                raise VillageError(f"after login this does not get through: {' '.join(attempt)}")
        return f"{len(PROBES)} probes get their true answers, pages load, {len(ATTEMPTS)} attempts get through"

    def kiosk_page(self) -> str:
        """The kiosk answers with the village's own name and data."""
        status, _, body = self.fetch(f"http://{plan.KIOSK_HOST}/")
        if status != 200 or plan.VILLAGE_NAME not in body:
            raise VillageError(f"the kiosk's page: {status}\n{body[:500]}")
        return f"{len(body.encode())} bytes, names Desa {plan.VILLAGE_NAME}"

    def noc_sees_the_hub(self) -> str:
        """The NOC lists the hub as online, with its uptime."""
        seen: dict[str, object] = {}

        def online() -> bool:
            seen.update(self._noc())
            told = seen.get("uptime_seconds")
            if seen.get("state") != "online" or told is None:
                return False
            # After a cut the newest record waits for the agent to connect again, with full jitter.
            return abs(time.clock_gettime(time.CLOCK_BOOTTIME) - float(str(told))) <= 30

        wait_until(online, "the NOC to list the hub as online with its uptime", seconds=30, pause_seconds=0.5)
        true_uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        told = float(str(seen["uptime_seconds"]))
        return f"online, uptime {told:.0f} s (the machine: {true_uptime:.0f} s)"

    def noc_counts_the_bytes(self) -> str:
        """A download makes the NOC's figure for the network grow by what the phone got, within 5 %.

        Its figure for the uplink grows by what the internet sent. That is more: TCP sends again what the shaper's queue
        dropped before it knew the line's speed.
        """
        before, sent_before = self.settled(), self._sent_by_the_internet()
        size = self.phone(
            "curl", "-sS", "--max-time", "60", "-o", "/dev/null", "-w", "%{size_download}",
            "-r", f"0-{DOWNLOAD_BYTES - 1}", "http://unduh.example/bytes", timeout_seconds=70,
        )  # fmt: skip
        # The internet's catch-all server has the file under any name; a probe's server would not.
        downloaded = int(size)
        if downloaded != DOWNLOAD_BYTES:
            raise VillageError(f"the phone downloaded {downloaded} bytes of {DOWNLOAD_BYTES}")
        wait_until(
            lambda: _counted(self._noc(), _TO_THE_NETWORK) - _counted(before, _TO_THE_NETWORK) >= 0.95 * downloaded,
            "the NOC to hear of the download", seconds=30,
        )  # fmt: skip
        after, sent = self.settled(), self._sent_by_the_internet() - sent_before
        delivered, received = (_counted(after, name) - _counted(before, name) for name in (_TO_THE_NETWORK, _UPLINK))
        said = (
            f"the phone got {downloaded} bytes, the NOC counted {delivered}, ratio {delivered / downloaded:.3f}; "
            f"the internet sent {sent}, the NOC counted {received}, ratio {received / sent:.3f}"
        )
        # A full frame is 1,514 bytes for 1,448 of the file: 1.046 is exact, and less is wrong.
        if not (1 <= delivered / downloaded <= 1.05 and 0.99 <= received / sent <= 1.01):
            raise VillageError(said)
        return said

    def _noc(self) -> dict[str, object]:
        token = self.village.net.inside(["cat", "/var/lib/desahub-noc/web/api.token"]).strip()
        text = self.village.net.inside(
            ["curl", "-sS", "--max-time", "5", "-H", "@-", f"http://127.0.0.1:8090/api/hubs/{plan.HUB_ID}"],
            text=f"Authorization: Bearer {token}\n",
        )
        try:
            document: dict[str, object] = json.loads(text)
        except ValueError:
            raise VillageError(f"the NOC's answer is not JSON: {text[:300]}") from None
        return document

    def _sent_by_the_internet(self) -> int:
        # /sys shows the interfaces of whoever mounted it; the ninth figure is what was sent (proc(5)).
        lines = self.village.net.inside(["cat", "/proc/net/dev"]).splitlines()
        return next(int(line.split(":")[1].split()[8]) for line in lines if line.strip().startswith("hub0:"))

    def settled(self) -> dict[str, object]:
        """What the NOC says once a record that is newer than this moment has arrived."""
        asked = self._noc().get("last_record_time_ms")
        now_ms = time.time() * 1000
        newest: list[dict[str, object]] = []

        def newer() -> bool:
            newest[:] = [self._noc()]
            return float(str(newest[0].get("last_record_time_ms") or 0)) > now_ms

        wait_until(newer, f"a record newer than {asked}", seconds=30, pause_seconds=0.3)
        return newest[0]

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """List the steps in their order."""
        return [
            ("before login there is no internet", self.closed_before_login),
            ("each probe is led to the portal", self.probes_redirected),
            ("the portal's page", self.portal_page),
            ("the resident accepts", self.accept),
            ("after login there is internet", self.internet_after),
            ("the kiosk's page", self.kiosk_page),
            ("the NOC lists the hub", self.noc_sees_the_hub),
            ("the NOC counts the bytes of a download", self.noc_counts_the_bytes),
        ]


def check(village: Village, *, keep_going: bool) -> int:
    """Walk; print a line for each step; return 0 when all held, 1 otherwise."""
    failed = 0
    steps = Walk(village).steps()
    for number, (title, step) in enumerate(steps, 1):
        started = time.monotonic()
        try:
            said = step()
        except VillageError as error:
            failed += 1
            print(f"FAIL {number}/{len(steps)} {title}: {error}", flush=True)
            if not keep_going:
                break
        else:
            print(f"ok   {number}/{len(steps)} {title}: {said} ({time.monotonic() - started:.1f} s)", flush=True)
    print("The village holds." if not failed else f"{failed} step(s) failed.", flush=True)
    return 1 if failed else 0


def _counted(document: dict[str, object], name: str) -> int:
    samples = document.get("samples")
    return int(samples.get(name) or 0) if isinstance(samples, dict) else 0
