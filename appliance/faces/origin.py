"""Who is asking: refuse what another site's page sends, and find the address of the device."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Request, abort, request

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def no_form(_: Request) -> bool:
    """Where no form proves by itself that it is ours."""
    return False


def is_cross_site(asked: Request, is_own_form: Callable[[Request], bool] = no_form) -> bool:
    """Was this changing request sent by a page of another site?

    Login windows of phones may send neither header; then nothing speaks against it. Some send ``Origin: null``, as a
    page does that another site has put into a sandbox; then ``is_own_form`` decides.

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
    if sender == "null":
        return not is_own_form(asked)
    # By name alone: nginx passes Host without the port of the address that was opened.
    own = urlsplit(f"//{asked.host}").hostname
    return _host(sender) != own


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def install(app: Flask, is_own_form: Callable[[Request], bool] = no_form) -> None:
    """Answer 403 to what another site's page sends.

    Args:
        app: the program.
        is_own_form: says of a request without a sender whether it carries what only our own page could have given.
    """

    @app.before_request
    def refuse_other_sites() -> None:
        if is_cross_site(request, is_own_form):
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


def braked_address(asked: Request, *, over_unix_socket: bool, behind_proxy: bool = False) -> str:
    """The address that failed logins are counted for: an IPv4 address, or the /64 network of an IPv6 address.

    A home or an office is given a whole /64, in which each visitor would have as many addresses as they like.

    Args:
        asked: the request.
        over_unix_socket: as for `device_address`.
        behind_proxy: a proxy on this machine sets ``X-Real-IP``; it is believed from loopback, and from nowhere else.

    Returns:
        The address, or "?" when there is none.
    """
    text = asked.remote_addr or ""
    named = asked.headers.get("X-Real-IP", "")
    if over_unix_socket or (behind_proxy and named and _is_loopback(text)):
        text = named
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "?"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
