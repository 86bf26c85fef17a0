"""The wall: three numbers and a map without a person in it, for accounts and for screens that an admin let in."""

from __future__ import annotations

import re

import pytest

from noc.rules.alert_state import Deed, Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.web.wall import large
from noc.web.wall_pass import LINK_SECONDS
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.visiting import Visit, send

SCREENS = "/dinding/layar"


def big(page: str) -> list[str]:
    return [re.sub(r"\s+", " ", text).strip() for text in re.findall(r'<p class="n[^"]*">(.*?)</p>', page)]


def link_of(visit: Visit, **fields: str) -> str:
    page = send(visit.client, SCREENS, SCREENS, **fields).text
    found = re.search(r'readonly value="http://[^/]+(/dinding/buka/[^"]+)"', page)
    assert found is not None, page
    return found[1]


def test_three_numbers_each_with_its_age(viewer: Visit) -> None:
    answer = viewer.client.get("/dinding")
    cut_off, incidents, oldest = big(answer.text)
    assert int(cut_off.replace(".", "")) > 10_000 and incidents == "2" and "jam" in oldest
    assert "#1 Tidak ada kontak: Kecamatan Petang" in answer.text
    assert answer.text.count("data 7 detik lalu") == 4
    assert answer.headers["Refresh"] == "15" and "<script" not in answer.text and "http-equiv" not in answer.text


def test_no_person_and_nothing_to_press(viewer: Visit) -> None:
    page = viewer.client.get("/dinding").text
    for name in ("Wayan", "0812", "+62", "petugas", "csrf", "<a ", "<form", "<button", "title="):
        assert name not in page.partition("<body")[2]


def test_the_oldest_that_nobody_has_is_the_one_that_counts(operator: Visit) -> None:
    for number in (1, 2):
        send(operator.client, f"/insiden/{number}", f"/insiden/{number}/terima")
    assert big(operator.client.get("/dinding").text)[1:] == ["2", "tidak ada"]


def test_a_deaf_noc_is_shown_as_that_and_its_hubs_as_unknown(operator: Visit) -> None:
    assert "NOC TIDAK MENDENGAR" not in operator.client.get("/dinding").text
    hubs = frozenset({""})
    deaf = Incident(9, Group(GroupKind.BROKER, ""), Problem.NOC_DEAF, NOW_MS, NOW_MS, hubs, hubs)
    operator.book.put_incidents([deaf], [], NOW_MS)
    page = operator.client.get("/dinding").text
    assert "NOC TIDAK MENDENGAR" in page and "Hub di belakangnya tidak diketahui" in page
    assert re.search(r'class="cell level-unknown[^"]*"><b>Bali', page)
    assert "level-many" not in page and "level-some" not in page


def test_what_is_old_is_said_and_fades(operator: Visit) -> None:
    assert "is-stale" not in operator.client.get("/dinding").text
    operator.fleet.now_ms = NOW_MS + 600_000
    page = operator.client.get("/dinding").text
    assert 'class="wall is-stale"' in page and "PENILAIAN BERHENTI" in page and page.count("data 10 menit lalu") == 4


def test_strangers_see_nothing(fleet_app: FleetApp) -> None:
    client = fleet_app.app.test_client()
    assert client.get("/dinding").headers["Location"] == "/masuk"
    client.set_cookie("dinding", "WyI1MSIsMTBd.x")
    assert client.get("/dinding").headers["Location"] == "/masuk"
    for path in (SCREENS,):
        assert client.get(path).headers["Location"] == "/masuk"
    assert client.get("/dinding/buka/x").status_code == 403


def test_a_screen_is_let_in_by_an_admin_s_link_and_sees_the_wall_alone(admin: Visit) -> None:
    screen = admin.fleet.app.test_client()
    opened = screen.get(link_of(admin, area=""))
    assert opened.headers["Location"] == "/dinding" and "HttpOnly" in opened.headers["Set-Cookie"]
    assert "SameSite=Lax" in opened.headers["Set-Cookie"]
    assert big(screen.get("/dinding").text)[1] == "2"
    for path in ("/", "/insiden", "/insiden/1", "/insiden/1/kirim.csv", "/hub/hub-51030101", SCREENS, "/api/hubs"):
        assert screen.get(path).status_code in (303, 401)
    assert admin.book.deeds(1)[0].what == "wall_link"


def test_a_district_s_screen_sees_its_area(admin: Visit) -> None:
    screen = admin.fleet.app.test_client()
    screen.get(link_of(admin, area="51.03"))
    page = screen.get("/dinding").text
    assert "Kuta Selatan" in page and "Petang" in page and "Jateng" not in page and "Karangasem" not in page
    assert big(page)[1] == "1"


def test_a_link_is_good_for_a_quarter_of_an_hour(admin: Visit) -> None:
    link = link_of(admin, area="")
    admin.fleet.now_ms += (LINK_SECONDS + 1) * 1000
    answer = admin.fleet.app.test_client().get(link)
    assert answer.status_code == 403 and "tidak berlaku" in answer.text and "Set-Cookie" not in answer.headers


def test_a_link_is_no_cookie_and_a_cookie_no_link(admin: Visit) -> None:
    screen = admin.fleet.app.test_client()
    token = link_of(admin, area="").rpartition("/")[2]
    screen.set_cookie("dinding", token)
    assert screen.get("/dinding").status_code == 303
    screen.get(f"/dinding/buka/{token}")
    cookie = screen.get_cookie("dinding")
    assert cookie is not None
    assert screen.get(f"/dinding/buka/{cookie.value}").status_code == 403


def test_all_screens_are_shut_out_at_once(admin: Visit) -> None:
    screen = admin.fleet.app.test_client()
    link = link_of(admin, area="")
    screen.get(link)
    assert send(admin.client, SCREENS, "/dinding/layar/cabut").status_code == 303
    assert screen.get("/dinding").headers["Location"] == "/masuk"
    assert screen.get(link).status_code == 403
    assert admin.client.get("/dinding").status_code == 200
    key = admin.fleet.places.web / "wall.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in key.parent.glob("wall.key*")) == ["wall.key"]


@pytest.mark.parametrize("area", ["x", "51.99", "51.03.01.2001", "<b>", "5"])
def test_a_link_for_nowhere_is_refused(admin: Visit, area: str) -> None:
    answer = send(admin.client, SCREENS, SCREENS, area=area)
    assert answer.status_code == 400 and "Tulis kode wilayah" in answer.text and "/dinding/buka/" not in answer.text


def test_only_an_admin_lets_screens_in(operator: Visit) -> None:
    assert operator.client.get(SCREENS).status_code == 403
    assert send(operator.client, "/sandi", "/dinding/layar/cabut").status_code == 403


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0"), (845_120, "845.120"), (999_999, "999.999"), (1_240_000, "1,24 juta"), (123_456_789, "123 juta")],
)
def test_what_is_large_fits_the_wall(fleet_app: FleetApp, count: int, said: str) -> None:
    with fleet_app.app.test_request_context():
        assert large(count) == said


def test_deeds_of_the_wall_name_who(admin: Visit) -> None:
    link_of(admin, area="51")
    deed: Deed = admin.book.deeds(1)[0]
    assert (deed.by, deed.subject) == ("petugas", "51")
