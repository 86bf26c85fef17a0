"""A letter that is signed in the village is checked in the city, and then void; nothing else of it gets there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import pytest

from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village]

_AS_KIOSK: Final = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
_PROGRAM: Final = (Path(__file__).parent / "letters_on_the_box.py").read_text("utf-8")
# The agent asks about once a minute; the machine may be busy.
_PATIENCE_SECONDS: Final = 240
_ASK: Final = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("http://127.0.0.1:8091/" + sys.stdin.read().strip(), timeout=30)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, dict(answer.headers), answer.read().decode())
"""


def on_the_box(village: Village, *what: str) -> Any:
    """What the office does, and what the paper then shows."""
    said = village.hub.inside([*_AS_KIOSK, "/opt/desahub/bin/python", "-c", _PROGRAM, *what], timeout_seconds=120)
    return json.loads(said.splitlines()[-1])


def checked(village: Village, token: str) -> str:
    """The page that somebody sees who scans the code, with its status and headers."""
    # By standard input: the arguments of a program are seen by all, and here they are looked for.
    return village.net.inside(["/opt/desahub/bin/python", "-c", _ASK], text=f"{token}\n", timeout_seconds=60)


def until_it_says(village: Village, token: str, words: str) -> str:
    """Ask until the page says so."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while words not in (page := checked(village, token)):
        assert time.monotonic() < deadline, page
        time.sleep(2)
    return page


def test_a_letter_is_followed_from_its_signature_until_it_is_void(village: Village) -> None:
    assert "Surat ini tidak dikenal" in checked(village, "A" * 22)
    letter = on_the_box(village, "sign")
    page = until_it_says(village, letter["token"], "Surat ini sah")
    assert letter["title"] in page and "Dengan tangan" in page and "Set-Cookie" not in page
    for word in (*letter["personal"], letter["token"]):
        assert word not in page
    on_the_box(village, "void", str(letter["id"]))
    until_it_says(village, letter["token"], "Surat ini sudah dibatalkan")
    needles = [*letter["personal"], letter["token"]]
    written = "find /var /run /tmp /etc /root /home -xdev -type f -newer /etc/fstab -print0"
    for needle in needles:
        held = village.net.inside(["sh", "-c", f"{written} 2>/dev/null | xargs -0r grep -laF -e '{needle}'; true"])
        assert not held.split(), f"{needle[:3]}… stands at the NOC in {held.split()}"
    for name in ("hub", "net"):
        journal = getattr(village, name).inside(["journalctl", "--no-pager", "-o", "export"], timeout_seconds=120)
        for needle in (letter["token"], *letter["personal"][:3]):
            assert needle not in journal
    held = village.hub.inside(["sh", "-c", f"{written} 2>/dev/null | xargs -0r grep -laF -e '{letter['token']}'; true"])
    assert not held.split(), held
