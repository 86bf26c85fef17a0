"""Incidents: parts that add up in every state of the world, whom to call, deeds with a name, districts."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noc.fleet import HubState
from noc.fleet_book.contract import PartQuery, Scope
from noc.rules.affected import Part, count, part_of
from noc.rules.alert_state import Deed, Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web import staff
from tests.unit.noc.web.conftest import FleetApp
from tests.unit.noc.web.fleet import DARK_DISTRICT, fleet
from tests.unit.noc.web.visiting import Visit, send

HOUR_MS = 3_600_000
MADE = list(fleet())
BALI = [each for each in MADE if each.card.kode_wilayah.startswith("51.")]
WIDE = 7  # the number of the incident of a whole province


def wide(visit: Visit, now: frozenset[str] | None = None) -> None:
    """Let all of Bali fall two hours ago."""
    everyone = frozenset(each.card.hub_id for each in BALI)
    since_ms = NOW_MS - 2 * HOUR_MS
    group = Group(GroupKind.PROVINCE, "51")
    made = Incident(WIDE, group, Problem.NO_CONTACT, since_ms, since_ms, everyone if now is None else now, everyone)
    visit.book.put_incidents([made], [], NOW_MS - HOUR_MS)


def figures(page: str) -> list[int]:
    """Affected, dark, unknown, back: as the page says them."""
    (shown,) = re.findall(r'<ul class="parts".*?</ul>', page, re.DOTALL)
    return [int(value.replace(".", "")) for value in re.findall(r'<span class="value">([\d.]+)</span>', shown)]


states = st.tuples(st.sampled_from(HubState), st.frozensets(st.sampled_from(Problem), max_size=3), st.booleans())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(states, min_size=len(BALI), max_size=len(BALI)), st.sampled_from(Problem), st.booleans())
def test_affected_is_dark_and_unknown_and_back_in_every_state_of_the_world(
    operator: Visit, world: list[tuple[HubState, frozenset[Problem], bool]], problem: Problem, is_judged: bool
) -> None:
    """The page, the book's SQL and the rule say the same, and they add up exactly."""
    if problem is Problem.NOC_DEAF:
        problem = Problem.NO_CONTACT
    book = operator.book
    standings = []
    for made, (state, found, _) in zip(BALI, world, strict=True):
        standings.append(replace(made.standing, state=state, problems=tuple(sorted(found - {Problem.NOC_DEAF}))))
    now = frozenset(made.card.hub_id for made, (_, _, is_in) in zip(BALI, world, strict=True) if is_in)
    everyone = frozenset(each.card.hub_id for each in BALI)
    judged_ms = NOW_MS if is_judged else NOW_MS - HOUR_MS
    book.put_standings(standings, judged_ms)
    number = 100 + list(Problem).index(problem)
    since_ms = NOW_MS - HOUR_MS
    group = Group(GroupKind.PROVINCE, "51")
    book.put_incidents([Incident(number, group, problem, since_ms, since_ms, now, everyone)], [], NOW_MS)
    expected = count(part_of(problem, each.state, each.problems, is_heard=is_judged) for each in standings)
    sums = book.incident_parts(number, Scope(), NOW_MS)
    assert {part: found.hubs for part, found in sums.items()} == expected
    affected, *parts = figures(operator.client.get(f"/insiden/{number}").text)
    assert affected == len(BALI) == sum(parts)
    assert dict(zip(Part, parts, strict=True)) == expected
    for part in Part:
        hubs = book.incident_hubs_of(PartQuery(number, part, NOW_MS, limit=100))
        assert len(hubs) == expected[part]


def test_hubs_that_a_deaf_noc_cannot_hear_are_unknown_and_not_dark(operator: Visit) -> None:
    wide(operator)
    assert figures(operator.client.get(f"/insiden/{WIDE}").text)[2] == 0
    deaf = Incident(8, Group(GroupKind.BROKER, ""), Problem.NOC_DEAF, NOW_MS, NOW_MS, frozenset({""}), frozenset({""}))
    operator.book.put_incidents([deaf], [], NOW_MS)
    assert figures(operator.client.get(f"/insiden/{WIDE}").text) == [20, 0, 20, 0]
    page = operator.client.get("/insiden/8").text
    assert "NOC sendiri yang tidak mendengar" in page and "tidak dinyatakan mati" in page
    assert '<ul class="parts"' not in page


def test_the_list_has_those_nobody_takes_care_of_first_and_the_oldest_on_top(operator: Visit) -> None:
    wide(operator)
    rows = re.findall(r'href="/insiden/(\d+)"', operator.client.get("/insiden").text)
    assert rows == ["1", "2", "7"]
    send(operator.client, "/insiden/1", "/insiden/1/terima")
    page = operator.client.get("/insiden").text
    assert re.findall(r'href="/insiden/(\d+)"', page) == ["2", "7", "1"]
    assert "2 belum ditangani siapa pun" in page


def test_what_ended_is_found_by_the_filters_in_the_address(operator: Visit) -> None:
    wide(operator)
    (kept,) = (each for each in operator.book.incidents(Scope(), is_open=True) if each.incident.number == WIDE)
    operator.book.put_incidents([], [kept.incident], NOW_MS - 10 * 24 * HOUR_MS)
    get = operator.client.get
    assert f'href="/insiden/{WIDE}"' in get("/insiden").text
    assert f'href="/insiden/{WIDE}"' in get("/insiden?masalah=no_contact&area=51.03&hari=90").text
    for other in ("hari=7", "masalah=hot", "area=33", "area=51.99"):
        assert f'href="/insiden/{WIDE}"' not in get(f"/insiden?{other}").text
    for nonsense in ("masalah=x", "area=%3Cb%3E", "hari=x", "hal=x", "hal=0", "hal=99999999999999999999"):
        page = get(f"/insiden?{nonsense}")
        assert page.status_code == 200 and '<b>"' not in page.text


def test_a_page_behind_the_last_is_the_last(operator: Visit) -> None:
    hubs = frozenset({"hub-33010101"})
    made = [
        Incident(number, Group(GroupKind.HUB, "hub-33010101"), Problem.HOT, NOW_MS, NOW_MS, hubs, hubs)
        for number in range(100, 127)
    ]
    operator.book.put_incidents([], made, NOW_MS)
    last, behind = (operator.client.get(f"/insiden?hal={number}").text for number in (2, 999))
    assert re.findall(r'href="/insiden/(1\d\d)"', behind) == re.findall(r'href="/insiden/(1\d\d)"', last) != []
    assert "Halaman 2 dari 2" in behind


def test_the_dark_stand_by_residents_with_a_phone_that_can_be_pressed(operator: Visit) -> None:
    page = operator.client.get("/insiden/1").text
    rows = re.findall(r'<td class="number" data-label="Penduduk">(.*?)</td>', page)
    residents = [int(row.replace(".", "")) for row in rows if row[0].isdigit()]
    assert len(rows) == 5 and residents == sorted(residents, reverse=True) and "—" in rows[-1]
    assert 'href="tel:+6281200000001"' in page and "0812-0000-0001" in page
    assert "19.459 penduduk" in page or re.search(r"[\d.]+ penduduk", page)


def test_a_long_list_of_dark_hubs_has_pages_that_never_overlap(operator: Visit) -> None:
    hubs = frozenset(each.card.hub_id for each in MADE)
    group = Group(GroupKind.BROKER, "satu")
    everyone = [replace(e.standing, state=HubState.NO_CONTACT, problems=(Problem.NO_CONTACT,)) for e in MADE]
    operator.book.put_standings(everyone, NOW_MS)
    operator.book.put_incidents([Incident(9, group, Problem.NO_CONTACT, NOW_MS, NOW_MS, hubs, hubs)], [], NOW_MS)
    pages = [operator.client.get(f"/insiden/9?hal={number}").text for number in (1, 2, 3)]
    names = [re.findall(r'<th scope="row"><a href="/hub/([^"]+)"', page) for page in pages]
    assert [len(each) for each in names] == [25, 25, 10]
    assert len({name for each in names for name in each}) == 60


def test_acknowledging_bears_the_account_s_name_and_its_note(operator: Visit) -> None:
    answer = send(operator.client, "/insiden/1", "/insiden/1/terima", note="PLN sudah  ditelepon")
    assert answer.status_code == 303
    page = operator.client.get("/insiden/1").text
    assert "Ditangani petugas" in page and "PLN sudah ditelepon" in page
    assert operator.book.deeds(1)[0].by == "petugas" and operator.book.deeds(1)[0].what == "acknowledge"
    refused = send(operator.client, "/insiden/1", "/insiden/1/terima", note="x" * 501)
    assert send(operator.client, "/insiden/1", "/insiden/1/terima", note="a\x07b").status_code == 400
    assert refused.status_code == 400 and "paling banyak 500 huruf" in refused.text and "x" * 501 in refused.text


@pytest.mark.parametrize(
    ("until", "why", "said"),
    [
        ("", "gardu", "Tulis tanggal dan jam"),
        ("besok", "gardu", "Tulis tanggal dan jam"),
        ("2026-05-01T10:00", "gardu", "Akhirnya sudah lewat"),
        ("2027-05-01T10:00", "gardu", "Paling lama 14 hari"),
        ("2026-05-29T10:00", "  ", "Tulis alasannya"),
        ("2026-05-29T10:00", "x" * 201, "Alasan terlalu panjang"),
        ("2026-05-29T10:00", "a\x07b", "huruf kendali"),
    ],
)
def test_a_silence_needs_a_reason_and_an_end(operator: Visit, until: str, why: str, said: str) -> None:
    answer = send(operator.client, "/insiden/1", "/insiden/1/senyap", until=until, why=why, what="ini")
    assert answer.status_code == 400 and said in answer.text
    assert operator.book.silences(NOW_MS) == ()


def test_a_silence_holds_is_shown_and_can_be_lifted(operator: Visit) -> None:
    send(
        operator.client, "/insiden/1", "/insiden/1/senyap", until="2026-05-29T10:00", why="gardu diganti", what="semua"
    )
    (kept,) = operator.book.silences(NOW_MS)
    assert (kept.group.name, kept.by, kept.why, kept.problem) == (DARK_DISTRICT, "petugas", "gardu diganti", None)
    page = operator.client.get("/insiden/1").text
    assert "Ditahan sampai 29 Mei 2026 10.00 WITA oleh petugas: gardu diganti" in page
    send(operator.client, "/insiden/1", "/insiden/1/bicara")
    assert operator.book.silences(NOW_MS) == ()
    assert "mengirim pesan lagi" in operator.client.get("/insiden/1").text


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


def test_the_dispatch_list_is_one_click_away_and_leaves_a_trace(operator: Visit) -> None:
    page = operator.client.get("/insiden/1").text
    assert 'action="/insiden/1/kirim.csv"' in page and "semua 5 yang masih gelap" in page
    answer = operator.client.get("/insiden/1/kirim.csv?pilih=semua")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="insiden-1-')
    head, *lines = read(answer.data.decode())
    assert answer.data.startswith(b"\xef\xbb\xbf") and len(lines) == 5 and head[10] == "Telepon"
    assert {line[10] for line in lines} == {"0812-0000-0001"}
    deed = operator.book.deeds(1)[0]
    assert (deed.by, deed.what, deed.subject, deed.why) == ("petugas", "dispatch", "1", "5 hub")
    assert "mengunduh daftar kirim" in operator.client.get("/insiden/1").text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_of_another_site_takes_no_list_and_writes_no_deed(operator: Visit, site: str) -> None:
    before = operator.book.deeds_end()
    foreign = {"Sec-Fetch-Site": site}
    assert operator.client.get("/insiden/1/kirim.csv?pilih=semua", headers=foreign).status_code == 403
    assert operator.book.deeds_end() == before
    for own in ("same-origin", "none"):
        assert operator.client.get("/insiden/1/kirim.csv", headers={"Sec-Fetch-Site": own}).status_code == 200


def test_only_chosen_hubs_go_into_the_list_and_none_from_elsewhere(operator: Visit) -> None:
    path = "/insiden/1/kirim.csv?pilih=tanda"
    one = read(operator.client.get(f"{path}&hub=hub-51030201&hub=hub-33010101").data.decode())
    assert [line[4] for line in one[1:]] == ["hub-51030201"]
    none = operator.client.get(path)
    assert none.status_code == 400 and "Belum ada hub yang ditandai" in none.text


def test_growth_is_drawn_without_a_script(operator: Visit) -> None:
    wide(operator)
    (kept,) = (each for each in operator.book.incidents(Scope(), is_open=True) if each.incident.number == WIDE)
    fewer = replace(kept.incident, hubs=frozenset(sorted(kept.incident.hubs)[:8]))
    operator.book.put_incidents([fewer], [], NOW_MS)
    svg = operator.client.get(f"/insiden/{WIDE}/perkembangan.svg")
    assert svg.content_type.startswith("image/svg+xml") and "<script" not in svg.text
    assert "perkembangan.svg" in operator.client.get(f"/insiden/{WIDE}").text


def test_a_viewer_sees_and_does_nothing(viewer: Visit) -> None:
    page = viewer.client.get("/insiden/1").text
    assert "Saya tangani" not in page and "kirim.csv" not in page and "Petang" in page
    assert viewer.client.get("/insiden/1/kirim.csv").status_code == 403
    for path in ("terima", "senyap", "bicara"):
        assert send(viewer.client, "/sandi", f"/insiden/1/{path}").status_code == 403


def test_a_district_sees_its_part_of_an_incident_and_the_number_of_the_rest(district: Visit) -> None:
    """The account is bound to 51.03: ten of Bali's twenty hubs."""
    wide(district)
    page = district.client.get(f"/insiden/{WIDE}").text
    assert figures(page)[0] == 10 and sum(figures(page)[1:]) == 10
    assert "mengenai 10 hub di luar wilayah Anda" in page
    assert "Karangasem" not in page and "51.07" not in page and "Saya tangani" not in page
    lines = read(district.client.get(f"/insiden/{WIDE}/kirim.csv").data.decode())
    assert lines[1:] and all(line[3].startswith("51.03.") for line in lines[1:])
    for path in ("terima", "senyap", "bicara"):
        answer = send(district.client, f"/insiden/{WIDE}", f"/insiden/{WIDE}/{path}", until="2026-05-29T10:00", why="x")
        assert answer.status_code == 403
    assert district.client.get(f"/insiden/{WIDE}/perkembangan.svg").status_code == 404
    assert send(district.client, "/insiden/1", "/insiden/1/terima").status_code == 303  # wholly its own


def test_a_district_decides_on_groups_within_its_areas_alone(district: Visit) -> None:
    """The account is bound to 51.03. Of the province's incident all hubs so far lie there."""
    mine = frozenset({"hub-51030201", "hub-51030202"})
    groups = {
        88: (Group(GroupKind.BROKER, ""), Problem.NOC_DEAF, frozenset({""}), 403),
        89: (Group(GroupKind.PROVINCE, "51"), Problem.NO_CONTACT, mine, 403),
        90: (Group(GroupKind.REGENCY, "51.03"), Problem.NO_CONTACT, mine, 303),
        91: (Group(GroupKind.HUB, "hub-51030201"), Problem.HOT, frozenset({"hub-51030201"}), 303),
    }
    for number, (group, problem, hubs, status) in groups.items():
        made = Incident(number, group, problem, NOW_MS, NOW_MS, hubs, hubs)
        district.book.put_incidents([made], [], NOW_MS)
        form = f"/insiden/{number}"
        for path in ("senyap", "bicara", "terima"):
            answer = send(district.client, form, f"{form}/{path}", until="2026-05-29T10:00", why="x", what="semua")
            assert answer.status_code == status, (number, path)
    assert {each.subject for each in district.book.deeds(6)} >= {"90", "91"}
    assert not {"88", "89"} & {each.subject for each in district.book.deeds(50)}


def test_an_incident_that_widens_between_look_and_deed_is_not_acknowledged(
    district: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was the district's own becomes the province's while its operator presses the button."""
    token = staff.token_of(district.client.get("/insiden/1").text)
    (kept,) = (each for each in district.book.incidents(Scope(), is_open=True) if each.incident.number == 1)
    write = district.book.acknowledge

    def late(number: int, deed: Deed, group: Group | None = None) -> None:
        wider = replace(kept.incident, group=Group(GroupKind.PROVINCE, "51"))
        district.book.put_incidents([wider], [], NOW_MS)
        write(number, deed, group)

    monkeypatch.setattr(district.book, "acknowledge", late)
    answer = district.client.post("/insiden/1/terima", data={"csrf_token": token})
    assert answer.status_code == 409
    line = district.book.incident_line(1, Scope())
    assert line is not None and not line.acknowledged_by


def test_what_lies_wholly_outside_is_not_there(district: Visit) -> None:
    hubs = frozenset({"hub-33010101"})
    made = Incident(11, Group(GroupKind.HUB, "hub-33010101"), Problem.HOT, NOW_MS, NOW_MS, hubs, hubs)
    district.book.put_incidents([made], [], NOW_MS)
    assert district.client.get("/insiden/11").status_code == 404
    assert 'href="/insiden/11"' not in district.client.get("/insiden").text
    for path in ("kirim.csv", "perkembangan.svg"):
        assert district.client.get(f"/insiden/11/{path}").status_code == 404


def test_an_incident_that_ended_meanwhile_is_said_to_be_over(operator: Visit) -> None:
    (kept,) = (each for each in operator.book.incidents(Scope(), is_open=True) if each.incident.number == 1)
    operator.book.put_incidents([], [kept.incident], NOW_MS)
    assert send(operator.client, "/insiden/2", "/insiden/1/terima").status_code == 303
    page = operator.client.get("/insiden/1").text
    assert "Insiden ini sudah berakhir" in page and "Saya tangani" not in page


@pytest.mark.parametrize("path", ["/insiden/0", "/insiden/999", "/insiden/99999999999999999999", "/insiden/x"])
def test_an_incident_that_is_none_is_not_there(operator: Visit, path: str) -> None:
    assert operator.client.get(path).status_code == 404


def test_strangers_are_led_to_the_login(fleet_app: FleetApp) -> None:
    client = fleet_app.app.test_client()
    for path in ("/insiden", "/insiden/1", "/insiden/1/kirim.csv", "/insiden/1/perkembangan.svg"):
        assert client.get(path).headers["Location"] == "/masuk"
