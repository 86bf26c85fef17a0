"""The office's accounts: who may change whose, what stands in the audit, and the second step."""

import re
from typing import Any

import pyotp
import pytest

from appliance.kiosk.office.rules import PERMISSIONS, Permission, Role, may, may_manage, roles_with
from appliance.kiosk.office.session import permission_of
from appliance.kiosk.office.store import open_accounts
from appliance.store.audit import Audit

ONE_TIME = re.compile(r'class="code">([a-z2-9]{4}(?:-[a-z2-9]{4}){3})<')


def _audit(world: Any) -> list[tuple[str, str, str]]:
    book = Audit(world.store, lambda: 0)
    assert book.verify() is None
    return [(each.name, each.what, each.detail) for each in reversed(book.latest(200))]


def test_the_roles_are_what_the_village_agreed() -> None:
    assert may("operator", Permission.PROCESS_LETTERS) and not may("operator", Permission.APPROVE_LETTERS)
    assert not may("kepala_desa", Permission.PROCESS_LETTERS), "who signs does not type what is signed"
    assert PERMISSIONS[Role.BPD] == {Permission.SEE_AGGREGATES}
    assert PERMISSIONS[Role.TEKNISI] == {Permission.MANAGE_HOTSPOT}
    assert PERMISSIONS[Role.KADER] == PERMISSIONS[Role.PENGURUS_BANK_SAMPAH] == set()
    assert roles_with(Permission.SEE_AUDIT) == (Role.SEKRETARIS, Role.KEPALA_DESA)
    assert not may("raja", Permission.SEE_AGGREGATES) and not may("", Permission.SEE_RESIDENTS)
    assert set(PERMISSIONS) == set(Role)
    assert all(roles_with(permission) for permission in Permission)


def test_the_heads_accounts_are_the_heads_own() -> None:
    assert may_manage("kepala_desa", "kepala_desa") and not may_manage("sekretaris", "kepala_desa")
    assert may_manage("sekretaris", "sekretaris") and not may_manage("operator", "kader")


def test_an_account_is_made_used_and_closed_each_step_written_down(desk: Any, world: Any) -> None:
    desk.log_in("budi", "sekretaris")
    made = desk.send("/kantor/petugas", {"name": " Siti ", "role": "operator"})
    password = ONE_TIME.search(made.get_data(as_text=True))
    assert made.status_code == 200 and password is not None and made.headers["Cache-Control"] == "no-store"
    assert password[1] not in desk.get("/kantor/petugas").get_data(as_text=True)
    for what in ("disable", "enable", "sessions"):
        assert desk.send("/kantor/petugas/siti", {"do": what}).status_code == 303
    assert desk.send("/kantor/petugas/siti", {"do": "role", "role": "kader"}).status_code == 303
    renewed = ONE_TIME.search(desk.send("/kantor/petugas/siti", {"do": "password"}).get_data(as_text=True))
    assert renewed is not None and renewed[1] != password[1]
    assert "Kader posyandu" in desk.words(desk.get("/kantor/petugas"))
    done = [(what, detail) for name, what, detail in _audit(world) if name == "budi" and "log_in" not in what]
    assert done == [
        ("account.password_changed", "10.21.0.9"), ("account.added", "siti: operator"), ("account.disabled", "siti"),
        ("account.enabled", "siti"), ("account.sessions_ended", "siti"), ("account.role", "siti: operator -> kader"),
        ("account.password_reset", "siti"),
    ]  # fmt: skip
    assert desk.again("siti", renewed[1])


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "S P", "role": "operator"}, "2 sampai 32 huruf kecil"),
        ({"name": "budi", "role": "operator"}, "sudah dipakai"),
        ({"name": "siti", "role": "raja"}, "Peran ini tidak ada"),
        ({"name": "siti"}, "Peran ini tidak ada"),
        ({"name": "siti", "role": "kepala_desa"}, "hanya diurus oleh Perbekel"),
        ({"name": "<b>x</b>", "role": "operator"}, "2 sampai 32 huruf kecil"),
    ],
)
def test_what_cannot_be_made_is_explained(desk: Any, world: Any, form: dict[str, str], said: str) -> None:
    desk.log_in("budi", "sekretaris")
    answer = desk.send("/kantor/petugas", form)
    assert answer.status_code == 400 and said in desk.words(answer) and "<b>x" not in answer.get_data(as_text=True)
    assert len(open_accounts(world.store).all()) == 1


@pytest.mark.parametrize("what", ["password", "disable", "role", "factor", "sessions"])
def test_a_secretary_changes_neither_the_head_nor_themselves(desk: Any, world: Any, what: str) -> None:
    world.add("made", "kepala_desa")
    desk.log_in("budi", "sekretaris")
    for name in ("made", "budi"):
        answer = desk.send(f"/kantor/petugas/{name}", {"do": what, "role": "operator"}, page="/kantor/petugas")
        assert answer.status_code == 400
    roles = {each.name: (each.role, each.disabled) for each in open_accounts(world.store).all()}
    assert roles == {"budi": ("sekretaris", False), "made": ("kepala_desa", False)}
    assert not [what for _, what, _ in _audit(world) if what.startswith(("account.dis", "account.role"))]


@pytest.mark.parametrize("path", ["/kantor/petugas/tidak.ada", "/kantor/petugas/../../x", "/kantor/petugas/%00"])
def test_who_is_not_there_is_a_404(desk: Any, path: str) -> None:
    desk.log_in("budi", "sekretaris")
    assert desk.get(path).status_code == 404


def test_nonsense_changes_nothing(desk: Any, world: Any) -> None:
    world.add("siti", "operator")
    desk.log_in("budi", "sekretaris")
    assert desk.send("/kantor/petugas/siti", {"do": "hapus"}).status_code == 400
    assert desk.send("/kantor/petugas/kebijakan", {"role": "raja"}, page="/kantor/petugas").status_code == 303
    assert "Peran ini tidak ada" in desk.words(desk.get("/kantor/petugas"))


def test_who_works_on_accounts_is_asked_again_after_a_while(desk: Any, world: Any) -> None:
    desk.log_in("budi", "sekretaris")
    world.now += 901
    assert desk.get("/kantor/petugas").headers["Location"] == "/kantor/masuk/lagi"
    assert desk.send("/kantor/masuk/lagi", {"password": "kopi pagi di balai"}).headers["Location"] == "/kantor/petugas"
    assert desk.get("/kantor/petugas").status_code == 200


def test_a_telephone_is_taken_in_use_asked_for_and_taken_away(desk: Any, world: Any) -> None:
    desk.log_in("siti", "operator")
    assert "Pakai telepon" in desk.words(desk.get("/kantor/akun"))
    page = desk.send("/kantor/masuk/telepon", {"step": "begin"}).get_data(as_text=True)
    secret = re.search(r"\b([A-Z2-7]{4}(?: ?[A-Z2-7]{4}){7})\b", page)
    assert secret is not None
    totp = pyotp.TOTP(secret[1].replace(" ", ""))
    done = desk.send("/kantor/masuk/telepon", {"step": "confirm", "code": totp.at(int(world.now))})
    assert done.status_code == 200
    assert desk.again("siti").status_code == 303
    assert desk.get("/kantor/").headers["Location"] == "/kantor/masuk/kode", "the password alone opens nothing"
    assert desk.get("/kantor/akun").headers["Location"] == "/kantor/masuk/kode"
    world.now += 60
    assert desk.send("/kantor/masuk/kode", {"code": "000000"}).status_code == 403
    assert desk.send("/kantor/masuk/kode", {"code": totp.at(int(world.now))}).status_code == 303
    assert desk.get("/kantor/").status_code == 200
    codes = desk.send("/kantor/akun", {"do": "codes"})
    assert "Kode cadangan untuk siti" in desk.words(codes)
    desk.log_in("budi", "sekretaris")
    assert desk.send("/kantor/petugas/siti", {"do": "factor"}).status_code == 303
    answer = desk.send("/kantor/petugas/siti", {"do": "factor"})
    assert answer.status_code == 400 and "tidak memakai telepon" in desk.words(answer)
    desk.again("siti")
    assert desk.get("/kantor/").status_code == 200
    deeds = [what for _, what, _ in _audit(world)]
    for what in ("second_factor_taken", "code_refused", "codes_renewed", "factor_reset"):
        assert f"account.{what}" in deeds


def test_a_second_step_is_nobodys_duty_until_the_office_says_so(desk: Any, world: Any) -> None:
    desk.log_in("siti", "operator")
    assert desk.get("/kantor/").status_code == 200
    desk.log_in("budi", "sekretaris")
    assert desk.send("/kantor/petugas/kebijakan", {"role": ["operator"]}, page="/kantor/petugas").status_code == 303
    assert desk.get("/kantor/").status_code == 200
    assert "belum, diminta saat masuk" in desk.words(desk.get("/kantor/petugas"))
    desk.again("siti")
    assert desk.get("/kantor/").headers["Location"] == "/kantor/masuk/telepon"
    assert ("budi", "account.factor_policy", "operator") in _audit(world)


@pytest.mark.parametrize("role", ["operator", "kader", "pengurus_bank_sampah", "bpd", "teknisi"])
def test_who_may_not_reads_who_may(desk: Any, world: Any, role: str) -> None:
    desk.log_in("siti", role)
    for path in ("/kantor/petugas", "/kantor/petugas/siti", "/kantor/jejak/"):
        answer = desk.get(path)
        assert answer.status_code == 403 and "Sekretaris, Perbekel" in desk.words(answer)
    assert desk.visitor.post("/kantor/petugas/kebijakan", {"role": "operator"}).status_code in (400, 403)
    home = desk.words(desk.get("/kantor/"))
    assert "Petugas Akun" not in home and "Jejak" not in home
    assert desk.get("/kantor/akun").status_code == 200


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("teknisi", 200), ("operator", 200), ("sekretaris", 200), ("kepala_desa", 200),
        ("kader", 403), ("pengurus_bank_sampah", 403), ("bpd", 403),
    ],
)  # fmt: skip
def test_the_hotspots_pages_follow_the_permission(desk: Any, role: str, status: int) -> None:
    desk.log_in("siti", role)
    for path in ("/kantor/hotspot/", "/kantor/hotspot/voucher", "/kantor/hotspot/diblokir"):
        assert desk.get(path).status_code == status
    assert ("Hotspot warga" in desk.words(desk.get("/kantor/"))) is (status == 200)


def test_another_role_counts_from_the_next_request(desk: Any, world: Any) -> None:
    desk.log_in("siti", "operator")
    assert desk.get("/kantor/hotspot/").status_code == 200
    open_accounts(world.store).set_role("siti", "kader")
    assert desk.get("/kantor/hotspot/").status_code == 403


@pytest.mark.parametrize("path", ["/kantor/petugas", "/kantor/akun", "/kantor/jejak/", "/kantor/masuk/kode"])
def test_in_the_open_air_no_page_of_the_office_opens(desk: Any, path: str) -> None:
    desk.log_in("budi", "sekretaris")
    desk.visitor.place = "resident"
    assert desk.get(path).status_code == 403


def _path_of(app: Any, rule: Any) -> str:
    values: dict[str, object] = {}
    for name, converter in rule._converters.items():
        kind = type(converter).__name__
        values[name] = "siti" if kind == "UnicodeConverter" else min(converter.items) if kind == "AnyConverter" else 1
    method = min(rule.methods - {"OPTIONS", "HEAD"})
    return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))


def test_every_page_of_the_office_asks_who_is_there(desk: Any, app: Any) -> None:
    """No view below /kantor answers a visitor without a login, whatever service it is of."""
    seen = 0
    for rule in app.url_map.iter_rules():
        # What the API is says nothing of anybody.
        is_open = rule.endpoint in ("login.log_in", "login.log_out", "office_tools.about", "office_tools.described")
        is_open = is_open or rule.endpoint.endswith("static")
        if not rule.rule.startswith("/kantor") or is_open:
            continue
        path, seen = _path_of(app, rule), seen + 1
        desk.visitor.forget()
        answer = desk.get(path) if "GET" in rule.methods else desk.visitor.post(path, {})
        refused = (401,) if rule.endpoint.startswith("office_api.") else (303, 400, 403, 405)
        assert answer.status_code in refused, f"{rule.endpoint} answered {answer.status_code}"
        assert answer.status_code != 303 or "/masuk" in answer.headers["Location"], rule.endpoint
    assert seen > 30


def test_a_view_says_which_permission_it_asks(app: Any) -> None:
    assert permission_of(app.view_functions["office_people.people"]) is Permission.MANAGE_PEOPLE
    assert permission_of(app.view_functions["home"]) is None
