"""What the NOC's pages take with the whole country in them: p95 and bytes of each, and the SLA of a province's month.

83,762 hubs with real area codes; 90 days of days, outages and their sums; minute data of one kecamatan; seven days of
hours of those hubs and of every twentieth other (all of them would be 8 GB, and a page reads one hub's). The pages are
those of the application's own map of addresses, served by ``python -m noc.web`` as its unit does: a new one is measured
by itself, one whose address needs a word that is not in `SAMPLES` is told as not measured.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from flask import Flask
from werkzeug.routing import Rule

from appliance.core.clock import WallQuality
from appliance.core.report import Record
from noc import setup
from noc.fleet_book.sqlite import SqliteFleetBook, open_fleet_book
from noc.places import Places
from noc.store import rollup
from noc.store.contract import Arrivals, ArrivedRecord, Hub
from noc.store.sqlite import SqliteNocStore, open_noc_store
from noc.web import create_app
from tests.bench import figures, fleet_years
from tests.bench.country import Country, country
from tests.bench.figures import Figure
from tests.bench.hours import fill_hours
from tests.integration.conftest import free_port, wait_for
from tests.unit.noc.seed import BOOT, batches, born, samples
from tests.unit.noc.web import staff

PROVINCE: Final = "33"
MINUTES: Final = 2 * 1_440
REQUESTS: Final = 40
PAGE_MS_MAX: Final = 100
PAGE_KB_MAX: Final = 150
SLA_SECONDS_MAX: Final = 5
# Addresses that page authors meant to be opened with more than their path.
QUERIES: Final[Mapping[str, Sequence[Mapping[str, str]]]] = {
    "/": ({"q": "suka"}, {"q": "a"}, {"state": "no_contact"}, {"area": PROVINCE}, {"hal": "3000"}),
    "/insiden": ({"area": PROVINCE}, {"hari": "90"}),
    "/insiden/<int:number>": ({"bagian": "back"}, {"bagian": "unknown"}),
    "/sla": ({"area": PROVINCE}, {"hal": "3000"}),
    "/hub/<hub_id>": ({"rentang": "7h"}, {"rentang": "30h"}),
}
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came for one address: how long each request took, and the last answer."""

    milliseconds: Sequence[float]
    status: int
    kind: str
    kilobytes: float


def main() -> int:
    """Measure and print."""
    return figures.run("What the NOC's pages take with 83,762 hubs", measure)


def measure(say: Callable[[str], None]) -> Sequence[Figure]:
    """Make a country, serve it, and open every page."""
    with tempfile.TemporaryDirectory(prefix="desa-dashboard-") as name, contextlib.ExitStack() as undo:
        places = Places(Path(name) / "etc", Path(name) / "var")
        setup.initialise(places, ["localhost"], datetime.datetime.now(datetime.UTC))
        store = undo.enter_context(contextlib.closing(open_noc_store(places.store)))
        book = undo.enter_context(contextlib.closing(open_fleet_book(places.fleet_book)))
        found = country(say)
        say(f"making {len(found.villages):,} hubs with {found.source}")
        hub_id = fill(store, book, places, found, say)
        return measure_pages(places, store, book, hub_id, say)


def measure_pages(
    places: Places, store: SqliteNocStore, book: SqliteFleetBook, hub_id: str, say: Callable[[str], None]
) -> Sequence[Figure]:
    """Serve what is in the stores as the unit does, and open every page; ``hub_id`` is one with minute data."""
    app = create_app(places, store, book)
    cookie = _log_in(app, places)
    port = free_port()
    with contextlib.ExitStack() as undo:
        undo.callback(_end, _serve(places, port))
        wait_for(lambda: _get(port, "/", cookie).status != 0, 60, "the pages")
        book.put_standings([], time.time_ns() // 1_000_000)
        card = book.card(hub_id)
        if card is None:
            raise RuntimeError(f"{hub_id} is not in the fleet book")
        return [*_pages(app, port, cookie, _samples(hub_id, card.kode_wilayah[:8]), say), *_sla(port, cookie, say)]


def fill(
    store: SqliteNocStore, book: SqliteFleetBook, places: Places, found: Country, say: Callable[[str], None]
) -> str:
    """Write both stores; returns a hub that has minute data."""
    now_ms = time.time_ns() // 1_000_000
    fleet_years.fill(book, places.fleet_book, found, now_ms, say)
    cards = book.cards()
    store.put_hubs([Hub(card.hub_id, card.name, card.kode_wilayah, card.timezone) for card in cards])
    first = next(card.kode_wilayah for card in cards if card.kode_wilayah.startswith(f"{PROVINCE}."))
    told = [card.hub_id for card in cards if card.kode_wilayah.startswith(first[:9])]
    for number, hub_id in enumerate(told):
        records = list(_records(hub_id, now_ms, 7 * number))
        store.commit(Arrivals(batches(records, 60), [born(hub_id, now_ms - 60_000)]))
    while store.project(1_000):
        pass
    while store.roll_up(now_ms, 1_000):
        pass
    say(f"minutes of {len(told)} hubs of {first[:8]} are in the store")
    hours = store.hours(told[0], now_ms - 7 * fleet_years.DAY_MS, now_ms)
    others = [card.hub_id for card in cards[::20] if card.hub_id not in told]
    fill_hours(places.store, others, now_ms, rollup.pack(hours[len(hours) // 2].samples))
    say(f"hours of {len(others)} other hubs are in the store")
    return told[0]


def _records(hub_id: str, now_ms: int, shift: int) -> Iterator[ArrivedRecord]:
    for minute in range(MINUTES):
        time_ms = now_ms - (MINUTES - minute) * 60_000
        told = samples(minute + shift, uplink_state=5)
        record = Record(BOOT, minute + 1, (minute + 1) * 60_000, time_ms, WallQuality.NTP, told)
        yield ArrivedRecord(hub_id, record, time_ms, time_ms)


def _log_in(app: Flask, places: Places) -> str:
    """Make an administrator, and the cookie of a browser in which it has logged in."""
    staff.add(places, "bench", "admin")
    client = app.test_client()
    if staff.send(client, "/masuk", name="bench", password=staff.PASSWORD).status_code != 303:
        raise RuntimeError("nobody can log in")
    if client.get("/sandi").headers.get("Location") == "/masuk/telepon":
        staff.take_telephone(client, int(time.time()))
    found = client.get("/")
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    if found.status_code != 200 or cookie is None:
        raise RuntimeError(f"the first page answers {found.status_code} to somebody who has logged in")
    return f"{cookie.key}={cookie.value}"


def _serve(places: Places, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "noc.web", "--state", str(places.state), "--bind", f"127.0.0.1:{port}"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)


def _samples(hub_id: str, district: str) -> dict[str, Sequence[str]]:
    month = datetime.datetime.now(datetime.UTC).strftime("%Y-%m")
    return {
        "code": (PROVINCE, district[:5], district),
        "hub_id": (hub_id, fleet_years.hub_name(2)),
        "number": ("1", "2"),
        "problem": ("no_contact",),
        "name": ("bench",),
        "month": (month,),
    }


def _addresses(rule: Rule, said: Mapping[str, Sequence[str]]) -> list[str]:
    """Addresses of a page: one for each sample of its first word, and those with more than a path."""
    made = []
    for place in range(max((len(said[name]) for name in rule.arguments), default=1)):
        values = {name: said[name][min(place, len(said[name]) - 1)] for name in rule.arguments}
        built = rule.build(values, append_unknown=False)
        if built is None:
            raise ValueError(f"{rule.rule} takes no {values}")
        made.append(built[1])
    return [*made, *(f"{made[0]}?{urlencode(query)}" for query in QUERIES.get(rule.rule, ()))]


def _pages(
    app: Flask, port: int, cookie: str, said: Mapping[str, Sequence[str]], say: Callable[[str], None]
) -> Iterator[Figure]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        is_file = rule.endpoint == "static" or rule.rule.startswith("/static")
        if "GET" not in (rule.methods or ()) or is_file or "keluar" in rule.rule:
            continue
        unknown = sorted(name for name in rule.arguments if name not in said)
        if unknown:
            say(f"{rule.rule} is not measured: there is no sample of {', '.join(unknown)}")
            continue
        for address in _addresses(rule, said):
            yield from _page(port, address, cookie, say)


def _page(port: int, address: str, cookie: str, say: Callable[[str], None]) -> Iterator[Figure]:
    once = _get(port, address, cookie)
    if once.status in _REDIRECTS or once.status in (400, 404, 405):
        # What sends elsewhere, or wants more words than there are samples of.
        say(f"{address} answers {once.status} and is not measured")
        return
    is_page = once.kind.startswith(("text/html", "image/svg", "application/json"))
    if not is_page:
        yield Figure(f"{address} once", once.milliseconds[0], "ms", "-", None, "", None)
        return
    answer = _get(port, address, cookie, REQUESTS)
    milliseconds = figures.p95(answer.milliseconds)
    good = answer.status == 200
    yield Figure(
        f"{address} p95", milliseconds, "ms", "-", None, f"<= {PAGE_MS_MAX}", good and milliseconds <= PAGE_MS_MAX
    )
    yield Figure(
        f"{address} size", answer.kilobytes, "kB", "-", None, f"<= {PAGE_KB_MAX}",
        good and answer.kilobytes <= PAGE_KB_MAX,
    )  # fmt: skip


def _sla(port: int, cookie: str, say: Callable[[str], None]) -> Iterator[Figure]:
    say("SLA of a province's month")
    month = datetime.datetime.now(datetime.UTC).strftime("%Y-%m")
    for path in ("/sla", "/sla.csv", "/sla.pdf"):
        answer = _get(port, f"{path}?area={PROVINCE}&bulan={month}", cookie)
        seconds = answer.milliseconds[0] / 1000
        is_held = answer.status == 200 and seconds <= SLA_SECONDS_MAX
        yield Figure(f"{path} of province {PROVINCE}", seconds, "s", "-", None, f"<= {SLA_SECONDS_MAX}", is_held)


def _get(port: int, address: str, cookie: str, times: int = 1) -> Answer:
    """Open an address some times over one connection."""
    milliseconds: list[float] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for _ in range(times):
            begin = time.perf_counter()
            connection.request("GET", address, headers={"Cookie": cookie})
            answer = connection.getresponse()
            body = answer.read()
            milliseconds.append((time.perf_counter() - begin) * 1000)
    except (OSError, http.client.HTTPException):
        return Answer((60_000.0,), 0, "", 0)
    finally:
        connection.close()
    return Answer(milliseconds, answer.status, answer.headers.get("Content-Type", ""), len(body) / 1000)


if __name__ == "__main__":
    sys.exit(main())
