"""What the office sees, put together from the database and the keeper's last look. Nothing here writes."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from appliance.core.config.networks import Access
from appliance.core.config.village import Timezone
from appliance.gate.protocol import Client
from appliance.hotspot import protocol
from appliance.store.database import Database
from captive_portal import local_time, rules
from captive_portal.grants import Grants
from captive_portal.keeper import notebook
from captive_portal.keeper.host_names import clean
from captive_portal.keeper.rounds import Picture, Seen
from captive_portal.now import Now
from captive_portal.rules import Block, Grant, Policy

_LINES: Final = """
    SELECT sessions.address, sessions.mac, host_name, sessions.network, sessions.way, sessions.voucher, began_wall,
        duration_seconds, end_reason, sessions.sent_bytes + coalesce(grants.sent_bytes, 0) AS sent,
        sessions.received_bytes + coalesce(grants.received_bytes, 0) AS received, sessions.id
    FROM sessions LEFT JOIN grants ON grants.session_id = sessions.id
    WHERE began_wall >= :begin AND began_wall < :end
    ORDER BY began_wall DESC, sessions.id DESC LIMIT :limit OFFSET :offset
"""


def clients(store: Grants, policy: Policy, picture: Picture, names: Mapping[str, str], now: Now) -> protocol.Clients:
    """Who is online: the grants as they are now, so that what the office just did shows; use as of the last look."""
    seen = {one.grant.session_id: one for one in picture.seen}
    known = store.known_on(local_time.day(now, policy.timezone), now)
    found = []
    for grant in store.all():
        standing = rules.standing(policy, grant, rules.known_of(grant, known), now)
        if standing.end is None:
            name = clean(names.get(grant.client.mac, ""))
            found.append(_online(grant, standing, seen.get(grant.session_id), name))
    found.sort(key=lambda one: ipaddress.IPv4Address(one.client.address))
    return protocol.Clients(tuple(found))


def _online(grant: Grant, standing: rules.Standing, seen: Seen | None, host_name: str) -> protocol.OnlineClient:
    admitted = seen.admitted if seen else None
    quota = standing.limits.quota
    left_bytes = admitted.quota_left_bytes if admitted and quota else quota.left_bytes if quota else None
    noted, flow = (seen.grant, seen.flow) if seen else (grant, None)
    return protocol.OnlineClient(
        client=grant.client,
        host_name=host_name,
        network=grant.network,
        way=grant.way,
        voucher=grant.voucher,
        since_wall_seconds=grant.wall_seconds,
        remaining_seconds=standing.seconds,
        is_let_through=admitted is not None,
        sent_bytes=noted.sent_bytes + (flow.sent_bytes if flow else 0),
        received_bytes=noted.received_bytes + (flow.received_bytes if flow else 0),
        sent_bits_per_second=flow.sent_bits_per_second if flow else 0,
        received_bits_per_second=flow.received_bits_per_second if flow else 0,
        idle_seconds=admitted.idle_seconds if admitted else 0,
        speed=standing.limits.speed,
        quota_left_bytes=left_bytes,
    )


def history(
    db: Database, timezone: Timezone, picture: Picture, names: Mapping[str, str], wanted: protocol.ListHistory
) -> protocol.History:
    """One page of the sessions that began on a day, in the village's own time.

    A device whose name nobody wrote down, since its connection was short, is shown with the one it has now.
    """
    offset = -local_time.day_begins("1970-01-01", timezone)
    rows = db.execute(
        "SELECT DISTINCT (began_wall + ?) / ? AS day FROM sessions ORDER BY day DESC", (offset, local_time.DAY_SECONDS)
    )
    days = tuple(local_time.date_of(row[0] * local_time.DAY_SECONDS - offset, timezone) for row in rows)
    day = wanted.day or (days[0] if days else "")
    begin = local_time.day_begins(day, timezone) if day else 0
    span = {"begin": begin, "end": begin + local_time.DAY_SECONDS}
    count = db.execute(
        "SELECT count(*) FROM sessions WHERE began_wall >= :begin AND began_wall < :end", span
    ).fetchone()[0]
    page_count = max(1, -(-count // protocol.PAGE_SIZE))
    page = min(wanted.page, page_count - 1)
    lines = db.execute(_LINES, {**span, "limit": protocol.PAGE_SIZE, "offset": page * protocol.PAGE_SIZE})
    seen = {one.grant.session_id: one for one in picture.seen}
    return protocol.History(day, days, page, page_count, tuple(_past(row, seen, names) for row in lines))


def _past(row: tuple[Any, ...], seen: Mapping[int, Seen], names: Mapping[str, str]) -> protocol.PastSession:
    address, mac, host_name, network, way, voucher, began, duration, reason, sent, received, number = row
    running = seen.get(number) if duration is None else None
    if running is not None:  # the database knows it as of the last minute
        sent = running.grant.sent_bytes + running.flow.sent_bytes
        received = running.grant.received_bytes + running.flow.received_bytes
    ended = None if duration is None else began + duration
    return protocol.PastSession(
        Client(address, mac), clean(host_name or names.get(mac, "")), network, Access(way), voucher, began, ended,
        protocol.EndReason(reason) if reason else None, sent, received,
    )  # fmt: skip


def blocked(db: Database, held: Iterable[Block], names: Mapping[str, str]) -> protocol.BlockedList:
    """Who is kept out, with what the device calls itself now, or did when it was last online, and where it was."""
    # One pass through the history for all of them: a device that is blocked for long may not be in it any more.
    # Beside max() stands the row that has it (https://sqlite.org/lang_select.html#bareagg).
    held = tuple(held)
    macs = (json.dumps([one.mac for one in held]),)
    newest = "SELECT mac, {}, max(id) FROM sessions WHERE mac IN (SELECT value FROM json_each(?)) {} GROUP BY mac"
    addresses = {mac: text for mac, text, _ in db.execute(newest.format("address", ""), macs)}
    names_then = {mac: text for mac, text, _ in db.execute(newest.format("host_name", "AND host_name != ''"), macs)}
    return protocol.BlockedList(
        tuple(
            protocol.Blocked(
                one.mac, one.remaining_seconds, one.by, one.why, one.since_wall_seconds,
                clean(names.get(one.mac) or names_then.get(one.mac, "")), addresses.get(one.mac, ""),
            )
            for one in held
        )
    )  # fmt: skip


def usage(db: Database, picture: Picture, now: Now) -> protocol.Usage:
    """Use of the last two days in steps, and now."""
    points = [
        protocol.UsagePoint(step.wall_seconds, step.received_bytes, step.sent_bytes, step.online_count)
        for step in notebook.usage_since(db, now.wall_seconds - notebook.USAGE_SECONDS)
    ]
    online = [one.flow for one in picture.seen if one.admitted is not None]
    return protocol.Usage(
        tuple(points[-protocol.USAGE_POINTS_MAX :]),
        len(online),
        sum(flow.received_bits_per_second for flow in online),
        sum(flow.sent_bits_per_second for flow in online),
    )
