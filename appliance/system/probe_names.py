"""Put the file of `appliance.core.probe_names` where dnsmasq sees it, and take it away.

dnsmasq(8) 2.90 hears of both by inotify, and never reads a file whose name begins with a dot.
"""

from __future__ import annotations

from pathlib import Path

_NAME = "probes"


def lead_here(directory: Path, text: str) -> bool:
    """Have dnsmasq answer with ``text``; whether anything was written. A file that says so already is left alone.

    Raises:
        OSError: it cannot be written.
    """
    path, made = directory / _NAME, directory / f".{_NAME}"
    try:
        if path.read_text() == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass  # None, or not ours: written anew.
    made.write_text(text)
    made.chmod(0o644)
    # No half file is ever read. Not durable: /run is empty after a power cut, and so is dnsmasq's memory.
    made.replace(path)
    return True


def lead_nowhere(directory: Path) -> bool:
    """Have dnsmasq ask the internet again; whether there was a file.

    Raises:
        OSError: it cannot be taken away.
    """
    try:
        (directory / _NAME).unlink()
    except FileNotFoundError:
        return False
    return True
