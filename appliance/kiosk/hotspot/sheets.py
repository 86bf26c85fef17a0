"""Sheets of vouchers for the printer: which ones, how many to a page, and each one's QR code. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from appliance.core.config import Config
from appliance.core.config.networks import Access
from appliance.hotspot.protocol import BatchVoucher, VoucherState
from appliance.kiosk.hotspot.batches import SHEET_VOUCHERS

# Each QR code costs some milliseconds: a page of at most so many sheets comes at once on a small board too.
SHEETS_AT_ONCE: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """What is printed at once: sheets of vouchers, and which part of how many it is (from 1)."""

    sheets: tuple[tuple[BatchVoucher, ...], ...]
    number: int
    parts_count: int
    vouchers_count: int


def part(vouchers: Sequence[BatchVoucher], number: int, *, used_too: bool) -> Part:
    """Choose what to print: those nobody has used, or all that still hold; never what is void, expired or used up."""
    wanted = (VoucherState.UNUSED, VoucherState.ACTIVE) if used_too else (VoucherState.UNUSED,)
    chosen = [voucher for voucher in vouchers if voucher.state in wanted]
    at_once = SHEET_VOUCHERS * SHEETS_AT_ONCE
    count = max(1, -(-len(chosen) // at_once))
    number = min(max(1, number), count)
    now = chosen[(number - 1) * at_once : number * at_once]
    sheets = tuple(tuple(now[i : i + SHEET_VOUCHERS]) for i in range(0, len(now), SHEET_VOUCHERS))
    return Part(sheets, number, count, len(chosen))


def address(config: Config, code: str) -> str:
    """Where a voucher's QR code leads: the portal, with the code already typed."""
    return f"http://{config.portal.host}/voucher?kode={code.replace('-', '')}"


def qr(text: str) -> Markup:
    """A QR code as SVG to stand in a page (ISO/IEC 18004, level M).

    It brings half of its quiet zone; the voucher's margin is the rest. It carries no style, which the pages' policy
    would refuse.
    """
    # A kiosk pays for its memory only once somebody prints.
    import segno  # noqa: PLC0415

    made = segno.make_qr(text, error="m", boost_error=False)
    return Markup(made.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass=None))  # noqa: S704 - paths only


def networks(config: Config) -> tuple[str, ...]:
    """The names in the air of the networks that take vouchers."""
    return tuple(network.ssid for network in config.resident_networks if Access.VOUCHER in network.access)
