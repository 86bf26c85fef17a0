"""The runbook: a page for every problem, with what is open of it."""

from __future__ import annotations

from noc.alarms.runbook import entries
from noc.rules.problems import RULES, Problem
from tests.unit.noc.web.visiting import Visit


def test_every_problem_has_a_page_with_something_to_do() -> None:
    found = entries(str)
    assert set(found) == set(Problem)
    for problem, entry in found.items():
        assert entry.meaning and entry.residents and entry.steps
        assert not entry.many or RULES[problem].is_shared


def test_each_page_says_when_it_is_told(viewer: Visit) -> None:
    for problem in Problem:
        page = viewer.client.get(f"/panduan/{problem}").text
        assert '<ol class="steps">' in page and "Pesan dikirim" in page


def test_what_is_open_is_one_click_away(district: Visit) -> None:
    assert 'href="/insiden/1"' in district.client.get("/panduan/no_contact").text
    assert 'href="/insiden/2"' not in district.client.get("/panduan/disk_full").text  # it is elsewhere


def test_an_incident_leads_to_its_page_and_nonsense_nowhere(viewer: Visit) -> None:
    assert 'href="/panduan/no_contact"' in viewer.client.get("/insiden/1").text
    assert viewer.client.get("/panduan").text.count('href="/panduan/') == len(Problem)
    assert viewer.client.get("/panduan/x").status_code == 404
