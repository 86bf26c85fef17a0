"""``desahub claim`` and ``desahub enrol``: how a box gets its identity."""

from __future__ import annotations

import argparse
import datetime
import os
from pathlib import Path

from agent import enrolment, identity
from agent.enrolment_link import Unreachable
from appliance.core import claim
from appliance.core import config as schema
from appliance.core.errors import OperationError
from appliance.system import clock_floor
from appliance.system.clock import kernel_clock

IDENTITY_DIRECTORY = enrolment.STATE / "identity"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands; each sets ``run(options) -> exit code`` and raises DesahubError."""
    claiming = subparsers.add_parser(
        "claim", help="get this box's identity with the claim code from the NOC",
        description="Get this box's identity with the claim code from the NOC. Without a line to the NOC the code is "
        "kept, and the box claims itself within five minutes of the first connection.",
    )  # fmt: skip
    claiming.add_argument("code", nargs="+", metavar="CODE", help="25 characters; spaces and hyphens do not matter")
    claiming.add_argument("--config", type=Path, default=Path("/etc/desahub/hub.toml"), help="(%(default)s)")
    claiming.add_argument("--state", type=Path, default=enrolment.STATE, help="the agent's folder (%(default)s)")
    claiming.set_defaults(run=_claim)

    enrol = subparsers.add_parser("enrol", help="get this box's identity by carrying files to the NOC and back")
    commands = enrol.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, default=Path("/etc/desahub/hub.toml"), help="(%(default)s)")
    common.add_argument("--identity", type=Path, default=IDENTITY_DIRECTORY, help="its folder (%(default)s)")
    request = commands.add_parser("request", parents=[common], help="make the key and a request to carry to the NOC")
    request.add_argument("--out", type=Path, required=True, help="where the request goes")
    request.set_defaults(run=_request)
    install = commands.add_parser("install", parents=[common], help="install what the NOC signed")
    install.add_argument("--certificate", type=Path, required=True, help="this box's certificate")
    install.add_argument("--ca", type=Path, required=True, help="the NOC's authority, ca.crt")
    install.set_defaults(run=_install)


def _claim(options: argparse.Namespace) -> int:
    code = claim.parse(" ".join(options.code))
    config = _config(options)
    if config.noc is None:
        raise OperationError(
            f"{options.config}: has no [noc] section, so this box reports to nobody; see docs/config.md"
        )
    if not options.state.is_dir():
        raise OperationError(f"{options.state}: is not there; it is made when the agent starts: sudo desahub apply")
    if not os.access(options.state, os.W_OK):
        raise OperationError(f"{options.state}: this user may not write there; run sudo desahub claim")
    directory = options.state / "identity"
    if directory.is_dir():
        identity.settle(directory)
    try:
        enrolment.claim_identity(directory, config.hub.id, config.noc, code, moment=kernel_clock()(), tell=print)
    except Unreachable as error:
        if (directory / identity.CERTIFICATE).exists():
            raise
        enrolment.forget_code(options.state)
        enrolment.keep_code(options.state, code)
        print(
            f"{error}.\nThe claim code is kept: this box claims itself within five minutes of the first connection. "
            "To see whether it did: journalctl -u desahub-claim"
        )
        return 0
    enrolment.forget_code(options.state)
    _tell(directory, config.hub.id)
    return 0


def _request(options: argparse.Namespace) -> int:
    hub_id = _config(options).hub.id
    made = identity.request(options.identity, hub_id)
    try:
        options.out.write_bytes(made)
    except OSError as error:
        raise OperationError(f"{options.out}: {error.strerror}") from None
    print(
        f"{options.out}: the request of {hub_id}; its key stays on this box, in {options.identity}.\n"
        f"Carry it to the NOC, which signs it (desahub-noc enrol sign {options.out.name} --out {hub_id}.crt) and gives "
        "back the certificate and its own ca.crt. Then, on this box:\n"
        f"  sudo desahub enrol install --certificate {hub_id}.crt --ca ca.crt"
    )
    return 0


def _install(options: argparse.Namespace) -> int:
    hub_id = _config(options).hub.id
    identity.install(options.identity, hub_id, _read(options.certificate), _read(options.ca))
    _tell(options.identity, hub_id)
    return 0


def _tell(directory: Path, hub_id: str) -> None:
    found = identity.certificate(directory)
    if found is None:
        raise OperationError(f"{directory}: the certificate is gone again; run this once more")
    day = found.not_valid_after_utc.date()
    due = datetime.datetime.fromtimestamp(identity.due_s(found), datetime.UTC).date()
    print(
        f"{hub_id} has its identity, in {directory}, until {day}; it is renewed from {due} on.\n"
        "The agent takes it by itself: journalctl -u desahub-agent"
    )
    if os.geteuid() == 0 and directory == IDENTITY_DIRECTORY:
        clock_floor.main()


def _config(options: argparse.Namespace) -> schema.Config:
    return schema.parse(_read(options.config).decode("utf-8", "replace"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
