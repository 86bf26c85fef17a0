"""The kiosk's cookie, of which there are two: one that travels by TLS alone, and one for where there is no TLS."""

from __future__ import annotations

from typing import Final

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from appliance.kiosk.services import came_by_tls

_BY_TLS: Final = "__Host-"


class Cookies(SecureCookieSessionInterface):
    """What was begun by TLS is never sent in the open, and nothing that came in the open counts by TLS.

    A browser takes a cookie of this prefix from this very host alone, by TLS. Source: RFC 6265bis, section 4.1.3.2.
    """

    def get_cookie_name(self, app: Flask) -> str:
        """The name, for the present request."""
        return f"{_BY_TLS if came_by_tls() else ''}{super().get_cookie_name(app)}"

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether browsers may send it by TLS alone."""
        return came_by_tls() or super().get_cookie_secure(app)
