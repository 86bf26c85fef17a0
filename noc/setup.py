"""Set a NOC up: authority, broker, ingest, first account, all at first run and never overwritten.

Folders, by who may read them: ``authority/`` and ``enrolment/`` the enrolment service and root; ``broker/`` the
broker's user; ``ingest/``, ``ingest-2/`` and so on the ingest's; ``commands/`` root. The state folder
holds ``noc.db`` (written by the ingest, read by the pages) and ``web/`` (accounts and secrets of the pages); the
enrolment service has a state folder of its own, with the list of revoked certificates that the broker reads.
"""

from __future__ import annotations

import datetime
import grp
import os
import pwd
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.errors import OperationError
from appliance.store import accounts
from appliance.store.database import open_store
from noc import broker, enrol
from noc.commands import keys as signing
from noc.enrolment.ledger import open_ledger
from noc.enrolment.revoking import write_list
from noc.places import DIRECTORY, STATE_DIRECTORY, Places
from noc.store.sqlite import open_noc_store

__all__ = ["DIRECTORY", "STATE_DIRECTORY", "Done", "Places", "initialise", "open_accounts", "own"]

BROKER_USER: Final = "mosquitto"
INGEST_USER: Final = "desahub-noc-ingest"
WEB_USER: Final = "desahub-noc-web"
ENROLMENT_USER: Final = "desahub-noc-enrolment"
SHARED_GROUP: Final = "desahub-noc"


@dataclass(frozen=True, slots=True)
class Done:
    """What `initialise` did: a line for each file made, and the first account's password when it was made now."""

    made: tuple[str, ...]
    admin_password: str | None


def initialise(
    places: Places,
    hosts: Sequence[str],
    now: datetime.datetime,
    *,
    bind_address: str = "",
    port: int = 8883,
    ingest_workers: int = 1,
) -> Done:
    """Make what is missing. What is there stays as it is.

    Raises:
        OperationError: a folder cannot be written, a host is no host, or half an identity is there.
        StoreError: a database cannot be made.
    """
    made: list[str] = []
    try:
        for folder in (places.directory, places.state):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        authority = enrol.open_authority(places.authority, now)
        _enrolment(places, authority, hosts, now, made)
        folder = places.directory / "broker"
        plan = broker.BrokerPlan(folder, folder / "data", places.revocation_list, bind_address, port)
        _broker(authority, hosts, plan, made)
        for worker in range(1, ingest_workers + 1):
            _client(places.ingest(worker), authority, enrol.ingest_name(worker), made)
        _client(places.commands, authority, enrol.COMMANDS_NAME, made)
        if not (places.commands / signing.KEY_NAME).exists():
            _once(places.commands / signing.KEY_NAME, signing.make(), 0o600, made)
        password = _state(places, now, made)
        own(places)
    except OSError as error:
        raise OperationError(f"{error.filename}: {error.strerror}") from None
    return Done(tuple(made), password)


def open_accounts(places: Places) -> accounts.Accounts:
    """Open the accounts of the pages. Raises `StoreError`."""
    return accounts.Accounts(open_store(places.web / "accounts.db", [accounts.MIGRATIONS]))


def own(places: Places) -> None:
    """Give each folder to its user, when root runs this on a machine that has these users."""
    if os.geteuid() != 0:
        return
    workers = [places.ingest(worker) for worker in range(1, enrol.INGEST_WORKERS_MAX + 1)]
    for folder, user in (
        (places.authority, ENROLMENT_USER),
        (places.directory / "enrolment", ENROLMENT_USER),
        (places.enrolment, ENROLMENT_USER),
        (places.directory / "broker", BROKER_USER),
        *((folder, INGEST_USER) for folder in workers if folder.exists()),
        (places.state, INGEST_USER),
        (places.web, WEB_USER),
    ):
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            continue
        for path in (folder, *(each for each in folder.iterdir() if each.is_file())):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        if folder == places.directory / "broker":
            os.chown(folder / "data", entry.pw_uid, entry.pw_gid)
    _share(places)


def _share(places: Places) -> None:
    # The pages read a database in write-ahead mode: they need its -shm, so the group may write in this folder.
    try:
        group = grp.getgrnam(SHARED_GROUP).gr_gid
    except KeyError:
        return
    for path in (places.state, *places.state.glob("noc.db*")):
        os.chown(path, -1, group)
    places.state.chmod(0o2770)


def _enrolment(
    places: Places, authority: enrol.Authority, hosts: Sequence[str], now: datetime.datetime, made: list[str]
) -> None:
    folder = places.directory / "enrolment"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _server(folder, authority, hosts, made)
    # The broker's user passes through, to the list of revoked certificates; the rest is the service's alone.
    places.enrolment.mkdir(mode=0o711, parents=True, exist_ok=True)
    places.enrolment.chmod(0o711)
    if not places.claims.exists():
        open_ledger(places.claims, lambda: int(now.timestamp())).close()
        places.claims.chmod(0o600)
        made.append(str(places.claims))
    if not places.revocation_list.exists():
        # The broker does not start without one.
        write_list(authority, places.revocation_list, (), now)
        made.append(str(places.revocation_list))


def _broker(authority: enrol.Authority, hosts: Sequence[str], plan: broker.BrokerPlan, made: list[str]) -> None:
    folder = plan.directory
    plan.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o750)
    _once(folder / "ca.crt", authority.certificate_pem, 0o644, made)
    # The ingest stands beside the broker and calls it localhost.
    _server(folder, authority, [*hosts, *({"localhost"} - set(hosts))], made)
    _once(folder / "mosquitto.conf", broker.mosquitto_conf(plan).encode(), 0o644, made)
    # mosquitto warns when others may read its access list.
    _once(folder / "acl", broker.acl().encode(), 0o600, made)


def _server(folder: Path, authority: enrol.Authority, hosts: Sequence[str], made: list[str]) -> None:
    if _needs_pair(folder / "server.key", folder / "server.crt"):
        key = ec.generate_private_key(ec.SECP256R1())
        _once(folder / "server.crt", enrol.server_certificate(authority, key.public_key(), hosts), 0o644, made)
        _once(folder / "server.key", enrol.private_pem(key), 0o600, made)


def _client(folder: Path, authority: enrol.Authority, name: str, made: list[str]) -> None:
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    _once(folder / "ca.crt", authority.certificate_pem, 0o644, made)
    if _needs_pair(folder / "client.key", folder / "client.crt"):
        key = ec.generate_private_key(ec.SECP256R1())
        _once(folder / "client.crt", enrol.service_certificate(authority, key.public_key(), name), 0o644, made)
        _once(folder / "client.key", enrol.private_pem(key), 0o600, made)


def _state(places: Places, now: datetime.datetime, made: list[str]) -> str | None:
    places.web.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not places.store.exists():
        made.append(str(places.store))
    open_noc_store(places.store).close()
    places.store.chmod(0o660)
    _once(places.web / "session.key", secrets.token_hex(32).encode(), 0o600, made)
    _once(places.web / "api.token", secrets.token_urlsafe(32).encode(), 0o600, made)
    people = open_accounts(places)
    if people.all():
        return None
    made.append(f"{places.web / 'accounts.db'} with the account admin")
    return people.add("admin", "admin", int(now.timestamp()))


def _needs_pair(key: Path, certificate: Path) -> bool:
    if key.exists() != certificate.exists():
        raise OperationError(
            f"{key} and {certificate}: one of them is missing; move the other away, then run this again"
        )
    return not key.exists()


def _once(path: Path, content: bytes, mode: int, made: list[str]) -> None:
    if not path.exists():
        enrol.write_once(path, content, mode)
        made.append(str(path))
