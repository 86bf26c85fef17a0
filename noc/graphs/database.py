"""The way to VictoriaMetrics, over HTTP."""

from __future__ import annotations

import base64
import http.client
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from appliance.core.errors import OperationError

TIMEOUT_SECONDS: Final = 30.0
_METRICS_BYTES_MAX: Final = 4 * 1024 * 1024
_STARTED: Final = re.compile(rb"^vm_app_start_timestamp\S* (\S+)$", re.MULTILINE)
_ERRORS: Final = (OSError, http.client.HTTPException)


class GraphsDatabase:
    """One VictoriaMetrics, by its URL; a user and a password in it go as HTTP's basic authentication."""

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise OperationError("the graphs' URL is none; allowed is one as in http://127.0.0.1:8428") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise OperationError("the graphs' URL is none; allowed is one as in http://127.0.0.1:8428")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._http = kind(parts.hostname, port, timeout=TIMEOUT_SECONDS)
        self._path = parts.path.rstrip("/")
        self._headers = {}
        if parts.username is not None:
            said = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(said).decode()}"
        self.name = f"graphs' database at {parts.hostname}"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def put(self, written: bytes) -> None:
        """Import lines. Raises `OperationError` when they are not taken."""
        self._ask("POST", "/api/v1/import", written)

    def started(self) -> str:
        """Name this run of the server: what it took and had not yet written to its disk ends with it.

        Raises `OperationError`.
        """
        match = _STARTED.search(self._ask("GET", "/metrics"))
        if match is None:
            raise OperationError(f"{self.name}: its /metrics do not tell when it was started; is it VictoriaMetrics?")
        return match[1].decode("ascii", "replace")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            self._http.request(method, self._path + path, body, self._headers)
            with self._http.getresponse() as answer:
                status, content = answer.status, answer.read(_METRICS_BYTES_MAX)
                if not answer.isclosed():
                    self._http.close()
        except _ERRORS as error:
            self._http.close()
            raise OperationError(f"{self.name}: {str(error) or type(error).__name__}") from None
        if status // 100 != 2:
            said = content[:200].decode("utf-8", "replace").strip()
            raise OperationError(f"{self.name}: answered {status} {said}")
        return content
