"""CBOR as it travels between hub and NOC: no tags, no lengths left open, no key twice, no depth without end. Pure.

Source: RFC 8949.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

import cbor2

DEPTH_MAX: Final = 8


def _refuse_tag(*_: object) -> NoReturn:
    raise ValueError("a tagged value")


# cbor2 gives meaning to these tags (dates, big numbers, patterns to compile, shared values); a message holds none.
_TAGS: Final = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag
)


def load_cbor(data: bytes) -> Any:
    """Read one value. Raises ValueError with what is not as agreed; the caller has bounded the bytes."""
    try:
        return cbor2.loads(
            data,
            semantic_decoders=_TAGS,
            max_depth=DEPTH_MAX,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise ValueError(f"the body is not CBOR as agreed: {str(error)[:120]}") from None
