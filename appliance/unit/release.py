"""Which release of the programs is installed here."""

from __future__ import annotations

from pathlib import Path


def software_version(code: Path = Path(__file__).parents[2]) -> str:
    """Tell the release that is installed at ``code``, or "source" where the program runs from a checkout."""
    # An installer puts its record of the release beside the code, and names it so (PEP 376). importlib.metadata would
    # look in the same place, with a parser of mail and one of archives, for 2 MB.
    for record in code.glob("desahub-*.dist-info"):
        return record.name.removeprefix("desahub-").removesuffix(".dist-info")
    return "source"
