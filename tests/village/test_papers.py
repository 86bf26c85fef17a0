"""Printing and signing as the units that ship run them: their sandbox, their sockets, and who gets there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from script.village.programs import wait_until
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village]
HUB_TOML = "/etc/desahub/hub.toml"
PRINTER, SIGNER = "desahub-printer.service", "desahub-signer.service"
SECRET = "/etc/desahub/secrets/signature"
BACKEND = "/usr/lib/cups/backend/desa"
# It takes the paper and tells one page; where it could write, it says what it should not be able to.
_BACKEND = """\
#!/bin/sh
[ $# -gt 0 ] || exit 0
cat "${6:--}" >"$TMPDIR/paper" || exit 1
for place in /etc/desahub /var/lib/desahub-kiosk /usr/lib/cups; do
    touch "$place/mark" 2>/dev/null && exit 1
done
echo "PAGE: 1 1" >&2
"""
_ASK = """\
import sys, time
from appliance.papers.cups import CupsPrinter
printer = CupsPrinter("surat")
print(printer.state().condition)
if sys.argv[1] == "print":
    printer.submit(b"%PDF-1.4 /Type /Page %%EOF", "ABCD-1234", "letter-1-copy-1")
    deadline = time.monotonic() + 20
    while not printer.job("letter-1-copy-1").state.is_over and time.monotonic() < deadline:
        time.sleep(0.1)
    print(printer.job("letter-1-copy-1").state)
"""
_PING = "from appliance.papers.signer_client import SignerClient; print(SignerClient().state().is_reachable)"


def _run(village: Village, script: str, text: str = "") -> str:
    return village.hub.inside(["sh", "-euc", script], text=text)


def _as(village: Village, user: str, program: str, *arguments: str) -> str:
    switch = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "/opt/desahub/bin/python"]
    return village.hub.inside([*switch, "-c", program, *arguments]).strip()


@pytest.fixture
def papers(village: Village) -> Iterator[Village]:
    """A village that prints and signs; afterwards it is as it was."""
    before = village.hub.inside(["cat", HUB_TOML])
    _run(village, f"cat >{BACKEND}; chmod 755 {BACKEND}", _BACKEND)
    _run(village, f"umask 077; echo desa:rahasia >{SECRET}")
    wanted = before + '\n[printer]\nqueue = "surat"\n[signature]\nservice = "https://esign.example.go.id"\n'
    _run(village, f"cat >{HUB_TOML}; desahub apply", wanted)
    yield village
    _run(village, f"cat >{HUB_TOML}; desahub apply; rm -f {BACKEND} {SECRET}", before)
    for unit in (PRINTER, SIGNER):
        assert _run(village, f"systemctl is-active {unit} || true").strip() == "inactive"


def test_a_letter_is_printed_by_the_unit_that_ships(papers: Village) -> None:
    papers.hub.wait_active(PRINTER, seconds=20)
    assert _as(papers, "desahub-kiosk", _ASK, "look") == "offline"  # nobody made the queue so far
    lpadmin = "lpadmin -h /run/desahub-printer/cups.sock -p surat -E -v desa:/here -m raw"
    _run(papers, f"{lpadmin} 2>&1 || true")
    wait_until(lambda: _as(papers, "desahub-kiosk", _ASK, "look") == "ready", "the queue to be there", seconds=10)
    assert _as(papers, "desahub-kiosk", _ASK, "print").split() == ["ready", "finished"]
    # Another user of the box does not even reach the socket, and the spool is in nobody's sight.
    assert _as(papers, "desahub-portal", _ASK, "look") == "offline"
    assert _run(papers, "ls /var/spool/cups").strip() in ("", "tmp")
    pid = _run(papers, f"systemctl show --value -p MainPID {PRINTER}").strip()
    assert "NoNewPrivs:\t1" in _run(papers, f"cat /proc/{pid}/status")
    # The queue outlives a start anew; what waited does not.
    _run(papers, f"systemctl restart {PRINTER}")
    assert _as(papers, "desahub-kiosk", _ASK, "look") == "ready"


def test_the_kiosk_alone_is_heard_by_the_signer(papers: Village) -> None:
    papers.hub.wait_active(SIGNER, seconds=20)
    wait_until(lambda: _as(papers, "desahub-kiosk", _PING) == "True", "the signer to answer", seconds=10)
    assert _as(papers, "desahub-portal", _PING) == "False"
    pid = _run(papers, f"systemctl show --value -p MainPID {SIGNER}").strip()
    status = _run(papers, f"cat /proc/{pid}/status")
    assert "CapBnd:\t0000000000000000" in status and "Seccomp:\t2" in status
    assert "rahasia" not in _run(papers, f"journalctl -u {SIGNER} --no-pager; tr '\\0' ' ' </proc/{pid}/environ")
