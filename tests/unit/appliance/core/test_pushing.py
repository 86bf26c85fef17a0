"""What the NOC may set."""

from __future__ import annotations

import dataclasses
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config import Config
from appliance.core.errors import CommandMalformed
from appliance.core.pushing import PUSHABLE, Change, Place, changes_of, document_of, place


def test_every_key_on_the_list_is_one_of_hub_toml() -> None:
    hints = typing.get_type_hints(Config)
    for section, keys in PUSHABLE.items():
        kind = hints[section.removesuffix("[]")]
        inner = [each for each in typing.get_args(kind) if dataclasses.is_dataclass(each)]
        table = inner[0] if inner else kind
        assert dataclasses.is_dataclass(table)
        assert section.endswith("[]") == (typing.get_origin(kind) is tuple)
        assert {*keys} <= {each.name for each in dataclasses.fields(table)}, section


def test_a_key_is_taken_apart() -> None:
    assert place("portal.history_days") == Place("portal", "", "history_days")
    assert place("networks[warga].speed") == Place("networks", "warga", "speed")


@pytest.mark.parametrize(
    "path",
    [
        "hub.id", "noc.host", "records.enabled", "records.public_key_file", "networks[warga].passphrase_file",
        "networks[warga].address", "networks.speed", "portal[x].terms", "uplink.interface", "village.kode_wilayah",
        "portal.host", "", "portal", "portal.history_days\n", "networks[].speed", "networks[a b].speed", "x" * 5_000,
    ],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(path: str) -> None:
    with pytest.raises(CommandMalformed, match="allowed"):
        place(path)


@pytest.mark.parametrize(
    "value", [1.5, {}, [1], ["a", None], 2**53, "a\nb", "x" * 513, ["\x00"], float("nan")],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(CommandMalformed, match=r"portal\.terms"):
        changes_of({"portal.terms": value})


@pytest.mark.parametrize("document", [None, [], {}, "x", {f"portal.terms{i}": 1 for i in range(33)}])
def test_changes_are_some_and_not_too_many(document: object) -> None:
    with pytest.raises(CommandMalformed):
        changes_of(document)


paths = st.sampled_from([f"{name.replace('[]', '[warga]')}.{key}" for name, keys in PUSHABLE.items() for key in keys])
texts = st.text(st.characters(categories=["L", "N", "P"], include_characters=" "), max_size=20)
values = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts | st.lists(texts, max_size=4).map(tuple)
)


@given(st.dictionaries(paths, values, min_size=1, max_size=8))
def test_changes_come_out_as_they_went_in(wanted: dict[str, object]) -> None:
    changes = tuple(Change(path, value) for path, value in sorted(wanted.items()))  # type: ignore[arg-type]
    assert changes_of(document_of(changes)) == changes
