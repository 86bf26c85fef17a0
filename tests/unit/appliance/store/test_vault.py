"""What is sealed stays shut without its key, and for any other place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import StoreError
from appliance.store.vault import INDEX_BYTES, Vault

KEY = bytes(range(32))


@given(st.text())
def test_what_was_sealed_opens_again_and_is_not_in_the_bytes(text: str) -> None:
    vault = Vault(KEY)
    sealed = vault.seal(text, "residents.nik")
    assert vault.open(sealed, "residents.nik") == text
    assert len(text) < 4 or text.encode() not in sealed
    assert sealed != vault.seal(text, "residents.nik")


def test_another_place_key_or_byte_opens_nothing() -> None:
    sealed = Vault(KEY).seal("5103010101010001", "residents.nik")
    for vault, content, place in (
        (Vault(KEY), sealed, "residents.name"),
        (Vault(KEY[::-1]), sealed, "residents.nik"),
        (Vault(KEY), sealed[:-1] + bytes([sealed[-1] ^ 1]), "residents.nik"),
        (Vault(KEY), sealed[:5], "residents.nik"),
        (Vault(KEY), b"", "residents.nik"),
    ):
        with pytest.raises(StoreError, match="belong together"):
            vault.open(content, place)


def test_an_index_finds_equal_texts_of_one_place() -> None:
    vault = Vault(KEY)
    one = vault.index("5103010101010001", "nik")
    assert one == vault.index("5103010101010001", "nik")
    assert len(one) == INDEX_BYTES
    assert one not in (vault.index("5103010101010002", "nik"), vault.index("5103010101010001", "no_kk"))
    assert one != Vault(KEY[::-1]).index("5103010101010001", "nik")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        Vault(b"short")
