"""The policy of the screen in the hall, in the Chromium that ships: every way out is shut.

The policy is bound in a mount namespace, so that no other browser on this machine sees it. What is not shown here: cage
and a real screen, and keys such as Alt+F4, which need one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.network.render import SCREEN_ADDRESS

pytestmark = [pytest.mark.root, pytest.mark.browser]

HERE = Path(__file__).parent
POLICY = HERE.parents[1] / "image-build/debian/chromium-policy.json"
SHIPPED: dict[str, Any] = json.loads(POLICY.read_text("utf-8"))
# A driver looks into pages through the very door that the policy shuts: to see what else it shuts, that one is left.
DOORS = ("RemoteDebuggingAllowed", "DeveloperToolsAvailability")
_SCRIPT = """
ip link set lo up
cp -a /etc/chromium/. "$2"
mount -t tmpfs none /etc/chromium
cp -a "$2"/. /etc/chromium/
mkdir -p /etc/chromium/policies/managed
cp "$1" /etc/chromium/policies/managed/desahub.json
exec "$3" "$4" "$5"
"""


def _browse(tmp_path: Path, what: str, policy: dict[str, Any]) -> Any:
    file, kept = tmp_path / "policy.json", tmp_path / "chromium"
    file.write_text(json.dumps(policy), encoding="ascii")
    kept.mkdir()
    command = ["sh", "-ec", _SCRIPT, "sh", str(file), str(kept), sys.executable, str(HERE / "locked_screen.py"), what]
    done = subprocess.run(
        ["unshare", "--mount", "--net", *command], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in SHIPPED.items() if name not in names}


def test_only_the_kiosk_itself_opens(tmp_path: Path) -> None:
    found = _browse(tmp_path, "addresses", _without(*DOORS))
    assert found.pop(SCREEN_ADDRESS) == "here"
    shut = {address: text for address, text in found.items() if address.startswith("chrome:")}
    for address, text in found.items():
        if address not in shut:
            assert "ERR_BLOCKED_BY_ADMINISTRATOR" in text, address
    # The browser's own pages are refused in more than one way, and none opens.
    assert set(shut.values()).isdisjoint({"here", "Policies", "Downloads", "Download history"}), shut


def test_without_the_policy_they_would_open(tmp_path: Path) -> None:
    found = _browse(tmp_path, "addresses", {})
    opened = {address for address, text in found.items() if "ERR_BLOCKED" not in text}
    assert {"http://127.0.0.2/", "http://127.0.0.1:8999/", "file:///etc/passwd"} <= opened


def test_nothing_is_downloaded_and_no_debugger_listens(tmp_path: Path) -> None:
    found = _browse(tmp_path, "session", SHIPPED)
    assert found == {"page_ran": True, "asked_for_file": True, "files": [], "debugger_port": False}


def test_without_the_policy_a_file_would_be_taken(tmp_path: Path) -> None:
    found = _browse(tmp_path, "session", {})
    assert found["files"] == ["taken.bin"]
    assert found["debugger_port"] is True


@pytest.mark.parametrize("left_out", [(), DOORS[:1]], ids=["as shipped", "developer tools alone"])
def test_developer_tools_are_shut(tmp_path: Path, left_out: tuple[str, ...]) -> None:
    assert _browse(tmp_path, "attach", _without(*left_out)) != ""


def test_with_both_doors_open_one_could_look_in(tmp_path: Path) -> None:
    assert _browse(tmp_path, "attach", _without(*DOORS)) == ""
