"""Pages of the office: opened from inside only, and by who is logged in."""

from __future__ import annotations

from typing import Final

from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import errors
from appliance.kiosk.services import current_place

OFFICE_PREFIX: Final = "/kantor"
PRACTICE_PAGE: Final = "/latihan"


def refuse_open_air() -> ResponseReturnValue | None:
    """Answer instead of a page where a password would travel in the open; None elsewhere. Fits ``before_request``."""
    if current_place().is_private:
        return None
    return errors.page(
        403,
        gettext("Halaman kantor tidak dibuka di Wi-Fi warga"),
        gettext(
            "Wi-Fi warga tidak terkunci: orang lain bisa membaca kata sandi di udara. "
            "Pakai Wi-Fi kantor, atau layar di balai."
        ),
        "KANTOR",
    )
