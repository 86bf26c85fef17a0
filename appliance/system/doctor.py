"""What is wrong with this box, what it means, and what to do: the rules. Pure; `examine` looks at the machine.

One function judges one matter. What was not found out is `Level.WARN` and said so, never taken for good.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.core.clock import WallQuality
from appliance.core.config import Config
from appliance.core.enrolment import PortalState
from appliance.system import portal_request
from appliance.system.certificate import Judgement, State
from appliance.system.links import Link
from appliance.system.uplink_state import UplinkState


class Level(enum.StrEnum):
    """How it stands with one matter."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: the matter, how it stands, what that means, and what to do."""

    matter: str
    level: Level
    means: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the gate says of itself; ``rules_match`` compares its rules with those of the applied hub.toml."""

    closed_by_default: bool
    rules_match: bool
    admitted_count: int
    shaper: str
    shaper_problem: str


@dataclass(frozen=True, slots=True)
class FilterList:
    """One list of the family filter: days since its source was last asked (None: never), and its last error."""

    name: str
    days: float | None
    error: str


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """Connection records: can the public key be read, and hours since a file was last written (None: never)."""

    has_key: bool
    hours: float | None


@dataclass(frozen=True, slots=True)
class PrinterFacts:
    """What a queue says of itself: ``condition`` as `appliance.papers.printing.Condition` spells it."""

    queue: str
    condition: str
    message: str


@dataclass(frozen=True, slots=True)
class SignerFacts:
    """Electronic signatures: is there a name and password for the service, and does the box's own signer answer?"""

    has_credentials: bool
    answers: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What was found on the machine. None stands for "could not be found out", with the reason where there is one."""

    config: Config | None
    is_root: bool = True
    config_problem: str = ""
    is_applied: bool | None = None
    gate: GateFacts | None = None
    gate_problem: str = ""
    forwards: bool | None = None
    certificate: Judgement | None = None
    portal_request: portal_request.Facts | None = None
    is_certificate_in_use: bool = False
    offers_option_114: bool = False
    clock: WallQuality = WallQuality.UNKNOWN
    now: datetime.datetime | None = None
    link: Link | None = None
    link_mbit: int | None = None
    uplink: UplinkState | None = None
    dns_answers: bool | None = None
    leases: dict[str, tuple[int, int]] | None = None
    filter_lists: tuple[FilterList, ...] | None = None
    records: RecordFacts | None = None
    disk_free_bytes: int | None = None
    disk_bytes: int = 0
    units: dict[str, str] | None = None
    has_radio: bool | None = None
    printers: tuple[PrinterFacts, ...] = ()
    signer: SignerFacts | None = None
    # The village's own kinds of letters that are wrong: the file, and what is wrong first.
    wrong_kinds: tuple[tuple[str, str], ...] = ()


_DAYS_TO_RENEW: Final = 14
_LIST_DAYS_MAX: Final = 7
_APPLY: Final = "sudo desahub apply"


def judge(box: Box) -> tuple[Finding, ...]:
    """Every matter of ``box``, in a fixed order. Matters that this box does not have are left out."""
    return tuple(finding for check in CHECKS for finding in check(box))


def configuration(box: Box) -> Iterator[Finding]:
    """Is there a configuration, and is it what runs?"""
    if box.config is None:
        yield Finding("configuration", Level.BAD, box.config_problem or "nothing is applied on this box", _APPLY)
    elif box.is_applied is False:
        yield Finding("configuration", Level.WARN, "hub.toml was changed after it was applied", _APPLY)
    else:
        yield Finding("configuration", Level.GOOD, f"{box.config.village.name}, applied as it stands in hub.toml")


def gate(box: Box) -> Iterator[Finding]:
    """Nobody gets out without a grant, and those with one do."""
    matter = "firewall"
    if box.gate is None and not box.is_root:
        yield Finding(
            matter, Level.WARN, "unknown: the gate tells root alone whether it is closed", "sudo desahub doctor"
        )
    elif box.gate is None:
        because = box.gate_problem or "the gate was not asked"
        yield Finding(matter, Level.BAD, f"nobody knows whether it is closed: {because}", "journalctl -u desahub-gate")
    elif not box.gate.closed_by_default:
        yield Finding(
            matter, Level.BAD, "open: devices without a grant may get out", "sudo systemctl restart desahub-gate"
        )
    elif not box.gate.rules_match:
        yield Finding(matter, Level.BAD, "closed, but by other rules than hub.toml asks for", _APPLY)
    else:
        yield Finding(matter, Level.GOOD, f"closed by default, {box.gate.admitted_count} devices let through")
    if box.forwards is not True:
        words = "nothing, so that nobody gets online" if box.forwards is False else "perhaps: the kernel does not say"
        yield Finding("forwarding", Level.BAD if box.forwards is False else Level.WARN, words, _APPLY)


def shaper(box: Box) -> Iterator[Finding]:
    """The line is shared as hub.toml asks, with the speed it says."""
    if box.config is None or box.gate is None:
        return
    asked, line = box.config.uplink.shaper.value, box.config.uplink
    if box.gate.shaper_problem:
        yield Finding("sharing", Level.BAD, box.gate.shaper_problem, "see docs/config.md, uplink.shaper; " + _APPLY)
    elif box.gate.shaper != asked:
        yield Finding(
            "sharing",
            Level.BAD,
            f"hub.toml asks for {asked}, the gate runs {box.gate.shaper}: one download may starve the rest",
            f"choose another uplink.shaper, then {_APPLY}; journalctl -u desahub-gate",
        )
    elif box.link_mbit and box.link_mbit * 1000 < max(line.download_kbit, line.upload_kbit):
        yield Finding(
            "sharing",
            Level.WARN,
            f"the uplink's cable runs at {box.link_mbit} Mbit/s, less than hub.toml says of the line",
            "look at cable and modem, or correct uplink.download_kbit and upload_kbit",
        )
    else:
        speed = f"{line.download_kbit} kbit/s down, {line.upload_kbit} kbit/s up"
        yield Finding("sharing", Level.GOOD, f"{asked}, for a line of {speed}; measure it at a quiet hour")


def uplink(box: Box) -> Iterator[Finding]:
    """The way to the internet."""
    if box.config is None or box.link is None or box.uplink is None:
        return
    name = box.config.uplink.interface
    if not box.link.is_up:
        yield Finding("uplink", Level.BAD, f"{name} has no link", "look at the cable and at the provider's modem")
    elif box.link.address is None or box.link.gateway is None:
        lacks = "address" if box.link.address is None else "gateway"
        yield Finding("uplink", Level.BAD, f"{name} has no {lacks}", "look at the modem, or at [uplink] in hub.toml")
    elif box.uplink.up is None:
        yield Finding(
            "uplink", Level.WARN, "nobody measures whether the internet answers", "journalctl -u desahub-agent"
        )
    elif not box.uplink.up:
        since = f" since {box.uplink.since_wall}" if box.uplink.since_wall else ""
        yield Finding("uplink", Level.BAD, f"no target answers{since}", "tell the provider; local services go on")
    else:
        yield Finding("uplink", Level.GOOD, f"up, {name} has {box.link.address}")


def names(box: Box) -> Iterator[Finding]:
    """The box's own DNS."""
    if box.dns_answers is None:
        return
    if box.dns_answers:
        yield Finding("DNS", Level.GOOD, "the box answers for its own names")
    else:
        yield Finding(
            "DNS", Level.BAD, "no answer: phones find neither the portal nor anything else",
            "sudo systemctl restart desahub-dns; journalctl -u desahub-dns",
        )  # fmt: skip


def addresses(box: Box) -> Iterator[Finding]:
    """Room for those who join next."""
    for network, (used, size) in (box.leases or {}).items():
        matter, words = f"addresses {network}", f"{used} of {size} are given out"
        level = Level.BAD if used >= size else Level.WARN if used * 10 >= size * 9 else Level.GOOD
        remedy = f"a wider address or a shorter lease_seconds for {network} in hub.toml" if level != Level.GOOD else ""
        yield Finding(matter, level, words, remedy)


def certificate(box: Box) -> Iterator[Finding]:
    """RFC 8908 and option 114, and why or why not."""
    found = box.certificate
    if found is None:
        return
    matter = "certificate"
    if box.is_certificate_in_use != box.offers_option_114:
        yield Finding(matter, Level.BAD, "option 114 and TLS do not go together: apply was cut short", _APPLY)
    elif found.is_usable != box.is_certificate_in_use:
        word = "not used yet" if found.is_usable else "still used"
        yield Finding(matter, Level.WARN, f"{word}: {found.because}", "sudo desahub certificate refresh")
    elif found.state is State.ABSENT:
        yield Finding(matter, Level.GOOD, f"{found.because}: option 114 is not sent, phones find the portal by probes")
    elif not found.is_usable:
        yield Finding(matter, Level.WARN, f"option 114 is not sent: {found.because}", found.remedy)
    elif found.ends and box.now and found.ends - box.now < datetime.timedelta(days=_DAYS_TO_RENEW):
        yield Finding(matter, Level.WARN, f"option 114 is sent; {found.because}", "it should have been renewed by now")
    else:
        whose = "" if box.portal_request is None else _whose(box.portal_request)
        yield Finding(matter, Level.GOOD, f"option 114 is sent, TLS answers; {found.because}{whose}")
    if box.portal_request is not None:
        yield from _asked(box.portal_request, found)
    if found.is_usable and box.config is not None:
        yield from _covered(box.config, found)


def _whose(facts: portal_request.Facts) -> str:
    return "; from the NOC" if facts.is_from_noc else "; delivered by hand"


def _asked(facts: portal_request.Facts, found: Judgement) -> Iterator[Finding]:
    """What became of the certificate that the NOC is asked for."""
    matter = "certificate from the NOC"
    level = Level.GOOD if found.is_usable else Level.WARN
    said = f"; it says: {facts.said.message}" if facts.said.message else ""
    if facts.refused:
        remedy = "tell the NOC; the one in use stays, and another is asked for after a week"
        yield Finding(matter, Level.WARN, f"what the NOC delivered is not used: {facts.refused}", remedy)
    elif not facts.is_asked:
        if not found.is_usable:
            yield Finding(matter, Level.WARN, "it was not asked for yet", "sudo desahub certificate refresh")
    elif not facts.said.code:
        remedy = "it is asked each quarter of an hour; journalctl -u desahub-portal-request says why it does not answer"
        yield Finding(matter, level, "is asked for; the NOC has not answered yet", remedy)
    elif facts.said.code == PortalState.WAITING:
        yield Finding(
            matter, level, f"is asked for, and the NOC is at it{said}", "wait; the NOC sees what is in the way"
        )
    elif facts.said.code == PortalState.DONE:
        yield Finding(matter, level, "has come", "sudo desahub certificate refresh")
    else:
        yield Finding(matter, Level.WARN, f"the NOC refuses it ({facts.said.code}){said}", "ask the NOC")


def _covered(config: Config, found: Judgement) -> Iterator[Finding]:
    """For each further name, whether the portal's certificate is for it."""
    without = {
        config.kiosk.host: "residents log in at the hall's screen and in the office's network, not on their phones",
        config.letters.verification_host: "QR codes of letters lead out of the village, while the line is up",
    }
    for name, means in without.items():
        if name in found.names:
            yield Finding(f"certificate {name}", Level.GOOD, "is for this name too: TLS answers")
        elif name:
            remedy = f"a certificate for {config.portal.host} and {name} would change that"
            yield Finding(f"certificate {name}", Level.GOOD, f"is not for this name: {means}", remedy)


def clock(box: Box) -> Iterator[Finding]:
    """Wall time; durations do not hang on it."""
    match box.clock:
        case WallQuality.NTP:
            yield Finding("clock", Level.GOOD, "set by a time server")
        case WallQuality.RTC:
            yield Finding("clock", Level.WARN, "set by the battery-backed clock, not by a time server since the start")
        case _:
            yield Finding(
                "clock", Level.WARN, "nobody has set it since the start: recorded times and opening hours may be wrong",
                "wait for the uplink; timedatectl",
            )  # fmt: skip


def family_filter(box: Box) -> Iterator[Finding]:
    """The lists of the family filter."""
    for one in box.filter_lists or ():
        matter = f"filter {one.name}"
        if one.days is None:
            yield Finding(
                matter, Level.BAD, f"never loaded: {one.error or 'not tried yet'}",
                "sudo systemctl restart desahub-filter-update; see its journal",
            )  # fmt: skip
        elif one.error or one.days > _LIST_DAYS_MAX:
            words = f"{one.days:.0f} days old" + (f": {one.error}" if one.error else "")
            yield Finding(matter, Level.WARN, words, "look at the list's source in hub.toml")
        else:
            yield Finding(matter, Level.GOOD, f"asked for {_days_ago(one.days)}")


def _days_ago(days: float) -> str:
    whole = round(days)
    return "in the last hours" if whole == 0 else "a day ago" if whole == 1 else f"{whole} days ago"


def records(box: Box) -> Iterator[Finding]:
    """Connection records, where they are asked for."""
    if box.records is None:
        return
    if not box.records.has_key:
        yield Finding(
            "records", Level.BAD, "nothing is recorded: the public key cannot be read",
            "put the key at records.public_key_file",
        )  # fmt: skip
    elif box.records.hours is None:
        yield Finding("records", Level.WARN, "nothing was recorded yet", "journalctl -u desahub-records")
    else:
        yield Finding("records", Level.GOOD, f"encrypted, last written {box.records.hours:.0f} hours ago")


def disk(box: Box) -> Iterator[Finding]:
    """Room for what must be durable."""
    if box.disk_free_bytes is None or not box.disk_bytes:
        return
    words = f"{box.disk_free_bytes // 1_000_000} MB of {box.disk_bytes // 1_000_000} MB free"
    share = box.disk_free_bytes / box.disk_bytes
    if share < 0.03 or box.disk_free_bytes < 50_000_000:
        yield Finding("disk", Level.BAD, f"{words}: nothing more is kept soon", "journalctl --vacuum-size=50M")
    elif share < 0.1:
        yield Finding("disk", Level.WARN, words, "journalctl --vacuum-size=50M")
    else:
        yield Finding("disk", Level.GOOD, words)


def units(box: Box) -> Iterator[Finding]:
    """Do the programs run?"""
    if box.units is None:
        yield Finding("programs", Level.WARN, "systemd does not say how they are")
        return
    down = {unit: state for unit, state in box.units.items() if state not in ("active", "activating", "reloading")}
    for unit, state in down.items():
        yield Finding(
            "programs", Level.BAD, f"{unit} is {state}", f"journalctl -u {unit}; sudo systemctl restart {unit}"
        )
    if not down:
        yield Finding("programs", Level.GOOD, f"all {len(box.units)} run")


def radio(box: Box) -> Iterator[Finding]:
    """The radio, where hub.toml has one."""
    if box.config is None or box.config.radio is None or box.has_radio is None:
        return
    name = box.config.radio.interface
    if box.has_radio:
        yield Finding("radio", Level.GOOD, f"{name} is there")
    else:
        yield Finding(
            "radio", Level.BAD, f"{name} is missing: no network is in the air", "ip link; its firmware: dmesg"
        )


def printers(box: Box) -> Iterator[Finding]:
    """What letters and tickets are printed on."""
    for one in box.printers:
        matter = f"printer {one.queue}"
        if one.condition == "ready":
            yield Finding(matter, Level.GOOD, "ready, as far as CUPS knows: it learns of paper while it prints")
        elif not box.is_root:
            yield Finding(
                matter, Level.WARN, "unknown: CUPS listens to root and the kiosk alone", "sudo desahub doctor"
            )
        elif one.condition == "offline":
            yield Finding(
                matter, Level.BAD, f"nothing is printed: {one.message}",
                "cable and switch of the printer; lpstat -h /run/desahub-printer/cups.sock -l -p; "
                "journalctl -u desahub-printer",
            )  # fmt: skip
        else:
            words = "no paper" if one.condition == "paper_out" else "it needs a hand"
            yield Finding(
                matter, Level.WARN, f"{words}: {one.message}", "what waits goes on by itself once it is mended"
            )


def signatures(box: Box) -> Iterator[Finding]:
    """Electronic signatures, where hub.toml asks for them."""
    if box.signer is None:
        return
    matter = "signatures"
    if not box.is_root:
        yield Finding(matter, Level.WARN, "unknown: only root sees whether there is a password", "sudo desahub doctor")
    elif not box.signer.has_credentials:
        yield Finding(
            matter, Level.BAD, "letters are signed by hand: the box has no name and password for the service",
            "write NAME:PASSWORD to /etc/desahub/secrets/signature (mode 0600), then systemctl start desahub-signer",
        )  # fmt: skip
    elif not box.signer.answers:
        yield Finding(
            matter, Level.BAD, f"letters are signed by hand: {box.signer.message}", "journalctl -u desahub-signer"
        )
    else:
        yield Finding(matter, Level.GOOD, "the box's signer answers; the service is asked with each signature")


def letters(box: Box) -> Iterator[Finding]:
    """The village's own kinds of letters can be asked for."""
    for name, problem in box.wrong_kinds:
        yield Finding(
            "letters", Level.WARN, f"{name} is wrong and not offered: {problem}",
            f"desahub letters check /etc/desahub/letters/{name}",
        )  # fmt: skip


CHECKS: Final[tuple[Callable[[Box], Iterator[Finding]], ...]] = (
    configuration, gate, shaper, uplink, names, addresses, certificate, clock, family_filter, records, disk, units,
    radio, printers, signatures, letters,
)  # fmt: skip
