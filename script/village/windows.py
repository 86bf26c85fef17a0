"""Addresses on 127.0.0.1 through which the developer's own browser looks into the village.

One nginx on this machine's loopback speaks to Unix sockets (they cross network namespaces); behind each a socat stands
in the namespace from which the page is to be seen: phone 1 for the portal, the hub itself for the kiosk in the hall,
desa-net for the dashboard. nginx translates the village's host names, so that links and redirects work in the browser.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from script.village import plan
from script.village.plan import Place
from script.village.programs import FAMILY, Process, start, wait_until

_FIRST_PORT = 8081


@dataclass(frozen=True, slots=True)
class Window:
    """One page of the village seen from ``namespace``: ``target`` is host:port in there."""

    title: str
    namespace: str
    target: str
    host: str
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    village: int = 1


NOC = Window("NOC dashboard", plan.NET, "127.0.0.1:8090", "127.0.0.1")


def windows_of(place: Place) -> tuple[Window, ...]:
    """List the pages of one village."""
    of = "" if place is plan.FIRST else f" of Desa {place.village_name}"
    phone = plan.phones(1, place)[0]
    return (
        Window(f"Portal{of}, as phone {phone.name} sees it", phone.namespace, f"{plan.HUB_ADDRESS}:80",
               plan.PORTAL_HOST, village=place.number),
        Window(f"Kiosk{of}, in the village hall", place.machine, "127.0.0.1:80", plan.KIOSK_HOST,
               village=place.number),
    )  # fmt: skip


def free_ports(count: int, first: int = _FIRST_PORT) -> list[int]:
    """Find ``count`` ports on 127.0.0.1 that nobody uses, from ``first`` on.

    They are this process's until it ends: another village that comes up in the same moment finds others, though nobody
    listens at these yet. Source: unix(7), abstract addresses; they end with their socket.
    """
    found: list[int] = []
    port = first - 1
    while len(found) < count:
        port += 1
        mark = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                mark.bind(f"\0desahub-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                mark.close()
                continue
        mark.detach()  # it stays open for as long as this process lives, which is what it tells others
        found.append(port)
    return found


def configuration(windows: Sequence[Window], ports: Sequence[int], folder: Path) -> str:
    """Write nginx's configuration: a server for each window, host names translated both ways."""
    pairs = list(zip(windows, ports, strict=True))

    def translations(village: int) -> str:
        # Each hub has the same names inside, so that a page leads to the others of its own village.
        return "".join(
            f"      proxy_redirect http://{window.host}/ http://127.0.0.1:{port}/;\n"
            f"      sub_filter 'http://{window.host}/' 'http://127.0.0.1:{port}/';\n"
            for window, port in pairs
            if window.village == village
        )

    servers = "".join(
        f"""  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://unix:{folder}/{window.namespace}.sock:;
      proxy_set_header Host {window.host};
      proxy_set_header Origin $village_origin_{number};
      proxy_set_header Accept-Encoding "";
{_headers(window)}{translations(window.village)}      sub_filter_once off;
    }}
  }}
  map $http_origin $village_origin_{number} {{ default $http_origin; http://127.0.0.1:{port} http://{window.host}; }}
"""
        for number, (window, port) in enumerate(pairs)
    )
    return f"""worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{servers}}}
"""


def _headers(window: Window) -> str:
    return "".join(f"      proxy_set_header {name} {value};\n" for name, value in window.headers)


def open_windows(places: Sequence[Place]) -> tuple[dict[str, str], list[Process]]:
    """Open the windows of these villages, and that of the NOC.

    Returns:
        title to address, and the processes that hold them open.
    """
    folder = plan.STATE / "windows"
    folder.mkdir()
    first, *others = (windows_of(place) for place in places)
    windows = (*first, NOC, *(window for each in others for window in each))
    ports = free_ports(len(windows))
    (folder / "nginx.conf").write_text(configuration(windows, ports, folder), encoding="utf-8")
    processes = [start([*FAMILY, "nsenter", f"--net=/run/netns/{window.namespace}", "socat",
                         f"UNIX-LISTEN:{folder}/{window.namespace}.sock,fork,mode=666", f"TCP:{window.target}"])
                 for window in windows]  # fmt: skip
    processes.append(start([*FAMILY, "nginx", "-e", f"{folder}/nginx.log", "-c", f"{folder}/nginx.conf"]))
    wait_until(lambda: all(listens(port) for port in ports), "the addresses on 127.0.0.1")
    addresses = {
        window.title: f"http://127.0.0.1:{port}{window.path}" for window, port in zip(windows, ports, strict=True)
    }
    addresses["Village office"] = addresses["Kiosk, in the village hall"] + "kantor/"
    return addresses, processes


def listens(port: int) -> bool:
    """Does anybody listen on this port of 127.0.0.1?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
