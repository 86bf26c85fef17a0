"""Every text that residents can meet at the kiosk has words in every language, and no catalogue is older."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from script import catalogues

CATALOGUES = catalogues.sources(folder=catalogues.KIOSK)
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{\w*\}")


def _forms(message: Message) -> list[str]:
    return (
        [form or "" for form in message.string] if isinstance(message.string, tuple | list) else [message.string or ""]
    )


def _first(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, tuple | list) else message.id)


def test_the_languages_of_the_portal_are_there_too() -> None:
    portal = {path.parts[-3] for path in catalogues.sources()}
    assert {path.parts[-3] for path in CATALOGUES} == portal >= {"en", "jv", "ban", "su"}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_has_all_texts_with_their_placeholders_and_no_others(path: Path) -> None:
    wanted = {message.id for message in catalogues.extract(folder=catalogues.KIOSK) if message.id}
    found = catalogues.read(path)
    assert {message.id for message in found if message.id} == wanted
    for message in found:
        if not message.id:
            continue
        names = sorted(each[0] for each in _PLACEHOLDER.finditer(_first(message)))
        for form in _forms(message):
            assert form.strip(), f"{message.id}: has no words"
            assert sorted(each[0] for each in _PLACEHOLDER.finditer(form)) == names, message.id
            assert "<" not in form and "&" not in form


def test_no_text_hides_in_an_f_string() -> None:
    for path in (catalogues.REPOSITORY / "appliance/kiosk").rglob("*.py"):
        assert not re.search(r"\{n?gettext\(", path.read_text("utf-8")), path
