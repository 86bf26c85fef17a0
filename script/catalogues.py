"""Keep the portal's and the kiosk's catalogues: collect texts, and make what programs read of what translators write.

``python -m script.catalogues`` compiles (``script/lib/setup.sh`` does it before anything runs);
``python -m script.catalogues update`` brings new texts into every language first. Translators edit
``captive_portal/translations/LANGUAGE/LC_MESSAGES/messages.po`` and the same below ``appliance/kiosk``; the ``.mo``
beside it is made here, never edited.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from appliance.core.config.portal import DEFAULT_TERMS, RECORDS_TERM
from appliance.faces.languages import SOURCE

REPOSITORY: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = Path("captive_portal/translations")
KIOSK: Final = Path("appliance/kiosk/translations")
# The programs themselves, and what of the shared room their residents can meet: nobody logs in there with a password.
_ROOMS: Final = {FOLDER: ("captive_portal", "appliance/faces"), KIOSK: ("appliance/kiosk", "appliance/faces")}
_NOT_MET: Final = (
    "faces/login.py", "faces/charts.py", "faces/second_step.py",
    "templates/faces/login.html", "templates/faces/password", "templates/faces/second",
    # The office's own pages stay Indonesian.
    "kiosk/office/", "kiosk/hotspot/", "kiosk/residents/", "kiosk/practice/", "kiosk/commands.py",
    "letters/commands.py", "office", "hall/calls.html", "letters/counter", "letters/official", "letters/prints.py",
    "letters/printing_pages.py", "letters/print.html",
)  # fmt: skip
# What residents' logins take from the office's.
_WAIT: Final = "Terlalu banyak percobaan yang salah. Coba lagi dalam %(minutes)d menit."
_KEYWORDS: Final = {**DEFAULT_KEYWORDS, "lazy_gettext": None}


def extract(repository: Path = REPOSITORY, folder: Path = FOLDER) -> Catalog:
    """Every text that residents can meet in the program of a folder of catalogues, with the files it stands in."""
    catalog = Catalog(project="Internet Desa Hub", charset="utf-8")
    for path in _sources(repository, folder):
        method, options = ("jinja2", {"trimmed": "true"}) if path.suffix == ".html" else ("python", {})
        found = extract_from_file(
            method, path, keywords=_KEYWORDS, comment_tags=["Translators:"], options=options, strip_comment_tags=True
        )
        for _, message, comments, context in found:
            name = str(path.relative_to(repository))
            catalog.add(message, locations=[(name, 1)], auto_comments=comments, context=context)
    catalog.add(SOURCE.name, auto_comments=["The name of your language in its own words, such as Basa Jawa."])
    if folder == KIOSK:
        catalog.add(_WAIT, locations=[("appliance/faces/login.py", 1)])
    for term in (*DEFAULT_TERMS, RECORDS_TERM) if folder == FOLDER else ():
        catalog.add(term, locations=[("appliance/core/config/portal.py", 1)])
    return catalog


def _sources(repository: Path, folder: Path) -> Iterator[Path]:
    for room in _ROOMS[folder]:
        for path in sorted((repository / room).rglob("*")):
            if path.suffix in (".py", ".html") and not any(
                name in str(path.relative_to(repository)) for name in _NOT_MET
            ):
                yield path


def sources(repository: Path = REPOSITORY, folder: Path = FOLDER) -> tuple[Path, ...]:
    """The catalogues that translators write, one for each language but Indonesian."""
    return tuple(sorted((repository / folder).glob("*/LC_MESSAGES/messages.po")))


def read(path: Path) -> Catalog:
    """Read one catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], domain="messages")


def update(repository: Path = REPOSITORY) -> None:
    """Bring the texts of today into every catalogue: new ones wait for words, those no longer used are dropped."""
    for folder in _ROOMS:
        texts = extract(repository, folder)
        for path in sources(repository, folder):
            catalog = read(path)
            catalog.update(texts, no_fuzzy_matching=True, update_creation_date=False)
            catalog.obsolete.clear()
            # Not Babel's sample names.
            catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
            written = io.BytesIO()
            write_po(written, catalog, width=110, sort_output=True, include_lineno=False)
            _write(path, written.getvalue())


def compile_all(repository: Path = REPOSITORY) -> None:
    """Make the ``.mo`` of each ``.po`` where it differs, and take away those whose ``.po`` is gone."""
    made = set()
    for path in (found for folder in _ROOMS for found in sources(repository, folder)):
        compiled = io.BytesIO()
        write_mo(compiled, read(path))
        made.add(path.with_suffix(".mo"))
        _write(path.with_suffix(".mo"), compiled.getvalue())
    for path in (found for folder in _ROOMS for found in (repository / folder).glob("*/LC_MESSAGES/*.mo")):
        if path not in made:
            path.unlink()


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole: a program that starts now reads the old one or the new one."""
    if path.exists() and path.read_bytes() == content:
        return
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.chmod(0o644)  # whoever compiles: the portal's own user reads it
    beside.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit status."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if asked not in ([], ["update"]):
        sys.stderr.write("Usage: python -m script.catalogues [update]\n")
        return 2
    if asked:
        update()
    compile_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
