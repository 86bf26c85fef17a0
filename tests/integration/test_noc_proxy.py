"""The pages of the NOC behind nginx, configured as docs/noc.md says."""

from __future__ import annotations

import http.client
import re
import ssl
import sys
from pathlib import Path

from script.village.windows import listens
from tests.integration.conftest import REPOSITORY, Bed, free_port, wait_for


def nginx_conf(folder: Path, tls_port: int, pages_port: int) -> str:
    page = (REPOSITORY / "docs/noc.md").read_text()
    server = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert server is not None
    text = server[1].replace("127.0.0.1:8090", f"127.0.0.1:{pages_port}").replace("    listen [::]:443 ssl;\n", "")
    text = text.replace("listen 443", f"listen 127.0.0.1:{tls_port}")
    text = text.replace("/etc/ssl/noc/fullchain.pem", str(folder / "etc/broker/server.crt"))
    text = text.replace("/etc/ssl/noc/privkey.pem", str(folder / "etc/broker/server.key"))
    temporary = "".join(
        f"{kind}_temp_path {folder}/nginx-{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"pid {folder}/nginx.pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{text}}}\n"
    )


class Visitor:
    """A browser at an address of its own (all of 127/8 is this machine's)."""

    def __init__(self, folder: Path, port: int, address: str) -> None:
        context = ssl.create_default_context(cafile=str(folder / "etc/authority/ca.crt"))
        self._wire = http.client.HTTPSConnection(
            "127.0.0.1", port, context=context, source_address=(address, 0), timeout=20
        )

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    def log_in(self, name: str, password: str) -> tuple[int, str]:
        # A visitor who names somebody else is not believed.
        headers = {"X-Real-IP": "203.0.113.1"}
        self._wire.request("GET", "/masuk", headers=headers)
        form = self._wire.getresponse()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form.read().decode())
        assert token is not None
        cookie = str(form.headers["Set-Cookie"])
        headers |= {
            "Cookie": cookie.partition(";")[0],
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": "https://127.0.0.1/masuk",
        }
        self._wire.request("POST", "/masuk", f"csrf_token={token[1]}&name={name}&password={password}", headers)
        answer = self._wire.getresponse()
        answer.read()
        return answer.status, cookie


def test_a_stranger_at_the_login_leaves_the_door_open_for_others(bed: Bed) -> None:
    made = bed.noc("account", "add", "kepala", "--role", "admin")
    password = made.strip().rpartition(": ")[2]
    tls_port, pages_port = free_port(), free_port()
    bed.start(
        "pages", sys.executable, "-m", "noc.web", "--state", str(bed.folder / "noc"),
        "--bind", f"127.0.0.1:{pages_port}", "--behind-proxy",
    )  # fmt: skip
    wait_for(lambda: listens(pages_port), what="the pages")
    (bed.folder / "nginx.conf").write_text(nginx_conf(bed.folder, tls_port, pages_port))
    bed.start("nginx", "nginx", "-e", "stderr", "-c", str(bed.folder / "nginx.conf"))
    wait_for((bed.folder / "nginx.pid").exists, what="nginx")

    with Visitor(bed.folder, tls_port, "127.0.0.50") as stranger:
        statuses = [stranger.log_in(f"nama{i}", "salah")[0] for i in range(21)]
    assert statuses == [403] * 20 + [429]
    with Visitor(bed.folder, tls_port, "127.0.0.60") as keeper:
        status, cookie = keeper.log_in("kepala", password)
    assert status == 303
    assert "Secure" in cookie
