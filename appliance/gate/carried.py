"""What a new ruleset takes over from the one in force: who is admitted, for how long, and what was counted.

Written in nft's own language and loaded with the ruleset, in the same transaction.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

from appliance.gate.elements import Element, Elements
from appliance.gate.quotas import MAP
from appliance.network.nftables import COUNTS_TABLE, RECEIVED_SET, TABLE


def carried(elements: Elements) -> str:
    """Everything that is in force now, as lines to load after the new ruleset.

    Raises:
        OperationError: a set cannot be read; it must not be taken for an empty one.
    """
    back = elements.all("admitted_return")
    # Whoever is admitted is counted, even where somebody has taken the counts away.
    counted = {one.key: one for one in elements.all(RECEIVED_SET)}
    return "".join(
        [
            _adding(f"{TABLE} admitted", elements.all("admitted")),
            _adding(f"{TABLE} admitted_return", (one._replace(byte_count=None) for one in back)),
            _adding(f"{COUNTS_TABLE} {RECEIVED_SET}", (counted.get(one.key, one) for one in back)),
            _adding(f"{TABLE} seen", elements.all("seen")),
            *_quotas(elements),
        ]
    )


def _quotas(elements: Elements) -> Iterator[str]:
    shared = elements.all(MAP)
    used = {element.object for element in shared}
    for quota in elements.quotas():
        if quota.name in used:
            limits = f"over {quota.limit_bytes} bytes used {quota.used_bytes} bytes"
            yield f"add quota {TABLE} {quota.name} {{ {limits} }}\n"
    names = ", ".join(f'{socket.inet_ntoa(element.key)} : "{element.object}"' for element in shared)
    if names:
        yield f"add element {TABLE} {MAP} {{ {names} }}\n"


def _adding(name: str, elements: Iterable[Element]) -> str:
    """A line that puts ``elements`` into the set called ``name``, its table before it; empty without any."""
    texts = ", ".join(map(_text, elements))
    return f"add element {name} {{ {texts} }}\n" if texts else ""


def _text(element: Element) -> str:
    """An element of a set as nft reads it: first the counter, then the times, then the comment."""
    parts = [socket.inet_ntoa(element.key[:4])]
    if len(element.key) > 4:
        parts.append(f". {element.key[4:10].hex(':')}")
    if element.byte_count is not None:
        parts.append(f"counter packets {element.packet_count} bytes {element.byte_count}")
    if element.timeout:
        parts.append(f"timeout {element.timeout}ms")
    # nft would read 0 as "for ever".
    parts.append(f"expires {max(1, element.expires)}ms")
    if element.comment:
        parts.append(f'comment "{element.comment}"')
    return " ".join(parts)
