"""Who works in the office: accounts, their roles, and one's own account."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces import login, second_step
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office.desk import AccountDesk
from appliance.kiosk.office.policy import roles_with_factor
from appliance.kiosk.office.rules import Permission, Role, may_manage, role_title
from appliance.kiosk.office.session import current_actor, permission_required
from appliance.kiosk.services import current_kiosk
from appliance.store.accounts import AccountError, Session
from appliance.store.audit import Audit
from appliance.store.second_factor import SecondFactors

ASKED_AGAIN_SECONDS: Final = 900  # who works on accounts is asked who they are at least this often
pages = Blueprint("office_people", __name__, url_prefix=OFFICE_PREFIX, template_folder="templates")
pages.before_request(refuse_open_air)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows once: a password, or recovery codes; and whose."""

    kind: str
    name: str
    lines: tuple[str, ...]


@pages.route("/petugas", methods=["GET", "POST"])
@permission_required(Permission.MANAGE_PEOPLE)
def people() -> ResponseReturnValue:
    """List the accounts, and make one."""
    answer = second_step.turn_away_stale(ASKED_AGAIN_SECONDS)
    if answer is not None:
        return answer
    problem, shown = "", None
    if request.method == "POST":
        name = request.form.get("name", "").strip().lower()
        try:
            shown = Shown("password", name, (_desk().add(name, request.form.get("role", "")),))
        except AccountError as error:
            problem = _words_for(error)
    page = render_template(
        "office/people.html",
        problem=problem,
        shown=shown,
        typed=request.form if problem else {},
        people=login.parts().accounts.all(),
        with_factor=_factors().all(),
        required=roles_with_factor(current_kiosk().store),
        roles=_roles(),
        all_roles=tuple(Role),
        title_of=_title_of,
    )
    return page, 400 if problem else 200


@pages.post("/petugas/kebijakan")
@permission_required(Permission.MANAGE_PEOPLE)
def policy() -> ResponseReturnValue:
    """Say which roles must have a second factor."""
    answer = second_step.turn_away_stale(ASKED_AGAIN_SECONDS)
    if answer is not None:
        return answer
    try:
        _desk().require_factor(request.form.getlist("role"))
        flash(gettext("Tersimpan."), "good")
    except AccountError as error:
        flash(_words_for(error), "warn")
    return redirect(url_for("office_people.people"), 303)


@pages.route("/petugas/<name>", methods=["GET", "POST"])
@permission_required(Permission.MANAGE_PEOPLE)
def person(name: str) -> ResponseReturnValue:
    """Show one account, and change it."""
    answer = second_step.turn_away_stale(ASKED_AGAIN_SECONDS)
    if answer is not None:
        return answer
    accounts = login.parts().accounts
    if name not in {each.name for each in accounts.all()}:
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
                return redirect(url_for("office_people.person", name=name), 303)
    it = accounts.one(name)
    actor = current_actor()
    page = render_template(
        "office/person.html",
        problem=problem,
        shown=shown,
        it=it,
        has_factor=_factors().has(name),
        sessions=_moments(accounts.sessions(name, _now())),
        roles=_roles(),
        title_of=_title_of,
        is_self=name == actor.name,
        is_theirs=name != actor.name and may_manage(actor.role, it.role),
    )
    return page, 400 if problem else 200


@pages.route("/akun", methods=["GET", "POST"])
@login.login_required()
def own() -> ResponseReturnValue:
    """Show one's own account: where it is logged in, the telephone, new recovery codes."""
    actor, shown, problem = current_actor(), None, ""
    if request.method == "POST":
        answer = second_step.turn_away_stale(ASKED_AGAIN_SECONDS)
        if answer is not None:
            return answer
        if request.form.get("do") != "codes":
            abort(400)
        try:
            shown = Shown("codes", actor.name, _desk().renew_codes())
        except AccountError as error:
            problem = _words_for(error)
    page = render_template(
        "office/own.html",
        problem=problem,
        shown=shown,
        actor=actor,
        has_factor=_factors().has(actor.name),
        codes_left=_factors().codes_left(actor.name),
        sessions=_moments(login.parts().accounts.sessions(actor.name, _now())),
        title_of=_title_of,
    )
    return page, 400 if problem else 200


def _change(name: str, what: str) -> Shown | None:
    desk = _desk()
    if what == "password":
        return Shown("password", name, (desk.reset_password(name),))
    changes: dict[str, Callable[[], object]] = {
        "role": lambda: desk.set_role(name, request.form.get("role", "")),
        "disable": lambda: desk.disable(name),
        "enable": lambda: desk.enable(name),
        "factor": lambda: desk.reset_factor(name),
        "sessions": lambda: desk.end_sessions(name),
    }
    if what not in changes:
        abort(400)
    changes[what]()
    return None


def tell(what: str, name: str, address: str) -> None:
    """Write a login, or what came instead, into the audit.

    Only names of accounts: a stranger's word may be a password in the wrong field, and there is no end of them.
    """
    known = {each.name: each.role for each in login.parts().accounts.all()}
    if name in known:
        kiosk = current_kiosk()
        Audit(kiosk.store, kiosk.clock).note(name, known[name], f"account.{what}", detail=address)
    else:
        current_app.logger.warning("%s: a name that nobody has", what)


def _desk() -> AccountDesk:
    kiosk = current_kiosk()
    audit = Audit(kiosk.store, kiosk.clock)
    return AccountDesk(login.parts().accounts, _factors(), audit, current_actor(), _now())


def _factors() -> SecondFactors:
    return second_step.second_step().factors


def _now() -> int:
    return int(current_kiosk().clock())


def _moments(sessions: tuple[Session, ...]) -> list[datetime.datetime]:
    return [datetime.datetime.fromtimestamp(each.seen_seconds, datetime.UTC) for each in sessions]


def _title_of(role: str) -> str:
    return role_title(role, current_kiosk().config.village)


def _roles() -> list[tuple[Role, str, str]]:
    """Each role that this person may give, with its title and what it may do."""
    texts = {
        Role.OPERATOR: gettext("data warga, PIN, memeriksa surat, hotspot"),
        Role.SEKRETARIS: gettext("seperti operator, juga petugas, jejak, dan tanda tangan a.n."),
        Role.KEPALA_DESA: gettext("menyetujui dan menandatangani surat, petugas, jejak"),
        Role.KADER: gettext("posyandu"),
        Role.PENGURUS_BANK_SAMPAH: gettext("bank sampah"),
        Role.BPD: gettext("hanya angka ringkasan, tanpa nama"),
        Role.TEKNISI: gettext("hotspot; tidak melihat data warga"),
    }
    mine = current_actor().role
    return [(role, _title_of(role), str(texts[role])) for role in Role if may_manage(mine, role)]


def _words_for(error: AccountError) -> str:
    words = {
        "name": gettext("Nama akun: 2 sampai 32 huruf kecil, angka, titik atau garis, diawali huruf."),
        "taken": gettext("Nama ini sudah dipakai. Beri kata sandi baru kepada akun itu."),
        "last": gettext("Ini satu-satunya akun yang dapat mengurus petugas. Buat yang lain dulu."),
        "role": gettext("Peran ini tidak ada."),
        "factor": gettext("Akun ini tidak memakai telepon."),
        "own": gettext("Akun sendiri diubah oleh petugas lain yang berwenang."),
        "head": gettext(
            "Akun %(title)s hanya diurus oleh %(title)s sendiri, atau teknisi di hub desa.",
            title=current_kiosk().config.village.head_title,
        ),
    }
    return str(words.get(error.reason) or gettext("Tidak dapat dikerjakan."))
