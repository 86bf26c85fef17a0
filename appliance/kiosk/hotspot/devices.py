"""Devices: those online, one of them, the blocked ones, and what can be done to each."""

from __future__ import annotations

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import formats
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import Block, Extend, ListBlocked, ListClients, OnlineClient, Stop, Unblock
from appliance.kiosk.hotspot import rules, store
from appliance.kiosk.hotspot.pages import (
    REFRESH_SECONDS,
    ask,
    back_to,
    by,
    change,
    client_of_form,
    form_token,
    gate_is_silent,
    now,
    page_number,
    pages,
)
from appliance.kiosk.services import current_kiosk


@pages.get("/")
def online() -> ResponseReturnValue:
    """List who is online now."""
    every = ask(ListClients()).online
    asked, network = request.args.get("urut", ""), request.args.get("jaringan", "")
    order = rules.Order(asked) if asked in set(rules.Order) else rules.Order.USE
    networks = [one.name for one in current_kiosk().config.resident_networks]
    network = network if network in networks else ""
    rows = rules.in_order((one for one in every if network in ("", one.network)), order)
    is_held = request.args.get("diam") == "ya"
    return render_template(
        "hotspot/online.html",
        every=every,
        shown=rules.page_of(rows, page_number(10_000)),
        order=order,
        network=network,
        networks=networks,
        text="",
        is_held=is_held,
        refresh_seconds=0 if is_held else REFRESH_SECONDS,
        gate_silent=gate_is_silent(),
    )


@pages.post("/cari")
def find_online() -> ResponseReturnValue:
    """Find among those online. By POST: a name or a MAC does not belong into an address."""
    text = request.form.get("text", "")[: rules.FIND_LENGTH_MAX]
    every = ask(ListClients()).online
    found = [one for one in every if rules.matches(text, one.client, one.host_name, one.voucher)]
    rows = rules.in_order(found if text.strip() else every, rules.Order.USE)
    return render_template(
        "hotspot/online.html",
        every=every,
        shown=rules.Shown(rows, 1, 1, len(rows)),
        order=rules.Order.USE,
        network="",
        networks=[],
        text=text.strip(),
        is_held=True,
        refresh_seconds=0,
        gate_silent=gate_is_silent(),
    )


@pages.post("/perangkat")
def device() -> ResponseReturnValue:
    """Show one device, and what can be done: this page is where one sees whom it will meet."""
    return _device_page(client_of_form())


@pages.post("/perangkat/tambah")
def extend() -> ResponseReturnValue:
    """Give a device more time, once for each form."""
    client, token = client_of_form(), form_token()
    one = _online(client)
    if one is None:
        return back_to("online", "warn", gettext("Perangkat itu sudah tidak tersambung. Tidak ada yang diubah."))
    choices = rules.extensions(one.remaining_seconds, _open_hours(one), now())
    chosen = next((each for each in choices if each.key == request.form.get("seconds")), None)
    if chosen is None:
        return _device_page(client, gettext("Pilih berapa lama waktunya ditambah."), 400)
    forms = store.Forms(current_kiosk().store)
    if forms.begin(token, int(current_kiosk().clock())).state is not store.FormState.NEW:
        return back_to("online", "warn", gettext("Tombol itu sudah ditekan. Waktu tidak ditambah dua kali."))
    question = Extend(client, chosen.seconds, by(), rules.NO_REASON)
    return change(question, "online", lambda: _extended(one, chosen.seconds))


def _extended(before: OnlineClient, seconds: int) -> tuple[str, str]:
    """Say what came of it: closing time and the day's share hold all the same."""
    after = _online(before.client)
    if after is not None and after.remaining_seconds < before.remaining_seconds + seconds // 2:
        left = formats.duration(after.remaining_seconds)
        return "warn", gettext(
            "Waktu ditambah, tetapi sambungan itu tetap berakhir dalam %(duration)s: "
            "jam tutup atau jatah harian tidak ikut berubah.",
            duration=left,
        )
    return "good", gettext("Waktu perangkat itu sudah ditambah.")


@pages.post("/perangkat/hentikan")
def stop() -> ResponseReturnValue:
    """End a device's connection."""
    client, why = client_of_form(), rules.reason(request.form.get("why", ""))
    if not why:
        return _device_page(client, _reason_needed(), 400, field="stop")
    return change(Stop(client, by(), why), "online", gettext("Sambungan perangkat itu sudah dihentikan."))


@pages.post("/perangkat/blokir")
def block() -> ResponseReturnValue:
    """Keep a device out."""
    client, why = client_of_form(), rules.reason(request.form.get("why", ""))
    asked = request.form.get("until", "")
    if asked not in set(rules.BlockFor):
        return _device_page(client, gettext("Pilih berapa lama perangkat ini diblokir."), 400, field="block")
    if not why:
        return _device_page(client, _reason_needed(), 400, field="block")
    seconds = rules.block_seconds(rules.BlockFor(asked), now())
    return change(Block(client.mac, seconds, by(), why), "blocked", gettext("Perangkat itu sudah diblokir."))


@pages.get("/diblokir")
def blocked() -> ResponseReturnValue:
    """List who is kept out."""
    return render_template("hotspot/blocked.html", blocked=ask(ListBlocked()).blocked)


@pages.post("/diblokir/buka")
def unblock() -> ResponseReturnValue:
    """Let a device in again."""
    mac = request.form.get("mac", "")
    if not rules.is_mac(mac):
        abort(400)
    return change(Unblock(mac, by(), rules.NO_REASON), "blocked", gettext("Blokir perangkat itu sudah dibuka."))


def _online(client: Client) -> OnlineClient | None:
    return next((one for one in ask(ListClients()).online if one.client == client), None)


def _open_hours(one: OnlineClient) -> tuple[str, ...]:
    networks = current_kiosk().config.networks
    return next((network.open_hours for network in networks if network.name == one.network), ())


def _device_page(client: Client, problem: str = "", status: int = 200, field: str = "extend") -> ResponseReturnValue:
    one = _online(client)
    is_blocked = any(each.mac == client.mac for each in ask(ListBlocked()).blocked)
    page = render_template(
        "hotspot/device.html",
        client=client,
        one=one,
        is_blocked=is_blocked,
        choices=rules.extensions(one.remaining_seconds, _open_hours(one), now()) if one else (),
        token=store.make_token(),
        name=rules.clean_name(one.host_name if one else request.form.get("name", "")),
        problem=problem,
        field=field,
        why=request.form.get("why", "")[:200],
        until=request.form.get("until", ""),
    )
    return page, status


def _reason_needed() -> str:
    return str(gettext("Tulis alasannya dalam satu baris: orang yang terkena berhak tahu."))
