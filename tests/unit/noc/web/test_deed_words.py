"""Whatever anybody does has a word in the audit."""

from __future__ import annotations

import re
from pathlib import Path

from noc.web.deed_words import deed_words
from tests.unit.noc.web.conftest import FleetApp

NOC = Path(__file__).parents[4] / "noc"
# A deed's word is a literal: the third value where the deed is made, the first where a helper makes it.
_MADE = (
    re.compile(r"\bDeed\([^,]+,[^,]+,\s*\"([a-z_]+)\""),
    re.compile(r"\b_(?:deed|tell)\(\s*\"([a-z_]+)\"(?: if \w+ else \"([a-z_]+)\")?"),
)


def words_of_the_code() -> set[str]:
    text = "\n".join(each.read_text("utf-8") for each in NOC.rglob("*.py"))
    return {word for pattern in _MADE for match in pattern.finditer(text) for word in match.groups() if word}


def test_every_deed_has_a_word_and_no_code_is_shown(fleet_app: FleetApp) -> None:
    with fleet_app.app.test_request_context():
        words = deed_words()
    made = words_of_the_code()
    assert {"acknowledge", "contact_changed", "contact_added", "window", "import", "wall_link"} <= made
    assert sorted(made - words.keys()) == []
