"""Make the machine what ``hub.toml`` says: check everything, then install, then reload; on failure, all back.

The gate brings new firewall rules itself (it keeps who is online), so it is reloaded rather than ``nft`` run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.network.render import NETWORKD_PREFIX, RenderedFile, render
from appliance.system.operations import Operations
from appliance.system.roots import REAL, Roots

_NETWORKD = "systemd-networkd.service"
_READERS_OF_HUB_TOML = ("desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service")
_UNITS = {
    "nftables.nft": "desahub-gate.service",
    "dnsmasq.conf": "desahub-dns.service",
    "nginx.conf": "desahub-web.service",
}
_ORDER = (_NETWORKD, *_UNITS.values())


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: files written or removed, units reloaded or stopped, passphrases made."""

    changed: tuple[Path, ...]
    reloaded: tuple[str, ...]
    stopped: tuple[str, ...]
    passphrases: tuple[Path, ...]


def target(path: str, roots: Roots) -> Path:
    """Where a rendered file belongs."""
    if path.startswith(NETWORKD_PREFIX):
        return roots.etc / "systemd" / "network" / path.removeprefix(NETWORKD_PREFIX)
    return roots.etc / "desahub" / "rendered" / path


def apply(config: Config, text: str, operations: Operations, roots: Roots = REAL) -> Applied:
    """Bring the machine to ``config``, whose ``hub.toml`` reads ``text``.

    Raises:
        OperationError: a check failed and nothing was changed; or a later step failed and the previous files are
            back in place. The text says which.
    """
    rendered = (*render(config), RenderedFile("hub.toml", text))
    _check(rendered, operations)
    wanted = {target(file.path, roots): file for file in rendered}
    # The running programs read this one; it is the same file unless another one is being applied.
    wanted[roots.etc / "desahub" / "hub.toml"] = RenderedFile("hub.toml", text)
    before = {path: operations.read(path) for path in (*wanted, *_stale(wanted, operations, roots))}
    changed = [path for path, old in before.items() if path not in wanted or old != wanted[path].text]
    secrets = [Path(network.passphrase_file) for network in config.office_networks]
    units, stopped = _units(changed, wanted)
    done: list[str] = []
    try:
        made = [path for path in secrets if operations.make_passphrase(path)]
        for path in changed:
            _put(operations, path, wanted[path].text if path in wanted else None, wanted.get(path))
        for unit in stopped:
            operations.stop(unit)
        for unit in units:
            done.append(unit)
            operations.reload(unit)
    except OperationError as error:
        raise OperationError(f"{error}\n{_back(operations, before, changed, done)}") from None
    return Applied(tuple(changed), tuple(units), tuple(stopped), tuple(made))


def _check(rendered: Sequence[RenderedFile], operations: Operations) -> None:
    refusals = []
    for file in rendered:
        try:
            operations.check(file)
        except OperationError as error:
            refusals.append(f"{file.path}: {error}")
    if refusals:
        raise OperationError("\n".join([*refusals, "nothing was changed"]))


def _stale(wanted: Mapping[Path, RenderedFile], operations: Operations, roots: Roots) -> list[Path]:
    """Files of networks that are no longer configured."""
    found = [
        *operations.listing(target("", roots), "hostapd-*.conf"),
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
            unit = f"desahub-radio@{path.stem.removeprefix('hostapd-')}.service"
            (radios if path in wanted else stopped).append(unit)
        elif path.name in _UNITS:
            reload.add(_UNITS[path.name])
    # The gate judges addresses by hub.toml even where the rules stay the same.
    others = [*_READERS_OF_HUB_TOML] if any(path.name == "hub.toml" for path in changed) else []
    if others:
        reload.add(_UNITS["nftables.nft"])
    return [*(unit for unit in _ORDER if unit in reload), *radios, *others], stopped


def _put(operations: Operations, path: Path, text: str | None, file: RenderedFile | None = None) -> None:
    if text is None:
        operations.remove(path)
    else:
        operations.write(path, text, file.mode if file else 0o644)


def _back(
    operations: Operations, before: Mapping[Path, str | None], changed: Sequence[Path], units: Sequence[str]
) -> str:
    """Put the previous files back and let the units take them; says what could not be done."""
    failed = []
    for path in changed:
        try:
            _put(operations, path, before[path])
        except OperationError as error:
            failed.append(str(error))
    for unit in units:
        try:
            operations.reload(unit)
        except OperationError as error:
            failed.append(str(error))
    if failed:
        return "\n".join(["putting the previous state back did not fully succeed:", *failed])
    return "the previous files are back in place"
