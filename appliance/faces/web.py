"""Make a Flask application one of ours: look, language, security headers, static files and error pages."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, Request, Response, request
from flask.sansio.scaffold import Scaffold
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape

from appliance.faces import errors, formats, languages, origin

BODY_BYTES_MAX: Final = 64 * 1024
_FOLDER: Final = Path(__file__).parent
_HELPER: Final = lazy_gettext("petugas kantor")
_KEEPER: Final = lazy_gettext("teknisi yang mengurus hub desa")
_YEAR: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Face:
    """Whose pages these are: ``name`` stands on every page ("Desa Sukamaju"), ``part`` says where one is.

    ``services_url`` leads to the village's services from the foot of each page; empty where these are they.
    ``helper`` is whom a reader tells of a fault, ``keeper`` who gives new passwords: texts or lazy messages.
    ``is_open``: there is something to see without a login, so that the login has a way back. ``practice_band``:
    the template of a band in sight on every page, where nothing is real; ``title_mark`` stands before titles.
    """

    name: str
    part: str
    home: str = "/"
    services_url: str = ""
    helper: Any = _HELPER
    keeper: Any = _KEEPER
    is_open: bool = True
    practice_band: str = ""
    title_mark: str = ""


def install(
    app: Flask,
    face: Face,
    *,
    timezone: str,
    catalogues: Path,
    https: bool = False,
    inline_style: bool = False,
    scripts: bool = False,
    body_bytes_max: int = BODY_BYTES_MAX,
    is_own_form: Callable[[Request], bool] = origin.no_form,
) -> None:
    """Give ``app`` what every program's pages share. Call once, before the first request.

    Templates get ``face``, ``asset(file, endpoint)``, ``carried(path)`` (see `appliance.faces.languages`), and the
    filters ``duration``, ``size``, ``number`` and ``moment``; pages extend ``faces/base.html`` and import
    ``faces/components.html``.

    Args:
        app: made with ``static_folder=None`` unless the program has files of its own.
        face: the names on the page.
        timezone: IANA name of the zone in which moments are shown, such as ``Asia/Makassar``.
        catalogues: the program's folder of translations, ``LANGUAGE/LC_MESSAGES/messages.mo``; without it the pages are
            in Indonesian alone.
        https: the pages are served by TLS: cookies are Secure and HSTS is sent.
        inline_style: put the stylesheet into each page. Login windows of phones show a page before they fetch more.
        scripts: pages may run our own script files and play our own sounds; never a script within the page.
        body_bytes_max: longer requests get 413.
        is_own_form: as for `appliance.faces.origin.install`.
    """
    app.config.update(
        MAX_CONTENT_LENGTH=body_bytes_max,
        MAX_FORM_MEMORY_SIZE=body_bytes_max,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        # A browser refuses a cookie of this name from anywhere but this very host, by TLS.
        # Its own for each program: browsers share cookies between the ports of one host.
        SESSION_COOKIE_NAME=f"{'__Host-' if https else ''}sesi-{_own_name(app, face)}",
        TRAP_HTTP_EXCEPTIONS=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    style = (_FOLDER / "static" / "tokens.css").read_text("utf-8") if inline_style else ""
    languages.install(app, languages.load(catalogues), timezone)
    _assets(app)
    _headers(app, content_security_policy(style, scripts=scripts), https=https)
    origin.install(app, is_own_form)
    errors.install(app)
    zone = ZoneInfo(timezone)
    app.jinja_env.globals.update(
        face=face,
        face_style=Markup(style),  # noqa: S704 - our file
        face_language=_language,
        language_links=_language_links,
        carried=languages.carried,
    )
    app.jinja_env.filters.update(
        duration=formats.duration,
        size=formats.size,
        number=formats.number,
        moment=lambda value: formats.moment(value, datetime.datetime.now(datetime.UTC), zone),
    )


def _own_name(app: Flask, face: Face) -> str:
    return "latihan" if face.practice_band else app.name.rpartition(".")[2]


def _language() -> str:
    return languages.current().code


def _language_links(kept: Mapping[str, str] = MappingProxyType({})) -> list[tuple[languages.Language, str]]:
    """The program's languages, each with the address of this page in it; nothing where there is but one.

    A page that answers a form leads to the front page, an address nobody has too. ``kept`` goes along in the query.
    """
    offered = languages.offered()
    if len(offered) < 2:
        return []
    rule = request.url_rule
    path = request.path if rule is not None and "GET" in (rule.methods or ()) else "/"
    return [(one, f"{quote(path)}?{urlencode({languages.PARAMETER: one.code, **kept})}") for one in offered]


def warm(app: Flask) -> None:
    """Compile all templates now: the first visitors may come many at once, and what is there is shared by workers."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)


def _assets(app: Flask) -> None:
    app.register_blueprint(
        Blueprint("faces", __name__, static_folder="static", static_url_path="/faces", template_folder="templates")
    )
    app.jinja_env.globals["asset"] = functools.partial(_asset, app)


def _asset(app: Flask, filename: str, endpoint: str = "faces.static") -> str:
    """The address of a static file, with its content's hash: it may be kept for a year."""
    owner = _static_owner(app, endpoint)
    # Not url_for: it fails on the error page of a request whose Host header is no host.
    prefix = getattr(owner, "url_prefix", None) or ""
    return f"{prefix}{owner.static_url_path}/{quote(filename)}?v={_fingerprint(_static_folder(owner) / filename)}"


def _static_owner(app: Flask, endpoint: str) -> Scaffold:
    return app.blueprints[endpoint.rpartition(".")[0]] if "." in endpoint else app


def _static_folder(owner: Scaffold) -> Path:
    if owner.static_folder is None:
        raise LookupError(f"{owner.import_name} has no static folder")
    return Path(owner.static_folder)


@functools.lru_cache(maxsize=64)
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def content_security_policy(style: str, *, scripts: bool = False) -> str:
    """The policy of every page: nothing but our own files; ``style`` is the text put into the pages.

    Without ``scripts`` no script runs at all; with them our own files do, ask our own host, and play its sounds.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'" + (f" 'sha256-{digest}'" if style else ""),
            "img-src 'self'",
            *(("script-src 'self'", "connect-src 'self'", "media-src 'self'") if scripts else ()),
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _headers(app: Flask, policy: str, *, https: bool) -> None:
    always = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not no-referrer: with it browsers send "Origin: null" from our own forms.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if https:
        always["Strict-Transport-Security"] = "max-age=31536000"

    def add(response: Response) -> Response:
        response.headers.update(always)
        response.headers["Cache-Control"] = _cache_control(app, response)
        if 300 <= response.status_code < 400 and response.location and response.mimetype == "text/html":
            response.set_data(_onwards(response.location))  # in the reader's language, for who is not led on
        return response

    app.after_request(add)


def _onwards(location: str) -> str:
    title, link = escape(gettext("Halaman ini pindah")), escape(gettext("Lanjutkan"))
    return (
        f'<!doctype html><html lang="{_language()}"><meta charset="utf-8"><title>{title}</title>'
        f'<p>{title}. <a href="{escape(location)}">{link}</a></p></html>'
    )


def _cache_control(app: Flask, response: Response) -> str:
    endpoint = request.endpoint or ""
    if endpoint.rpartition(".")[2] != "static" or response.status_code not in (200, 206, 304):
        # A view that knows better says so itself: what carries a validator need not be sent twice.
        return response.headers.get("Cache-Control", "no-store")
    path = _static_folder(_static_owner(app, endpoint)) / (request.view_args or {})["filename"]
    return _YEAR if request.args.get("v") == _fingerprint(path) else "no-cache"
