"""Error pages: what happened, what to do, and the code. Never a traceback."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, Response, current_app, make_response, render_template
from flask_babel import gettext, lazy_gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from appliance.core import faults
from appliance.core.errors import GateError, StoreBusy, StoreError, StoreFull

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Words:
    title: Any
    advice: Any


_WORDS: Final = {
    400: _Words(
        lazy_gettext("Permintaan tidak dapat dibaca"),
        lazy_gettext("Kembali ke halaman sebelumnya, muat ulang, lalu coba lagi."),
    ),
    403: _Words(
        lazy_gettext("Tidak boleh dibuka dari sini"),
        lazy_gettext("Buka halaman depan dan mulai dari sana."),
    ),
    404: _Words(
        lazy_gettext("Halaman tidak ditemukan"),
        lazy_gettext("Periksa alamatnya, atau buka halaman depan."),
    ),
    405: _Words(
        lazy_gettext("Tindakan ini tidak tersedia di sini"),
        lazy_gettext("Buka halaman depan dan pakai tombol yang ada di sana."),
    ),
    413: _Words(
        lazy_gettext("Kiriman terlalu besar"),
        lazy_gettext("Kirim isi yang lebih kecil."),
    ),
    429: _Words(
        lazy_gettext("Terlalu banyak percobaan"),
        lazy_gettext("Tunggu sebentar, lalu coba lagi."),
    ),
    500: _Words(
        lazy_gettext("Ada kesalahan pada layanan ini"),
        lazy_gettext("Coba lagi sebentar. Kalau tetap begini, beri tahu %(helper)s dan sebutkan kode di bawah."),
    ),
    503: _Words(
        lazy_gettext("Belum bisa dilayani"),
        lazy_gettext("Tunggu satu menit, lalu coba lagi."),
    ),
}


def page(status: int, title: str = "", advice: str = "", code: str = "") -> Response:
    """Make a readable error page.

    Args:
        status: HTTP's.
        title: what happened; by default what the status means.
        advice: what to do; by default what helps with the status.
        code: a word to tell the helper, shown after the status.
    """
    words = _WORDS.get(status) or _WORDS[500 if status >= 500 else 400]
    response = make_response(
        render_template(
            "faces/error.html",
            title=title or str(words.title),
            advice=advice or str(words.advice) % {"helper": _helper()},
            code=f"{status} {code}".strip(),
        ),
        status,
    )
    if status == 503:
        response.headers["Retry-After"] = "60"
    return response


def _helper() -> str:
    """Whom this program's readers tell; set by `appliance.faces.web.install`."""
    face: Any = current_app.jinja_env.globals["face"]
    return str(face.helper)


def install(app: Flask) -> None:
    """Turn every error of ``app`` into a page."""
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(CSRFError, of_form)
    app.register_error_handler(StoreError, _of_store)
    app.register_error_handler(GateError, _of_gate)
    app.register_error_handler(Exception, _of_fault)


def _of_http(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        return make_response(error.get_response())  # a redirect is no error
    response = page(error.code)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def of_form(_: CSRFError) -> Response:
    """Say that a form has lost its mark, and what helps."""
    return page(
        400,
        gettext("Formulir ini sudah tidak berlaku"),
        gettext("Muat ulang halaman formulir, lalu kirim sekali lagi. Cookie peramban harus diizinkan."),
        "FORMULIR",
    )


def _of_store(error: StoreError) -> Response:
    _log.error("%s", error)
    if isinstance(error, StoreFull):
        return page(
            503,
            gettext("Penyimpanan penuh"),
            gettext("Tidak ada yang tersimpan. Beri tahu %(helper)s, lalu coba lagi nanti.", helper=_helper()),
            "PENYIMPANAN",
        )
    if isinstance(error, StoreBusy):
        response = page(
            503,
            gettext("Sedang ramai"),
            gettext("Banyak yang masuk pada saat yang sama. Tunggu sepuluh detik, lalu coba lagi."),
            "RAMAI",
        )
        response.headers["Retry-After"] = "10"
        return response
    return page(503, code="DATA")


def _of_gate(error: GateError) -> Response:
    _log.error("%s", error)
    return page(
        503,
        gettext("Sambungan internet belum bisa diatur"),
        gettext("Tunggu satu menit, lalu coba lagi. Kalau tetap begini, beri tahu %(helper)s.", helper=_helper()),
        "GERBANG",
    )


def _of_fault(error: Exception) -> Response:
    # The journal gets where it came about, the person gets a page.
    _log.error("a page failed: %s\n%s", type(error).__name__, faults.trace(error))
    return page(500)
