"""Boot ids as the kernel writes them."""

from __future__ import annotations

import pytest

from appliance.core.clock import parse_boot_id


def test_hyphens_and_case_do_not_matter() -> None:
    assert parse_boot_id("00112233-4455-6677-8899-AABBCCDDEEFF\n") == "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize("text", ["", "x" * 32, "00" * 15, "00" * 17])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="boot id"):
        parse_boot_id(text)
