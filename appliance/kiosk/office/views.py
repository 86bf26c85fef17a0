"""The office's home. Login pages come from `appliance.faces.login`, under the same address."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.core.errors import GateError
from appliance.faces import login, second_step, village
from appliance.gate.protocol import GateStatus
from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air
from appliance.kiosk.office import audit_pages, people_pages, policy, rules, session, store
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile, current_kiosk, current_services

pages = Blueprint("office", __name__, url_prefix=OFFICE_PREFIX, template_folder="templates")
pages.before_request(refuse_open_air)


@pages.get("/")
@login.login_required()
def home() -> ResponseReturnValue:
    """Show who is here, how the box is, and what waits."""
    account = login.current_account()
    unit = current_kiosk().config.village
    title = rules.role_title(account.role, unit) if account is not None else ""
    tiles = [tile for service in current_services() for tile in service.office_tiles(current_kiosk())]
    return render_template("office/home.html", role_title=title, gate=_gate_status(), tiles=tiles)


def _gate_status() -> GateStatus | None:
    try:
        return current_kiosk().gate.status()
    except GateError:
        return None  # the page says so


def _register(app: Flask, kiosk: Kiosk) -> None:
    for each in (pages, people_pages.pages, audit_pages.pages):
        app.register_blueprint(each)
    accounts = store.open_accounts(kiosk.store, kiosk.hashing)
    login.install(
        app,
        accounts,
        secret=kiosk.secret,
        clock=kiosk.clock,
        home_endpoint="office.home",
        over_unix_socket=kiosk.over_unix_socket,
        url_prefix=OFFICE_PREFIX,
        guard=refuse_open_air,
        tell=people_pages.tell,
    )
    factors = store.open_factors(accounts, kiosk.vault, village.title(kiosk.config.village))
    step = second_step.SecondStep(factors, lambda account: account.role in policy.roles_with_factor(kiosk.store))
    second_step.install(app, step, url_prefix=OFFICE_PREFIX, guard=refuse_open_air)
    app.context_processor(lambda: {"is_permitted": session.is_permitted, "Permission": Permission})


def _tiles(kiosk: Kiosk, place: Place) -> tuple[Tile, ...]:
    if not place.is_private:
        return ()
    unit = kiosk.config.village
    title = gettext("Masuk perangkat %(kind)s", kind=village.kind_word(unit).lower())
    text = gettext("Untuk petugas %(office)s, dengan kata sandi", office=village.office(unit).lower())
    return (Tile(url_for("office.home"), "key", title, text),)


def _office_tiles(_: Kiosk) -> tuple[Tile, ...]:
    tiles = (
        (
            Permission.MANAGE_PEOPLE,
            Tile(
                url_for("office_people.people"),
                "people",
                gettext("Petugas"),
                gettext("Akun, peran, kata sandi sekali pakai"),
            ),
        ),
        (
            Permission.SEE_AUDIT,
            Tile(
                url_for("office_audit.entries"),
                "check",
                gettext("Jejak"),
                gettext("Siapa melihat dan mengerjakan apa"),
            ),
        ),
    )
    return tuple(tile for permission, tile in tiles if session.is_permitted(permission))


SERVICE = Service("office", 90, _register, _tiles, store.MIGRATIONS, _office_tiles)
