"""Tickets: golden bytes, what a printer makes of them, and text that would like to be a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.papers.ticket import LINES_MAX, QR_BYTES_MAX, Pair, Part, Qr, Rule, Size, Text, encode, plain

RECEIPT: tuple[Part, ...] = (
    Text("Désa Sukamaju", is_bold=True, is_centred=True),
    Text("A-017", Size.LARGE, is_centred=True),
    Rule(),
    Pair("Surat", "7K2M-9Q4T"),
    Qr("https://cek.desa.internal/x"),
    Text("Simpan tanda terima ini."),
)


def test_a_receipt_byte_by_byte() -> None:
    content = b"https://cek.desa.internal/x"
    assert encode(RECEIPT, 32) == b"".join(
        (
            b"\x1b@\x1bt\x00",
            b"\x1ba\x01\x1bE\x01D\x82sa Sukamaju\n\x1bE\x00\x1ba\x00",
            b"\x1ba\x01\x1d!\x11A-017\n\x1d!\x00\x1ba\x00",
            b"-" * 32 + b"\n",
            b"Surat" + b" " * 18 + b"7K2M-9Q4T\n",
            b"\x1ba\x01",
            b"\x1d(k\x04\x001A2\x00",
            b"\x1d(k\x03\x001C\x06",
            b"\x1d(k\x03\x001E1",
            b"\x1d(k" + (len(content) + 3).to_bytes(2, "little") + b"1P0" + content,
            b"\x1d(k\x03\x001Q0",
            b"\n\x1ba\x00",
            b"Simpan tanda terima ini.\n",
            b"\x1bd\x04\x1dVB\x00",
        )
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Désa Ñusa", "Désa Ñusa"),
        ("Ni Luh Ayu “Dewi”", 'Ni Luh Ayu "Dewi"'),
        ("Łukasz Øst Š", "Lukasz Ost S"),
        ("ᬅᬓ᭄ᬱᬭ", "????"),
        ("习近平", "???"),
        ("\x1b@\x1dV\x00 hi", "@ V hi"),
        ("a\n\r\tb", "a b"),
        ("\u202eevil\u200b", "evil"),
        ("", ""),
        ("ﬁ ½", "fi ½"),
    ],
)
def test_any_name_becomes_letters_that_the_printer_has(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(max_size=300))
def test_no_text_becomes_a_command_or_is_longer_than_a_line(text: str) -> None:
    made = encode((Text(text), Text(text, Size.LARGE, is_bold=True), Pair(text, text)), 24)
    body = made.removeprefix(b"\x1b@\x1bt\x00").removesuffix(b"\x1bd\x04\x1dVB\x00")
    for command in (b"\x1bE\x01", b"\x1bE\x00", b"\x1d!\x11", b"\x1d!\x00"):
        body = body.replace(command, b"")
    assert not any(byte < 0x20 and byte != 0x0A for byte in body)
    assert all(len(line) <= 24 for line in body.split(b"\n"))
    assert plain(plain(text)) == plain(text)


def test_long_words_are_broken_and_never_lost() -> None:
    words = "A" * 100
    made = encode((Text(words, Size.LARGE),), 32)
    assert made.count(b"A") == 100


def test_a_pair_that_is_too_long_takes_two_lines() -> None:
    made = encode((Pair("Keterangan domisili usaha", "menunggu surat RT"),), 32)
    assert b"Keterangan domisili usaha\n" in made and b" menunggu surat RT\n" in made


def test_nobody_prints_a_metre() -> None:
    with pytest.raises(ValueError, match=str(LINES_MAX)):
        encode((Text("a " * 10_000),), 24)
    for content in ("", "x" * (QR_BYTES_MAX + 1)):
        with pytest.raises(ValueError, match="QR"):
            Qr(content)
