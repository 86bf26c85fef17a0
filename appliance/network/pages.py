"""The pages nginx shows by itself when the program behind it cannot: small, whole, in plain Indonesian."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

_STYLE = (
    "body{margin:0 auto;max-width:34rem;padding:2rem 1rem;font:1.125rem/1.6 system-ui,sans-serif;"
    "color:#1c1917;background:#fafaf9}h1{font-size:1.5rem;line-height:1.3}"
    "a{display:inline-block;padding:.75rem 1.25rem;border-radius:.5rem;background:#166534;color:#fff;"
    "text-decoration:none}"
    "@media(prefers-color-scheme:dark){body{color:#fafaf9;background:#1c1917}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Page:
    """One page: which of nginx's statuses lead to it, and which status it is answered with."""

    name: str
    statuses: tuple[int, ...]
    answer: int
    title: str
    text: str

    @property
    def policy(self) -> str:
        """The Content-Security-Policy: nothing but this page's own style."""
        return f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"


PAGES = (
    Page(
        "sibuk",
        (429, 500, 502, 503, 504),
        503,
        "Layanan sedang disiapkan",
        "Layanan desa belum siap atau sedang ramai. Tunggu sebentar, lalu coba lagi. "
        "Kalau tetap begini, beri tahu petugas di balai desa.",
    ),
    Page(
        "besar",
        (413,),
        413,
        "Kiriman terlalu besar",
        "Berkas atau isian yang dikirim terlalu besar. Perkecil dulu, lalu kirim lagi.",
    ),
    Page(
        "keliru",
        (400, 403, 404, 405, 408, 411, 412, 414, 415, 416, 417, 421, 431, 494, 495, 496, 497, 501, 505),
        400,
        "Permintaan tidak dapat dibaca",
        "Alamat atau permintaan ini tidak dapat dibaca. Buka halaman depan, lalu coba lagi.",
    ),
)


def page(error: Page) -> str:
    """The page's HTML on one line, without a quote that nginx would take as the end."""
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{error.title}</title><style>{_STYLE}</style></head>"
        f'<body><main><h1>{error.title}</h1><p>{error.text}</p><p><a href="/">Coba lagi</a></p></main></body></html>'
    )
