"""The verdict on a letter, for all the world."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.core.letter_marks import Mark, digest_of
from noc.letter_check import create_app
from noc.letter_check.pace import ADDRESSES_MAX, QUESTIONS_MAX, WINDOW_SECONDS, Pace, network_of
from noc.letter_check.rules import Verdict, judge
from noc.store.contract import Arrivals, ArrivedMarks, Hub
from noc.store.sqlite import SqliteNocStore, open_noc_store
from tests.unit.noc.seed import NOW_MS, arrived, batch

TOKEN = "NRVMKl3nS1C8b6ZcQ2xwTA"
HUB = Hub("hub-0001", "Desa Sukamaju", "51.03.01.2001", "Asia/Makassar")
TODAY = datetime.datetime.fromtimestamp(NOW_MS / 1000, datetime.timezone(datetime.timedelta(hours=8))).date()
MARK = Mark(digest_of(TOKEN), "Surat Keterangan Usaha", TODAY, 90, False, False)


class Noc:
    """A store, the page on it, and a clock in the test's hands."""

    def __init__(self, store: SqliteNocStore) -> None:
        self.store, self.now = store, NOW_MS / 1000
        self.seconds = 1_000.0
        app = create_app(store, clock=lambda: self.now, monotonic=lambda: self.seconds)
        self.client: FlaskClient = app.test_client()

    def tell(self, **changes: object) -> None:
        mark = dataclasses.replace(MARK, **changes)  # type: ignore[arg-type] # each test says what it changes
        self.store.commit(Arrivals(marks=[ArrivedMarks(HUB.hub_id, (mark,), "k", NOW_MS)]))

    def report(self) -> None:
        self.store.commit(Arrivals(batches=[batch(arrived(HUB.hub_id, 1, 0))]))
        self.store.project(10)

    def get(self, path: str = f"/{TOKEN}", **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)


@pytest.fixture
def noc(tmp_path: Path) -> Iterator[Noc]:
    with contextlib.closing(open_noc_store(tmp_path / "noc.db")) as store:
        store.add_hub(HUB)
        yield Noc(store)


def said(page: TestResponse) -> str:
    text = re.sub(r"<(style|svg|title).*?</\1>|<[^>]*>", " ", page.text, flags=re.DOTALL)
    return " ".join(text.split())


def test_a_letter_that_holds(noc: Noc) -> None:
    noc.report()
    noc.tell()
    page = noc.get()
    assert page.status_code == 200
    text = said(page)
    for word in (
        "Surat ini sah", "This letter is valid", "Surat Keterangan Usaha", TODAY.isoformat(), "Desa Sukamaju",
        "51.03.01.2001", "Dengan tangan", "by hand", (TODAY + datetime.timedelta(days=90)).isoformat(),
        "Menurut kabar terakhir dari desa", "WITA",
    ):  # fmt: skip
        assert word in text, word
    assert "belum memberi kabar" not in text


def test_an_electronic_signature_is_told_as_one(noc: Noc) -> None:
    noc.tell(is_electronic=True, valid_days=None)
    text = said(noc.get())
    assert "Elektronik" in text and "PDF file carries the signature" in text
    assert "Berlaku sampai" not in text


def test_a_void_letter_is_void_whatever_else(noc: Noc) -> None:
    noc.tell()
    noc.tell(is_void=True)
    noc.now += 86_400 * 1_000
    page = noc.get()
    assert page.status_code == 200
    assert "Surat ini sudah dibatalkan" in said(page) and "declared void" in said(page)
    assert "sah" not in said(page).replace("Periksa keaslian", "").split("Jenis surat")[0].split()


def test_it_expires_after_its_last_day_where_the_village_is(noc: Noc) -> None:
    noc.tell(valid_days=1)
    midnight = datetime.datetime.combine(
        TODAY + datetime.timedelta(days=2), datetime.time(), datetime.timezone(datetime.timedelta(hours=8))
    ).timestamp()
    noc.now = midnight - 1
    assert "Surat ini sah" in said(noc.get())
    noc.now = midnight
    assert "Masa berlaku surat ini sudah habis" in said(noc.get())


def test_a_village_that_is_away_is_told_of(noc: Noc) -> None:
    noc.report()
    noc.tell()
    noc.now += 3_600
    text = said(noc.get())
    assert "Surat ini sah" in text
    assert "Desa ini belum memberi kabar sejak" in text and "has not reported since" in text


def test_of_a_village_that_told_of_letters_alone_silence_is_told_too(noc: Noc) -> None:
    noc.tell()
    assert "belum memberi kabar" not in said(noc.get())
    noc.now += 80 * 86_400
    assert "Desa ini belum memberi kabar sejak" in said(noc.get())


def test_nothing_was_heard_in_the_future(noc: Noc) -> None:
    noc.tell()
    noc.report()
    noc.now -= 40 * 86_400  # the NOC's own clock was ahead when it was told
    year = str(datetime.datetime.fromtimestamp(noc.now, datetime.UTC).year)
    heard = said(noc.get()).partition("As last reported by the village")[2].split()[:4]
    day = datetime.datetime.fromtimestamp(noc.now, datetime.timezone(datetime.timedelta(hours=8))).day
    assert heard[0] == str(day) and heard[2] == year


@pytest.mark.parametrize("path", ["/" + "A" * 22, "/x", "/" + "A" * 300, "/%F0%9F%98%80", "/LATIHAN", "/'--"])
def test_what_nobody_gave_out_looks_the_same(noc: Noc, path: str) -> None:
    noc.tell()
    page, other = noc.get(path), noc.get("/" + "B" * 22)
    assert (page.status_code, page.text) == (other.status_code, other.text)
    assert page.status_code == 404 and "Surat ini tidak dikenal" in said(page)


def test_a_letter_made_for_training_is_told_as_one(noc: Noc) -> None:
    text = said(noc.get("/LATIHAN-NRVMKl3nS1C8b6"))
    assert "Ini surat latihan" in text and "valid nowhere" in text
    assert judge("LATIHAN-x", None, TODAY) is Verdict.UNKNOWN


def test_no_cookie_no_referrer_no_index_no_script(noc: Noc) -> None:
    noc.tell()
    for page in (noc.get(), noc.get("/"), noc.get("/x"), noc.get("/a/b"), noc.client.post(f"/{TOKEN}")):
        assert "Set-Cookie" not in page.headers
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "<script" not in page.text and len(page.data) < 10_000
        assert TOKEN not in page.text and digest_of(TOKEN).hex() not in page.text


def test_a_hub_writes_no_markup_into_the_page(noc: Noc) -> None:
    noc.tell(title="<script>alert(1)</script>")
    assert "<script>" not in noc.get().text


def test_a_post_changes_nothing_and_is_no_fault(noc: Noc) -> None:
    assert noc.client.post(f"/{TOKEN}").status_code == 405
    assert noc.client.head("/").status_code == 200


def test_no_token_gets_into_the_log(noc: Noc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    noc.tell()
    noc.get()
    noc.store.close()
    noc.store._store.path.unlink()
    page = noc.get()
    assert page.status_code == 503
    assert TOKEN not in caplog.text and TOKEN not in page.text


def test_one_address_may_not_ask_for_ever(noc: Noc) -> None:
    noc.tell()
    proxied = {"X-Real-IP": "203.0.113.7"}
    for _ in range(QUESTIONS_MAX):
        assert noc.get(**proxied).status_code == 200
    page = noc.get(**proxied)
    assert page.status_code == 429
    assert 0 < int(page.headers["Retry-After"]) <= WINDOW_SECONDS + 1
    assert noc.get(**{"X-Real-IP": "203.0.113.8"}).status_code == 200
    stranger = noc.client.get(
        f"/{TOKEN}", headers={"X-Real-IP": "203.0.113.9"}, environ_overrides={"REMOTE_ADDR": "203.0.113.7"}
    )
    assert stranger.status_code == 429, "only the proxy on this machine says who asks"
    noc.seconds += WINDOW_SECONDS
    assert noc.get(**proxied).status_code == 200


def test_addresses_of_one_subscriber_are_counted_together() -> None:
    assert network_of("2001:db8:0:1::7") == network_of("2001:db8:0:1:ffff::") != network_of("2001:db8:0:2::7")
    assert network_of("::ffff:203.0.113.7") == network_of("203.0.113.7")
    assert network_of("x" * 5_000) == network_of("") == "?"


def test_many_addresses_take_no_more_memory() -> None:
    pace = Pace()
    for number in range(ADDRESSES_MAX + 5):
        pace.wait_seconds(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1.0)
    assert len(pace._asked) <= ADDRESSES_MAX
