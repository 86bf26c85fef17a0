"""The audit's page: whose records somebody saw, who saw a record, and whether the chain is whole."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import appliance.kiosk
from appliance.kiosk.letters.flow import Step
from appliance.kiosk.office.audit_pages import WORDS
from appliance.store.audit import Audit


@pytest.fixture
def book(desk: Any, world: Any) -> Audit:
    desk.log_in("budi", "sekretaris")
    made = Audit(world.store, lambda: world.now)
    made.note("siti", "operator", "resident.seen", [41], detail="surat <b>usaha</b>")
    made.note("warga", "warga", "resident.seen", [77])
    made.note("siti", "operator", "residents.listed", list(range(100, 120)))
    return made


def test_it_answers_both_questions(desk: Any, book: Audit) -> None:
    page = desk.get("/kantor/jejak/?oleh=Siti ")
    text = desk.words(page)
    assert "melihat data warga" in text and "100 101 102 103 104 105 dan 14 lagi" in text and "77" not in text
    assert "<b>usaha" not in page.get_data(as_text=True)
    text = desk.words(desk.get("/kantor/jejak/?tentang=77"))
    assert "warga" in text and "siti" not in text
    assert "Tidak ada catatan" in desk.words(desk.get("/kantor/jejak/?tentang=78"))


@pytest.mark.parametrize("query", ["tentang=x", "tentang=-1", "tentang=" + "9" * 40, "sebelum=x", "sebelum=-5",
                                   "sebelum=" + "9" * 40, "oleh=" + "x" * 500, "oleh=%00"])  # fmt: skip
def test_nonsense_is_answered(desk: Any, book: Audit, query: str) -> None:
    assert desk.get(f"/kantor/jejak/?{query}").status_code == 200


def test_a_long_trail_is_walked_page_by_page(desk: Any, book: Audit) -> None:
    for number in range(120):
        book.note("rani", "operator", "resident.seen", [1000 + number])
    seen, path = [], "/kantor/jejak/?oleh=rani"
    while path:
        page = desk.get(path).get_data(as_text=True)
        seen += [number for number in range(120) if f">{1000 + number}<" in page]
        older = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        path = older if 'rel="next"' in page else ""
    assert sorted(seen) == list(range(120))


def test_the_whole_chain_is_checked_on_request(desk: Any, world: Any, book: Audit) -> None:
    assert "Rantai utuh" not in desk.words(desk.get("/kantor/jejak/"))
    assert "Rantai utuh" in desk.words(desk.get("/kantor/jejak/?periksa=1"))
    with sqlite3.connect(world.store.path) as db:
        db.execute("DROP TRIGGER audit_entries_stay")
        db.execute("UPDATE audit_entries SET name = 'rani' WHERE position = 3")
    db.close()
    assert "Rantai putus di catatan 3" in desk.words(desk.get("/kantor/jejak/?periksa=1"))


def test_its_links_ask_for_what_they_name_and_nothing_else(desk: Any, book: Audit) -> None:
    book.note("a&tentang=1#<b>", "operator", "resident.seen", [41])
    page = desk.get("/kantor/jejak/").get_data(as_text=True)
    assert 'href="?oleh=a%26tentang%3D1%23%3Cb%3E"' in page
    assert 'href="?tentang=41"' in page


def _deeds(source: str) -> Iterator[str]:
    """What the calls in a program write down."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name.lstrip("_") in ("note", "note_in"):
            texts = (each.value for each in call.args if isinstance(each, ast.Constant))
            yield from (text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", text))


def test_each_deed_that_is_written_down_has_words() -> None:
    """A clerk reads them; ``letter.seen`` is for programs."""
    folder = Path(appliance.kiosk.__file__).parent
    written = {deed for path in folder.rglob("*.py") for deed in _deeds(path.read_text(encoding="utf-8"))}
    assert {"letter.seen", "official.add", "residents.listed", "pin.given"} <= written, "the search finds what there is"
    assert (written | {f"letter.{step}" for step in Step}) - set(WORDS) == set()
