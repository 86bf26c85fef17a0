"""Does the box run from what is written in hub.toml? A change that nobody applied does nothing."""

from __future__ import annotations

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell 1 or 0; None where one of the two files cannot be read."""
    folder = around.roots.etc / "desahub"
    try:
        return {
            "configuration_matches": int(
                (folder / "hub.toml").read_bytes() == (folder / "rendered" / "hub.toml").read_bytes()
            )
        }
    except OSError:
        return {"configuration_matches": None}
