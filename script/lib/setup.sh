# Set-up shared by the scripts of this folder. Sourced, not run. It is safe to repeat and quick when nothing is missing.
#
# setup_debian PACKAGE...   installs what is missing, without starting or enabling any service on this machine
# setup_python FILE         makes .venv from a lock file (hashes checked) with the system's own Python, and the catalogues
#
# The scripts that source it set pipefail: what a pipe's first program says decides.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export PATH="$PATH:/usr/sbin:/sbin"

# What the village runs: the hub's and the NOC's programs, and the tools that build the namespaces.
village_packages=(
    python3 python3-venv ca-certificates iproute2 procps util-linux kmod
    nftables dnsmasq-base nginx-light hostapd mosquitto systemd systemd-container
    busybox socat curl dbus cups-daemon cups-client fonts-liberation fonts-noto-core fonts-droid-fallback
)
# What the tests and the benches need besides.
test_packages=(
    chromium strace fonts-dejavu-core poppler-utils wrk mmdebstrap postgresql-15 victoria-metrics lego pebble knot
)
# What only benches need: the peers, and a compiler for the library that slows the disk down.
bench_packages=(opennds iptables gcc libc6-dev collectd-core prometheus-node-exporter)

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

setup_debian() {
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || fail "these Debian packages are missing and only root can install them: ${missing[*]}"
    say "installing Debian packages: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! (
        # Debian starts and enables a service as soon as it is installed; this machine is a developer's, not a hub.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
            trap 'rm -f "$policy"' EXIT
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"
    ) </dev/null 2>&1 | tee "$log" | sed -un 's/^\(Fetched .*\|Setting up [^ ]*\).*/  \1/p'; then
        tail -n 20 "$log" >&2
        fail "apt-get could not install them; the whole output is in $log"
    fi
    rm -f "$log"
    for package in "${missing[@]}"; do
        case $package in
        nginx-light) systemctl disable --quiet nginx.service ;;
        mosquitto) systemctl disable --quiet mosquitto.service ;;
        hostapd) systemctl disable --quiet hostapd.service ;;
        nftables) systemctl disable --quiet nftables.service ;;
        postgresql-15) systemctl disable --quiet postgresql.service ;;
        cups-daemon) systemctl disable --quiet cups.service cups.socket cups.path ;;
        knot) systemctl disable --quiet knot.service ;;
        victoria-metrics) systemctl disable --quiet victoria-metrics.service ;;
        esac
    done 2>/dev/null || true
}

setup_python() {
    local lock=$1 want
    want=$(cat "$repository/$lock" <(/usr/bin/python3 --version) | sha256sum)
    [ "$(cat "$repository/.venv/desahub-lock" 2>/dev/null)" = "$want" ] || install_python "$lock" "$want"
    # What programs read of the translators' files; it must never be older than they are.
    # -B: sources that are packed hold nothing that Python left there.
    (cd "$repository" && .venv/bin/python -B -m script.catalogues)
}

install_python() {
    local lock=$1 want=$2
    say "installing locked Python packages from $lock"
    rm -rf "$repository/.venv"
    /usr/bin/python3 -m venv "$repository/.venv"
    local log
    log=$(mktemp)
    if ! PIP_NO_INPUT=1 "$repository/.venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
        --require-hashes --only-binary :all: -r "$repository/$lock" </dev/null 2>&1 | tee "$log" |
        sed -un 's/^Collecting \([^ ]*\).*/  \1/p; s/^Installing collected.*/  installing them/p'; then
        tail -n 20 "$log" >&2
        fail "pip could not install them; the whole output is in $log"
    fi
    rm -f "$log"
    # Two places of the sources: here, and where the hub's and the NOC's machines see them (/opt/desahub/src).
    printf '%s\n' /opt/desahub/src "$repository" >"$(echo "$repository"/.venv/lib/python3*/site-packages)/desahub.pth"
    mkdir -p "$repository/.venv/src"
    for command in desahub:appliance.cli desahub-noc:noc.cli; do
        printf '#!/opt/desahub/bin/python\nimport sys\n\nfrom %s import main\n\nsys.exit(main())\n' "${command#*:}" \
            >"$repository/.venv/bin/${command%%:*}"
        chmod 755 "$repository/.venv/bin/${command%%:*}"
    done
    printf '%s\n' "$want" >"$repository/.venv/desahub-lock"
}
