"""Every text that residents can meet has words in every language, and no catalogue is older than its source."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import write_mo

from script import catalogues

REPOSITORY = catalogues.REPOSITORY
CATALOGUES = catalogues.sources()
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{\w*\}")


def _forms(message: Message) -> list[str]:
    return (
        [form or "" for form in message.string] if isinstance(message.string, (tuple, list)) else [message.string or ""]
    )


def _first(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, (tuple, list)) else message.id)


def test_the_languages_the_portal_promises_are_there() -> None:
    assert {path.parts[-3] for path in CATALOGUES} >= {"en", "jv", "ban", "su"}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_has_all_texts_and_no_others(path: Path) -> None:
    wanted = {message.id for message in catalogues.extract() if message.id}
    assert {message.id for message in catalogues.read(path) if message.id} == wanted


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_has_words_with_the_same_placeholders(path: Path) -> None:
    for message in catalogues.read(path):
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        wanted = sorted(found[0] for found in _PLACEHOLDER.finditer(_first(message)))
        for form in _forms(message):
            assert form.strip(), f"{message.id}: has no words"
            assert sorted(found[0] for found in _PLACEHOLDER.finditer(form)) == wanted, message.id
            # The pages escape it; yet markup in a catalogue would be seen as such.
            assert "<" not in form and "&" not in form


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_what_programs_read_is_what_translators_wrote(path: Path) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, catalogues.read(path))
    assert path.with_suffix(".mo").read_bytes() == compiled.getvalue()


def test_no_text_hides_in_an_f_string() -> None:
    # Where extraction does not look: such a text would stay Indonesian in every language.
    for room in ("captive_portal", "appliance/faces"):
        for path in (REPOSITORY / room).rglob("*.py"):
            assert not re.search(r"\{n?gettext\(", path.read_text("utf-8")), path


def test_compiling_takes_away_what_has_no_source(tmp_path: Path) -> None:
    orphan = tmp_path / catalogues.FOLDER / "xx" / "LC_MESSAGES" / "messages.mo"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"old")
    kept = tmp_path / catalogues.FOLDER / "jv" / "LC_MESSAGES" / "messages.po"
    kept.parent.mkdir(parents=True)
    kept.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Kembali"\nmsgstr "Bali"\n')
    catalogues.compile_all(tmp_path)
    assert not orphan.exists()
    assert kept.with_suffix(".mo").exists()
