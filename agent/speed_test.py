"""``python -m agent.speed_test``: measure the line both ways, once, within a budget of bytes. A short-lived process.

What was found is a file that the agent's next record takes up and the operator sends to the NOC. Bytes are counted in a
ledger of 30 days; what is cut off after its begin counts as a whole test.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from appliance.core.clock import WallQuality
from appliance.core.errors import DesahubError, OperationError
from appliance.core.speed import BLOCK_BYTES, LINE_BYTES_MAX, TRANSFER_SECONDS, Meter, heard, say
from appliance.system.clock import kernel_clock
from appliance.system.files import write_durably
from appliance.unit.config import APPLIED_PATH, read_config

_log = logging.getLogger("agent.speed_test")
RESULT: Final = "result.json"
RUNTIME: Final = "/run/desahub-speed-test"
LEDGER: Final = "speed-test-ledger.json"
LEDGER_MS: Final = 30 * 86_400_000
DOWNLOAD_SHARE: Final = 0.75
_CONNECT_SECONDS: Final = 20.0
_PRIVATE: Final = 0o600


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 1 when the line was not measured, with the reason in the result."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        told = measure(options.config, options.state, options.megabytes * 1_000_000)
    except (DesahubError, OSError, ValueError) as error:
        _log.error("%s", error)
        now = kernel_clock()()
        said = {"boot_id": now.boot_id, "boottime_ms": now.boottime_ms, "error": str(error)}
        _write(options.result / RESULT, said)
        return 1
    _write(options.result / RESULT, told)
    return 0


def measure(config_path: Path, state: Path, count: int) -> dict[str, Any]:
    """Measure with at most ``count`` bytes.

    Raises:
        OperationError: the budget of 30 days does not reach, this box reports to nobody, or the NOC refuses.
        OSError: the line, or the NOC's certificate.
    """
    config, now = read_config(config_path), kernel_clock()()
    if config.noc is None:
        raise OperationError("[noc] is not in hub.toml: there is nobody to measure against")
    wall_ms = now.wall_ms if now.wall_quality is WallQuality.NTP else None
    rows = with_room(state / LEDGER, count, config.agent.speed_test_megabytes * 1_000_000, wall_ms)
    address, context = (config.noc.host, config.noc.speed_test_port), client_context(state / "identity")

    def book() -> None:
        write_durably(state / LEDGER, json.dumps([*rows, [wall_ms or 0, count]]), _PRIVATE)

    # Counted when the NOC says go, before a byte is taken: a test that does not come about costs nothing.
    down = download(address, context, int(count * DOWNLOAD_SHARE), begun=book)
    up_bytes, up_kbit = upload(address, context, count - int(count * DOWNLOAD_SHARE))
    after = kernel_clock()()
    return {
        "boot_id": after.boot_id, "boottime_ms": after.boottime_ms, "download_kbit": down.kbit(),
        "upload_kbit": up_kbit, "bytes": down.total + up_bytes,
    }  # fmt: skip


def with_room(ledger: Path, count: int, budget: int, wall_ms: int | None) -> list[list[int]]:
    """Return what was used in 30 days, times and bytes. Where the date is not known nothing is forgotten.

    Raises:
        OperationError: with this test it would be more than ``budget`` in 30 days.
    """
    try:
        said = json.loads(ledger.read_text("utf-8"))
        rows = [[int(at), int(size)] for at, size in said]
    except FileNotFoundError:
        rows = []
    except (OSError, ValueError, TypeError):
        raise OperationError(f"{ledger}: cannot be read; delete it to begin anew") from None
    if wall_ms is not None:
        # A row from before the date was known counts from now on.
        rows = [[at or wall_ms, size] for at, size in rows if not at or wall_ms - LEDGER_MS < at]
    used = sum(size for _, size in rows)
    if used + count > budget:
        raise OperationError(
            f"the budget of speed tests is {budget // 1_000_000} MB in 30 days (agent.speed_test_megabytes), "
            f"{used // 1_000_000} MB are used, and this test may need {count // 1_000_000} MB"
        )
    return rows


def client_context(identity: Path) -> ssl.SSLContext:
    """Make the TLS of a hub. Raises OSError."""
    context = ssl.create_default_context(cafile=str(identity / "ca.crt"))
    context.load_cert_chain(identity / "hub.crt", identity / "hub.key")
    return context


def download(
    address: tuple[str, int],
    context: ssl.SSLContext,
    count: int,
    clock: Callable[[], float] = time.monotonic,
    begun: Callable[[], None] = lambda: None,
) -> Meter:
    """Take ``count`` bytes, or what comes in `TRANSFER_SECONDS`, after ``begun``. Raises OSError, `OperationError`."""
    meter = Meter()
    with _begun(address, context, {"do": "download", "bytes": count}) as connection:
        begun()
        begin = clock()
        while clock() - begin < TRANSFER_SECONDS and meter.total < count:
            block = connection.recv(BLOCK_BYTES)
            if not block:
                break
            meter.add(clock(), len(block))
    return meter


def upload(
    address: tuple[str, int], context: ssl.SSLContext, count: int, clock: Callable[[], float] = time.monotonic
) -> tuple[int, int | None]:
    """Send ``count`` bytes, or what goes in `TRANSFER_SECONDS`; return what the NOC saw: bytes, and kbit a second."""
    block = os.urandom(BLOCK_BYTES)
    with _begun(address, context, {"do": "upload"}) as connection:
        begin, sent = clock(), 0
        while clock() - begin < TRANSFER_SECONDS and sent < count:
            part = block[: count - sent]
            connection.sendall(len(part).to_bytes(4, "big") + part)
            sent += len(part)
        connection.sendall(bytes(4))
        said = _line(connection)
    total, kbit = said.get("bytes"), said.get("kbit")
    if type(total) is not int or not (kbit is None or type(kbit) is int):
        raise OperationError("the NOC did not say what it saw")
    return total, kbit


def _begun(address: tuple[str, int], context: ssl.SSLContext, wish: dict[str, Any]) -> ssl.SSLSocket:
    raw = socket.create_connection(address, timeout=_CONNECT_SECONDS)
    try:
        connection = context.wrap_socket(raw, server_hostname=address[0])
    except BaseException:
        raw.close()
        raise
    try:
        connection.sendall(say(wish))
        said = _line(connection)
        if said.get("go") is not True:
            raise OperationError(f"the NOC does not measure now: {str(said.get('error', 'no reason was given'))[:200]}")
    except BaseException:
        connection.close()
        raise
    return connection


def _line(connection: ssl.SSLSocket) -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte or len(line) >= LINE_BYTES_MAX:
            raise OperationError("the NOC hung up without an answer")
        line += byte
    try:
        return heard(bytes(line))
    except ValueError as error:
        raise OperationError(f"the NOC's answer cannot be read: {error}") from None


def _write(path: Path, document: dict[str, Any]) -> None:
    # Read by the agent and by the operator, who is root without the power to look into other users' folders.
    write_durably(path, json.dumps(document, ensure_ascii=False), 0o644)


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-agent").split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m agent.speed_test", description="Measures the line, once.")
    parser.add_argument("--megabytes", type=int, required=True, metavar="MB", help="at most so many, both ways")
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="(%(default)s)")
    parser.add_argument("--state", type=Path, default=state, help="identity and ledger (%(default)s)")
    parser.add_argument("--result", type=Path, default=Path(RUNTIME), help="where it tells (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
