"""The handover: filled with what there is to hand over, kept as it was written, and never further than one sees."""

from __future__ import annotations

import re

import pytest

from noc.fleet_book.contract import Scope
from noc.rules.alert_state import Deed, Incident
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.visiting import Visit, logged_in, send

HOUR_MS = 3_600_000
PATH = "/serah-terima"


def drafted(visit: Visit) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", visit.client.get(PATH).text, re.DOTALL)
    assert found is not None
    return found[1]


def test_it_is_filled_with_what_is_open_and_who_has_it(operator: Visit) -> None:
    operator.book.acknowledge(2, Deed(NOW_MS, "ketut", "acknowledge", "2"))
    text = drafted(operator)
    assert "TERBUKA (2)" in text and "BERAKHIR sejak" in text
    assert "#1 Tidak ada kontak: Kecamatan Petang, 5 hub" in text and "BELUM DITANGANI" in text
    assert re.search(r"#2 Penyimpanan hampir penuh: .*ditangani ketut", text)


def test_what_ended_counts_since_the_last_note(operator: Visit) -> None:
    (kept,) = (each for each in operator.book.incidents(Scope(), is_open=True) if each.incident.number == 1)
    operator.book.put_incidents([], [kept.incident], NOW_MS - HOUR_MS)
    assert "(1)" in drafted(operator).partition("BERAKHIR")[2].splitlines()[0]
    assert send(operator.client, PATH, PATH, text="Semua tenang.").status_code == 303
    operator.fleet.now_ms += HOUR_MS // 4
    assert "(0)" in drafted(operator).partition("BERAKHIR")[2].splitlines()[0]


def test_notes_are_followed_and_never_changed(operator: Visit) -> None:
    send(operator.client, PATH, PATH, text="Satu.\r\n\r\n<b>Dua</b>  ")
    send(operator.client, PATH, PATH, text="Satu.\n\n<b>Dua</b>")  # sent twice by a finger: one note
    send(operator.client, PATH, PATH, text="Koreksi: tiga.")
    first, second = operator.book.notes(10)
    assert (first.text, second.text, first.by) == ("Koreksi: tiga.", "Satu.\n\n<b>Dua</b>", "petugas")
    page = operator.client.get(PATH).text
    assert "&lt;b&gt;Dua&lt;/b&gt;" in page and page.index("Koreksi") < page.index("Satu.")
    methods = {rule.rule: rule.methods for rule in operator.fleet.app.url_map.iter_rules() if PATH in rule.rule}
    assert set(methods) == {PATH}


@pytest.mark.parametrize(
    ("text", "said"), [("  \n ", "masih kosong"), ("x" * 4_001, "paling banyak 4000"), ("a\x07b", "huruf kendali")]
)
def test_what_cannot_be_kept_is_said_and_stays_in_the_form(operator: Visit, text: str, said: str) -> None:
    answer = send(operator.client, PATH, PATH, text=text)
    assert answer.status_code == 400 and said in answer.text and operator.book.notes(1) == ()
    assert text.strip()[:50].replace("\x07", "") in answer.text.replace("\x07", "")


def test_a_district_reads_its_own_notes_and_not_those_of_the_country(district: Visit) -> None:
    country = logged_in(district.fleet, "operator", name="pusat")
    send(country.client, PATH, PATH, text="Dari pusat.")
    send(district.client, PATH, PATH, text="Dari Badung.")
    assert "Dari pusat." not in district.client.get(PATH).text and "Dari Badung." in district.client.get(PATH).text
    assert {"Dari pusat.", "Dari Badung."} <= set(re.findall(r"Dari \w+\.", country.client.get(PATH).text))


def test_a_district_is_given_only_its_own_incidents(district: Visit) -> None:
    hubs = frozenset({"hub-33010101"})
    made = Incident(11, Group(GroupKind.HUB, "hub-33010101"), Problem.HOT, NOW_MS, NOW_MS, hubs, hubs)
    district.book.put_incidents([made], [], NOW_MS)
    assert "#11" not in drafted(district) and "#1 " in drafted(district)


def test_a_viewer_reads(viewer: Visit) -> None:
    assert "<textarea" not in viewer.client.get(PATH).text
    assert send(viewer.client, "/sandi", PATH, text="x").status_code == 403
