"""What the NOC makes of what hubs said: pure. Nothing here asks a clock, a store or the network.

`reading` takes from a record what the line's history needs, `history` gathers it in any order of arrival, `anchors`
places boots in time, `timeline` says what was when and why, `outages` and `sla` count, `alerts` says whom to wake.
Times are milliseconds of UTC, or of a boot's own CLOCK_BOOTTIME where the name says ``boottime``.
"""
