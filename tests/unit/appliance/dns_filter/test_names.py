"""Names, and the lists they stand in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dns_filter import lists, names

_label = st.from_regex(rb"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
_name = st.lists(_label, min_size=1, max_size=5).map(lambda labels: b".".join([*labels, b"example"]))


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"Judi.Example", b"judi.example"),
        (b" judi.example. ", b"judi.example"),
        ("jùdi.example".encode(), b"xn--jdi-4na.example"),
        (b"_x.judi.example", b"_x.judi.example"),
        (b"go.id", None),
        (b"com", None),
        (b"", None),
        (b"192.0.2.1", None),
        (b"-judi.example", None),
        (b"judi..example", None),
        (b"judi.example/path", None),
        (b"\xff\xfe.example", None),
        (b"a" * 64 + b".example", None),
        (b"a." * 127 + b"example", None),
        (b"judi.example\x00", None),
    ],
)
def test_a_name_has_one_form_or_is_none(written: bytes, name: bytes | None) -> None:
    assert names.normalise(written) == name


@given(_name)
def test_a_domain_stands_for_everything_below_it(name: bytes) -> None:
    assert names.is_under(b"www." + name, {name})
    assert names.is_under(name, {name})
    assert not names.is_under(b"x" + name, {name})
    assert next(iter(names.suffixes(name))) == name
    assert b"example" not in list(names.suffixes(name))


@pytest.mark.parametrize(
    ("line", "found", "is_invalid"),
    [
        (b"judi.example", (b"judi.example",), False),
        (b"judi.example # sejak 2024", (b"judi.example",), False),
        (b"\xef\xbb\xbfjudi.example", (b"judi.example",), False),
        (b"0.0.0.0 judi.example www.judi.example\t# x", (b"judi.example", b"www.judi.example"), False),
        (b"127.0.0.1\tjudi.example", (b"judi.example",), False),
        (b":: judi.example", (b"judi.example",), False),
        (b"127.0.0.1 localhost localhost.localdomain", (), False),
        (b"::1 ip6-localhost", (), False),
        (b"||judi.example^", (b"judi.example",), False),
        (b"||judi.example^$important", (b"judi.example",), False),
        (b"*.judi.example", (b"judi.example",), False),
        (b".judi.example", (b"judi.example",), False),
        (b"# judi.example", (), False),
        (b"! judi.example", (), False),
        (b"; judi.example", (), False),
        (b"[Adblock Plus 2.0]", (), False),
        (b"", (), False),
        (b"   ", (), False),
        (b"@@||judi.example^", (), True),
        (b"||judi.example^$third-party", (), True),
        (b"||judi.example/path", (), True),
        (b"example.com##.iklan", (), True),
        (b"8.8.8.8 judi.example", (), True),
        (b"judi.example slot.example", (), True),
        (b"0.0.0.0 judi.example !!", (b"judi.example",), True),
        (b"<!doctype html>", (), True),
        (b"<p>judi</p>", (), True),
        (b"judi", (), True),
        (b"id", (), True),
        (b"*", (), True),
        (b"x" * 5000, (), True),
    ],
)
def test_each_form_of_line(line: bytes, found: tuple[bytes, ...], is_invalid: bool) -> None:
    assert lists.read_line(line) == lists.Line(found, is_invalid)


@given(st.binary(max_size=300))
def test_no_line_breaks_the_reader_and_what_it_gives_is_normal(raw: bytes) -> None:
    for name in lists.read_line(raw).names:
        assert names.normalise(name) == name


@given(st.lists(st.binary(max_size=60)), st.integers(1, 40))
def test_lines_do_not_depend_on_how_the_bytes_arrive(raw: list[bytes], size: int) -> None:
    text = b"\n".join(part.replace(b"\r", b"").replace(b"\x1a", b"") for part in raw)
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert [line for line in lists.lines(chunks) if line] == [line for line in text.split(b"\n") if line]


def test_a_line_without_end_is_never_kept_whole() -> None:
    pieces = list(lists.lines(b"x" * 1000 for _ in range(1000)))
    assert max(map(len, pieces)) <= lists.LINE_BYTES_MAX + 1000
    assert all(lists.read_line(piece) == lists.Line((), True) for piece in pieces)
