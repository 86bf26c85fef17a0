"""Serve an already made WSGI application with gunicorn's worker: one process, some threads.

One process, because what a page needs is in SQLite and in the kernel, and a hub has 1 GB of memory. There is no master
beside it, which would have all of the program once more (docs/adr/0077): systemd looks after it, whom it tells each
second that it lives (WatchdogSec=), and which starts another where it ended or fell silent.
Sockets come from systemd (``LISTEN_FDS``, sd_listen_fds(3)) or from ``bind``.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from gunicorn import sock, systemd
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import DEFAULT_WORKER_DATA_TIMEOUT, TConn, ThreadWorker

from appliance.core import faults
from appliance.core.errors import OperationError
from appliance.unit.notify import notify
from appliance.unit.turns import Turns

WsgiApplication = Callable[..., Iterable[bytes]]
THREADS = 8
WORKER_SECONDS = 8
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - gunicorn's worker makes a file for a heartbeat: on no SD card
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
    has_failed = False  # a thread broke

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
        notify("READY=1")
        while self.alive:
            self.notify()
            self._rest(1.0)
            if self.idle_seconds is not None and time.monotonic() - self._used > self.idle_seconds:
                # As systemd would: its socket stays open, and the next visitor starts it again.
                self.log.info("nobody has asked for anything for %d s", self.idle_seconds)
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

    def _rest(self, seconds: float) -> None:
        """Wait, but not after a signal: gunicorn has each signal write into this pipe (``signal.set_wakeup_fd``)."""
        if select.select([self.PIPE[0]], [], [], seconds)[0]:
            os.read(self.PIPE[0], 4_096)

    def _serve(self) -> None:
        """Take one connection after another until told to end. Where one thread breaks, all end and begin anew."""
        try:
            while self.alive:
                conn = self._next()
                if conn is not None:
                    self.handle(conn)
                    self._close(conn)
        except BaseException:
            self.has_failed = True
            raise
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
        """Tell systemd that it lives, but not while one thread holds up all others."""
        if self.turns is None or self.turns.held_seconds() <= WORKER_SECONDS:
            notify("WATCHDOG=1")

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
        "threads": threads,
        **({} if beside is None else {"post_worker_init": lambda _worker: beside()}),
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
        """Serve in this process. Source: gunicorn.arbiter.Arbiter.start, gunicorn.workers.base.Worker.init_process."""
        log, given = self.cfg.logger_class(self.cfg), systemd.listen_fds()
        first = systemd.SD_LISTEN_FDS_START
        sockets = sock.create_sockets(self.cfg, log, range(first, first + given))
        log.info("listening at %s", ", ".join(str(each) for each in sockets))
        worker = self.cfg.worker_class(1, os.getppid(), sockets, self, 0, self.cfg, log)
        # What is there by now stays for good: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        try:
            worker.init_process()
        except RuntimeError as error:
            raise OperationError(f"cannot serve: {error}") from None
        finally:
            with contextlib.suppress(OSError):  # its name is gone already
                sock.close_sockets(sockets, unlink=not given)
        if worker.has_failed:
            raise OperationError("stopped serving: a thread broke, as the lines before this one say")


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
        app: the application.
        bind: addresses as gunicorn writes them (``unix:/path``, ``127.0.0.1:8000``), used when systemd gives no
            socket.
        threads: how many requests are answered at the same time.
        turns: threads work one at a time, but where the application steps aside (`Turns.aside`) to wait.
        idle_seconds: end when nobody has asked for anything for so long; None never.
        beside: called before it serves, to begin a thread beside those of the pages.

    Raises:
        OperationError: there is neither a socket from systemd nor an address; or a thread broke, so that another
            process has to take this one's place.
    """
    if not bind and not has_sockets():
        raise OperationError("no socket to serve on: systemd gave none (LISTEN_FDS) and no address was named")
    _Application(app, settings(bind, threads, turns, idle_seconds, beside)).run()
