"""What `apply` does to the machine: the seam, with the real edge here and a twin in `memory`."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from appliance.core.errors import DesahubError, OperationError
from appliance.network.render import FILTERED_DNS, RenderedFile
from appliance.system import files
from appliance.system.processes import run
from appliance.system.roots import REAL, Roots

# Letters and digits that are not mistaken for each other on paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_CHECK_SECONDS = 30.0
_UNIT_SECONDS = 60.0
_GATE_SECONDS = 5.0


class Operations(Protocol):
    """Steps on the machine. Each raises `OperationError`, naming the step and what the machine answered."""

    def check(self, file: RenderedFile, beside: Sequence[RenderedFile] = ()) -> None:
        """Let the program that will read ``file``, which may name files ``beside`` it, judge it. Changes nothing."""
        ...

    def listing(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """The files in ``folder`` whose names fit ``pattern``; none where there is no such folder."""
        ...

    def read(self, path: Path) -> str | None:
        """The text at ``path``, None without a file."""
        ...

    def write(self, path: Path, text: str, mode: int, group: str = "") -> None:
        """Put ``text`` at ``path``, durably; ``group`` may be "" for the writer's own."""
        ...

    def remove(self, path: Path) -> None:
        """Remove ``path``."""
        ...

    def make_passphrase(self, path: Path) -> bool:
        """Make a WPA passphrase at ``path`` unless there is a file. Returns whether one was made."""
        ...

    def reload(self, unit: str) -> None:
        """Let ``unit`` take its new files: reloaded, restarted or started."""
        ...

    def stop(self, unit: str) -> None:
        """Stop ``unit`` for good."""
        ...

    def bring_up(self, unit: str) -> bool:
        """Let ``unit`` run now and after each start of the machine. Returns whether it did not run before."""
        ...

    def wait_for_gate(self, fingerprint: str) -> None:
        """Wait until the gate says that the rules with this fingerprint are in force."""
        ...


def new_passphrase() -> str:
    """A WPA passphrase of 79 bits, in groups that can be read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


class RealOperations:
    """Keeps `Operations` on this machine. Without a running systemd (an image being built) units are left alone."""

    def __init__(self, roots: Roots = REAL, gate_fingerprint: Callable[[], str] | None = None) -> None:
        """Take the places of this machine, and how to ask the gate which rules it holds (this room cannot ask it)."""
        self._roots, self._gate_fingerprint = roots, gate_fingerprint

    def check(self, file: RenderedFile, beside: Sequence[RenderedFile] = ()) -> None:
        """Ask nft, dnsmasq or nginx; hostapd and networkd have no way to be asked."""
        try:
            with tempfile.TemporaryDirectory(prefix="desahub-check-") as folder:
                path = Path(folder) / Path(file.path).name
                # nginx makes its folders while it checks: not in the place of the running one, and not as root's.
                text = file.text.replace("/run/desahub-web", folder)
                for other in beside:
                    (path.parent / Path(other.path).name).write_text(other.text, "utf-8")
                    text = text.replace(f"/etc/desahub/rendered/{other.path}", f"{folder}/{Path(other.path).name}")
                path.write_text(text, "utf-8")
                # Root's own folders: nginx gives them to nobody, whom this process could not clear up after.
                commands = {
                    "nftables.nft": ["nft", "-c", "-f", str(path)],
                    "dnsmasq.conf": ["dnsmasq", "--test", "-C", str(path)],
                    FILTERED_DNS: ["dnsmasq", "--test", "-C", str(path)],
                    "nginx.conf": ["nginx", "-t", "-q", "-e", "stderr", "-g", "user root;", "-c", str(path)],
                }
                if file.path in commands:
                    run(commands[file.path], timeout_seconds=_CHECK_SECONDS)
        except OSError as error:
            raise OperationError(
                f"cannot write a temporary file to check: {error.strerror or error}; "
                "free or mount /tmp so that it can be written"
            ) from None

    def listing(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """See `Operations.listing`."""
        return tuple(sorted(folder.glob(pattern)))

    def read(self, path: Path) -> str | None:
        """See `Operations.read`."""
        try:
            return path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OperationError(f"{path}: cannot be read: {error.strerror}") from None

    def write(self, path: Path, text: str, mode: int, group: str = "") -> None:
        """See `Operations.write`."""
        files.write_durably(path, text, mode, group)

    def remove(self, path: Path) -> None:
        """See `Operations.remove`."""
        files.remove_durably(path)

    def make_passphrase(self, path: Path) -> bool:
        """In the form of hostapd's wpa_psk_file: the MAC 00:… stands for any device."""
        if path.exists():
            return False
        return files.write_durably(path, f"00:00:00:00:00:00 {new_passphrase()}\n", 0o600)

    def reload(self, unit: str) -> None:
        """See `Operations.reload`. Services of Debian are touched only where they are in use."""
        ours = unit.startswith("desahub-")
        if ours and "@" in unit:
            self._systemctl("enable", "--quiet", unit)
        # networkd's reload goes over D-Bus; a restart would leave the old address beside the new one.
        self._systemctl("reload-or-restart" if ours else "try-reload-or-restart", unit)

    def stop(self, unit: str) -> None:
        """See `Operations.stop`."""
        self._systemctl("disable", "--quiet", "--now", unit)

    def bring_up(self, unit: str) -> bool:
        """See `Operations.bring_up`."""
        if not self._has_systemd():
            return False
        if self._state("is-enabled", unit) != "enabled":
            self._systemctl("enable", "--quiet", unit)
        if self._state("is-active", unit) == "active":
            return False
        # Not "start": a restart reaches what is part of the unit too, so that grants follow the firewall.
        self._systemctl("restart", unit)
        return True

    def wait_for_gate(self, fingerprint: str) -> None:
        """A signal says nothing about success: ask the gate itself. Without systemd no gate runs."""
        if self._gate_fingerprint is None or not self._has_systemd():
            return
        deadline = time.monotonic() + _GATE_SECONDS
        while True:
            try:
                if self._gate_fingerprint() == fingerprint:
                    return
                trouble = "it holds other rules than hub.toml asks for"
            except DesahubError as error:
                trouble = str(error)
            if time.monotonic() > deadline:
                raise OperationError(f"the gate did not take the new rules: {trouble}; see journalctl -u desahub-gate")
            time.sleep(0.1)

    def _state(self, question: str, unit: str) -> str:
        return run(["systemctl", question, unit], timeout_seconds=_UNIT_SECONDS, accepted=range(256)).output.strip()

    def _has_systemd(self) -> bool:
        return (self._roots.run / "systemd" / "system").is_dir()

    def _systemctl(self, *words: str) -> None:
        if self._has_systemd():
            run(["systemctl", *words], timeout_seconds=_UNIT_SECONDS)
