"""Vouchers: the batches, making one, its sheets, and withdrawing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import HotspotRefused
from appliance.hotspot.protocol import (
    DEVICES_MAX,
    Batch,
    GetBatch,
    ListBatches,
    MakeBatch,
    RefusalCode,
    VoidBatch,
    VoidVoucher,
)
from appliance.kiosk.hotspot import batches, rules, sheets, store, words
from appliance.kiosk.hotspot.batches import Problem, Wish
from appliance.kiosk.hotspot.pages import ask, back_to, by, change, form_token, page_number, pages
from appliance.kiosk.services import current_kiosk

EXAMPLE_CODE = "C0NT0-H1234"


@pages.get("/voucher")
def vouchers() -> ResponseReturnValue:
    """List the batches."""
    config = current_kiosk().config
    return render_template("hotspot/vouchers.html", batches=ask(ListBatches()).batches, taken=sheets.networks(config))


@pages.get("/voucher/buat")
def new_batch() -> ResponseReturnValue:
    """Show the form, filled with a preset."""
    asked = request.args.get("siap", "")
    key = asked if asked in batches.PRESETS else batches.FIRST_PRESET
    wish = dataclasses.replace(batches.PRESETS[key], title=words.preset(key))
    return _form_page(wish, {}, store.make_token(), key=key)


@pages.post("/voucher/buat")
def make_batch() -> ResponseReturnValue:
    """Show the preview again, or make the vouchers, once for each form."""
    token, kiosk = form_token(), current_kiosk()
    read = batches.read(request.form, {speed.name for speed in kiosk.config.speeds})
    if read.problems or "make" not in request.form:
        return _form_page(read.wish, read.problems, token), 400 if read.problems else 200
    forms = store.Forms(kiosk.store)
    sent = forms.begin(token, int(kiosk.clock()))
    if sent.state is store.FormState.DONE:
        return back_to("batch", "good", gettext("Voucher ini sudah dibuat tadi."), batch_id=sent.result)
    if sent.state is store.FormState.UNKNOWN:
        return back_to("vouchers", "warn", gettext("Formulir itu sudah dikirim. Periksa dulu daftar di bawah ini."))
    wish = read.wish
    try:
        made = ask(
            MakeBatch(wish.title, wish.count, wish.devices, wish.duration_seconds, wish.quota_megabytes, wish.speed,
                      wish.valid_days, by())
        )  # fmt: skip
    except HotspotRefused as error:
        forms.forget(token)  # nothing was made
        if error.code != RefusalCode.UNKNOWN_SPEED:
            raise
        return _form_page(wish, {"speed": Problem.UNKNOWN_SPEED}, token), 400
    forms.finish(token, made.batch.id)
    return back_to("batch", "good", gettext("Voucher sudah dibuat. Sekarang cetak lembarnya."), batch_id=made.batch.id)


@pages.get("/voucher/<int:batch_id>")
def batch(batch_id: int) -> ResponseReturnValue:
    """Show a batch, without its codes."""
    return render_template("hotspot/batch.html", batch=_batch(batch_id))


@pages.get("/voucher/<int:batch_id>/lembar")
def sheet(batch_id: int) -> ResponseReturnValue:
    """Show the sheets to print; the keeper writes down who saw the codes."""
    found, config = ask(GetBatch(batch_id, by())), current_kiosk().config
    used_too = request.args.get("semua") == "ya"
    return render_template(
        "hotspot/sheet.html",
        batch=found.batch,
        part_of=sheets.part(found.vouchers, page_number(1_000), used_too=used_too),
        used_too=used_too,
        qr=lambda code: sheets.qr(sheets.address(config, code)),
        taken=sheets.networks(config),
    )


@pages.get("/voucher/<int:batch_id>/kode")
def codes(batch_id: int) -> ResponseReturnValue:
    """Show each voucher of a batch with its code and state."""
    found = ask(GetBatch(batch_id, by()))
    return render_template("hotspot/codes.html", batch=found.batch, vouchers=found.vouchers)


@pages.route("/voucher/<int:batch_id>/batalkan", methods=["GET", "POST"])
def void_batch(batch_id: int) -> ResponseReturnValue:
    """Ask whether to withdraw a whole batch, or do it."""
    why = rules.reason(request.form.get("why", ""))
    if request.method == "POST" and why:
        text = gettext("Semua voucher nomor ini sudah dibatalkan.")
        return change(VoidBatch(batch_id, by(), why), "batch", text, batch_id=batch_id)
    return _void_page(_batch(batch_id), 0)


@pages.route("/voucher/<int:batch_id>/batalkan/<int:serial>", methods=["GET", "POST"])
def void_voucher(batch_id: int, serial: int) -> ResponseReturnValue:
    """Ask whether to withdraw one voucher, or do it."""
    why = rules.reason(request.form.get("why", ""))
    if request.method == "POST" and why:
        text = gettext("Satu voucher sudah dibatalkan.")
        return change(VoidVoucher(batch_id, serial, by(), why), "batch", text, batch_id=batch_id)
    found = _batch(batch_id)
    if not 1 <= serial <= found.count:
        abort(404)
    return _void_page(found, serial)


def _void_page(found: Batch, serial: int) -> ResponseReturnValue:
    is_answer = request.method == "POST"
    page = render_template("hotspot/void.html", batch=found, serial=serial, lacks_reason=is_answer)
    return page, 400 if is_answer else 200


def _batch(batch_id: int) -> Batch:
    found = next((one for one in ask(ListBatches()).batches if one.id == batch_id), None)
    if found is None:
        abort(404)
    return found


def _form_page(wish: Wish, problems: Mapping[str, Problem], token: str, key: str = "") -> str:
    config = current_kiosk().config
    return render_template(
        "hotspot/new_batch.html",
        wish=wish,
        problems=problems,
        token=token,
        key=key,
        presets=batches.PRESETS,
        choices={
            "duration_seconds": [(value, words.long(value)) for value in batches.DURATIONS_SECONDS],
            "devices": [(value, str(value)) for value in range(1, DEVICES_MAX + 1)],
            "quota_megabytes": [(value, words.data(value)) for value in batches.QUOTAS_MEGABYTES],
            "valid_days": [(value, gettext("%(count)d hari", count=value)) for value in batches.VALID_DAYS],
            "speed": [
                ("", words.speed("", config)),
                *((one.name, words.speed(one.name, config)) for one in config.speeds),
            ],
        },
        count_text=request.form.get("count", str(wish.count))[:12],
        example=EXAMPLE_CODE,
        example_qr=sheets.qr(sheets.address(config, EXAMPLE_CODE)),
        taken=sheets.networks(config),
        sheet_vouchers=batches.SHEET_VOUCHERS,
    )
