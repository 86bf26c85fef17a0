"""The addresses phones and computers ask to find out whether they are behind a captive portal.

Before login nginx redirects every one of them (and any other host); after login the real answer passes. The list is
used to refuse a probe host in the walled garden, by the tests, and by the village's stand-in for the internet.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probe:
    """One system's question and the answer that means "online". ``status`` is HTTP's."""

    system: str
    host: str
    path: str
    status: int
    body: str


_APPLE = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"

PROBES: tuple[Probe, ...] = (
    Probe("Apple", "captive.apple.com", "/hotspot-detect.html", 200, _APPLE),
    Probe("Apple, older", "www.apple.com", "/library/test/success.html", 200, _APPLE),
    Probe("Android", "connectivitycheck.gstatic.com", "/generate_204", 204, ""),
    Probe("Android, older", "clients3.google.com", "/generate_204", 204, ""),
    Probe("Android, oldest", "connectivitycheck.android.com", "/generate_204", 204, ""),
    Probe("Chrome", "www.gstatic.com", "/generate_204", 204, ""),
    Probe("Windows", "www.msftconnecttest.com", "/connecttest.txt", 200, "Microsoft Connect Test"),
    Probe("Windows, older", "www.msftncsi.com", "/ncsi.txt", 200, "Microsoft NCSI"),
    Probe("Firefox", "detectportal.firefox.com", "/success.txt", 200, "success\n"),
    Probe(
        "Firefox, page",
        "detectportal.firefox.com",
        "/canonical.html",
        200,
        '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>',
    ),
    Probe("Huawei", "connectivitycheck.platform.hicloud.com", "/generate_204", 204, ""),
    Probe("Xiaomi", "connect.rom.miui.com", "/generate_204", 204, ""),
    Probe("Samsung", "connectivitycheck.samsung.com", "/generate_204", 204, ""),
    Probe("vivo", "wifi.vivo.com.cn", "/generate_204", 204, ""),
    Probe("OPPO", "conn1.oppomobile.com", "/generate_204", 204, ""),
    Probe(
        "Kindle",
        "spectrum.s3.amazonaws.com",
        "/kindle-wifi/wifistub.html",
        200,
        "81ce4465-7167-4dcb-835b-dcc9e44c112a",
    ),
    Probe("Ubuntu", "connectivity-check.ubuntu.com", "/", 204, ""),
    Probe("GNOME", "nmcheck.gnome.org", "/check_network_status.txt", 200, "NetworkManager is online\n"),
    Probe("Debian", "network-test.debian.org", "/nm", 200, "NetworkManager is online\n"),
)

PROBE_HOSTS: frozenset[str] = frozenset(probe.host for probe in PROBES)
