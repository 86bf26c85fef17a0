#!/bin/sh
# What udhcpc runs in a phone when it gets, renews or loses a lease. Source: busybox udhcpc.
folder=/etc/netns/$NAMESPACE
case $1 in
deconfig) ip -4 address flush dev "$interface" ;;
bound | renew)
    ip -4 address replace "$ip/$mask" dev "$interface"
    [ -z "$router" ] || ip route replace default via "${router%% *}"
    mkdir -p "$folder"
    for server in $dns; do echo "nameserver $server"; done >"$folder/resolv.conf.new"
    mv "$folder/resolv.conf.new" "$folder/resolv.conf"
    ;;
esac
