"""The pages nginx shows by itself when the program behind it cannot: small, whole, in plain Indonesian.

A sentence in English stands below: here is no program that could ask which language somebody reads.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

# The colours of appliance/faces/static/tokens.css, as a test makes sure of: nginx has no files to send.
COLOURS = {"paper": "#f7f5ef", "ink": "#1c2a27", "ink-soft": "#4a5a55", "brand": "#0d5a4c", "on-brand": "#ffffff"}
_STYLE = (
    "body{{margin:0 auto;max-width:34rem;padding:1rem;font:118.75%/1.5 system-ui,sans-serif;"
    "color:{ink}}}html{{background:{paper};border-top:10px solid {brand}}}h1{{font-size:1.6rem;line-height:1.2}}"
    ".soft{{color:{ink-soft}}}"
    "a{{display:inline-block;margin:0 1rem 1rem 0;padding:.7rem 1.5rem;border:2px solid {brand};border-radius:.75rem;"
    "font-weight:700;background:{brand};color:{on-brand};text-decoration:none}}"
    "a+a{{background:none;color:{brand}}}"
).format_map(COLOURS)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Page:
    """One page: which of nginx's statuses lead to it, and which status it is answered with."""

    name: str
    statuses: tuple[int, ...]
    answer: int
    title: str
    text: str
    english: str
    # Where "again" would lead to the same page it is left out.
    has_way_back: bool = True

    @property
    def policy(self) -> str:
        """The Content-Security-Policy: nothing but this page's own style."""
        return f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"


PAGES = (
    Page(
        "sibuk",
        (500, 502, 503, 504),
        503,
        "Layanan sedang disiapkan",
        "Layanan desa belum siap atau sedang ramai. Tunggu sebentar, lalu coba lagi. "
        "Kalau tetap begini, beri tahu petugas di balai desa.",
        "The service is starting or busy. Wait a moment, then try again.",
    ),
    Page(
        "padat",
        (429,),
        429,
        "Terlalu banyak permintaan",
        "Perangkat ini mengirim terlalu banyak permintaan sekaligus. Tunggu satu menit, lalu coba lagi.",
        "This device sends too many requests at once. Wait a minute, then try again.",
    ),
    Page(
        "besar",
        (413,),
        413,
        "Kiriman terlalu besar",
        "Berkas atau isian yang dikirim terlalu besar. Perkecil dulu, lalu kirim lagi.",
        "What was sent is too large. Make it smaller, then send it again.",
    ),
    Page(
        "keliru",
        (400, 403, 404, 405, 408, 411, 412, 414, 415, 416, 417, 421, 431, 494, 495, 496, 497, 501, 505),
        400,
        "Permintaan tidak dapat dibaca",
        "Alamat atau permintaan ini tidak dapat dibaca. Buka halaman depan, lalu coba lagi.",
        "This address or request cannot be read. Open the front page, then try again.",
    ),
)


# What the family filter answers for a blocked name, over plain HTTP.
BLOCKED = Page(
    "ditutup",
    (),
    403,
    "Situs ini ditutup di jaringan ini",
    "Jaringan ini memakai penyaring keluarga: situs judi, pornografi, dan situs lain yang berbahaya tidak dibuka di "
    "sini. Perangkat Anda tidak rusak, dan internet tetap jalan. Kalau menurut Anda situs ini seharusnya boleh "
    "dibuka, beri tahu petugas di balai desa: sebutkan alamat situsnya.",
    "This site is closed on this network by the family filter. The internet works otherwise.",
    has_way_back=False,
)


def page(error: Page, village: str, services: str) -> str:
    """The page's HTML on one line, without a sign that nginx would take for its own.

    Args:
        error: which page.
        village: such as ``Desa Sukamaju``.
        services: the host name of the village's services.
    """
    name = _inert(village)
    again = '<a href="/">Coba lagi</a>' if error.has_way_back else ""
    return (
        '<!doctype html><html lang="id"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{error.title} · {name}</title><style>{_STYLE}</style></head>"
        f"<body><main><p><b>{name}</b></p><h1>{error.title}</h1><p>{error.text}</p>"
        f'<p class="soft" lang="en">{error.english}</p>'
        f'<p>{again}<a href="http://{_inert(services)}/">Layanan desa</a></p>'
        f'<p class="soft">Kode: {error.answer} {error.name.upper()}</p></main></body></html>'
    )


def _inert(text: str) -> str:
    """Words of hub.toml as HTML in a quoted string of nginx, where a dollar begins a variable."""
    return re.sub(r"[^\w .,()/-]", lambda found: f"&#{ord(found[0])};", text)
