"""Talk to the kernel's firewall through libnftables, in this process.

A process start of ``nft`` costs 9 ms, a call here about 0.2 ms. Source: libnftables(3), libnftables-json(5).
"""

from __future__ import annotations

import ctypes
import json
import threading
from typing import Any, Final

from appliance.core.errors import OperationError

LIBRARY: Final = "libnftables.so.1"
_JSON: Final = 1 << 4  # NFT_CTX_OUTPUT_JSON
_TERSE: Final = 1 << 11  # NFT_CTX_OUTPUT_TERSE: leave out the elements of sets


# ENOENT, strerror(3), as libnftables words it: no such table, set or element.
_NONE: Final = "No such file or directory"


class NotThere(OperationError):  # noqa: N818 - it may be quite in order
    """The kernel has no such table, set or element."""


class Nftables:
    """One context of libnftables, behind a lock: the library's contexts are not made for threads.

    Raises:
        OperationError: the library is not installed.
    """

    def __init__(self, library: str = LIBRARY) -> None:
        try:
            self._library = _declare(ctypes.CDLL(library))
        except OSError as error:
            raise OperationError(f"{library} cannot be loaded: {error}; install libnftables1") from None
        self._context = self._library.nft_ctx_new(0)
        if not self._context:
            raise OperationError("libnftables gave no context: no memory, or no netlink socket")
        self._library.nft_ctx_buffer_output(self._context)
        self._library.nft_ctx_buffer_error(self._context)
        self._lock = threading.Lock()

    def run(self, commands: str) -> None:
        """Run ``commands``, in nft's own language, as one transaction.

        Raises:
            OperationError: the kernel or the parser refused; nothing was changed.
        """
        self._run(commands, 0)

    def ask(self, command: str) -> list[dict[str, Any]]:
        """Run a ``list`` command and return the objects of its JSON answer.

        Raises:
            NotThere: what was asked for does not exist.
            OperationError: it was refused.
        """
        answer = self._run(command, _JSON)
        objects: list[dict[str, Any]] = json.loads(answer)["nftables"] if answer else []
        return objects

    def text(self, command: str) -> str:
        """Run a ``list`` command and return its text, without the elements of sets. Raises `OperationError`."""
        return self._run(command, _TERSE)

    def get(self, command: str) -> str:
        """Run a ``get element`` command and return its text; version 1.0.6 has no JSON for it.

        Raises:
            NotThere: there is no such element.
            OperationError: it was refused.
        """
        return self._run(command, 0)

    def close(self) -> None:
        """Free the context. The rules stay as they are."""
        with self._lock:
            if self._context:
                self._library.nft_ctx_free(self._context)
                self._context = None

    def _run(self, commands: str, flags: int) -> str:
        with self._lock:
            if not self._context:
                raise OperationError("the firewall's context is closed")
            self._library.nft_ctx_output_set_flags(self._context, flags)
            failed = self._library.nft_run_cmd_from_buffer(self._context, commands.encode())
            # Both are read each time: reading is what empties them.
            output = self._library.nft_ctx_get_output_buffer(self._context)
            errors = self._library.nft_ctx_get_error_buffer(self._context)
        if failed:
            said = errors.decode(errors="replace").strip()[:1000]
            # The first line says why; the others repeat the command.
            kind = NotThere if _NONE in said.partition("\n")[0] else OperationError
            raise kind(f"the firewall refused: {said}")
        return str(output.decode(errors="replace"))


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    context = ctypes.c_void_p
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "nft_ctx_new": (context, [ctypes.c_uint32]),
        "nft_ctx_free": (None, [context]),
        "nft_ctx_buffer_output": (ctypes.c_int, [context]),
        "nft_ctx_buffer_error": (ctypes.c_int, [context]),
        "nft_ctx_output_set_flags": (None, [context, ctypes.c_uint]),
        "nft_run_cmd_from_buffer": (ctypes.c_int, [context, ctypes.c_char_p]),
        "nft_ctx_get_output_buffer": (ctypes.c_char_p, [context]),
        "nft_ctx_get_error_buffer": (ctypes.c_char_p, [context]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
