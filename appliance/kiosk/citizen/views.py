"""Residents come in with NIK and PIN, choose another PIN, and go out."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from appliance.faces.login import wait_text
from appliance.kiosk.actors import RESIDENT, Look
from appliance.kiosk.citizen import access, office_pages, rules, session, store
from appliance.kiosk.citizen.pins import Outcome
from appliance.kiosk.citizen.rules import PinProblem
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import is_permitted
from appliance.kiosk.places import Place
from appliance.kiosk.residents.access import current_register
from appliance.kiosk.residents.person import Resident
from appliance.kiosk.services import Kiosk, Service, Tile, came_by_tls

pages = Blueprint(
    "citizen", __name__, template_folder="templates", static_folder="static", static_url_path="/masuk-warga/berkas"
)
_OWN: Final = Look(RESIDENT, "own PIN")


@pages.route("/masuk-warga", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Ask for NIK and PIN, or check them."""
    answer = session.personal_problem()
    if answer is not None:
        return answer
    if request.method == "GET":
        return _onwards() if session.current_visit() else _log_in_page()
    nik, pin = rules.digits_of(request.form.get("nik", "")), rules.digits_of(request.form.get("pin", ""))
    if not (rules.is_nik(nik) and rules.is_pin(pin)):
        return _log_in_page(_form_text(nik), nik, 400)
    entrance = access.current_pins().log_in(access.present_try(nik, pin))
    if entrance.outcome is Outcome.WAIT:
        headers = {"Retry-After": str(entrance.wait_seconds)}
        return *_log_in_page(wait_text(entrance.wait_seconds), nik, 429), headers
    if entrance.outcome is Outcome.WRONG:
        return _log_in_page(gettext("NIK atau PIN salah."), nik, 403)
    session.begin(entrance.token)
    return _onwards()


def _onwards() -> ResponseReturnValue:
    """To the page that was asked for; first to a PIN of one's own, where the office gave the present one."""
    visit = session.current_visit()
    return redirect(url_for("citizen.change"), 303) if visit and visit.must_change else session.go_back()


@pages.route("/pin", methods=["GET", "POST"])
def change() -> ResponseReturnValue:
    """Let a resident choose another PIN; who comes from the office for the first time must."""
    answer = session.personal_problem()
    if answer is not None:
        return answer
    visit = session.current_visit()
    own = current_register().get(_OWN, visit.resident_id) if visit is not None else None
    if visit is None or own is None:
        session.remember_where()
        return redirect(url_for("citizen.log_in"), 303)
    if request.method == "GET":
        return _change_page([], is_first=visit.must_change)
    old, new, again = (rules.digits_of(request.form.get(name, "")) for name in ("old", "new", "again"))
    problems = [*rules.weaknesses(new, own.birth_date, own.nik), *([PinProblem.DIFFERENT] if new != again else [])]
    if problems:
        return _change_page([problem_text(each) for each in problems], is_first=visit.must_change, status=400)
    return _change(own, old, new, is_first=visit.must_change)


def _change(own: Resident, old: str, new: str, *, is_first: bool) -> ResponseReturnValue:
    changed = access.current_pins().change(own.id, new, access.present_try(own.nik, old))
    if changed.wait_seconds:
        headers = {"Retry-After": str(changed.wait_seconds)}
        return *_change_page([wait_text(changed.wait_seconds)], is_first=is_first, status=429), headers
    if changed.problem is not None:
        return _change_page([problem_text(changed.problem)], is_first=is_first, status=400)
    session.begin(changed.token)
    return render_template("citizen/changed.html", where=session.where_to_go())


@pages.post("/keluar-warga")
def log_out() -> ResponseReturnValue:
    """End the session, here and in the store."""
    session.end()
    return redirect(url_for("citizen.ended"), 303)


@pages.get("/keluar-warga")
def ended() -> ResponseReturnValue:
    """Say that nothing stays behind."""
    return render_template("citizen/ended.html")


def problem_text(problem: PinProblem) -> str:
    """What is wrong with a new PIN, for its owner."""
    texts = {
        PinProblem.FORM: gettext("PIN baru terdiri dari 6 angka."),
        PinProblem.REPEATED: gettext("Angka di PIN baru terlalu banyak yang sama."),
        PinProblem.SEQUENCE: gettext("PIN baru tidak boleh angka berurutan seperti 123456."),
        PinProblem.COMMON: gettext("PIN baru terlalu sering dipakai orang. Pilih yang lain."),
        PinProblem.BIRTH_DATE: gettext("PIN baru tidak boleh tanggal lahir."),
        PinProblem.IN_NIK: gettext("PIN baru tidak boleh diambil dari NIK."),
        PinProblem.DIFFERENT: gettext("Kedua PIN baru tidak sama."),
        PinProblem.UNCHANGED: gettext("PIN baru sama dengan yang sekarang."),
        PinProblem.OLD_WRONG: gettext("PIN sekarang salah."),
    }
    return str(texts[problem])


def _form_text(nik: str) -> str:
    if rules.is_nik(nik):
        return str(gettext("PIN terdiri dari 6 angka."))
    if not nik or (nik.isascii() and nik.isdigit()):
        return str(gettext("NIK terdiri dari 16 angka; yang diketik %(count)d.", count=len(nik)))
    return str(gettext("NIK terdiri dari 16 angka, tanpa huruf."))


def _log_in_page(problem: str = "", nik: str = "", status: int = 200) -> tuple[str, int]:
    page = render_template("citizen/log_in.html", problem=problem, nik=nik[:24], wrong=status in (400, 403))
    return page, status


def _change_page(problems: list[str], *, is_first: bool, status: int = 200) -> tuple[str, int]:
    return render_template("citizen/change.html", problems=problems, is_first=is_first), status


def _register(app: Flask, kiosk: Kiosk) -> None:
    pins = access.open_pins(kiosk)
    app.extensions[access.EXTENSION] = pins
    app.extensions[session.LIVING] = pins.people.is_living
    app.register_blueprint(pages)
    app.register_blueprint(office_pages.pages)


def _tiles(_kiosk: Kiosk, place: Place) -> tuple[Tile, ...]:
    if not (place.is_private or came_by_tls()):
        return ()  # whoever wants something personal is told there why not
    return (Tile(url_for("citizen.change"), "key", gettext("PIN saya"), gettext("Masuk dengan NIK, ganti PIN")),)


def _office_tiles(_: Kiosk) -> tuple[Tile, ...]:
    if not is_permitted(Permission.RESET_PIN):
        return ()
    text = gettext("PIN pertama, atau PIN baru untuk yang lupa")
    return (Tile(url_for("citizen_office.find"), "key", gettext("PIN warga"), text),)


SERVICE = Service("citizen", 30, _register, _tiles, (store.MIGRATIONS,), _office_tiles)
