"""Pages of the API for people: tokens (who manages people grants them, owners take them), and the description."""

from __future__ import annotations

import datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from appliance.faces import login, second_step
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.people_pages import ASKED_AGAIN_SECONDS
from appliance.kiosk.office.rules import Permission, may_manage, role_title
from appliance.kiosk.office.session import current_actor, is_permitted
from appliance.kiosk.office_api import door, shapes
from appliance.kiosk.office_api.addresses import OPERATIONS
from appliance.kiosk.office_api.document import document
from appliance.kiosk.office_api.operations import Operation
from appliance.kiosk.office_api.problems import Problem
from appliance.kiosk.office_api.rules import (
    DAYS_MAX,
    DAYS_USUAL,
    TOKENS_MAX,
    Grant,
    Scope,
    Standing,
    TokenRefused,
    Wrong,
    read_scopes,
)
from appliance.kiosk.office_api.tokens import Token
from appliance.kiosk.office_api.visit import now, parts
from appliance.kiosk.services import current_kiosk

_SCOPES: Final = {
    Scope.RESIDENTS_READ: lazy_gettext("melihat data warga"),
    Scope.RESIDENTS_WRITE: lazy_gettext("menambah dan mengubah data warga"),
    Scope.LETTERS_READ: lazy_gettext("melihat surat"),
    Scope.LETTERS_PROCESS: lazy_gettext("mengajukan, memeriksa, menolak surat"),
    Scope.AGGREGATES: lazy_gettext("angka ringkasan, tanpa nama"),
}
_STANDINGS: Final = {
    Standing.GOOD: ("good", lazy_gettext("berlaku")),
    Standing.REVOKED: ("off", lazy_gettext("dicabut")),
    Standing.EXPIRED: ("off", lazy_gettext("masanya lewat")),
    Standing.CLOSED: ("warn", lazy_gettext("akun ditutup")),
    Standing.TAKE_AGAIN: ("warn", lazy_gettext("belum diambil")),
}

pages = Blueprint("office_tools", __name__, url_prefix=OFFICE_PREFIX, template_folder="templates")
pages.before_request(refuse_open_air)


@pages.route("/alat", methods=["GET", "POST"])
@login.login_required()
def tokens() -> ResponseReturnValue:
    """List tokens: one's own, or all for who manages people; grant, take and end them."""
    answer = second_step.turn_away_stale(ASKED_AGAIN_SECONDS)
    if answer is not None:
        return answer
    actor, secret, problem = current_actor(), "", ""
    if request.method == "POST":
        wanted, number = request.form.get("do", ""), _number()
        if wanted == "grant" and is_permitted(Permission.MANAGE_PEOPLE):
            problem = _grant()
        elif wanted == "take":
            try:
                secret = parts().tokens.take(actor, number, now(), door.today())
            except LookupError:
                abort(404)
        elif wanted == "end":
            if not parts().tokens.end(actor, number, now()):
                abort(404)
            flash(gettext("Token dicabut. Alat yang memakainya tidak bisa masuk lagi."), "good")
        else:
            abort(400)
        if not problem and not secret:
            return redirect(url_for("office_tools.tokens"), 303)
    return _page(secret, problem), 400 if problem else 200


@pages.get("/api/")
def about() -> ResponseReturnValue:
    """Explain the API: addresses and problems. It says nothing of anybody, and needs no login."""
    return render_template(
        "office_api/about.html",
        operations=OPERATIONS,
        prefix=door.PREFIX,
        problems=tuple(Problem),
        says=_says,
        names_of=_names,
    )


@pages.get("/api/openapi.json")
def described() -> ResponseReturnValue:
    """Send the description."""
    return jsonify(document(OPERATIONS, door.PREFIX))


def _grant() -> str:
    """Grant what the form asks for; returns what is wrong with it, in words."""
    typed = request.form
    try:
        ends_on = datetime.date.fromisoformat(typed.get("ends_on", ""))
    except ValueError:
        return _words_for(Wrong.END)
    name = " ".join(typed.get("name", "")[:80].split())
    grant = Grant(typed.get("owner", ""), name, read_scopes(typed.getlist("scope")), ends_on)
    try:
        parts().tokens.grant(current_actor(), grant, now(), door.today())
    except TokenRefused as error:
        return _words_for(error.wrong)
    flash(gettext("Token disiapkan. %(owner)s mengambilnya di halaman ini, sekali.", owner=grant.owner), "good")
    return ""


def _page(secret: str, problem: str) -> str:
    actor, today = current_actor(), door.today()
    manages = is_permitted(Permission.MANAGE_PEOPLE)
    found = parts().tokens.all(today, "" if manages else actor.name)
    return render_template(
        "office_api/tokens.html",
        secret=secret,
        problem=problem,
        typed=request.form if problem else {},
        tokens=sorted(found, key=lambda each: each.is_over),
        actor=actor,
        manages=manages,
        owners=_owners() if manages else [],
        scopes=_SCOPES,
        chosen=request.form.getlist("scope") if problem else [],
        standings=_STANDINGS,
        may_take=lambda token: token.owner == actor.name and token.standing in (Standing.GOOD, Standing.TAKE_AGAIN),
        used_at=_used_at,
        first_day=today,
        usual_day=today + datetime.timedelta(days=DAYS_USUAL),
        last_day=today + datetime.timedelta(days=DAYS_MAX),
    )


def _owners() -> list[tuple[str, str]]:
    """Whose tokens this person may grant, with what they are."""
    actor, unit = current_actor(), current_kiosk().config.village
    return [
        (each.name, role_title(each.role, unit))
        for each in login.parts().accounts.all()
        if not each.disabled and may_manage(actor.role, each.role)
    ]


def _used_at(token: Token) -> datetime.datetime | None:
    return datetime.datetime.fromtimestamp(token.used_seconds, datetime.UTC) if token.used_seconds else None


def _number() -> int:
    text = request.form.get("number", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _names(schema: dict[str, Any]) -> str:
    """The members of a described object, for people; what must be there comes with a star."""
    needed = schema.get("required", ())
    return ", ".join(f"{name}{'*' if name in needed else ''}" for name in schema.get("properties", ()))


def _says(operation: Operation) -> list[tuple[str, str]]:
    """What is sent, in rows of word and names."""
    rows = []
    if operation.query:
        rows.append((gettext("Di alamat"), ", ".join(operation.query)))
    if operation.deed:
        needed = ["Idempotency-Key*", *(["If-Match*"] if operation.needs_version else [])]
        rows.append((gettext("Kepala"), ", ".join(needed)))
    if operation.body is not None:
        rows.append((gettext("Isi"), _names(operation.body.schema())))
    if isinstance(operation.answer, shapes.Record):
        rows.append((gettext("Jawaban"), _names(operation.answer.schema()).replace("*", "")))
    return rows


def _words_for(wrong: Wrong) -> str:
    said = {
        Wrong.NAME: gettext("Nama alat: 2 sampai 40 huruf, angka, spasi, titik atau garis, diawali huruf."),
        Wrong.OWNER: gettext("Pilih pemilik dari daftar."),
        Wrong.SCOPE: gettext("Peran pemilik tidak mencakup semua yang dicentang. Kurangi centangnya."),
        Wrong.END: gettext("Tanggal berakhir: dari hari ini sampai paling lama setahun."),
        Wrong.TOO_MANY: gettext("Akun ini sudah punya %(most)d token. Cabut yang tidak dipakai.", most=TOKENS_MAX),
    }
    return str(said[wrong])
