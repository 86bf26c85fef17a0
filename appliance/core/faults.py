"""What a journal is told of a fault: where it came about, and nothing of what was being worked on. Pure.

The text of an exception often repeats the value that it stumbled over: ``invalid literal for int(): '5103…'``. A
journal is read by whoever mends the box, kept for weeks, and sent to others for advice; a resident's data have no place
there. So only exceptions that speak of the program or the machine keep their words.
"""

from __future__ import annotations

import traceback
from typing import Final

from appliance.core.errors import DesahubError

# Ours are written for whoever reads them; the others name modules, attributes, paths and system calls.
_SPEAK_OF_THE_PROGRAM: Final = (DesahubError, OSError, ImportError, AttributeError, NameError, NotImplementedError)
_CHAIN_MAX: Final = 10


def trace(error: BaseException) -> str:
    """Say where an exception was raised, and those that led to it, the first of all first; without their values."""
    parts: list[str] = []
    found: BaseException | None = error
    while found is not None and len(parts) < _CHAIN_MAX:
        parts.append("".join([*traceback.format_tb(found.__traceback__), _said(found)]))
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\nand then\n".join(reversed(parts))


def _said(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name}: {error}" if isinstance(error, _SPEAK_OF_THE_PROGRAM) else name
