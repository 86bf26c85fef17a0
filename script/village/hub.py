"""``desa-hub``: the box, installed as its package would install it, configured as a technician would."""

from __future__ import annotations

from script.village import plan
from script.village.machine import Machine
from script.village.programs import VillageError, secret_in

UNITS = (
    "desahub-firewall.service", "desahub-gate.service", "desahub-dns.service", "desahub-web.service",
    "desahub-keeper.service", "desahub-portal.service", "desahub-kiosk.service", "desahub-agent.service",
    "desahub-filter.service", "desahub-filtered-dns.service",
)  # fmt: skip

HUB_TOML = f"""# A village on one machine. What stands here is made up.
[village]
name = "{plan.VILLAGE_NAME}"
kode_wilayah = "{plan.KODE_WILAYAH}"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
head_title = "Perbekel"
head_name = "I Wayan Contoh"
office_address = "Jalan Melati 1"
office_hours = "Senin-Jumat 08.00-15.00 WITA"
office_phone = "0361 000000"
population = 4210
households = 1180
area_hectares = 640

[hub]
id = "{plan.HUB_ID}"

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
ssid = "Desa {plan.VILLAGE_NAME}"
access = ["terms", "voucher"]

[[networks]]
name = "keluarga"
kind = "resident"
interface = "{plan.FAMILY_BRIDGE}"
address = "{plan.FAMILY_ADDRESS}/22"
ssid = "Keluarga {plan.VILLAGE_NAME}"
filter = true

[filter]
blocked_domains = ["slot.example"]
allowed_domains = ["baik.judi.example"]

[[filter.lists]]
name = "judi"
source = "http://{plan.LISTS_HOST}/judi.txt"

[agent]
interval_seconds = 2
batch_seconds = 2
targets = ["{plan.WEB_ADDRESS}:80", "{plan.DNS_ADDRESS}:53"]

[noc]
host = "{plan.NOC_HOST}"
"""


def prepare(machine: Machine) -> None:
    """Lay the hub's disk and apply its configuration, before it boots for the first time."""
    machine.prepare("hub")
    machine.write("/etc/desahub/hub.toml", HUB_TOML)
    machine.write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    machine.offline(["desahub", "check-config", "/etc/desahub/hub.toml"])
    machine.offline(["desahub", "apply"])


def enrol(hub: Machine, net: Machine) -> None:
    """Give the hub its identity, as a technician does: the NOC tells a claim code, the box gets its certificate."""
    said = net.inside(["desahub-noc", "hub", "add", "--hub-id", plan.HUB_ID, "--name", f"Desa {plan.VILLAGE_NAME}",
                       "--kode-wilayah", plan.KODE_WILAYAH, "--timezone", "Asia/Makassar"])  # fmt: skip
    told = hub.inside(["desahub", "claim", said.split()[-1]])
    if "has its identity" not in told:
        raise VillageError(f"the hub did not get its identity: {told}")


def first_office_account(hub: Machine) -> tuple[str, str]:
    """Make the office's first account; return its name and its one-time password."""
    as_kiosk = ["setpriv", "--reuid=desahub-kiosk", "--regid=desahub-kiosk", "--clear-groups"]
    said = hub.inside([*as_kiosk, "desahub", "office", "add", "operator", "--role", "operator",
                       "--state-directory", "/var/lib/desahub-kiosk"])  # fmt: skip
    return "operator", secret_in(said)
