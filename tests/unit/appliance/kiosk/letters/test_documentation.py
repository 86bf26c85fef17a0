"""docs/letters.md names everything that a kind's file may hold, and its example is right."""

from pathlib import Path

import pytest

from appliance.core import schema
from appliance.kiosk.letters import kinds
from appliance.kiosk.letters.kinds import Category, FieldType, Kind, Result, When, Who

PAGE = (Path(__file__).parents[5] / "docs/letters.md").read_text(encoding="utf-8")
KEYS = {row.path.rpartition(".")[2].removesuffix("[]") for row in schema.describe(Kind) if row.path != "slug"}
WORDS = {str(word) for choice in (Category, FieldType, Result, When, Who) for word in choice}


@pytest.mark.parametrize("word", sorted(KEYS | WORDS | kinds.FACTS | kinds.VILLAGE_WORDS))
def test_each_word_of_a_kinds_file_is_described(word: str) -> None:
    assert f"`{word}`" in PAGE or f"`{word} = " in PAGE


def test_the_example_is_a_kind() -> None:
    source = PAGE.partition("```toml\n")[2].partition("```")[0]
    assert kinds.parse_kind(source, "keterangan-ternak").fields[1].type is FieldType.NUMBER


def test_the_number_of_kinds_is_told_as_it_is() -> None:
    assert len(kinds.load_kinds(kinds.SHIPPED)) == 27
    assert "Twenty-seven kinds ship" in PAGE
