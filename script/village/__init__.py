"""A village on one machine: network namespaces, real programs, real systemd units. Run by script/server."""
