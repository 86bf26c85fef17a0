"""A certificate is delivered, used, runs out and is taken away, on a box with its own units and its own trust store."""

from __future__ import annotations

import datetime
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from script.village import plan
from script.village.programs import VillageError
from script.village.village import Village
from script.village.walk import Walk
from tests.authority import DAY, Authority, pem

pytestmark = [pytest.mark.root, pytest.mark.village]
API = f"https://{plan.PORTAL_HOST}/captive-portal/api"
STORE = "/etc/ssl/certs/ca-certificates.crt"
UNIT = "desahub-certificate.service"
LEASE_SCRIPT = '#!/bin/sh\n[ "$1" != bound ] || echo "option:$opt114"\n'


class Box:
    """The village's hub, and a phone that knows the test's authority."""

    def __init__(self, village: Village, authority: Authority, folder: Path) -> None:
        self.village, self.authority, self._folder = village, authority, folder
        (folder / "root.pem").write_bytes(pem(authority.root))
        (folder / "lease.sh").write_text(LEASE_SCRIPT)
        (folder / "lease.sh").chmod(0o755)

    def run(self, script: str, text: str | None = None) -> str:
        return self.village.hub.inside(["sh", "-euc", script], text=text)

    def put(self, path: str, content: bytes, mode: str = "0600") -> None:
        self.run(f"cat >{path}; chmod {mode} {path}", content.decode())

    def deliver(self, pair: tuple[bytes, bytes]) -> None:
        """As the NOC would: files in their place, then the daily look."""
        self.put("/etc/desahub/certificate/fullchain.pem", pair[0])
        self.put("/etc/desahub/certificate/privkey.pem", pair[1])
        self.run(f"systemctl start {UNIT} || {{ journalctl --no-pager -n 30 -u {UNIT} >&2; exit 1; }}")

    def install(self, pair: tuple[bytes, bytes]) -> str:
        self.put("/tmp/chain.pem", pair[0])
        self.put("/tmp/key.pem", pair[1])
        return self.run("desahub certificate install /tmp/chain.pem /tmp/key.pem 2>&1")

    def fetch(self, phone: int, url: str) -> tuple[int, str]:
        """Status and body; 0 where there is no connection."""
        options = shlex.join(["--cacert", str(self._folder / "root.pem"), "-w", r"\n%{http_code}", url])
        said = self.village.phone(phone, "sh", "-c", f"curl -s --max-time 5 {options} || true")
        body, _, status = said.rpartition("\n")
        return int(status), body

    def option_114(self, phone: int) -> str:
        said = self.village.phone(
            phone, "busybox", "udhcpc", "-f", "-q", "-n", "-i", "eth0", "-t", "10", "-T", "1", "-O", "114",
            "-s", str(self._folder / "lease.sh"),
        )  # fmt: skip
        [line] = [line for line in said.splitlines() if line.startswith("option:")]
        return bytes.fromhex(line.removeprefix("option:")).decode()

    def is_open(self, phone: int) -> bool:
        """Both, or none: option 114 without TLS would leave phones without a login window."""
        offered, (status, _) = self.option_114(phone), self.fetch(phone, API)
        assert (offered, status) in ((API, 200), ("", 0))
        return bool(offered)

    def doctor(self) -> dict[str, tuple[str, str]]:
        said = self.run("desahub doctor --json || true")
        return {one["matter"]: (one["level"], one["means"]) for one in map(json.loads, said.splitlines())}


@pytest.fixture
def box(village: Village, tmp_path: Path) -> Iterator[Box]:
    made = Box(village, Authority(datetime.datetime.now(datetime.UTC)), tmp_path)
    for above in (tmp_path, *tmp_path.parents[:2]):
        above.chmod(0o755)
    made.run(f"cp {STORE} /tmp/store")
    made.put(STORE, pem(made.authority.root), "0644")
    yield made
    made.run(f"cp /tmp/store {STORE}; rm -f /etc/desahub/certificate/*; desahub certificate refresh; rm -f /tmp/*.pem")


def test_a_certificate_from_its_delivery_to_its_end(box: Box) -> None:
    good = box.authority.server(plan.PORTAL_HOST)
    assert not box.is_open(1)
    assert "option 114 is not sent" in box.doctor()["certificate"][1]

    assert "is used: valid for masuk.desa.internal" in box.install(good)
    assert box.is_open(1)
    assert box.doctor()["certificate"][0] == "good"
    owner = box.run("stat -c '%a %U %G' /etc/desahub/rendered/portal.pem /etc/desahub/certificate/privkey.pem")
    assert owner.splitlines() == ["640 root desahub-web", "600 root root"]

    expired = box.authority.server(plan.PORTAL_HOST, begins=-90 * DAY, ends=-DAY)
    box.deliver(expired)
    assert not box.is_open(1)
    level, means = box.doctor()["certificate"]
    assert (level, "it ended at" in means) == ("warn", True)

    box.deliver(box.authority.server(plan.PORTAL_HOST))
    assert box.is_open(1)
    for bad in (
        box.authority.server("masuk.lain.desa.id"),
        (good[0], box.authority.server(plan.PORTAL_HOST)[1]),
        box.authority.server(plan.PORTAL_HOST, self_signed=True),
    ):
        with pytest.raises(VillageError, match="nothing was changed"):
            box.install(bad)
        assert box.is_open(1), "a wrong delivery takes the right one's place only by hand"
    assert box.run(f"systemctl show --value -p Result {UNIT}").strip() == "success"
    timers = box.run("systemctl list-timers --no-pager 'desahub-certificate*'")
    assert UNIT in timers


def test_a_phones_system_is_told_the_truth(box: Box) -> None:
    box.install(box.authority.server(plan.PORTAL_HOST))
    walk = Walk(box.village, 2)
    walk.phone("sh", "-c", f"curl -s -o /dev/null --max-time 5 -X POST -d '' http://{plan.PORTAL_HOST}/keluar || true")
    portal = f"https://{plan.PORTAL_HOST}/"
    status, body = box.fetch(2, API)
    assert (status, json.loads(body)) == (200, {"captive": True, "user-portal-url": portal})
    assert box.fetch(2, API.replace("https:", "http:"))[0] == 404, "over TLS alone"
    assert box.fetch(2, portal)[0] == 200, "the page is there by TLS as well"
    walk.accept()
    status, body = box.fetch(2, API)
    told = json.loads(body)
    assert (status, told["captive"], told["can-extend-session"]) == (200, False, True)
    assert 14_000 < told["seconds-remaining"] <= 14_400
