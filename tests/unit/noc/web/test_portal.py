"""A hub's page says how its portal's certificate stands, and what is in the way of the next."""

from __future__ import annotations

from flask.testing import FlaskClient

from noc.portal_certificates.rules import Answer, Got, Request, Tried
from noc.portal_certificates.source import Trouble
from noc.portal_certificates.spool import Spool
from noc.web.portal import trouble_words
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.fleet import DETAILED

NOW_S = NOW_MS // 1000
DAY = 86_400
NAME = "masuk.hub.kab.go.id"


def spool_of(app: FleetApp) -> Spool:
    return Spool(app.places.portal_requests, app.places.portal)


def page_of(visitor: FlaskClient) -> str:
    found = visitor.get(f"/hub/{DETAILED}")
    assert found.status_code == 200
    return found.text


def got(left_days: int) -> Got:
    return Got((NAME,), "old", "", "1", NOW_S - 60 * DAY, NOW_S + left_days * DAY)


def test_a_hub_that_never_asked_has_no_word_of_it(fleet_app: FleetApp) -> None:
    assert "Sertifikat portal" not in page_of(fleet_app.visitor())


def test_its_end_and_what_is_in_the_way_are_shown(fleet_app: FleetApp) -> None:
    spool, visitor = spool_of(fleet_app), fleet_app.visitor()
    spool.put_request(Request(DETAILED, (NAME,), "new", "", NOW_S - 60))
    page = page_of(visitor)
    assert "Sertifikat portal" in page and "belum ada" in page and "diminta, segera diurus" in page and NAME in page
    tried = Tried("new", 3, NOW_S - 600, NOW_S + 600, Trouble.DNS_UPDATE, "bad <b>authentication")
    spool.put_answer(Answer(DETAILED, got(20), tried))
    page = page_of(visitor)
    assert "penyedia DNS tidak menerima catatan" in page
    assert "bad &lt;b&gt;authentication" in page
    spool.forget(DETAILED)
    spool.put_answer(Answer(DETAILED, got(20)))
    page = page_of(visitor)
    assert "belum waktunya" in page and "sudah berakhir" not in page
    spool.put_answer(Answer(DETAILED, got(-1)))
    assert "sudah berakhir" in page_of(visitor)


def test_what_is_damaged_is_as_if_it_were_not_there(fleet_app: FleetApp) -> None:
    folder = fleet_app.places.portal / "answers"
    folder.mkdir(parents=True)
    (folder / f"{DETAILED}.json").write_bytes(b"\xff{")
    assert "Sertifikat portal" not in page_of(fleet_app.visitor())


def test_each_trouble_has_its_words(fleet_app: FleetApp) -> None:
    with fleet_app.app.test_request_context():
        words = trouble_words()
    assert set(words) == set(Trouble)
    assert len(set(words.values())) == len(words)
