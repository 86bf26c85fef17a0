"""Every word on a page can be translated, and the words of the box are in the glossary."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from jinja2 import nodes

REPOSITORY = Path(__file__).resolve().parents[4]
PROGRAMS = ("appliance/faces", "appliance/kiosk", "captive_portal", "noc/web", "noc/letter_check")
TEMPLATES = sorted(path for program in PROGRAMS for path in (REPOSITORY / program).rglob("templates/**/*.html"))
ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)


def _bare_words(text: str) -> Iterator[str]:
    """The words of a template that stand outside of gettext: in its markup, and in texts given to components."""
    # Split at tags only after the parts are joined: an element may hold expressions.
    text = re.sub(r"{% block (?:width|kind|step) %}.*?{% endblock %}", "", text)  # these hold names of classes
    text = re.sub(r'{% set \w+ %}[\w-]+=".*?{% endset %}', "", text)  # and these the attributes of an element
    tree = ENVIRONMENT.parse(text)
    markup = "".join(part.data for part in tree.find_all(nodes.TemplateData))
    yield from re.findall(r"[^\W\d_]{2,}", re.sub(r"<[^>]*>|&\w+;", " ", markup))
    # A number needs no translation; a letter does, whichever quotes it stands in.
    for quote in "\"'":
        name = r"(?:aria-label|alt|title|placeholder)="
        yield from re.findall(f"{name}{quote}([^{quote}{{]*[^\\W\\d_][^{quote}{{]*){quote}", text)
    for call in tree.find_all(nodes.Call):
        if (
            isinstance(call.node, nodes.Getattr)
            and isinstance(call.node.node, nodes.Name)
            and call.node.node.name == "ui"
        ):
            for argument in call.args:
                if isinstance(argument, nodes.Const) and re.search(
                    r"^(?!is-).*(?:[A-Z].*\w|\w \w)", str(argument.value)
                ):
                    yield str(argument.value)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_word_of_a_template_stands_outside_of_gettext(path: Path) -> None:
    assert list(_bare_words(path.read_text("utf-8"))) == []


def test_the_check_finds_bare_words() -> None:
    assert list(_bare_words("<p>Halo {{ name }}</p>")) == ["Halo"]
    assert list(_bare_words('<p title="Buka">{{ _("Halo") }}</p>')) == ["Buka"]
    assert list(_bare_words("<p title='Buka'>{{ _(\"Halo\") }}</p>")) == ["Buka"]
    assert list(_bare_words('<input placeholder="51.03">')) == []
    assert list(_bare_words('{{ ui.button("Sambung", "/") }}')) == ["Sambung"]
    assert list(_bare_words('{{ ui.button(_("Sambung"), "/", "is-wide") }}')) == []


def _keywords_of_the_command() -> dict[str, Any]:
    """What the command in babel.cfg finds: Babel's own keywords, and those it names."""
    (line,) = (line for line in (REPOSITORY / "babel.cfg").read_text("utf-8").splitlines() if "pybabel extract" in line)
    return {**DEFAULT_KEYWORDS, **dict.fromkeys(re.findall(r"-k (\w+)", line))}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("captive_portal", "Sambungkan perangkat ini ke internet?"),
        ("captive_portal", "Jaringan sedang penuh"),
        ("appliance/kiosk", "Cara menyambung"),
        ("appliance/faces", "Kata sandi baru"),
        ("appliance/faces", "petugas kantor"),
        ("noc/web", "pengelola server NOC"),
        ("noc/web", "Daftar hub"),
    ],
)
def test_messages_can_be_extracted_from_programs_and_templates(program: str, message: str) -> None:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    options = {"**/templates/**.html": {"trimmed": "true"}}
    found = {
        row[2] for row in extract_from_dir(REPOSITORY / program, methods, options, keywords=_keywords_of_the_command())
    }
    assert message in found


def test_the_glossary_names_what_the_code_names() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| `([^`]+)` \|", (REPOSITORY / "docs/glossary.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) > 20
    source = "\n".join(
        path.read_text("utf-8")
        for folder in ("appliance", "captive_portal", "noc")
        for path in (REPOSITORY / folder).rglob("*.py")
    )
    missing = [name for _, name in rows if not re.search(rf"\b{re.escape(name)}\b", source)]
    assert missing == []
