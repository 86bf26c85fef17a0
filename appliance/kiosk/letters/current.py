"""The desk of the running kiosk, for its pages; and what becomes of a step that is refused."""

from __future__ import annotations

import time
from typing import Final

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import errors
from appliance.kiosk.letters import state_words
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.flow import Reason, StepRefused
from appliance.kiosk.letters.live_kinds import LiveKinds
from appliance.kiosk.letters.means import Means
from appliance.kiosk.letters.numbering import DateNeeded, DateRefused
from appliance.kiosk.letters.store import KindGone, LetterNotFound
from appliance.kiosk.letters.tries import Tries
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.services import Kiosk, current_kiosk
from appliance.store.audit import Audit

_NAME: Final = "letters"
_TRIES: Final = "letters_tries"


def make_desk(kiosk: Kiosk) -> Desk:
    """A desk over the kiosk's store, with the kinds as their files are at each moment."""
    return Desk(
        Means(
            store=kiosk.store,
            vault=kiosk.vault,
            audit=Audit(kiosk.store, kiosk.clock),
            register=open_register(kiosk),
            kinds=LiveKinds(),
            config=kiosk.config,
            clock=kiosk.clock,
            clock_is_known=kiosk.clock_is_known,
            is_practice=kiosk.is_practice,
        )
    )


def install(app: Flask, kiosk: Kiosk) -> None:
    """Give the pages of ``app`` a desk, and turn its refusals into pages."""
    app.extensions[_NAME] = make_desk(kiosk)
    app.extensions[_TRIES] = Tries()
    app.register_error_handler(StepRefused, _refused)
    app.register_error_handler(LetterNotFound, _not_found)
    app.register_error_handler(KindGone, _kind_gone)
    app.register_error_handler(DateNeeded, _date_needed)
    app.register_error_handler(DateRefused, _date_refused)


def current_desk() -> Desk:
    """The desk of the kiosk whose page is being made."""
    desk: Desk = current_app.extensions[_NAME]
    return desk


def too_many_tries() -> ResponseReturnValue | None:
    """Answer instead of looking a code up, where the visitor's device has tried too many wrong ones."""
    seconds = _tries().wait_seconds(_device(), time.monotonic())
    if not seconds:
        return None
    advice = gettext("Tunggu %(seconds)s detik, periksa kodenya, lalu coba lagi.", seconds=seconds)
    response = errors.page(429, gettext("Terlalu banyak kode yang salah"), advice, "KODE")
    response.headers["Retry-After"] = str(seconds)
    return response


def count_wrong_code() -> None:
    """Count a code that nobody was given against the visitor's device."""
    _tries().count(_device(), time.monotonic())


def _tries() -> Tries:
    tries: Tries = current_app.extensions[_TRIES]
    return tries


def _device() -> str:
    """Where the request comes from, as nginx says; without nginx, the connection's address."""
    told = request.headers.get("X-Real-IP", "") if current_kiosk().over_unix_socket else ""
    return told or request.remote_addr or "?"


def _refused(error: StepRefused) -> ResponseReturnValue:
    title, advice = state_words.refusal(error.reason)
    is_right = error.reason in (Reason.NOT_ALLOWED, Reason.SAME_PERSON, Reason.NOT_THIS_OFFICIAL, Reason.MAY_NOT_ASK)
    status = 403 if is_right else 429 if error.reason is Reason.TOO_MANY_WAIT else 409
    return errors.page(status, title, advice, "SURAT")


def _not_found(_: LetterNotFound) -> ResponseReturnValue:
    return errors.page(
        404, gettext("Surat tidak ditemukan"), gettext("Periksa kodenya, atau mulai dari halaman depan."), "SURAT"
    )


def _kind_gone(_: KindGone) -> ResponseReturnValue:
    return errors.page(
        409,
        gettext("Jenis surat ini sudah tidak ada"),
        gettext("Berkas jenis surat ini hilang atau keliru. Beri tahu teknisi."),
        "JENIS",
    )


def _date_needed(_: DateNeeded) -> ResponseReturnValue:
    return errors.page(
        409,
        gettext("Jam alat ini belum benar"),
        gettext("Tulis tanggal surat sendiri, sesuai kalender, lalu setujui lagi."),
        "TANGGAL",
    )


def _date_refused(error: DateRefused) -> ResponseReturnValue:
    return errors.page(409, gettext("Tanggal ini tidak bisa dipakai"), state_words.date_advice(error), "TANGGAL")
