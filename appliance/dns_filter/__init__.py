"""The family filter: what is asked of DNS in networks that want it is checked against lists of domains.

A caching dnsmasq stands in front; only what it does not know comes here, and what is not blocked goes to the uplink's
servers. ``python -m appliance.dns_filter.update`` brings the lists up to date.
"""
