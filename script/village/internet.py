"""``desa-net``: what the village takes for the internet, and the NOC.

nginx answers any host name, the probe hosts with their true answers; dnsmasq answers DNS and gives the hub its uplink
address; the NOC runs from its own units.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from appliance.core.probes import PROBES, Probe
from script.village import plan
from script.village.machine import Machine
from script.village.plan import Place
from script.village.programs import secret_in

NOC_UNITS = (
    "desahub-noc-broker.service", "desahub-noc-enrolment.service", "desahub-noc-ingest.service",
    "desahub-noc-watch.service", "desahub-noc-web.service", "desahub-noc-speed.service",
    "desahub-noc-letter-check.service",
)  # fmt: skip
_LIST = "# Judi, for the village's filter\njudi.example\n0.0.0.0 togel.example\n"
_DOWNLOAD_BYTES = 64 * 1024 * 1024


def web_configuration(probes: tuple[Probe, ...] = PROBES) -> str:
    """Write the configuration of the internet's web server: a page for any name, each probe's own true answer."""
    by_host: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        by_host[probe.host].append(probe)
    servers = "".join(_server(host, mine) for host, mine in by_host.items())
    return f"""# The internet as the village sees it.
worker_processes 1;
error_log stderr;
pid /run/internet.pid;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  default_type text/html;
  sendfile on;
  server_names_hash_bucket_size 128;
  server {{
    listen {plan.WEB_ADDRESS}:80 default_server;
    # Other ports as well, so that a phone can be seen to be held back there before login and let through after it.
    listen {plan.WEB_ADDRESS}:443 default_server;
    listen {plan.WEB_ADDRESS}:8123 default_server;
    location = /bytes {{ alias /srv/internet/bytes; default_type application/octet-stream; }}
    location / {{ return 200 "the internet: $host\\n"; default_type text/plain; }}
  }}
  server {{
    listen {plan.WEB_ADDRESS}:80;
    server_name {plan.LISTS_HOST};
    default_type text/plain;
    location / {{ root /srv/internet/lists; }}
  }}
{servers}}}
"""


def _server(host: str, probes: list[Probe]) -> str:
    def answer(probe: Probe) -> str:
        body = "" if probe.status == 204 else " '" + probe.body.replace("\n", "\\n") + "'"
        return f"    location = {probe.path} {{ return {probe.status}{body}; }}\n"

    return (
        f"  server {{\n    listen {plan.WEB_ADDRESS}:80;\n    server_name {host};\n"
        + "".join(answer(probe) for probe in probes)
        + "  }\n"
    )


def names_configuration(places: Sequence[Place] = (plan.FIRST,)) -> str:
    """Write the configuration of the internet's DNS, and of the DHCP server at the other end of the hubs' uplinks."""
    ranges = "".join(
        f"dhcp-range=set:{place.cable},{place.uplink_range},12h\n"
        f"dhcp-option=tag:{place.cable},option:router,{place.gateway}\n"
        for place in places
    )
    return f"""# The internet's DNS, and the provider's DHCP.
keep-in-foreground
no-resolv
no-hosts
no-ping
bind-interfaces
listen-address={",".join((plan.DNS_ADDRESS, *(place.gateway for place in places)))}
address=/{plan.NOC_HOST}/{plan.NOC_ADDRESS}
address=/forcesafesearch.google.com/{plan.SAFE_SEARCH_ADDRESS}
address=/#/{plan.WEB_ADDRESS}
{ranges}dhcp-leasefile=/run/internet.leases
user=root
"""


_WEB_UNIT = """[Service]
ExecStart=/usr/sbin/nginx -c /etc/internet/nginx.conf -g "daemon off;"
[Install]
WantedBy=village.target
"""
_NAMES_UNIT = """[Service]
ExecStart=/usr/sbin/dnsmasq --conf-file=/etc/internet/dnsmasq.conf
[Install]
WantedBy=village.target
"""
_TARGET = """[Unit]
Description=The internet as the village sees it, and the NOC
Requires=sysinit.target
Wants=internet-web.service internet-names.service desahub-noc.target
After=sysinit.target
AllowIsolate=yes
"""


def prepare(machine: Machine, places: Sequence[Place] = (plan.FIRST,)) -> None:
    """Lay the disk of the internet and the NOC."""
    machine.prepare("noc")
    machine.write("/etc/resolv.conf", f"nameserver {plan.DNS_ADDRESS}\n")
    machine.write("/etc/internet/nginx.conf", web_configuration())
    machine.write("/etc/internet/dnsmasq.conf", names_configuration(places))
    machine.write("/etc/systemd/system/internet-web.service", _WEB_UNIT)
    machine.write("/etc/systemd/system/internet-names.service", _NAMES_UNIT)
    machine.write("/etc/systemd/system/village.target", _TARGET)
    machine.write("/srv/internet/lists/judi.txt", _LIST)
    # How often the hubs measure, each otherwise and both oftener than hubs do, they say themselves.
    machine.write("/etc/desahub-noc/watch.env", "WATCH_OPTIONS=--turn-seconds 2\n")
    machine.offline(["sh", "-euc", f"mkdir -p /srv/internet; truncate -s {_DOWNLOAD_BYTES} /srv/internet/bytes"])


def first_run(machine: Machine) -> tuple[str, str]:
    """Make the NOC: its authority, keys and first account; return the account's name and its password."""
    said = machine.offline(["desahub-noc", "init", "--broker-host", plan.NOC_HOST])
    # Who looks at a village on a desk logs in with the password alone; a real NOC keeps admins' second factor.
    machine.offline(["desahub-noc", "account", "policy", "--second-factor"])
    return "admin", secret_in(said)


def describe_addresses(windows: Mapping[str, str]) -> str:
    """Write the page of addresses that the developer opens."""
    width = max(map(len, windows))
    return "\n".join(f"  {name:<{width}}  {address}" for name, address in windows.items())
