"""``desa-hub``: the box, installed as its package would install it, configured as a technician would."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from script.village import plan
from script.village.machine import Machine
from script.village.plan import Place
from script.village.programs import VillageError, secret_in

BOOT_ID_FILE = "/etc/desa-village-boot-id"

UNITS = (
    "desahub-firewall.service", "desahub-gate.service", "desahub-dns.service", "desahub-web.service",
    "desahub-keeper.service", "desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service",
    "desahub-filter.service", "desahub-filtered-dns.service",
)  # fmt: skip

# Units that read the kernel's boot id in a /proc of their own, where systemd-nspawn's id does not show.
_READ_BOOT_ID = ("desahub-agent.service", "desahub-keeper.service", "desahub-portal.service")


def hub_toml(place: Place) -> str:
    """Write a village's configuration."""
    return f"""# A village on one machine. What stands here is made up.
[village]
name = "{place.village_name}"
kode_wilayah = "{place.kode_wilayah}"
kecamatan = "{place.kecamatan}"
kabupaten = "{place.kabupaten}"
provinsi = "{place.provinsi}"
timezone = "{place.timezone}"
head_title = "{place.head_title}"
head_name = "I Wayan Contoh"
office_address = "Jalan Melati 1"
office_hours = "Senin-Jumat 08.00-15.00 {place.zone}"
office_phone = "0361 000000"
population = 4210
households = 1180
area_hectares = 640

[hub]
id = "{place.hub_id}"

[uplink]
interface = "eth0"
download_kbit = 200000
upload_kbit = 100000
dns_servers = ["{plan.DNS_ADDRESS}"]

# A bridge stands in for the radio: there is no [radio] here.
[[networks]]
name = "warga"
kind = "resident"
interface = "{plan.BRIDGE}"
address = "{plan.HUB_ADDRESS}/20"
ssid = "Desa {place.village_name}"
access = ["terms", "voucher"]

[[networks]]
name = "keluarga"
kind = "resident"
interface = "{plan.FAMILY_BRIDGE}"
address = "{plan.FAMILY_ADDRESS}/22"
ssid = "Keluarga {place.village_name}"
filter = true

[filter]
blocked_domains = ["slot.example"]
allowed_domains = ["baik.judi.example"]

[[filter.lists]]
name = "judi"
source = "http://{plan.LISTS_HOST}/judi.txt"

[agent]
interval_seconds = {place.interval_seconds}
batch_seconds = {place.interval_seconds}
targets = ["{plan.WEB_ADDRESS}:80", "{plan.DNS_ADDRESS}:53"]

[noc]
host = "{plan.NOC_HOST}"

[letters]
verification_host = "{plan.CHECK_HOST}"
"""


def prepare(machine: Machine, place: Place = plan.FIRST) -> None:
    """Lay the hub's disk and apply its configuration, before it boots for the first time."""
    machine.prepare("hub")
    if place.boots_by_itself:
        machine.write(BOOT_ID_FILE, f"{uuid.uuid4()}\n")
        for unit in _READ_BOOT_ID:
            machine.write(
                f"/etc/systemd/system/{unit}.d/boot-id.conf",
                f"[Service]\nBindReadOnlyPaths={BOOT_ID_FILE}:/proc/sys/kernel/random/boot_id\n",
            )
    machine.write("/etc/desahub/hub.toml", hub_toml(place))
    machine.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    machine.offline(["desahub", "check-config", "/etc/desahub/hub.toml"])
    machine.offline(["desahub", "apply"])


def enrol(hub: Machine, net: Machine, place: Place = plan.FIRST) -> None:
    """Give the hub its identity, as a technician does: the NOC tells a claim code, the box gets its certificate."""
    said = net.inside(["desahub-noc", "hub", "add", "--hub-id", place.hub_id, "--name", f"Desa {place.village_name}",
                       "--kode-wilayah", place.kode_wilayah, "--timezone", place.timezone])  # fmt: skip
    told = hub.inside(["desahub", "claim", said.split()[-1]])
    if "has its identity" not in told:
        raise VillageError(f"the hub did not get its identity: {told}")


@dataclass(frozen=True, slots=True)
class People:
    """What a made-up village's people log in with: one-time passwords by account, and one resident's NIK and PIN."""

    passwords: Mapping[str, str]
    nik: str
    pin: str


def made_up_people(hub: Machine) -> People:
    """Fill the register with people who do not exist, as somebody does who trains."""
    as_kiosk = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
    said = hub.inside([*as_kiosk, "desahub", "demo-data", "--residents", "120", "--letters", "30",
                       "--state-directory", "/var/lib/desahub-kiosk"])  # fmt: skip
    passwords = dict(re.findall(r"One-time password for (\w+): (\S+)", said))
    resident = re.search(r"NIK (\d{16})  PIN (\d{6})", said)
    if len(passwords) < 3 or resident is None:
        raise VillageError(f"desahub demo-data did not tell what people log in with:\n{said}")
    return People(passwords, resident[1], resident[2])


def first_office_account(hub: Machine) -> tuple[str, str]:
    """Make the office's first account; return its name and its one-time password."""
    as_kiosk = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
    said = hub.inside([*as_kiosk, "desahub", "office", "add", "operator", "--role", "operator",
                       "--state-directory", "/var/lib/desahub-kiosk"])  # fmt: skip
    return "operator", secret_in(said)
