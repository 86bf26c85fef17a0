"""Run on the hub as the kiosk's user: make a letter and sign it, or declare it void. Prints what the paper shows."""

from __future__ import annotations

import datetime
import json
import random
import secrets
import sys
import time

from appliance.faces.secret import load_or_make
from appliance.gate.client import GateClient
from appliance.hotspot.client import HotspotClient
from appliance.kiosk import demo
from appliance.kiosk.actors import Actor, Look
from appliance.kiosk.app import SECRET, open_database, open_keys, services
from appliance.kiosk.commands import STATE_DIRECTORY
from appliance.kiosk.letters.asking import hindrance
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.office.rules import Role
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.services import Kiosk
from appliance.system import uplink_state
from appliance.unit.config import APPLIED_PATH, read_config

OPERATOR, HEAD = Actor("operator", Role.OPERATOR), Actor("kepala", Role.KEPALA_DESA)
SLUG = "keterangan-penghasilan"


def _kiosk() -> Kiosk:
    store = open_database(STATE_DIRECTORY, services())
    vault, pepper = open_keys(STATE_DIRECTORY, store)
    return Kiosk(
        config=read_config(APPLIED_PATH), store=store, gate=GateClient(), hotspot=HotspotClient(),
        uplink=uplink_state.read, clock=time.time, secret=load_or_make(STATE_DIRECTORY / SECRET), vault=vault,
        pepper=pepper, over_unix_socket=True,
    )  # fmt: skip


def _signed(kiosk: Kiosk, desk: Desk) -> int:
    look, register = Look(OPERATOR, "letter"), open_register(kiosk)
    today, kind = datetime.date.today(), desk.kinds[SLUG]  # noqa: DTZ011 - the box's own day
    people = (register.get(look, each.id) for each in register.search(look, limit=50).items)
    one = next(each for each in people if each is not None and hindrance(kind, each, today) is None)
    given = demo.sample_answers(kind, today, one.nik, random.Random(1))
    letter_id = desk.submit(OPERATOR, secrets.token_hex(16), SLUG, answers=given, resident_id=one.id).letter_id
    desk.verify(OPERATOR, letter_id, 1)
    official = next(each for each in desk.officials() if each.account == HEAD.name)
    desk.approve(HEAD, letter_id, official.id, 2)
    desk.sign_by_hand(OPERATOR, letter_id, 3)
    return letter_id


def main() -> None:
    """``sign``, or ``void ID``."""
    kiosk = _kiosk()
    desk = make_desk(kiosk)
    letter_id = _signed(kiosk, desk) if sys.argv[1] == "sign" else int(sys.argv[2])
    letter = desk.get(Look(OPERATOR, "letter"), letter_id)
    if sys.argv[1] == "void":
        desk.void(HEAD, letter_id, letter.version, "salah nama")
    number = letter.number.text if letter.number else ""
    said = {
        "id": letter_id, "token": letter.token, "title": letter.kind.title,
        "personal": [letter.name, letter.facts["nik"], letter.check_code, letter.code, number],
    }  # fmt: skip
    print(json.dumps(said))


if __name__ == "__main__":
    main()
