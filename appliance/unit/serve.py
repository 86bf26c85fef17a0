"""Serve an already made WSGI application with gunicorn: one worker, some threads.

One worker, because what a page needs is in SQLite and in the kernel, and a hub has 1 GB of memory.
Sockets come from systemd (``LISTEN_FDS``, sd_listen_fds(3)) or from ``bind``.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import DEFAULT_WORKER_DATA_TIMEOUT, TConn, ThreadWorker

from appliance.core import faults
from appliance.core.errors import OperationError
from appliance.unit.notify import notify
from appliance.unit.turns import Turns

WsgiApplication = Callable[..., Iterable[bytes]]
THREADS = 8
WORKER_SECONDS = 8
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the worker's heartbeat file must not wear out an SD card
_UNREADABLE = (
    b'<!doctype html><html lang="id"><head><meta charset="utf-8">'
    b'<meta name="viewport" content="width=device-width,initial-scale=1">'
    b"<title>Permintaan tidak dapat dibaca</title></head><body><main><h1>Permintaan tidak dapat dibaca</h1>"
    b'<p>Buka halaman depan, lalu coba lagi.</p><p><a href="/">Halaman depan</a></p></main></body></html>'
)


class _Worker(ThreadWorker):  # type: ignore[misc] # gunicorn carries no types
    """Threads that take connections themselves, one after another, and keep none open after its answer.

    gunicorn's own main thread takes them, hands each to a thread and closes it, which costs as much as a page.
    It answers what gunicorn cannot read in the village's language; gunicorn's own page is English, and shows insides.
    Its own log line would hold the address that was opened.
    """

    turns: ClassVar[Turns | None] = None
    idle_seconds: ClassVar[float | None] = None
    alive: bool  # until it is told to end

    def run(self) -> None:
        """Serve until told to end, and end what has begun. Source: gunicorn.workers.gthread.ThreadWorker.run."""
        self._door = threading.Lock()
        self._used = time.monotonic()
        self._doors = select.poll()
        for listener in self.sockets:
            listener.setblocking(False)
            self._doors.register(listener, select.POLLIN)
        told, tell = os.pipe()
        self._doors.register(told, 0)  # POLLHUP is always told (poll(2)): once ``tell`` is closed
        threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(self.cfg.threads)]
        for thread in threads:
            thread.start()
        while self.alive and self.is_parent_alive():
            self.notify()
            self._rest(1.0)
            if self.idle_seconds is not None and time.monotonic() - self._used > self.idle_seconds:
                self._let_all_end()
        self.alive = False
        os.close(tell)
        deadline = time.monotonic() + self.cfg.graceful_timeout
        for thread in threads:
            while thread.is_alive() and time.monotonic() < deadline:
                self.notify()
                thread.join(1.0)

    def handle_exit(self, _signal: int, _frame: object) -> None:
        """Source: gunicorn.workers.base.Worker.handle_exit."""
        self.alive = False

    def _let_all_end(self) -> None:
        """End the whole program, as systemd would: its socket stays open, and the next visitor starts it again."""
        self.log.info("nobody has asked for anything for %d s", self.idle_seconds)
        self._used = time.monotonic()  # told once
        os.kill(self.ppid, signal.SIGTERM)

    def _rest(self, seconds: float) -> None:
        """Wait, but not after a signal: gunicorn has each signal write into this pipe (``signal.set_wakeup_fd``)."""
        if select.select([self.PIPE[0]], [], [], seconds)[0]:
            os.read(self.PIPE[0], 4_096)

    def _serve(self) -> None:
        """Take one connection after another until the worker ends. Where that fails it ends, and another is made."""
        try:
            while self.alive:
                conn = self._next()
                if conn is not None:
                    self.handle(conn)
                    self._close(conn)
        finally:
            self.alive = False

    def _next(self) -> TConn | None:
        with self._door:  # one waits for a connection, all others for it
            ready = {number for number, _ in self._doors.poll()} if self.alive else set()
            for listener in self.sockets:
                if listener.fileno() in ready:
                    try:
                        made, address = listener.accept()
                    except (BlockingIOError, ConnectionAbortedError):
                        continue
                    return TConn(self.cfg, made, address, listener.getsockname())
        return None

    def handle(self, conn: TConn) -> object:
        """Read one request and answer it, in this thread's turn. Source: gunicorn.workers.gthread.ThreadWorker."""
        # Who has not begun to speak has no turn. A request that has begun is there as a whole, and an answer fits into
        # the socket: nginx holds back the one, and the kernel takes the other (unix(7), 208 kB).
        self._used = time.monotonic()
        spoken = select.poll()
        spoken.register(conn.sock, select.POLLIN)
        if not spoken.poll(DEFAULT_WORKER_DATA_TIMEOUT * 1000):
            return False
        conn.data_ready = True
        with self.turns or contextlib.nullcontext():
            return super().handle(conn)

    def _close(self, conn: TConn) -> None:
        """Close a connection. What is sent and not read would take the answer back (tcp(7)): it is read first."""
        request = conn.parser.mesg if conn.parser is not None else None
        is_whole = request is not None and all(
            value == "0" for name, value in request.headers if name in ("CONTENT-LENGTH", "TRANSFER-ENCODING")
        )
        with contextlib.suppress(OSError):  # gunicorn closes by itself what broke off while it was answered
            conn.close(graceful=not is_whole)

    def notify(self) -> None:
        """Beat, but not while one thread holds up all others. Source: gunicorn.workers.base.Worker.notify."""
        if self.turns is None or self.turns.held_seconds() <= WORKER_SECONDS:
            super().notify()

    def handle_error(self, _req: object, client: socket.socket, _addr: object, exc: Exception) -> None:
        """Say it is unreadable, and close. Source: gunicorn.workers.base.Worker.handle_error."""
        theirs = isinstance(exc, ParseException)
        if not theirs:
            self.log.error("a request failed: %s\n%s", type(exc).__name__, faults.trace(exc))
        head = (
            f"HTTP/1.1 {'400 Bad Request' if theirs else '500 Internal Server Error'}\r\nConnection: close\r\n"
            "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
            "Content-Security-Policy: default-src 'none'; base-uri 'none'; frame-ancestors 'none'\r\n"
            "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
            f"Content-Length: {len(_UNREADABLE)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # it went away
            client.sendall(head.encode() + _UNREADABLE)


def _freeze(_arbiter: object) -> None:
    gc.collect()
    gc.freeze()


def settings(
    bind: Sequence[str],
    threads: int = THREADS,
    turns: Turns | None = None,
    idle_seconds: float | None = None,
    beside: Callable[[], object] | None = None,
) -> dict[str, Any]:
    """What gunicorn is told; names and units as in its documentation. The rest as `serve`."""
    return {
        "bind": list(bind),
        "worker_class": type("_Worker", (_Worker,), {"turns": turns, "idle_seconds": idle_seconds}),
        "workers": 1,
        "threads": threads,
        "preload_app": True,
        # What is there before the fork stays for good: left alone by the collector, its pages stay shared.
        "when_ready": _freeze,
        **({} if beside is None else {"post_worker_init": lambda _worker: beside()}),
        # The worker's own loop beats each second while threads answer: one that is silent for longer is frozen, or a
        # thread keeps the turn (`_Worker.notify`).
        "timeout": WORKER_SECONDS,
        "graceful_timeout": 10,
        "keepalive": 0,
        "backlog": 512,
        # Wider than what nginx lets through (appliance/network/nginx.py): it objects in the village's language.
        "limit_request_line": 8_190,
        "limit_request_fields": 16_384,
        "limit_request_field_size": 8_190,
        "accesslog": None,  # who opened which page when is nobody's business
        "errorlog": "-",
        "worker_tmp_dir": str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None,
        "control_socket_disable": True,
        # Only nginx speaks to these sockets, and it says what it has to say in X-Real-IP and X-Desa-Place.
        "secure_scheme_headers": {},
        "forwarder_headers": "",
    }


class _Arbiter(Arbiter):  # type: ignore[misc] # gunicorn carries no types
    """Looks after the worker, and tells systemd each second that somebody does (WatchdogSec=)."""

    def murder_workers(self) -> None:
        """Called in each turn of the loop. Source: gunicorn.arbiter.Arbiter.run."""
        notify("WATCHDOG=1")
        super().murder_workers()


class _Application(BaseApplication):  # type: ignore[misc] # gunicorn carries no types
    def __init__(self, app: WsgiApplication, options: dict[str, Any]) -> None:
        self._app, self._options = app, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WsgiApplication:
        return self._app

    def run(self) -> None:
        """As gunicorn's own, with our arbiter. Source: gunicorn.app.base.BaseApplication.run."""
        try:
            _Arbiter(self).run()
        except RuntimeError as error:
            raise OperationError(f"cannot serve: {error}") from None


def has_sockets() -> bool:
    """Did systemd hand sockets to this very process?"""
    return os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS", "0") != "0"


def serve(
    app: WsgiApplication,
    *bind: str,
    threads: int = THREADS,
    turns: Turns | None = None,
    idle_seconds: float | None = None,
    beside: Callable[[], object] | None = None,
) -> None:
    """Serve ``app`` until SIGTERM; does not return before that.

    Args:
        app: the application; it is made once, before the worker is forked.
        bind: addresses as gunicorn writes them (``unix:/path``, ``127.0.0.1:8000``), used when systemd gives no
            socket.
        threads: how many requests are answered at the same time.
        turns: threads work one at a time, but where the application steps aside (`Turns.aside`) to wait.
        idle_seconds: end when nobody has asked for anything for so long; None never.
        beside: called in the worker before it serves, to begin a thread beside those of the pages.

    Raises:
        OperationError: there is neither a socket from systemd nor an address.
    """
    if not bind and not has_sockets():
        raise OperationError("no socket to serve on: systemd gave none (LISTEN_FDS) and no address was named")
    _Application(app, settings(bind, threads, turns, idle_seconds, beside)).run()
