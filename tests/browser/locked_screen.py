"""What Debian's Chromium does under a policy file, told as JSON. Run by test_screen_policy in namespaces of its own.

``python locked_screen.py addresses`` opens addresses and says what came of each; ``… session`` starts the browser as
the hall's unit does and says what its page could do.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import ClassVar

from playwright.sync_api import Browser, Error, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-component-update"]
OWN = "http://127.0.0.1/"
ADDRESSES = [
    OWN, "http://127.0.0.2/", "http://127.0.0.1:8999/", "file:///etc/passwd", f"view-source:{OWN}",
    "devtools://devtools/bundled/inspector.html", "data:text/html,<title>here</title>", "chrome://policy", "chrome://downloads",
]  # fmt: skip
TICKS = 6
PAGE = f"""<!doctype html><title>here</title><a id="d" href="/file" download>x</a><script>
document.getElementById("d").click();
let n = 0; setInterval(() => {{ if (n < {TICKS}) fetch("/tick" + (++n)); }}, 400);
</script>"""


class _Handler(http.server.BaseHTTPRequestHandler):
    hits: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.hits.append(f"{self.connection.getsockname()[1]}{self.path}")
        self.send_response(200)
        if self.path == "/file":
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Disposition", "attachment; filename=taken.bin")
        else:
            self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keep standard error for the browser."""


def _serve(host: str, port: int) -> None:
    server = http.server.ThreadingHTTPServer((host, port), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _open(browser: Browser, address: str) -> str:
    page = browser.new_page()
    try:
        page.goto(address, timeout=15_000)
        return page.title()
    except Error as error:
        return error.message.split("\n", 1)[0]
    finally:
        page.close()


def addresses() -> dict[str, str]:
    """Each address with the title of what opened, or the browser's refusal."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found = {address: _open(browser, address) for address in ADDRESSES}
        browser.close()
    return found


def attach() -> str:
    """What a debugger is told that wants to look into a page; "" where it may."""
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            browser.new_page().goto(OWN)
            browser.close()
    except Error as error:
        return error.message.split("\n", 1)[0] or "refused"
    return ""


def session() -> dict[str, object]:
    """Start the browser with the own page, which takes a download by itself, and look for what came of it."""
    with tempfile.TemporaryDirectory() as home:
        profile = f"{home}/profile"
        argv = [CHROMIUM, "--headless=new", *FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", OWN]
        browser = subprocess.Popen(
            argv, env={**os.environ, "HOME": home}, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + 40
            while f"80/tick{TICKS}" not in _Handler.hits and time.monotonic() < deadline:
                time.sleep(0.05)
            return {
                "page_ran": f"80/tick{TICKS}" in _Handler.hits,
                "asked_for_file": "80/file" in _Handler.hits,
                "files": sorted(p.name for p in Path(home).rglob("*") if p.suffix in (".bin", ".crdownload")),
                "debugger_port": Path(profile, "DevToolsActivePort").exists(),
            }
        finally:
            browser.terminate()
            browser.wait(30)


if __name__ == "__main__":
    for place in (("127.0.0.1", 80), ("127.0.0.2", 80), ("127.0.0.1", 8999)):
        _serve(*place)
    print(json.dumps({"addresses": addresses, "session": session, "attach": attach}[sys.argv[1]]()))
