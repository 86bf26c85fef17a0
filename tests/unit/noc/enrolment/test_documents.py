"""The protocol as written is the protocol as spoken."""

from __future__ import annotations

from pathlib import Path

from appliance.core import enrolment
from noc.enrolment.rules import RefusalCode

WIRE = (Path(__file__).parents[4] / "docs/wire.md").read_text("utf-8").partition("## Enrolment")[2]


def test_every_path_and_every_refusal_is_in_the_document() -> None:
    for path in (getattr(enrolment, name) for name in dir(enrolment) if name.endswith("_PATH")):
        assert f" {path}`" in WIRE
    for code in RefusalCode:
        assert f"| `{code}` |" in WIRE
