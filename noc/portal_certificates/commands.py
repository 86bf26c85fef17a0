"""``desahub-noc portal``: which names hubs' portals have, how their certificates stand, and whether all is set up."""

from __future__ import annotations

import argparse
import datetime
import stat
import time
from typing import Final

from appliance.core.errors import OperationError
from noc import setup
from noc.enrolment.ledger import Ledger, open_ledger
from noc.portal_certificates import plan as planning
from noc.portal_certificates.__main__ import read_credentials
from noc.portal_certificates.plan import Plan
from noc.portal_certificates.rules import Answer, Request, is_open
from noc.portal_certificates.spool import Spool
from noc.store.opening import open_store_for

_OTHERS: Final = 0o077


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add the commands; each sets ``command(options, places) -> exit code``."""
    portal = commands.add_parser("portal", help="certificates of hubs' portals").add_subparsers(
        required=True, metavar="COMMAND"
    )
    portal.add_parser("check", parents=[common], help="check portal.toml and portal.env").set_defaults(command=_check)
    name = portal.add_parser("name", parents=[common], help="give a hub's portal a name, with all that is below it")
    name.add_argument("hub_id", metavar="HUB")
    name.add_argument("name", metavar="NAME", help="in a zone of portal.toml, such as masuk.sukamaju.desa.id")
    name.add_argument("--take-away", action="store_true", help="the hub shall have it no more")
    name.set_defaults(command=_name)
    portal.add_parser(
        "list", parents=[common], help="list names, certificates and what is in the way of some"
    ).set_defaults(command=_list)


def describe(answer: Answer | None, request: Request | None, now_s: int) -> str:
    """Say how a portal's certificate stands, in a few words."""
    words = []
    if answer is not None and answer.got is not None:
        day = datetime.datetime.fromtimestamp(answer.got.ends_s, datetime.UTC).date()
        words.append(f"until {day}" if answer.got.ends_s > now_s else f"ended {day}")
    else:
        words.append("no certificate")
    if request is not None and is_open(request, answer):
        words.append("asked for")
        if answer is not None and answer.tried is not None and answer.tried.key == request.key:
            words.append(f"tried {answer.tried.tries} times: {answer.tried.said}")
    return ", ".join(words)


def _check(_options: argparse.Namespace, places: setup.Places) -> int:
    plan = _plan(places)
    words = read_credentials(places.portal_credentials)
    if stat.S_IMODE(places.portal_credentials.stat().st_mode) & _OTHERS:
        raise OperationError(f"{places.portal_credentials}: others can read it; chmod 600 {places.portal_credentials}")
    print(f"zones: {', '.join(plan.zones)}; provider {plan.provider}, with {', '.join(sorted(words)) or 'no words'}")
    print(f"authority: {plan.directory}, as {plan.email}; {plan.tries_an_hour} tries an hour at most")
    if said := Spool(places.portal_requests, places.portal).queue().said:
        print(f"all wait: {said}")
    return 0


def _name(options: argparse.Namespace, places: setup.Places) -> int:
    plan, hub_id, name = _plan(places), options.hub_id, options.name
    store = open_store_for(places)
    known = {hub.hub_id for hub in store.hubs()}
    store.close()
    if hub_id not in known:
        raise OperationError(f"{hub_id[:60]} is not in the inventory; desahub-noc hub list shows what is")
    if not plan.holds(name):
        raise OperationError(
            f"{name[:100]!r} is in no zone of portal.toml; allowed are names in {', '.join(plan.zones)}"
        )
    for other in known - {hub_id}:
        if name == plan.own_name(other) or name.endswith(f".{plan.own_name(other)}"):
            raise OperationError(f"{name} is of {other}, which is called so; nothing was changed")
    ledger = _ledger(places)
    with ledger.page() as page:
        owner = page.portal_owner(name)
        if owner not in (None, hub_id):
            raise OperationError(f"{name} is of {owner}; take it away there first; nothing was changed")
        if options.take_away:
            page.take_portal_name(name)
            page.note(hub_id, "", f"portal name taken away: {name}")
        else:
            page.give_portal_name(name, hub_id)
            page.note(hub_id, "", f"portal name given: {name}")
    ledger.close()
    if options.take_away:
        Spool(places.portal_requests, places.portal).forget(hub_id)
        print(f"{hub_id} may have {name} no more; a certificate that it has holds until it ends")
    else:
        print(
            f"{hub_id} may have {name}, and all below it. In its hub.toml, under [portal]:\n"
            f'host = "{name}"\ncertificate = "noc"'
        )
    return 0


def _list(_options: argparse.Namespace, places: setup.Places) -> int:
    plan, now_s = _plan(places), int(time.time())
    store = open_store_for(places)
    hubs = [hub.hub_id for hub in store.hubs()]
    store.close()
    ledger = _ledger(places)
    with ledger.page() as page:
        given = page.portal_names()
    ledger.close()
    spool = Spool(places.portal_requests, places.portal)
    answers, requests = spool.answers(), {each.hub_id: each for each in spool.requests()}
    for hub_id in hubs:
        names = [name for name, owner in given if owner == hub_id] or [plan.own_name(hub_id)]
        said = describe(answers.get(hub_id), requests.get(hub_id), now_s)
        print(f"{hub_id}\t{' '.join(names)}\t{said}")
    if said := spool.queue().said:
        print(f"all wait: {said}")
    return 0


def _plan(places: setup.Places) -> Plan:
    plan = planning.read(places.portal_plan)
    if plan is None:
        raise OperationError(f"{places.portal_plan}: is not there; docs/noc.md says what it holds")
    return plan


def _ledger(places: setup.Places) -> Ledger:
    if not places.claims.exists():
        raise OperationError(f"{places.claims}: is missing; run desahub-noc init first, as root")
    return open_ledger(places.claims, lambda: int(time.time()))
