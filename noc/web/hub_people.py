"""What people write about a hub: its line and residents, whom to call, what stands there, who was there.

Nothing is deleted without a trace: a thing is taken away on a day, a visit is reversed with a reason. Only a contact
goes for good, since a person's number is theirs; that it went stays in the audit, without the number.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.fleet_book.contract import Asset, Card, Contact, Visit
from noc.papers.dispatch_csv import phone_text
from noc.rules.alert_state import Deed
from noc.web.access import Right, may, require, scope, who
from noc.web.incidents import tel
from noc.web.parts import blueprint, parts

NAME_MAX: Final = 64
WHAT_MAX: Final = 1_000
WHY_MAX: Final = 200
CONTACTS_MAX: Final = 12
RESIDENTS_MAX: Final = 1_000_000
KBIT_MAX: Final = 100_000_000
VISIT_DAYS_AHEAD: Final = 366
EARLIEST: Final = datetime.date(2000, 1, 1)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,5}", re.ASCII)
_SIGNS: Final = re.compile(r"[ ().\-\u2013/]")

pages = blueprint("hub_people", __name__)
pages.add_app_template_filter(tel, "tel")
pages.add_app_template_filter(phone_text, "phone")


@pages.route("/hub/<hub_id>/kontak", methods=["GET", "POST"])
@require(Right.MANAGE)
def contact(hub_id: str) -> ResponseReturnValue:
    """Add a contact, or change the one that the address names (``?nomor=7``)."""
    card = card_of(hub_id)
    kept = parts().book.contacts(hub_id)
    number = request.args.get("nomor", 0, int)
    old = next((each for each in kept if each.contact_id == number), None)
    if number and old is None:
        abort(404)
    if request.method == "GET":
        blank = {"name": "", "role": "", "phone": "", "order": str(len(kept))}
        given = blank if old is None else {**dataclasses.asdict(old), "phone": phone_text(old.phone)}
        return _page("contact", card, given, old=old)
    given = _given("name", "role", "phone", "order")
    phone = read_phone(given["phone"])
    problems = {**_texts(given, name=(1, NAME_MAX), role=(0, NAME_MAX))}
    if phone is None:
        problems["phone"] = gettext("Tulis nomor telepon seperti 0812-3456-7890 atau +62 361 123456.")
    if old is None and len(kept) >= CONTACTS_MAX:
        problems["name"] = gettext("Sudah ada %(count)d kontak. Hapus satu lebih dulu.", count=CONTACTS_MAX)
    if problems or phone is None:
        return _page("contact", card, given, problems, old=old), 400
    order = int(given["order"]) if given["order"].isdecimal() and len(given["order"]) < 3 else len(kept)
    made = Contact(number, hub_id, given["name"], given["role"], phone, order)
    parts().book.put_contact(made, _deed("contact_changed" if old else "contact_added", hub_id))
    return _back(hub_id, gettext("Kontak tersimpan."))


@pages.post("/hub/<hub_id>/kontak/<int:number>/hapus")
@require(Right.MANAGE)
def drop_contact(hub_id: str, number: int) -> ResponseReturnValue:
    """Take a contact out for good."""
    card_of(hub_id)
    if all(each.contact_id != number for each in parts().book.contacts(hub_id)):
        abort(404)
    parts().book.drop_contact(number, _deed("contact_dropped", hub_id))
    return _back(hub_id, gettext("Kontak dihapus."))


@pages.route("/hub/<hub_id>/aset", methods=["GET", "POST"])
@require(Right.MANAGE)
def asset(hub_id: str) -> ResponseReturnValue:
    """Write down a thing that stands there."""
    card = card_of(hub_id)
    if request.method == "GET":
        return _page("asset", card, {"kind": "", "model": "", "serial": "", "since_day": _today(card).isoformat()})
    given = _given("kind", "model", "serial", "since_day")
    problems = _texts(given, kind=(1, NAME_MAX), model=(0, NAME_MAX), serial=(0, NAME_MAX))
    problems |= _day("since_day", given["since_day"], _today(card))
    if problems:
        return _page("asset", card, given, problems), 400
    made = Asset(0, hub_id, given["kind"], given["model"], given["serial"], given["since_day"])
    parts().book.put_asset(made, _deed("asset_added", hub_id, given["kind"]))
    return _back(hub_id, gettext("Aset tersimpan."))


@pages.route("/hub/<hub_id>/aset/<int:number>/lepas", methods=["GET", "POST"])
@require(Right.MANAGE)
def take_away(hub_id: str, number: int) -> ResponseReturnValue:
    """Say that a thing does not stand there any more, since which day and why."""
    card = card_of(hub_id)
    found = next((each for each in parts().book.assets(hub_id) if each.asset_id == number), None)
    if found is None or found.until_day:
        abort(404)
    if request.method == "GET":
        return _page("take_away", card, {"until_day": _today(card).isoformat(), "why": ""}, old=found)
    given = _given("until_day", "why")
    problems = _texts(given, why=(1, WHY_MAX)) | _day("until_day", given["until_day"], _today(card))
    if not problems and given["until_day"] < found.since_day:
        problems["until_day"] = gettext("Lebih awal dari hari pemasangannya, %(day)s.", day=found.since_day)
    if problems:
        return _page("take_away", card, given, problems, old=found), 400
    made = dataclasses.replace(found, until_day=given["until_day"])
    parts().book.put_asset(made, _deed("asset_taken_away", hub_id, f"{found.kind}: {given['why']}"))
    return _back(hub_id, gettext("Tercatat: aset sudah dilepas."))


@pages.route("/hub/<hub_id>/kunjungan", methods=["GET", "POST"])
@require(Right.ACT)
def visit(hub_id: str) -> ResponseReturnValue:
    """Write down who was there, or will be, and what was done."""
    card = card_of(hub_id)
    if request.method == "GET":
        return _page("visit", card, {"day": _today(card).isoformat(), "by": "", "what": ""})
    given = _given("day", "by", "what", lines=("what",))
    problems = _texts(given, by=(1, NAME_MAX), what=(1, WHAT_MAX))
    problems |= _day("day", given["day"], _today(card) + datetime.timedelta(days=VISIT_DAYS_AHEAD))
    if problems:
        return _page("visit", card, given, problems), 400
    made = Visit(0, hub_id, given["day"], given["by"], given["what"])
    parts().book.put_visit(made, _deed("visit_added", hub_id, given["day"]))
    return _back(hub_id, gettext("Kunjungan tersimpan."))


@pages.route("/hub/<hub_id>/kunjungan/<int:number>/batal", methods=["GET", "POST"])
@require(Right.ACT)
def reverse(hub_id: str, number: int) -> ResponseReturnValue:
    """Reverse a visit that was written wrongly: it stays, crossed out, with the reason."""
    card = card_of(hub_id)
    found = next((each for each in parts().book.visits(hub_id) if each.visit_id == number), None)
    if found is None or found.reversed_why:
        abort(404)
    if request.method == "GET":
        return _page("reverse", card, {"why": ""}, old=found)
    given = _given("why")
    problems = _texts(given, why=(1, WHY_MAX))
    if problems:
        return _page("reverse", card, given, problems, old=found), 400
    why = f"{who()}: {given['why']}"
    parts().book.put_visit(dataclasses.replace(found, reversed_why=why), _deed("visit_reversed", hub_id, given["why"]))
    return _back(hub_id, gettext("Kunjungan dibatalkan dan tetap tercatat."))


@pages.route("/hub/<hub_id>/kartu", methods=["GET", "POST"])
@require(Right.MANAGE)
def edit_card(hub_id: str) -> ResponseReturnValue:
    """Write down the contract, the provider and the residents."""
    card = card_of(hub_id)
    names = ("provider", "upstream", "download_kbit", "upload_kbit", "residents", "address", "latitude", "longitude")
    if request.method == "GET":
        return _page("card", card, {name: _shown(name, getattr(card, name)) for name in names})
    given = _given(*names)
    problems = _texts(given, provider=(0, NAME_MAX), upstream=(0, NAME_MAX), address=(0, WHY_MAX))
    found: dict[str, Any] = {name: given[name] for name in ("provider", "upstream", "address")}
    for name, most in (("download_kbit", KBIT_MAX), ("upload_kbit", KBIT_MAX), ("residents", RESIDENTS_MAX)):
        number = _number(given[name], most)
        if given[name] and number is None:
            problems[name] = gettext(
                "Tulis angka bulat dari 0 sampai %(most)s, atau kosongkan.", most=f"{most:,}".replace(",", ".")
            )
        found[name] = number if name == "residents" else number or 0
    for name, most in (("latitude", 90), ("longitude", 180)):
        degrees = _degrees(given[name], most)
        if given[name] and degrees is None:
            problems[name] = gettext("Tulis derajat dari -%(most)d sampai %(most)d, atau kosongkan.", most=most)
        found[name] = degrees
    if (found["latitude"] is None) != (found["longitude"] is None) and not {"latitude", "longitude"} & set(problems):
        problems["longitude"] = gettext("Isi keduanya, lintang dan bujur, atau kosongkan keduanya.")
    if problems:
        return _page("card", card, given, problems), 400
    made = dataclasses.replace(card, **found)
    changed = [name for name in names if getattr(made, name) != getattr(card, name)]
    if changed:
        parts().book.put_cards([made], _deed("card_changed", hub_id, ", ".join(changed)))
    return _back(hub_id, gettext("Kartu hub tersimpan.") if changed else gettext("Tidak ada yang berubah."))


def card_of(hub_id: str) -> Card:
    """The card of a hub that this account sees."""
    card = parts().book.card(hub_id)
    if card is None or not scope().sees(card.kode_wilayah):
        abort(404)
    return card


def read_phone(text: str) -> str | None:
    """Bring a number as people write it to what dials everywhere: ``0812-345`` -> ``+62812345``; None of no number.

    Short numbers (112, 119) stay as they are. Source: ITU-T E.164.
    """
    bare = _SIGNS.sub("", text)
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    elif bare.startswith("0"):
        bare = f"+62{bare[1:]}"
    elif bare.startswith("62") and len(bare) > 8:
        bare = f"+{bare}"
    return bare if _PHONE.fullmatch(bare) else None


def _given(*names: str, lines: tuple[str, ...] = ()) -> dict[str, str]:
    """What the form says, without spaces around; texts of one line have single spaces."""
    found = {}
    for name in names:
        text = request.form.get(name, "")
        kept = (
            "\n".join(line.rstrip() for line in text.strip().splitlines()) if name in lines else " ".join(text.split())
        )
        found[name] = kept[: WHAT_MAX + 100]
    return found


def _texts(given: Mapping[str, str], **bounds: tuple[int, int]) -> dict[str, str]:
    problems = {}
    for name, (least, most) in bounds.items():
        text = given[name]
        if len(text) < least:
            problems[name] = gettext("Belum diisi.")
        elif len(text) > most:
            problems[name] = gettext("Terlalu panjang: paling banyak %(count)d huruf.", count=most)
        elif not text.replace("\n", " ").isprintable():
            problems[name] = gettext("Ada huruf kendali yang tidak bisa disimpan.")
    return problems


def _day(name: str, text: str, latest: datetime.date) -> dict[str, str]:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return {name: gettext("Tulis hari seperti 2026-08-17.")}
    if day.isoformat() != text or not EARLIEST <= day <= latest:
        return {name: gettext("Hari harus dari %(first)s sampai %(last)s.", first=EARLIEST, last=latest)}
    return {}


def _number(text: str, most: int) -> int | None:
    # A point parts thousands, as in 20.000; in 2.5 it would be a fraction, which nobody must read as 25.
    if not re.fullmatch(r"[0-9]+|[1-9][0-9]{0,2}([. ][0-9]{3})+", text, re.ASCII):
        return None
    bare = re.sub("[. ]", "", text)
    if len(bare) > 12:
        return None
    return number if (number := int(bare)) <= most else None


def _degrees(text: str, most: int) -> float | None:
    if not re.fullmatch(r"-?[0-9]{1,3}([.,][0-9]{1,9})?", text, re.ASCII):
        return None
    degrees = float(text.replace(",", "."))
    return degrees if -most <= degrees <= most else None


def _shown(name: str, value: Any) -> str:
    is_unknown = value is None or (name in ("download_kbit", "upload_kbit") and value == 0)
    return "" if is_unknown else str(value)


def _today(card: Card) -> datetime.date:
    """The day at the hub."""
    return datetime.datetime.fromtimestamp(parts().clock(), ZoneInfo(card.timezone)).date()


def _deed(what: str, hub_id: str, why: str = "") -> Deed:
    return Deed(parts().now_ms(), who(), what, hub_id, why)


def _back(hub_id: str, text: str) -> ResponseReturnValue:
    flash(text, "good")
    return redirect(url_for("hubs.hub", hub_id=hub_id), 303)


def _page(
    kind: str, card: Card, given: Mapping[str, Any], problems: Mapping[str, str] | None = None, old: Any = None
) -> str:
    return render_template(
        "noc/hub_form.html",
        kind=kind,
        card=card,
        given=given,
        problems=problems or {},
        old=old,
        title=titles()[kind],
        may_manage=may(Right.MANAGE),
    )


def titles() -> dict[str, str]:
    """What each form is called."""
    return {
        "contact": gettext("Kontak"),
        "asset": gettext("Aset"),
        "take_away": gettext("Lepas aset"),
        "visit": gettext("Kunjungan"),
        "reverse": gettext("Batalkan kunjungan"),
        "card": gettext("Kartu hub"),
    }
