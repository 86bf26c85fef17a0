"""Why a connection ended: written down by the portal, told to the resident and the office."""

from __future__ import annotations

import enum


class EndReason(enum.StrEnum):
    """Why a connection ended. The words are kept in the history."""

    TIME = "time"  # its own time, or its voucher's
    DATA = "data"  # its data, or its voucher's
    IDLE = "idle"
    CLOSED = "closed"  # outside opening hours
    DAILY_TIME = "daily_time"
    DAILY_DATA = "daily_data"
    BLOCKED = "blocked"
    NETWORK = "network"  # its network is not in hub.toml any more
    LOGOUT = "logout"  # the resident's own wish
    OFFICE = "office"  # the office stopped it
    VOUCHER = "voucher"  # its voucher was withdrawn, or its place taken by another device
    ACCOUNT = "account"  # its account has another PIN now, or ended; or its place was taken by another device
    REPLACED = "replaced"  # another device got the address, or this one took too many
    RENEWED = "renewed"  # a new connection of the same device follows
