"""Where anybody checks a village's letter from outside the village: what the QR code's address leads to.

A process of its own (``desahub-noc-letter-check``), since all the world may ask it: it reads the store alone, and has
neither accounts nor keys nor cookies. A token comes in the address and goes nowhere: what is looked up is its digest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Flask, Response
from flask_babel import lazy_gettext

from appliance.faces.web import Face, install
from noc.letter_check import pages
from noc.letter_check.pace import Pace
from noc.store.contract import NocStore

TIMEZONE: Final = "Asia/Jakarta"  # of pages that know no village
# Of a path nobody is to be told who reads the page, nor the page which path led there.
_HEADERS: Final = {"X-Robots-Tag": "noindex, nofollow, noarchive", "Referrer-Policy": "no-referrer"}


def create_app(
    store: NocStore,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Flask:
    """Make the application.

    Args:
        store: what the ingest keeps.
        clock: seconds, wall time.
        monotonic: counts on.
    """
    app = Flask(__name__, static_folder=None)

    def harden(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    app.after_request(harden)  # the first one to be told runs last
    keeper = lazy_gettext("pengelola server NOC")
    face = Face(
        name="Periksa surat desa", part="Internet Desa Hub", helper=keeper, keeper=keeper, is_open=True,
    )  # fmt: skip
    install(app, face, timezone=TIMEZONE, catalogues=Path(__file__).parent / "translations", https=True)
    app.extensions[pages.EXTENSION] = pages.Means(store, clock, monotonic, Pace())
    app.register_blueprint(pages.pages)
    return app
