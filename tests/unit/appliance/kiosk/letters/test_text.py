"""Blocks and placeholders: nothing but names is filled in, and what residents write stays what they wrote."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.letters import text
from appliance.kiosk.letters.text import Block, BlockKind, Line


def filled(source: str, values: dict[str, str | None], points: tuple[str, ...] | None = None) -> tuple[Block, ...]:
    return text.fill(text.parse(source), values.get, lambda name: points if name == "daftar" else None)


def test_a_text_is_rows_points_and_paragraphs() -> None:
    blocks = text.parse("Nama : *{nama}*\nNIK : {nik}\n\nsatu\ndua\n\n1. a\n2. b\n")
    assert blocks == (
        Block(BlockKind.ROWS, (Line("{nama}", "Nama", is_bold=True), Line("{nik}", "NIK"))),
        Block(BlockKind.PARAGRAPH, (Line("satu dua"),)),
        Block(BlockKind.POINTS, (Line("a"), Line("b"))),
    )


def test_one_line_without_a_label_makes_it_a_paragraph() -> None:
    assert [block.kind for block in text.parse("Nama : {nama}\nserta yang lain")] == [BlockKind.PARAGRAPH]


def test_what_is_empty_on_purpose_takes_its_line_along() -> None:
    blocks = filled("A : {a}\nB : {b}\n\nkalimat {b}", {"a": "satu", "b": None})
    assert blocks == (Block(BlockKind.ROWS, (Line("satu", "A"),)),)


def test_what_nobody_knows_is_a_dash() -> None:
    assert filled("A : {a}", {"a": ""})[0].lines[0].text == "-"


def test_a_list_alone_becomes_points() -> None:
    assert filled("{daftar}", {}, ("a {b}", "c")) == (Block(BlockKind.POINTS, (Line("a {b}"), Line("c"))),)
    assert filled("{daftar}", {}, ()) == ()


@given(st.text(max_size=60))
def test_an_answer_is_printed_as_it_is(answer: str) -> None:
    blocks = filled("A : {a}\nB : x", {"a": answer, "b": "GEHEIM", "nama": "GEHEIM"})
    assert blocks[0].lines[0].text == (answer or "-")
    assert len(blocks) == 1
    assert len(blocks[0].lines) == 2


@given(st.text(alphabet="{}abc._[]()!: \n", max_size=40))
def test_every_brace_is_a_placeholder_or_told(source: str) -> None:
    rest = source
    for name in text.names(source):
        rest = rest.replace(f"{{{name}}}", "", 1)
    assert bool(set(rest) & set("{}")) == bool(text.broken(source))


def test_attributes_indexes_calls_and_formats_are_no_placeholders() -> None:
    for source in (
        "{nama.__class__}",
        "{nama[0]}",
        "{nama()}",
        "{nama!r}",
        "{nama:>10}",
        "{0}",
        "{}",
        "{Nama}",
        "{ nama }",
    ):
        assert text.names(source) == ()
        assert text.broken(source) == (source,)
        assert filled(source, {"nama": "x"})[0].lines[0].text == source
