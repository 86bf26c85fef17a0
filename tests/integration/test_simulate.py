"""script/server --simulate: the same programs on loopback, for who has no root."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from script.village import plan

SERVER = Path(__file__).resolve().parents[2] / "script" / "server"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder of a user without privileges; not below pytest's own, which is root's alone."""
    with tempfile.TemporaryDirectory(prefix="desa-simulate-") as name:
        if os.geteuid() == 0:
            os.chown(name, 65534, 65534)
        yield Path(name)


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[str]:
    """Start it as a user without privileges; give the page of addresses."""
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    # A shell that starts tests in the background has them ignore SIGINT, and all that they start (POSIX, 2.11).
    as_a_terminal = ["env", "--default-signal=INT"]
    with subprocess.Popen(
        [*drop, *as_a_terminal, str(SERVER), "--simulate"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"TMPDIR": str(folder), "HOME": str(folder)}, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        try:
            assert "Ctrl-C takes it down" in said, said
            yield said
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=30)
    assert list(folder.glob("desa-simulated-*")) == [], "Ctrl-C leaves nothing behind"


def _address(page: str, title: str) -> str:
    found = re.search(rf"{title}\s+(http://127\.0\.0\.1:\d+)/", page)
    assert found, page
    return found[1]


def test_it_says_plainly_what_is_not_real(page: str) -> None:
    assert "Not real here" in page
    assert "twin in memory" in page


def test_a_resident_accepts_and_the_status_tells_it(page: str) -> None:
    portal = _address(page, "Portal")
    home = requests.get(portal, timeout=10)
    assert plan.VILLAGE_NAME in home.text
    assert "Sambungkan" in home.text
    accepted = requests.post(f"{portal}/sambung", timeout=10)
    assert accepted.status_code == 200
    assert accepted.url == f"{portal}/status"
    assert "Sisa waktu" in accepted.text


def test_kiosk_and_office_answer(page: str) -> None:
    kiosk = _address(page, "Kiosk")
    assert plan.VILLAGE_NAME in requests.get(kiosk, timeout=10).text
    assert 'type="password"' in requests.get(f"{kiosk}/kantor/", timeout=10).text


def test_the_office_sees_made_up_devices(page: str) -> None:
    kiosk = _address(page, "Kiosk")
    found = re.search(r"Office account  operator   one-time password (\S+)", page)
    assert found is not None
    one_time, own = found[1], "kopi tubruk pagi hari"
    with requests.Session() as office:

        def send(path: str, **form: str) -> requests.Response:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', office.get(f"{kiosk}{path}", timeout=10).text)
            assert token is not None
            return office.post(f"{kiosk}{path}", {"csrf_token": token[1], **form}, timeout=10)

        send("/kantor/masuk", name="operator", password=one_time)
        send("/kantor/sandi", old=one_time, new=own, again=own)
        send("/kantor/masuk", name="operator", password=own)
        shown = office.get(f"{kiosk}/kantor/hotspot/", timeout=10).text
        assert "Redmi-Note-12" in shown or "vivo-Y17s" in shown
        assert "&lt;script&gt;" in shown and "<script" not in shown
        assert office.get(f"{kiosk}/kantor/hotspot/pemakaian/unduh.svg", timeout=30).status_code == 200


def test_the_agent_reports_and_the_noc_lists_the_hub(page: str, folder: Path) -> None:
    noc = _address(page, "NOC dashboard")
    (token,) = folder.glob("desa-simulated-*/noc-state/web/api.token")
    headers = {"Authorization": f"Bearer {token.read_text()}"}
    deadline = time.monotonic() + 40
    state = ""
    while state not in ("online", "attention"):
        assert time.monotonic() < deadline, f"the NOC says {state!r}"
        time.sleep(0.3)
        answer = requests.get(f"{noc}/api/hubs/{plan.HUB_ID}", headers=headers, timeout=10)
        assert answer.headers["Content-Type"] == "application/json", (answer.status_code, answer.text[:2000])
        state = answer.json()["state"]
