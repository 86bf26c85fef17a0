"""``desahub-noc hub add``, ``hub claim``, ``hub revoke``, ``hub list`` and ``enrol sign``: what an operator decides."""

from __future__ import annotations

import argparse
import datetime
import time
from pathlib import Path

from appliance.core import area
from appliance.core.config.village import HUB_ID, Timezone
from appliance.core.errors import OperationError
from noc import enrol, setup
from noc.enrolment import claims, desk
from noc.enrolment.ledger import Ledger, Standing, open_ledger
from noc.enrolment.rules import CLAIM_DAYS, RefusalCode
from noc.portal_certificates.spool import Spool
from noc.store.contract import Hub
from noc.store.opening import open_store_for

CLAIM_DAYS_MAX = 365


def register(
    hub: argparse._SubParsersAction[argparse.ArgumentParser],
    enrolment: argparse._SubParsersAction[argparse.ArgumentParser],
    common: argparse.ArgumentParser,
) -> None:
    """Add the commands; each sets ``command(options, places) -> exit code``."""
    days = argparse.ArgumentParser(add_help=False)
    days.add_argument(
        "--claim-days",
        type=_days,
        default=CLAIM_DAYS,
        metavar="DAYS",
        help="how long the claim code is good (%(default)s)",
    )
    add = hub.add_parser("add", parents=[common, days], help="put a hub into the inventory and make its claim code")
    add.add_argument("--hub-id", required=True, help=HUB_ID.allowed)
    add.add_argument("--name", required=True, help="the village's name")
    add.add_argument("--kode-wilayah", required=True, help="PP.KK.CC.DDDD")
    add.add_argument(
        "--timezone", default=Timezone.WIB.value, choices=[zone.value for zone in Timezone],
        help="for the charts of this hub (%(default)s)",
    )  # fmt: skip
    add.set_defaults(command=_add)
    claim = hub.add_parser(
        "claim", parents=[common, days], help="make a new claim code for a hub; an older one is void"
    )
    claim.add_argument("hub_id", metavar="HUB")
    claim.set_defaults(command=_claim)
    revoke = hub.add_parser("revoke", parents=[common], help="shut a hub out, for a lost or stolen card")
    revoke.add_argument("hub_id", metavar="HUB")
    revoke.add_argument("--why", required=True, help="kept with it")
    revoke.set_defaults(command=_revoke)
    hub.add_parser("list", parents=[common], help="list the inventory, with certificates").set_defaults(command=_list)
    sign = enrolment.add_parser("sign", parents=[common], help="sign the request of a hub in the inventory")
    sign.add_argument("request", type=Path, metavar="CSR", help="what desahub enrol request wrote")
    sign.add_argument("--out", type=Path, required=True, metavar="CRT", help="where the certificate goes")
    sign.add_argument("--hub-id", help="refuse a request of any other hub")
    sign.add_argument(
        "--days", type=int, default=enrol.CERTIFICATE_DAYS, help="how long the certificate lasts (%(default)s)"
    )
    sign.set_defaults(command=_sign)


def describe(standing: Standing | None, now_s: int) -> str:
    """Say how a hub's certificate stands, in a few words."""
    if standing is None:
        return "no certificate"
    words = []
    if standing.is_revoked:
        words.append("revoked")
    elif standing.ends_s is None:
        words.append("no certificate")
    else:
        day = datetime.datetime.fromtimestamp(standing.ends_s, datetime.UTC).date()
        words.append(f"until {day}" if standing.ends_s > now_s else f"ended {day}")
    if standing.is_claim_open:
        words.append("claim code open")
    if standing.refused in (RefusalCode.SUPERSEDED, RefusalCode.CLAIM_USED):
        words.append("TWO BOXES HAVE THIS IDENTITY")
    elif standing.refused == RefusalCode.CLAIM_BLOCKED:
        words.append("claim code tried wrongly too often")
    return ", ".join(words)


def _add(options: argparse.Namespace, places: setup.Places) -> int:
    enrol.require_hub_name(options.hub_id)
    if not 0 < len(options.name) <= 64 or not options.name.isprintable():
        raise OperationError("--name: allowed are 1 to 64 characters without control characters")
    area.AreaCode.parse(options.kode_wilayah)
    authority = _authority(places)
    store = open_store_for(places)
    store.add_hub(Hub(options.hub_id, options.name, options.kode_wilayah, options.timezone))
    store.close()
    print(f"{options.hub_id} is in the inventory")
    _tell_code(options, places, authority)
    return 0


def _claim(options: argparse.Namespace, places: setup.Places) -> int:
    _require_known(options.hub_id, places)
    _tell_code(options, places, _authority(places))
    return 0


def _revoke(options: argparse.Namespace, places: setup.Places) -> int:
    if not 0 < len(options.why) <= 200 or not options.why.isprintable():
        raise OperationError("--why: allowed are 1 to 200 characters without control characters")
    _require_known(options.hub_id, places)
    ledger = _ledger(places)
    with ledger.page() as page:
        count = page.revoke_hub(options.hub_id, options.why)
        page.note(options.hub_id, "", f"revoked: {options.why}")
    ledger.close()
    Spool(places.portal_requests, places.portal).forget(options.hub_id)
    print(
        f"{options.hub_id} is revoked, with {count} certificate{'' if count == 1 else 's'}; desahub-noc-enrolment "
        f"shuts it out within a minute.\nTo let it back in: desahub-noc hub claim {options.hub_id}"
    )
    return 0


def _list(_options: argparse.Namespace, places: setup.Places) -> int:
    store = open_store_for(places)
    hubs = store.hubs()
    store.close()
    ledger = _ledger(places)
    standings, now_s = ledger.standings(), int(time.time())
    ledger.close()
    for hub in hubs:
        said = describe(standings.get(hub.hub_id), now_s)
        print(f"{hub.hub_id}\t{hub.kode_wilayah}\t{hub.timezone}\t{hub.name}\t{said}")
    return 0


def _sign(options: argparse.Namespace, places: setup.Places) -> int:
    if not enrol.CERTIFICATE_DAYS_MIN <= options.days <= enrol.CERTIFICATE_DAYS_MAX:
        raise OperationError(
            f"--days is {options.days}, allowed are {enrol.CERTIFICATE_DAYS_MIN} to {enrol.CERTIFICATE_DAYS_MAX}"
        )
    authority = _authority(places)
    name, key = enrol.read_request(options.request.read_bytes())
    if options.hub_id is not None and name != options.hub_id:
        raise OperationError(f"the request is of {name}, not of {options.hub_id}; nothing was signed")
    _require_known(name, places)
    if options.out.exists():
        raise OperationError(f"{options.out}: exists; nothing was signed")
    now = datetime.datetime.now(datetime.UTC)
    issued = desk.sign(authority, name, key, now, datetime.timedelta(days=options.days))
    ledger = _ledger(places)
    with ledger.page() as page:
        if page.is_revoked(name):
            raise OperationError(f"{name} is revoked; to let it back in: desahub-noc hub claim {name}")
        page.issue(issued)
        page.note(name, "", "signed by hand")
    ledger.close()
    enrol.write_once(options.out, issued.pem, 0o644)
    print(f"signed {name}: carry {options.out} and {places.authority / 'ca.crt'} to the hub")
    return 0


def _tell_code(options: argparse.Namespace, places: setup.Places, authority: enrol.Authority) -> None:
    ledger = _ledger(places)
    code = claims.make(ledger, authority, options.hub_id, options.claim_days)
    ledger.close()
    last = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=options.claim_days)
    print(f"claim code, shown this once, good for one box until {last}: {code}\non the box: sudo desahub claim {code}")


def _require_known(hub_id: str, places: setup.Places) -> None:
    store = open_store_for(places)
    known = {hub.hub_id for hub in store.hubs()}
    store.close()
    if hub_id not in known:
        raise OperationError(
            f"{hub_id[:60]} is not in the inventory; add it first: desahub-noc hub add --hub-id {hub_id[:60]} …"
        )


def _authority(places: setup.Places) -> enrol.Authority:
    return enrol.open_authority(places.authority, datetime.datetime.now(datetime.UTC), make=False)


def _ledger(places: setup.Places) -> Ledger:
    if not places.claims.exists():
        raise OperationError(f"{places.claims}: is missing; run desahub-noc init first, as root")
    return open_ledger(places.claims, lambda: int(time.time()))


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= CLAIM_DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole days from 1 to {CLAIM_DAYS_MAX}")
    return int(text)
