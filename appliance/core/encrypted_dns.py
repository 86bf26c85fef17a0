"""Known public servers of encrypted DNS (DoH, DoT, DoQ), which go around the family filter.

Addresses are only those on which nothing but DNS is served: refusing one of a shared host would refuse its web sites.
It is a list of the known, no proof: a resolver that nobody has heard of, or a VPN, still gets around the filter.

Source: the operators' own pages (developers.cloudflare.com/1.1.1.1, developers.google.com/speed/public-dns,
quad9.net/service, adguard-dns.io, opendns.com/setupguide, cleanbrowsing.org, controld.com/free-dns, nextdns.io,
dns0.eu, mullvad.net/help/dns-over-https-and-dns-over-tls, alidns.com, dnspod.cn, dns.sb, umbrella.cisco.com) and the
curl project's list of public DoH servers, as of 2025.
"""

from __future__ import annotations

from typing import Final

# DNS over TLS and over QUIC (RFC 7858, RFC 9250), and the port AdGuard used before.
PORTS: Final = (784, 853, 8853)

ADDRESSES: Final = (
    "1.0.0.1", "1.0.0.2", "1.0.0.3", "1.1.1.1", "1.1.1.2", "1.1.1.3",  # Cloudflare
    "1.12.12.12", "120.53.53.53",  # DNSPod
    "45.11.45.11", "185.222.222.222",  # DNS.SB
    "45.90.28.0/24", "45.90.30.0/24",  # NextDNS
    "76.76.2.0/24", "76.76.10.0/24",  # Control D
    "8.8.4.4", "8.8.8.8",  # Google
    "9.9.9.9", "9.9.9.10", "9.9.9.11", "9.9.9.12", "149.112.112.9", "149.112.112.10", "149.112.112.11",
    "149.112.112.12", "149.112.112.112",  # Quad9
    "94.140.14.14", "94.140.14.15", "94.140.14.140", "94.140.14.141", "94.140.15.15", "94.140.15.16",  # AdGuard
    "146.112.41.2", "146.112.41.3", "146.112.41.4", "208.67.220.220", "208.67.222.222",  # OpenDNS
    "185.228.168.9", "185.228.168.10", "185.228.168.168", "185.228.169.9", "185.228.169.11",
    "185.228.169.168",  # CleanBrowsing
    "193.110.81.0", "193.110.81.1", "193.110.81.9", "185.253.5.0", "185.253.5.1", "185.253.5.9",  # dns0.eu
    "194.242.2.2", "194.242.2.3", "194.242.2.4", "194.242.2.5", "194.242.2.6", "194.242.2.9",  # Mullvad
    "223.5.5.5", "223.6.6.6",  # AliDNS
)  # fmt: skip

# Blocked with everything below them.
HOSTS: Final = frozenset(
    {
        "cloudflare-dns.com", "one.one.one.one", "cloudflare-gateway.com", "dns.google", "dns64.dns.google",
        "dns.google.com", "dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net", "dns12.quad9.net",
        "adguard-dns.com", "dns.adguard.com", "dns-family.adguard.com", "dns-unfiltered.adguard.com",
        "doh.opendns.com", "doh.familyshield.opendns.com", "doh.umbrella.com", "dns.umbrella.com",
        "doh.cleanbrowsing.org", "freedns.controld.com", "dns.controld.com", "dns.nextdns.io",
        "firefox.dns.nextdns.io", "chromium.dns.nextdns.io", "dns0.eu", "dns.mullvad.net", "doh.mullvad.net",
        "adblock.dns.mullvad.net", "base.dns.mullvad.net", "dns.alidns.com", "doh.pub", "dot.pub", "dns.pub", "doh.sb",
        "dot.sb", "doh.dns.sb", "doh.xfinity.com", "dns.twnic.tw", "ordns.he.net", "doh.li", "doh.libredns.gr",
        "dns.digitale-gesellschaft.ch", "dns.switch.ch", "doh.applied-privacy.net", "doh.ffmuc.net",
        "doh.centraleu.pi-dns.com", "dnsforge.de", "dns.njal.la", "anycast.uncensoreddns.org",
        "unicast.uncensoreddns.org", "doh.appliedprivacy.net", "odoh.cloudflare-dns.com", "doh.dns.apple.com",
        "dns.rethinkdns.com", "basic.rethinkdns.com", "max.rethinkdns.com", "sky.rethinkdns.com", "zero.dns0.eu",
        "jp.tiar.app", "doh.tiar.app", "dns.bebasid.com", "doh.bebasid.com", "antivirus.bebasid.com",
        "dns.bebasdns.id", "dns.360.cn", "doh.360.cn", "blitz.ahadns.com", "public.dns.iij.jp", "dns.hinet.net",
    }
)  # fmt: skip

# A network answers these with "no such name" to say that it filters: Firefox then leaves DoH off by itself
# (support.mozilla.org, canary domain), and Apple's Private Relay says so to its user (developer.apple.com, iCloud
# Private Relay: prepare your network).
CANARIES: Final = frozenset({"use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"})
