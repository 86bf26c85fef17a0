"""``desahub certificate``: take in the portal's certificate, and look whether it is still good."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from appliance.commands import places
from appliance.commands.apply import alone, apply, ask_noc, say
from appliance.core import config as hub
from appliance.core.errors import OperationError
from appliance.network import nginx
from appliance.system import certificate, files, portal_request
from appliance.system.certificate import Delivered, WallClock
from appliance.system.clock import wall_quality
from appliance.system.roots import REAL, Roots

_PRIVATE = 0o600


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``certificate install`` and ``certificate refresh``."""
    group = subparsers.add_parser(
        "certificate", help="the portal's certificate, with which phones open it by themselves"
    )
    commands = group.add_subparsers(required=True, metavar="COMMAND")
    install = commands.add_parser("install", help="check a certificate, keep it, and apply hub.toml with it")
    install.add_argument("chain", type=Path, metavar="FULLCHAIN", help="the certificate with its chain, in PEM")
    install.add_argument("key", type=Path, metavar="KEY", help="its private key, in PEM, without a passphrase")
    install.add_argument("--config", type=Path, default=places.HUB_TOML, metavar="FILE", help="default: %(default)s")
    install.set_defaults(run=run_install)
    refresh = commands.add_parser("refresh", help="use what was renewed, leave what runs out; a timer does it each day")
    refresh.set_defaults(run=run_refresh)


def run_install(chosen: argparse.Namespace, roots: Roots = REAL) -> int:
    """``desahub certificate install``: one that phones would not trust changes nothing."""
    text = places.text(chosen.config)
    config = hub.parse(text)
    given = certificate.read(chosen.chain, chosen.key)
    if given is None:
        raise OperationError(f"{chosen.chain} and {chosen.key}: there are no such files")
    # Modes of a memory stick say nothing; the box's own copy gets the right one.
    clock = WallClock(datetime.datetime.now(datetime.UTC), wall_quality(roots))
    judgement = certificate.judge(
        Delivered(given.chain, given.key, _PRIVATE),
        config.portal.host,
        certificate.trust_store(roots),
        clock,
        certificate.margin(config),
        also=certificate.other_names(config),
    )
    if not judgement.is_usable:
        raise OperationError(f"{chosen.chain}: {judgement.because}; nothing was changed\n  {judgement.remedy}")
    folder = certificate.folder(roots)
    # The key first: a chain whose key is not there yet is refused, never half believed.
    files.write_durably(folder / certificate.KEY_FILE, given.key.decode("ascii"), _PRIVATE)
    files.write_durably(folder / certificate.CHAIN_FILE, given.chain.decode("utf-8", "replace"), 0o644)
    return apply(config, text, certificate.look(config, roots, clock))


def run_refresh(_: argparse.Namespace, roots: Roots = REAL) -> int:
    """``desahub certificate refresh``: take what the NOC delivered, and apply what is applied already, if need be."""
    try:
        text = places.text(places.APPLIED_TOML)
    except OperationError as error:
        raise OperationError(f"{error}; nothing was applied on this box yet: sudo desahub apply") from None
    config = hub.parse(text)
    clock = WallClock(datetime.datetime.now(datetime.UTC), wall_quality(roots))
    with alone():
        came = portal_request.take(config, clock, roots)
    if came is not None and not came.is_usable:
        print(f"The NOC delivered a certificate that is not used: {came.because}.")
    judgement = certificate.look(config, roots, clock)
    if _pem_in_use() == judgement.pem:
        say(judgement)
        ask_noc(config, roots)
        return 0
    return apply(config, text, judgement)


def _pem_in_use() -> str:
    path = Path(nginx.CERTIFICATE)
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error.strerror}; run as root") from None
