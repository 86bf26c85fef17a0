"""Accounts and the audit: who may log in and do what, one's own account, and who did what."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import formats, login, second_step
from appliance.store.accounts import AccountError
from noc.accounts import tokens
from noc.accounts.areas import areas_of, areas_of_all
from noc.accounts.policy import roles_with_factor
from noc.accounts.roles import Role
from noc.web import access
from noc.web.access import Right, require, who
from noc.web.deed_words import deed_words
from noc.web.incidents import page_number
from noc.web.parts import blueprint, parts

DEEDS_PER_PAGE: Final = 50
ACCOUNTS_PER_PAGE: Final = 100
_HUB_ZONE: Final = ZoneInfo("Asia/Jakarta")  # of pages that are of no hub

pages = blueprint("people", __name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret that a page shows once: what it is, and whose."""

    kind: str
    name: str
    lines: tuple[str, ...]


@pages.route("/akun", methods=["GET", "POST"])
@require(Right.ADMIN)
def accounts() -> ResponseReturnValue:
    """List the accounts, and make one."""
    problem, shown = "", None
    if request.method == "POST":
        name = request.form.get("name", "").strip().lower()
        try:
            password = access.desk().add(name, request.form.get("role", ""), _codes())
            shown = Shown("password", name, (password,))
        except AccountError as error:
            problem = _words_for(error)
    people = access.people()
    everybody = people.all()
    count = max(1, math.ceil(len(everybody) / ACCOUNTS_PER_PAGE))
    number = min(page_number(), count)
    page = render_template(
        "noc/accounts.html",
        problem=problem,
        shown=shown,
        typed=request.form if problem else {},
        people=everybody[(number - 1) * ACCOUNTS_PER_PAGE : number * ACCOUNTS_PER_PAGE],
        total=len(everybody),
        page_number=number,
        pages_count=count,
        areas=areas_of_all(people.store),
        with_factor=access.factors().all(),
        required=roles_with_factor(people.store),
        role_words=role_words(),
    )
    return page, 400 if problem else 200


@pages.post("/akun/kebijakan")
@require(Right.ADMIN)
def policy() -> ResponseReturnValue:
    """Say which roles must have a second factor."""
    try:
        access.desk().require_factor(request.form.getlist("role"))
        flash(gettext("Tersimpan."), "good")
    except AccountError as error:
        flash(_words_for(error), "warn")
    return redirect(url_for("people.accounts"), 303)


@pages.route("/akun/nama/<name>", methods=["GET", "POST"])
@require(Right.ADMIN)
def account(name: str) -> ResponseReturnValue:
    """Show one account, and change it."""
    if name not in {each.name for each in access.people().all()}:
        abort(404)
    problem, shown = "", None
    if request.method == "POST":
        try:
            shown = _change(name, request.form.get("do", ""))
        except AccountError as error:
            problem = _words_for(error)
        else:
            if shown is None:
                flash(gettext("Tersimpan."), "good")
                return redirect(url_for("people.account", name=name), 303)
    people = access.people()
    page = render_template(
        "noc/account.html",
        problem=problem,
        shown=shown,
        it=people.one(name),
        areas=areas_of(people.store, name),
        has_factor=access.factors().has(name),
        sessions=people.sessions(name, parts().now_ms() // 1000),
        tokens=tokens.of(people.store, name),
        is_self=name == who(),
        moment_of=_moment,
        role_words=role_words(),
    )
    return page, 400 if problem else 200


def _change(name: str, what: str) -> Shown | None:
    desk = access.desk()
    if what == "password":
        return Shown("password", name, (desk.reset_password(name),))
    if what == "factor" and name == who():
        raise AccountError("another admin takes it away, or desahub-noc account reset-factor", "own_factor")
    changes: dict[str, Callable[[], object]] = {
        "role": lambda: desk.set_role(name, request.form.get("role", "")),
        "areas": lambda: desk.bind(name, _codes()),
        "disable": lambda: desk.disable(name),
        "enable": lambda: desk.enable(name),
        "factor": lambda: desk.reset_factor(name),
        "sessions": lambda: desk.end_sessions(name),
    }
    if what not in changes:
        abort(400)
    changes[what]()
    return None


@pages.route("/akun/saya", methods=["GET", "POST"])
@require(Right.LOOK)
def own() -> ResponseReturnValue:
    """Show one's own account: sessions, the telephone, tokens for programs."""
    problem, shown = "", None
    if request.method == "POST":
        what = request.form.get("do", "")
        if what == "sessions":
            access.desk().end_sessions(who())
            login.forget_session()
            return redirect(url_for("login.log_in"), 303)
        answer = second_step.turn_away_stale(access.ASKED_AGAIN_SECONDS)
        if answer is not None:
            return answer
        try:
            shown = _change_own(what)
        except AccountError as error:
            problem = _words_for(error)
        else:
            if shown is None:
                return redirect(url_for("people.own"), 303)
    people, name = access.people(), who()
    page = render_template(
        "noc/own.html",
        problem=problem,
        shown=shown,
        it=people.one(name),
        areas=areas_of(people.store, name),
        has_factor=access.factors().has(name),
        codes_left=access.factors().codes_left(name),
        sessions=people.sessions(name, parts().now_ms() // 1000),
        tokens=tokens.of(people.store, name),
        moment_of=_moment,
        role_words=role_words(),
    )
    return page, 400 if problem else 200


def _change_own(what: str) -> Shown | None:
    desk, name = access.desk(), who()
    if what == "token":
        return Shown("token", name, (desk.make_token(name, request.form.get("label", "")),))
    if what == "codes":
        return Shown("codes", name, desk.renew_codes(name))
    if what != "revoke":
        abort(400)
    desk.revoke_token(name, request.form.get("number", 0, int))
    return None


@pages.get("/audit")
@require(Right.ADMIN)
def audit() -> ResponseReturnValue:
    """List who did what, the newest first; ``sebelum`` is a position in the chain."""
    by, what, subject = (request.args.get(key, "").strip()[:64] for key in ("oleh", "apa", "tentang"))
    before = max(0, min(request.args.get("sebelum", 0, int), 2**63 - 1))  # the most that the database takes
    book = parts().book
    found = book.find_deeds(DEEDS_PER_PAGE + 1, by=by, what=what, subject=subject, before=before)
    count, link = book.deeds_end()
    is_checked = "periksa" in request.args
    return render_template(
        "noc/audit.html",
        shown=found[:DEEDS_PER_PAGE],
        older=found[DEEDS_PER_PAGE - 1].position if len(found) > DEEDS_PER_PAGE else 0,
        by=by,
        what=what,
        subject=subject,
        count=count,
        link=link,
        is_checked=is_checked,
        broken=book.verify_deeds() if is_checked else None,
        moment_of=_moment,
        deed_words=deed_words(),
    )


def role_words() -> dict[str, str]:
    """Each role in the reader's language."""
    return {
        Role.VIEWER: gettext("Pengamat: hanya melihat"),
        Role.OPERATOR: gettext("Operator: menangani gangguan"),
        Role.ADMIN: gettext("Admin: semua, juga akun"),
    }


def _words_for(error: AccountError) -> str:
    words = {
        "name": gettext("Nama akun: 2 sampai 32 huruf kecil, angka, titik atau garis, diawali huruf."),
        "taken": gettext("Nama ini sudah dipakai. Beri kata sandi baru kepada akun itu."),
        "last": gettext("Ini satu-satunya admin yang dapat masuk. Buat admin lain dulu."),
        "area": gettext("Kode wilayah ditulis 51 (provinsi), 51.03 (kabupaten) atau 51.03.01 (kecamatan)."),
        "admin_area": gettext("Admin melihat seluruh negeri. Pilih pengamat atau operator untuk akun dengan wilayah."),
        "areas": gettext("Wilayahnya terlalu banyak. Tulis kabupaten atau provinsinya."),
        "role": gettext("Peran ini tidak ada."),
        "label": gettext("Token diberi nama programnya: 1 sampai 64 huruf."),
        "tokens": gettext("Tokennya terlalu banyak. Cabut yang tidak dipakai lagi."),
        "factor": gettext("Akun ini tidak memakai telepon."),
        "own_factor": gettext("Telepon sendiri dilepas oleh admin lain, atau dengan desahub-noc account reset-factor."),
    }
    return str(words.get(error.reason) or gettext("Tidak dapat dikerjakan."))


def _codes() -> list[str]:
    return [each for each in re.split(r"[\s,;]+", request.form.get("areas", "")) if each]


def _moment(seconds: float) -> str:
    now = datetime.datetime.fromtimestamp(parts().clock(), datetime.UTC)
    return formats.moment(datetime.datetime.fromtimestamp(seconds, datetime.UTC), now, _HUB_ZONE)
