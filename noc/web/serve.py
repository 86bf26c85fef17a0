"""Serve the pages with gunicorn: one worker, eight threads; on systemd's socket or on an address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gunicorn.app.base import BaseApplication

WsgiApplication = Callable[..., Iterable[bytes]]


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn carries no types
    def __init__(self, app: WsgiApplication, bind: Sequence[str]) -> None:
        self._app, self._bind = app, list(bind)
        super().__init__()

    def load_config(self) -> None:
        # Without an address gunicorn takes LISTEN_FDS (sd_listen_fds(3)).
        settings: dict[str, Any] = {"worker_class": "gthread", "workers": 1, "threads": 8, "preload_app": True}
        settings |= {"accesslog": None, "errorlog": "-", "control_socket_disable": True, "timeout": 30}
        settings |= {"secure_scheme_headers": {}, "forwarder_headers": "", "keepalive": 5}
        if self._bind:
            settings["bind"] = self._bind
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApplication:
        return self._app


def serve(app: WsgiApplication, bind: Sequence[str]) -> None:
    """Serve until SIGTERM. ``bind`` holds addresses such as ``127.0.0.1:8080``; empty for systemd's socket."""
    _Application(app, bind).run()
