"""A village that does not exist, to train in and to try things: residents, officials, letters on their way.

Everything comes in as it would from people: by the import, by the desk and its rules. It is made in an empty register
alone, so that nobody's record ever stands among made-up ones.
"""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from appliance.core.errors import DesahubError
from appliance.kiosk.actors import RESIDENT, Actor, Look
from appliance.kiosk.citizen import access as citizen
from appliance.kiosk.citizen.rules import make_pin
from appliance.kiosk.letters import answers
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.asking import hindrance
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.kinds import Field, FieldType, Kind, When
from appliance.kiosk.letters.letter import Receipt
from appliance.kiosk.letters.paper import Signing, SigningMode
from appliance.kiosk.office.rules import Role
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.residents import made_up
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.residents.imports import Imports
from appliance.kiosk.residents.person import Resident
from appliance.kiosk.residents.register import Register
from appliance.kiosk.residents.workbook import Header, Row
from appliance.kiosk.services import Kiosk

DAYS: Final = 30  # over which the letters came in
PINS: Final = 3
_MAKER: Final = Actor("desahub", "teknisi")
_OPERATOR: Final = Actor("operator", Role.OPERATOR)
_SEKRETARIS: Final = Actor("sekretaris", Role.SEKRETARIS)
_KEPALA: Final = Actor("kepala", Role.KEPALA_DESA)
_TEXTS: Final[Mapping[str, str]] = {
    "keperluan": "melamar pekerjaan",
    "nama_usaha": "Warung Sari Rasa",
    "jenis_usaha": "warung makan",
    "lama": "3 tahun",
    "sejak": "tahun 2019",
    "barang": "dompet berisi KTP",
    "acara": "syukuran pernikahan",
    "tempat": "balai banjar",
    "tujuan": "Surabaya",
    "pekerjaan_ayah": "petani",
    "pekerjaan_ibu": "pedagang",
}


class DemoRefused(DesahubError):  # noqa: N818 - reads as the sentence it is where it is caught
    """Nothing was made up."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was made. ``passwords`` by account, of those that are new; ``pins`` are NIK and PIN of made-up residents."""

    residents: int
    letters: int
    passwords: Mapping[str, str]
    pins: tuple[tuple[str, str], ...]


def fill(kiosk: Kiosk, residents: int, letters: int, seed: int) -> Made:
    """Fill an empty register.

    Args:
        kiosk: whose; its clock says when the last letter comes.
        residents: how many, at least as many as make one family.
        letters: how many, spread over `DAYS`, in every state.
        seed: the same gives the same people and letters; passwords, PINs and codes are new each time.

    Raises:
        DemoRefused: somebody stands in the register.
        appliance.core.errors.StoreError: what came in until then stays.
    """
    register = open_register(kiosk)
    today = register.today()
    with kiosk.store.reading() as db:
        if db.execute("SELECT 1 FROM residents LIMIT 1").fetchone() is not None:
            raise DemoRefused(
                "there are residents in the register; made-up ones come into an empty one only, "
                "such as that of the practice mode"
            )
    passwords = _accounts(kiosk)
    imported = _import(register, kiosk, residents, seed, today)
    chance = random.Random(seed)  # noqa: S311 - made up, no secret
    everybody = _everybody(register)
    _officials(make_desk(kiosk), kiosk)
    count = sum(1 for _ in _letters(kiosk, everybody, letters, chance))
    return Made(imported, count, passwords, tuple(_pins(kiosk, everybody)))


def _accounts(kiosk: Kiosk) -> dict[str, str]:
    accounts = open_accounts(kiosk.store, kiosk.hashing)
    there = {account.name for account in accounts.all()}
    wanted = (_OPERATOR, _SEKRETARIS, _KEPALA)
    return {
        actor.name: accounts.add(actor.name, actor.role, int(kiosk.clock()))
        for actor in wanted
        if actor.name not in there
    }


def _import(register: Register, kiosk: Kiosk, count: int, seed: int, today: datetime.date) -> int:
    area = kiosk.config.village.kode_wilayah
    made = list(made_up.rows(count, seed=seed, kode_wilayah=area, today=today))
    names = tuple(dict.fromkeys(name for row in made for name in row))
    imports = Imports(register, area.replace(".", "")[:6])
    import_id = imports.make(_MAKER, Header(names, ()), (Row(number, row) for number, row in enumerate(made, 2)))
    imports.apply(_MAKER, import_id)
    return len(made)


def _everybody(register: Register) -> list[Resident]:
    look, found = Look(_MAKER, "demo-data"), []
    offset, total = 0, 1
    while offset < min(total, 400):  # enough to choose from
        page = register.search(look, offset=offset, limit=100)
        found += [one for each in page.items if (one := register.get(look, each.id)) is not None]
        offset, total = offset + len(page.items), page.total
    return found


def _officials(desk: Desk, kiosk: Kiosk) -> None:
    village = kiosk.config.village
    head = village.head_title
    name = village.head_name or "Sutrisno Wibowo"
    desk.officials_book.add(_MAKER, Signing(name, head), account=_KEPALA.name)
    secretary = Signing("Dewi Lestari", "Sekretaris", "19850312 201001 2 003", SigningMode.ON_BEHALF, head)
    desk.officials_book.add(_MAKER, secretary, account=_SEKRETARIS.name)


def _pins(kiosk: Kiosk, everybody: list[Resident]) -> Iterator[tuple[str, str]]:
    pins, today = citizen.open_pins(kiosk), open_register(kiosk).today()
    grown = [one for one in everybody if (one.age(today) or 0) >= 20]
    for one in grown[:PINS]:
        pin = make_pin(one.birth_date, one.nik)
        pins.give(_MAKER, one.id, one.nik, pin, int(kiosk.clock()))
        yield one.nik, pin


def _letters(kiosk: Kiosk, everybody: list[Resident], count: int, chance: random.Random) -> Iterator[Receipt]:
    """Let letters come in from `DAYS` ago to now, and each go as far as its age lets it."""
    now = kiosk.clock()
    moment = [now]
    desk = make_desk(dataclasses.replace(kiosk, clock=lambda: moment[0]))
    kinds = sorted(desk.kinds.values(), key=lambda kind: kind.slug)
    zone = ZoneInfo(kiosk.config.village.timezone)
    for number in range(count):
        moment[0] = now - (count - number) * DAYS * 86_400 / max(count, 1)
        today = datetime.datetime.fromtimestamp(moment[0], zone).date()
        kind = kinds[number % len(kinds)]
        may_ask = [one for one in everybody if hindrance(kind, one, today) is None]
        if not may_ask:
            continue
        one = chance.choice(may_ask)
        given = sample_answers(kind, today, one.nik, chance)
        by_resident = chance.random() < 0.6 and count < 4 * len(everybody)  # nobody asks too often
        receipt = desk.submit(
            RESIDENT if by_resident else _OPERATOR, f"demo-{number}", kind.slug, answers=given, resident_id=one.id
        )
        _go_on(desk, receipt.letter_id, kind, chance.random() * (1 if number < count * 0.8 else 0.6), one.name)
        yield receipt


def _go_on(desk: Desk, letter_id: int, kind: Kind, far: float, name: str) -> None:
    """Take a letter through its steps; ``far`` from 0, it waits, to 1, it is in the resident's hand."""
    if far < 0.1:
        return
    if far < 0.16:
        desk.ask_correction(_OPERATOR, letter_id, 1, "Tulis alamat lengkap dengan RT dan RW.")
        return
    if far < 0.2:
        desk.refuse(_OPERATOR, letter_id, 1, "Surat ini diurus di kecamatan.")
        return
    version = 1
    if kind.needs_rt_letter:
        if far < 0.28:
            desk.ask_rt_letter(_OPERATOR, letter_id, version)
            return
        desk.got_rt_letter(_OPERATOR, letter_id, version)
        version += 1
    desk.verify(_OPERATOR, letter_id, version)
    if far < 0.4:
        return
    is_head = far > 0.6
    official = next(each for each in desk.officials() if (each.account == _KEPALA.name) is is_head)
    signer = _KEPALA if is_head else _SEKRETARIS
    desk.approve(signer, letter_id, official.id, version + 1)
    if far < 0.5:
        return
    _finish(desk, letter_id, kind, far, version + 2, signer=signer, name=name)


def _finish(desk: Desk, letter_id: int, kind: Kind, far: float, version: int, *, signer: Actor, name: str) -> None:
    """From the signature on."""
    desk.sign_by_hand(signer, letter_id, version)
    if kind.countersigned_by_camat:
        if far < 0.55:
            return
        version += 1
        desk.countersign(_SEKRETARIS, letter_id, version, desk.today().date, "kepala dusun")
    desk.make_ready(_SEKRETARIS, letter_id, version + 1)
    if far > 0.65:
        desk.hand_over(_SEKRETARIS, letter_id, version + 2, name)
    if far > 0.97:
        desk.void(_SEKRETARIS, letter_id, version + 3, "Nama usaha salah tulis; surat baru dibuat.")


def sample_answers(kind: Kind, today: datetime.date, nik: str, chance: random.Random) -> Answers:
    """Answers that could be true, to all questions of a kind."""
    return answers.check(kind, {each.name: _answer(each, today, nik, chance) for each in kind.fields}, today)


def _answer(field: Field, today: datetime.date, nik: str, chance: random.Random) -> str:
    day = datetime.timedelta(days=chance.randint(1, 14))
    simple = {
        FieldType.DATE: (today + day if field.when is When.FUTURE else today - day).isoformat(),
        FieldType.TIME: "08.30",
        FieldType.NUMBER: str(min(chance.randint(1, 4), field.max or 4)),
        FieldType.RUPIAH: str(min(chance.randint(8, 60) * 250_000, field.max or 15_000_000)),
        FieldType.NIK: nik,
        FieldType.PHONE: "081200000000",
        FieldType.LIST: "Wayan Sukarta, anak\nKetut Ayu Lestari, anak",
        FieldType.PARAGRAPH: "Yang bersangkutan tinggal bersama keluarganya dan dikenal baik oleh tetangga.",
    }
    if field.type is FieldType.CHOICE:
        return chance.choice(field.choices)
    if field.type is FieldType.TEXT:
        return _text(field.name)[: field.max or 120]
    return simple[field.type]


def _text(name: str) -> str:
    if name in _TEXTS:
        return _TEXTS[name]
    if name.startswith("alamat"):
        return "Jalan Melati No. 12, RT 002/RW 001"
    if name.startswith(("nama", "saksi", "calon", "pasangan")):
        return "Putu Hartono"
    return "sesuai keterangan yang bersangkutan"
