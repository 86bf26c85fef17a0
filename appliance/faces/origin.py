"""Who is asking: refuse what another site's page sends, and find the address of the device."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Request, abort, request

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_cross_site(asked: Request) -> bool:
    """Was this changing request sent by a page of another site?

    Login windows of phones may send neither header; then nothing speaks against it.

    Source: Fetch Metadata (W3C), RFC 6454 section 7.
    """
    if asked.method in _SAFE:
        return False
    site = asked.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    sender = asked.headers.get("Origin")
    if sender is None:
        return False
    # By name alone: nginx passes Host without the port of the address that was opened.
    own = urlsplit(f"//{asked.host}").hostname
    return _host(sender) != own


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def install(app: Flask) -> None:
    """Answer 403 to what another site's page sends."""

    @app.before_request
    def refuse_other_sites() -> None:
        if is_cross_site(request):
            abort(403)


def device_address(asked: Request, *, over_unix_socket: bool) -> str:
    """The IPv4 address of the device that asks, or an empty text when it has none.

    Args:
        asked: the request.
        over_unix_socket: only nginx can connect, so that its ``X-Real-IP`` is the kernel's word. Over TCP anybody can
            write that header, and only the connection itself counts.
    """
    text = asked.headers.get("X-Real-IP", "") if over_unix_socket else asked.remote_addr or ""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return ""
