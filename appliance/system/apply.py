"""Make the machine what ``hub.toml`` says: check everything, then install, then reload; on failure, all back.

The gate brings new firewall rules itself (it keeps who is online), so it is reloaded rather than ``nft`` run.

The programs read ``rendered/hub.toml``, which only this writes, and last of all files: an edit that is not applied
changes nothing. While files are being changed there is a mark beside them; one that is left over, because the power
went, lets the next `apply` reload everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.network import cups, nftables, nginx
from appliance.network.render import FILTERED_DNS, NETWORKD_PREFIX, SCREEN, SIGNATURE, RenderedFile, render
from appliance.system.operations import Operations
from appliance.system.roots import REAL, Roots

_NETWORKD = "systemd-networkd.service"
_READERS_OF_HUB_TOML = (
    "desahub-keeper.service", "desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service",
)  # fmt: skip
_UNITS = {
    "nftables.nft": "desahub-gate.service",
    "dnsmasq.conf": "desahub-dns.service",
    "nginx.conf": "desahub-web.service",
}
# Key and chain, as judged: nginx's user reads it, and nobody else. The delivered files themselves no program reads.
CERTIFICATE = Path(nginx.CERTIFICATE).name
_CERTIFICATE_MODE, _CERTIFICATE_GROUP = 0o640, "desahub-web"
_ORDER = (_NETWORKD, *_UNITS.values())
_GATE, _DNS, _WEB = _UNITS["nftables.nft"], _UNITS["dnsmasq.conf"], _UNITS["nginx.conf"]
# What runs only where a network has the family filter, in this order: the cache forgets after the filter has changed.
_FILTER_READERS = ("desahub-filter.service", "desahub-filtered-dns.service")
_FILTER = (*_FILTER_READERS, "desahub-filter-update.timer", "desahub-filter-update.path")
# Connection records, where they are asked for, and the key that they are sealed for, as it was applied.
_RECORDS, RECORDS_KEY = "desahub-records.service", "records.pub"
# What runs only where hub.toml has its section, by the file that this section becomes.
_PRINTER, _SIGNER = "desahub-printer.service", "desahub-signer.service"
_BY_FILE = {
    cups.DAEMON_FILE: _PRINTER, cups.FILES_FILE: _PRINTER, SIGNATURE: _SIGNER, SCREEN: "desahub-screen.service",
}  # fmt: skip
# What must be up before the units are reloaded, and what brings up the rest.
_GROUND = (_NETWORKD, "desahub-firewall.service")
_TARGET = "desahub.target"
APPLIED = "hub.toml"
_MARK = "unfinished"


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: files written or removed, units started, reloaded or stopped, passphrases made."""

    changed: tuple[Path, ...]
    started: tuple[str, ...]
    reloaded: tuple[str, ...]
    stopped: tuple[str, ...]
    passphrases: tuple[Path, ...]


@dataclass(slots=True)
class _Done:
    """What a run has touched so far, so that it can be taken back."""

    started: list[str] = field(default_factory=list)
    reloaded: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    made: list[Path] = field(default_factory=list)


def target(path: str, roots: Roots) -> Path:
    """Where a rendered file belongs."""
    if path.startswith(NETWORKD_PREFIX):
        return roots.etc / "systemd" / "network" / path.removeprefix(NETWORKD_PREFIX)
    return roots.etc / "desahub" / "rendered" / path


def apply(
    config: Config,
    text: str,
    operations: Operations,
    roots: Roots = REAL,
    *,
    certificate_pem: str = "",
    certificate_names: Collection[str] = (),
) -> Applied:
    """Bring the machine to ``config``, whose ``hub.toml`` reads ``text``.

    Args:
        config: what to become.
        text: the file it was read from.
        operations: steps on the machine.
        roots: where its files are.
        certificate_pem: key and chain that phones trust for the portal (`certificate.Judgement`); "" without.
        certificate_names: all names of this box that it is for.

    Raises:
        OperationError: a check failed and nothing was changed; or a later step failed, the gate's refusal included,
            and the previous files are back in place. The text says which.
    """
    certificate = [RenderedFile(CERTIFICATE, certificate_pem, _CERTIFICATE_MODE)] if certificate_pem else []
    rendered = (
        *render(config, https=bool(certificate), https_names=certificate_names), *_records_key(config, operations),
        RenderedFile(APPLIED, text),
    )  # fmt: skip
    _check(rendered, certificate, operations)
    wanted = {target(file.path, roots): file for file in (*certificate, *rendered)}
    # What is gone comes first and the applied hub.toml last: it stands for all the others. A certificate is there
    # before nginx is told to read it, and goes when it no longer is.
    before = {path: operations.read(path) for path in (*_stale(wanted, operations, roots), *wanted)}
    if operations.read(target(CERTIFICATE, roots)) is not None:
        before.setdefault(target(CERTIFICATE, roots), operations.read(target(CERTIFICATE, roots)))
    before[target(APPLIED, roots)] = before.pop(target(APPLIED, roots))
    changed = [path for path, old in before.items() if path not in wanted or old != wanted[path].text]
    mark = target(_MARK, roots)
    was_cut_short = operations.read(mark) is not None
    units, stopped = _units([*before] if was_cut_short else changed, wanted)
    if config.portal.garden_names and _GATE in units and _DNS not in units:
        # New rules begin with an empty walled garden; it is filled again by answers that are not from the cache.
        units.insert(units.index(_GATE) + 1, _DNS)
    radios = [_radio(path) for path in wanted if path.name.startswith("hostapd-")]
    optional = [*(_FILTER if target(FILTERED_DNS, roots) in wanted else ()), *radios]
    optional += [_RECORDS] if config.records.enabled else []
    optional += dict.fromkeys(_BY_FILE[path.name] for path in wanted if path.name in _BY_FILE)
    done = _Done()
    try:
        if changed:
            operations.write(mark, "apply is at work, or was cut short\n", 0o644)
        for secret in (Path(network.passphrase_file) for network in config.office_networks):
            if operations.make_passphrase(secret):
                done.made.append(secret)
        for path in changed:
            _put(operations, path, wanted[path].text if path in wanted else None)
        _switch(operations, (units, stopped, optional), nftables.fingerprint(config), done)
        operations.remove(mark)
    except OperationError as error:
        raise OperationError(f"{error}\n{_back(operations, before, changed, done, mark)}") from None
    return Applied(tuple(changed), tuple(done.started), tuple(done.reloaded), tuple(stopped), tuple(done.made))


def _switch(
    operations: Operations, work: tuple[Sequence[str], Sequence[str], Sequence[str]], fingerprint: str, done: _Done
) -> None:
    """Let the machine take its files: stop what is gone, reload what changed, start what does not run."""
    units, stopped, optional = work
    for unit in stopped:
        done.stopped.append(unit)
        operations.stop(unit)
    for unit in _GROUND:
        _bring_up(operations, unit, done)
    for unit in units:
        if unit in done.started:
            continue
        done.reloaded.append(unit)
        operations.reload(unit)
        if unit == _GATE:
            operations.wait_for_gate(fingerprint)
    for unit in (_TARGET, *optional):
        _bring_up(operations, unit, done)


def _bring_up(operations: Operations, unit: str, done: _Done) -> None:
    if operations.bring_up(unit):
        done.started.append(unit)


def _check(rendered: Sequence[RenderedFile], beside: Sequence[RenderedFile], operations: Operations) -> None:
    refusals = []
    for file in rendered:
        try:
            operations.check(file, beside)
        except OperationError as error:
            refusals.append(f"{file.path}: {error}")
    if refusals:
        raise OperationError("\n".join([*refusals, "nothing was changed"]))


def _stale(wanted: Mapping[Path, RenderedFile], operations: Operations, roots: Roots) -> list[Path]:
    """Files of networks, or of the filter and the like, that are no longer configured."""
    found = [
        *operations.listing(target("", roots), "hostapd-*.conf"),
        *operations.listing(target("", roots), FILTERED_DNS),
        *operations.listing(target("", roots), RECORDS_KEY),
        *(path for name in _BY_FILE for path in operations.listing(target("", roots), name)),
        *operations.listing(target(NETWORKD_PREFIX, roots), "10-desahub-*"),
    ]
    return [path for path in found if path not in wanted]


def _units(changed: Sequence[Path], wanted: Mapping[Path, RenderedFile]) -> tuple[list[str], list[str]]:
    """Which units to reload, in their order, and which to stop."""
    reload: set[str] = set()
    radios: list[str] = []
    stopped: list[str] = []
    for path in changed:
        if path.parent.name == "network":
            reload.add(_NETWORKD)
        elif path.name.startswith("hostapd-"):
            (radios if path in wanted else stopped).append(_radio(path))
        elif path.name in _UNITS:
            reload.add(_UNITS[path.name])
        elif path.name == CERTIFICATE:
            reload.add(_WEB)
        elif path.name == FILTERED_DNS and path not in wanted:
            stopped += reversed(_FILTER)
        elif path.name == RECORDS_KEY and path not in wanted:
            stopped.append(_RECORDS)
    mine = [(_BY_FILE[path.name], path in wanted) for path in changed if path.name in _BY_FILE]
    stopped += dict.fromkeys(unit for unit, is_wanted in mine if not is_wanted)
    # The gate judges addresses by hub.toml even where the rules stay the same.
    others = [*_READERS_OF_HUB_TOML] if any(path.name == APPLIED for path in changed) else []
    if any(path.name == FILTERED_DNS for path in wanted) and (others or FILTERED_DNS in {p.name for p in changed}):
        others += _FILTER_READERS
    if any(path.name == RECORDS_KEY for path in wanted) and (others or RECORDS_KEY in {p.name for p in changed}):
        others.append(_RECORDS)
    others += dict.fromkeys(unit for unit, is_wanted in mine if is_wanted)
    if any(path.name == APPLIED for path in changed):
        reload.add(_GATE)
    return [*(unit for unit in _ORDER if unit in reload), *radios, *others], stopped


def _records_key(config: Config, operations: Operations) -> list[RenderedFile]:
    """The public key for records, which the recorder reads; none where nothing is recorded."""
    if not config.records.enabled:
        return []
    path = Path(config.records.public_key_file)
    key = operations.read(path)
    if key is None or "BEGIN PUBLIC KEY" not in key:
        wrong = "there is no such file" if key is None else "is no public key"
        raise OperationError(
            f"{path}: {wrong}; records.public_key_file is what desahub records keygen made on another machine. "
            "Nothing was changed"
        )
    return [RenderedFile(RECORDS_KEY, key)]


def _radio(path: Path) -> str:
    return f"desahub-radio@{path.stem.removeprefix('hostapd-')}.service"


def _put(operations: Operations, path: Path, text: str | None) -> None:
    if text is None:
        operations.remove(path)
    elif path.name == CERTIFICATE:
        operations.write(path, text, _CERTIFICATE_MODE, _CERTIFICATE_GROUP)
    else:
        operations.write(path, text, 0o644)


def _back(
    operations: Operations, before: Mapping[Path, str | None], changed: Sequence[Path], done: _Done, mark: Path
) -> str:
    """Put the previous files back and let the units take them; says what could not be done."""
    steps: list[Callable[[], object]] = [partial(_put, operations, path, before[path]) for path in changed]
    # What did not run before does not run now; the others take their old files again.
    steps += [partial(operations.stop, unit) for unit in reversed(done.started)]
    had_radios = {_radio(path) for path, text in before.items() if path.name.startswith("hostapd-") and text}
    again = [unit for unit in done.reloaded if "@" not in unit or unit in had_radios]
    steps += [partial(operations.stop, unit) for unit in done.reloaded if unit not in again]
    steps += [partial(operations.reload, unit) for unit in (*again, *done.stopped)]
    failed = []
    for step in steps:
        try:
            step()
        except OperationError as error:
            failed.append(str(error))
    if failed:
        return "\n".join(["putting the previous state back did not fully succeed:", *failed])
    try:
        operations.remove(mark)
    except OperationError as error:
        return f"the previous files are back in place, but {error}"
    return "the previous files are back in place"
