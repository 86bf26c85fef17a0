# enter MACHINE COMMAND...: run a command inside one of the village's machines. Sourced by script/hub and script/net.
enter() {
    local machine=$1 leader script
    case $machine in
    desa-hub) script="hub [--hub 2]" ;;
    desa-hub-*) script="hub --hub ${machine##*-}" ;;
    *) script=${machine#desa-} ;;
    esac
    shift
    if [ $# -lt 1 ] || [[ $1 =~ ^(--help|-h)$ ]]; then
        echo "Usage: sudo script/$script COMMAND...    runs COMMAND inside $machine" >&2
        [ $# -ge 1 ] && exit 0 || exit 2
    fi
    [ "$(id -u)" = 0 ] || { echo "entering $machine needs root: sudo script/$script $*" >&2; exit 1; }
    leader=$(cat "/run/desa-village/$machine/leader" 2>/dev/null) && [ -d "/proc/$leader" ] ||
        { echo "$machine is not up; start a village: sudo script/server" >&2; exit 1; }
    exec nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --time -- \
        env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        PATH=/opt/desahub/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
