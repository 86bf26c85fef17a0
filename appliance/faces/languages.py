"""Which languages a program's pages speak, and which one a request gets.

Indonesian is the source (docs/adr/0005) and needs no catalogue. Each further language is one folder in the program's
``translations``: ``LANGUAGE/LC_MESSAGES/messages.mo``, the pages' texts and this room's in one catalogue. A program
without the folder speaks Indonesian alone, so that no page is half one language and half another.

The choice stands in the address (``?bahasa=jv``), since login windows of phones keep no cookies: `carried` and
``url_for`` take it along. Without it the browser's Accept-Language decides (RFC 9110, section 12.5.4).
"""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, Domain

_log = logging.getLogger(__name__)
PARAMETER: Final = "bahasa"
_EXTENSION: Final = "desahub_languages"
_NAME: Final = "Bahasa Indonesia"  # each catalogue translates it into its own name, in its own words
_CODE: Final = re.compile(r"[a-z]{2,3}")
# Codes of before 1989, which Java and old Androids still send. Source: BCP 47, IANA language subtag registry.
_OLD_CODES: Final = {"in": "id", "jw": "jv"}


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code (BCP 47), its own name, whose dates and numbers it has, and its texts."""

    code: str
    name: str
    locale: Locale
    texts: NullTranslations


SOURCE: Final = Language("id", _NAME, Locale("id"), NullTranslations())


def load(catalogues: Path) -> tuple[Language, ...]:
    """The languages of a folder of catalogues, Indonesian first, the others by name.

    A catalogue that cannot be read is left out, loudly: the pages are worth more than one of their languages.
    """
    found = (_load(path) for path in sorted(catalogues.glob("*/LC_MESSAGES/messages.mo")))
    return (SOURCE, *sorted((one for one in found if one is not None), key=lambda one: one.name))


def _load(path: Path) -> Language | None:
    code = path.parts[-3]
    if not _CODE.fullmatch(code) or code == SOURCE.code:
        _log.error("%s: left out: a language is two or three small letters, and not %s", path, SOURCE.code)
        return None
    try:
        with path.open("rb") as file:
            texts = Translations(file)
    except (OSError, ValueError, LookupError, struct.error) as error:  # UnicodeDecodeError is a ValueError
        _log.error("%s: left out: %s", path, error)
        return None
    return Language(code, str(texts.ugettext(_NAME)), _locale(code), texts)


def _locale(code: str) -> Locale:
    """Whose dates and numbers a language has; CLDR does not know Balinese, for one, which writes them as Indonesian."""
    try:
        return Locale(code)
    except UnknownLocaleError:
        return SOURCE.locale


class _Chosen(Domain):  # type: ignore[misc] # Flask-Babel carries no types
    """Looks texts up in the request's language. Flask-Babel would go by locale, and there is none for some."""

    def get_translations(self) -> NullTranslations:
        return current().texts


def install(app: Flask, languages: tuple[Language, ...], timezone: str) -> None:
    """Let ``app`` speak ``languages``; call once."""
    app.extensions[_EXTENSION] = {one.code: one for one in languages}
    babel = Babel(
        app,
        default_locale=SOURCE.code,
        default_timezone=timezone,
        locale_selector=lambda: current().locale,
    )
    babel.domain_instance = _Chosen()
    # Flask-Babel's own find the request's language by three detours: a fifth of a page with a table.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined] # of the extension that Flask-Babel adds
        *(_asked_of(name) for name in ("ugettext", "ungettext")),
        newstyle=True,
        pgettext=_asked_of("upgettext"),
        npgettext=_asked_of("unpgettext"),
    )
    app.url_defaults(_carry)


def _asked_of(name: str) -> Callable[..., str]:
    """A method of the texts in the request's language."""

    def ask(*arguments: object) -> str:
        return str(getattr(current().texts, name)(*arguments))

    return ask


def gettext(text: str, **values: object) -> str:
    """As Flask-Babel's, for what is written many times a page."""
    found = str(current().texts.ugettext(text))
    return found % values if values else found


def ngettext(one: str, many: str, count: int) -> str:
    """As Flask-Babel's, likewise; ``%(num)d`` in both is the count."""
    return str(current().texts.ungettext(one, many, count)) % {"num": count}


def offered() -> tuple[Language, ...]:
    """The languages of this program."""
    return tuple(_offered().values())


def current() -> Language:
    """The language of this request; Indonesian outside of one."""
    try:
        found: Language = g.language  # asked some hundred times a page
    except (AttributeError, RuntimeError):  # nobody asked yet; or there is no request, and not even an application
        if not has_request_context():
            return SOURCE
        found = g.language = asked() or _offered().get(next(_accepted(), ""), SOURCE)
    return found


def asked() -> Language | None:
    """The language that this request's address names; None without, and for anything else than a language we have."""
    # ``get`` of what is not there makes an exception, and every address on a page asks.
    is_named = has_request_context() and PARAMETER in request.args
    return _offered().get(request.args[PARAMETER]) if is_named else None


def carried(path: str) -> str:
    """``path``, which has no query, with the language that this request's address names."""
    language = asked()
    return path if language is None else f"{path}?{urlencode({PARAMETER: language.code})}"


def _offered() -> dict[str, Language]:
    found: dict[str, Language] = current_app.extensions.get(_EXTENSION, {SOURCE.code: SOURCE})
    return found


def _accepted() -> Iterator[str]:
    """Codes of ours among what the browser accepts, the best first."""
    for tag, quality in request.accept_languages:
        primary = re.split("[-_]", tag.lower())[0]
        code = _OLD_CODES.get(primary, primary)
        if quality > 0 and code in _offered():
            yield code


def _carry(endpoint: str, values: dict[str, Any]) -> None:
    language = asked()
    if language is not None and not endpoint.endswith("static"):
        values.setdefault(PARAMETER, language.code)
