"""``desahub doctor``: one table of what is wrong, what it means, and what to do."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path

from appliance.commands import places
from appliance.core import config as hub
from appliance.core.config import Config
from appliance.core.errors import DesahubError, OperationError
from appliance.gate.client import GateClient
from appliance.gate.protocol import GateStatus
from appliance.kiosk.letters import kinds
from appliance.network import nftables
from appliance.papers.cups import CupsPrinter
from appliance.papers.signer_client import SignerClient
from appliance.system import certificate, doctor, examine, links, portal_request, uplink_state
from appliance.system.clock import wall_quality
from appliance.system.doctor import Box, Finding, GateFacts, Level, PrinterFacts, SignerFacts
from appliance.system.roots import REAL, Roots


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``doctor``."""
    command = subparsers.add_parser(
        "doctor", help="say what is wrong with this box, what it means, and what to do",
        description="Say what is wrong with this box, what it means, and what to do. It changes nothing. Exits with 1 "
        "when something is bad. Only root sees everything.",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="one JSON object for each matter")
    command.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """``desahub doctor``: 1 when something is bad."""
    findings = doctor.judge(examined(lambda: GateClient().status()))
    if chosen.json:
        for finding in findings:
            print(json.dumps(dataclasses.asdict(finding), ensure_ascii=False))
    else:
        print(table(findings))
    return 1 if any(finding.level is Level.BAD for finding in findings) else 0


def table(findings: tuple[Finding, ...]) -> str:
    """The findings for a person: what is bad stands out, and each remedy below its matter."""
    width = max(len(finding.matter) for finding in findings) + 2
    lines = []
    for finding in findings:
        word = finding.level.value if finding.level is Level.GOOD else finding.level.value.upper()
        lines.append(f"{word:6}{finding.matter:{width}}{finding.means}")
        if finding.remedy:
            lines.append(f"{'':6}{'':{width}}-> {finding.remedy}")
    return "\n".join(lines)


def examined(
    ask_gate: Callable[[], GateStatus],
    roots: Roots = REAL,
    hub_toml: Path | None = None,
    applied_toml: Path | None = None,
    now: datetime.datetime | None = None,
) -> Box:
    """Look at everything. What cannot be found out is left unknown; nothing is raised."""
    now = now or datetime.datetime.now(datetime.UTC)
    try:
        text = places.text(applied_toml or places.APPLIED_TOML)
        config = hub.parse(text)
    except DesahubError as error:
        return _bare(ask_gate, roots, str(error))
    try:
        is_applied: bool | None = places.text(hub_toml or places.HUB_TOML) == text
    except OperationError:
        is_applied = None
    gate, problem = _gate(ask_gate, config)
    quality = wall_quality(roots)
    free, whole = examine.disk(roots)
    return Box(
        config=config,
        is_root=os.geteuid() == 0,
        is_applied=is_applied,
        gate=gate,
        gate_problem=problem,
        forwards=links.forwards(roots),
        certificate=certificate.look(config, roots, certificate.WallClock(now, quality)),
        portal_request=portal_request.facts(config, certificate.WallClock(now, quality), roots),
        is_certificate_in_use=examine.is_certificate_in_use(roots),
        offers_option_114=examine.offers_option_114(roots),
        clock=quality,
        now=now,
        link=links.look(config.uplink.interface),
        link_mbit=examine.link_mbit(config, roots),
        uplink=uplink_state.read(roots),
        dns_answers=examine.dns_answers(config.portal.host),
        leases=examine.leases(config, roots),
        filter_lists=examine.filter_lists(config, now, roots),
        records=examine.records(config, now, roots),
        disk_free_bytes=free,
        disk_bytes=whole,
        units=examine.units(config, roots),
        has_radio=examine.has_radio(config, roots),
        printers=_printers(config),
        signer=_signer(config, roots),
        wrong_kinds=_wrong_kinds(roots),
    )


def _bare(ask_gate: Callable[[], GateStatus], roots: Roots, problem: str) -> Box:
    """What can be said of a box without a configuration."""
    gate, gate_problem = _gate(ask_gate, None)
    free, whole = examine.disk(roots)
    return Box(
        config=None,
        is_root=os.geteuid() == 0,
        config_problem=problem,
        gate=gate,
        gate_problem=gate_problem,
        forwards=links.forwards(roots),
        clock=wall_quality(roots),
        disk_free_bytes=free,
        disk_bytes=whole,
    )


def _printers(config: Config) -> tuple[PrinterFacts, ...]:
    if config.printer is None:
        return ()
    found = []
    for queue in filter(None, (config.printer.queue, config.printer.ticket_queue)):
        state = CupsPrinter(queue).state()
        found.append(PrinterFacts(queue, state.condition.value, state.message))
    return tuple(found)


def _wrong_kinds(roots: Roots) -> tuple[tuple[str, str], ...]:
    refused = kinds.load_all(roots.etc / "desahub/letters").refused
    return tuple((name, str(error.problems[0])) for name, error in refused.items())


def _signer(config: Config, roots: Roots) -> SignerFacts | None:
    if config.signature is None:
        return None
    try:
        has_credentials = bool((roots.etc / "desahub/secrets/signature").read_bytes().strip())
    except OSError:
        has_credentials = False
    state = SignerClient().state()
    return SignerFacts(has_credentials, state.is_reachable, state.message)


def _gate(ask_gate: Callable[[], GateStatus], config: Config | None) -> tuple[GateFacts | None, str]:
    try:
        status = ask_gate()
    except DesahubError as error:
        return None, str(error)
    matches = config is None or status.ruleset_fingerprint == nftables.fingerprint(config)
    facts = GateFacts(status.closed_by_default, matches, status.admitted_count, status.shaper, status.shaper_problem)
    return facts, ""
