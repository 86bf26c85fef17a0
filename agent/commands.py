"""``desahub enrol``: how a box gets its identity."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent import identity
from appliance.core import config as schema
from appliance.core.errors import OperationError

IDENTITY_DIRECTORY = Path("/var/lib/desahub-agent/identity")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``enrol request`` and ``enrol install``; each sets ``run(options) -> exit code`` and raises DesahubError."""
    enrol = subparsers.add_parser("enrol", help="get this box's identity towards the NOC")
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


def _request(options: argparse.Namespace) -> int:
    hub_id = _hub_id(options)
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
    hub_id = _hub_id(options)
    identity.install(options.identity, hub_id, _read(options.certificate), _read(options.ca))
    print(
        f"{hub_id} has its identity, in {options.identity}. The agent takes it by itself: journalctl -u desahub-agent"
    )
    return 0


def _hub_id(options: argparse.Namespace) -> str:
    return schema.parse(_read(options.config).decode("utf-8", "replace")).hub.id


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
