"""The SLA of a month on one page A4: of a hub with a strip for each day, and of an area with its hubs.

Readable in black and white: what differs differs in shade and in height too.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from flask_babel import gettext

from noc.papers import words
from noc.papers.months import HubMonth
from noc.rules.outages import LONG_MS, Outage
from noc.rules.sla import Month, Sla, SlaClass, add
from noc.rules.states import Condition

if TYPE_CHECKING:
    from fpdf import FPDF

_LEFT: Final = 15.0
_WIDTH: Final = 180.0
_CUTS_MAX: Final = 8
_HUBS_MAX: Final = 32
_DAY_MS: Final = 86_400_000
# Grey of 0 to 255, and how much of the strip's height it fills.
_SHADES: Final = {
    Condition.UP: (225, 0.35),
    Condition.LINK: (0, 1.0),
    Condition.UNUSABLE: (60, 0.7),
    Condition.POWER: (120, 1.0),
    Condition.MAINTENANCE: (170, 0.7),
    Condition.UNKNOWN: (255, 1.0),
}


def hub_page(each: HubMonth, made_at: datetime.datetime) -> bytes:
    """Draw the page of one hub."""
    sla = each.version.sla
    pdf = _page(gettext("Laporan layanan internet desa"), made_at)
    zone = words.zone(each.hub.timezone)
    _lines(
        pdf,
        [
            (gettext("Desa"), f"{each.hub.name} ({each.hub.kode_wilayah})"),
            (gettext("Hub"), each.hub.hub_id),
            (gettext("Bulan"), gettext("%(month)s, waktu %(zone)s", month=words.month(sla.month), zone=zone)),
            (gettext("Versi"), _version_line(each)),
        ],
    )
    _availability(pdf, sla)
    _classes(pdf, sla)
    _strips(pdf, each)
    _cuts(pdf, each.outages, each.hub.timezone)
    _footnote(pdf)
    return bytes(pdf.output())


def area_page(area: str, months: Sequence[HubMonth], month: Month, made_at: datetime.datetime) -> bytes:
    """Draw the page of an area: all its hubs together, and those with the longest cuts by name."""
    total = add((each.version.sla for each in months), month)
    pdf = _page(gettext("Laporan layanan internet wilayah"), made_at)
    _lines(
        pdf,
        [
            (gettext("Wilayah"), area),
            (gettext("Bulan"), words.month(month)),
            (gettext("Hub"), str(len(months))),
        ],
    )
    _availability(pdf, total)
    _classes(pdf, total)
    _hubs(pdf, months)
    _footnote(pdf)
    return bytes(pdf.output())


def _page(title: str, made_at: datetime.datetime) -> FPDF:
    # Loaded for this alone: it brings fonts and an image library along.
    from fpdf import FPDF  # noqa: PLC0415

    pdf = FPDF(format="A4")
    pdf.set_margins(_LEFT, 14, _LEFT)
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(made_at)
    pdf.set_title(title)
    pdf.set_lang("id")
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 16)
    pdf.cell(_WIDTH, 9, _text(title), new_x="LMARGIN", new_y="NEXT")
    return pdf


def _text(text: str) -> str:
    """Bring a text to what the page's built-in letters can write."""
    return text.replace("\u2013", "-").encode("latin-1", "replace").decode("latin-1")


def _lines(pdf: FPDF, rows: Iterable[tuple[str, str]]) -> None:
    for name, value in rows:
        pdf.set_font("Helvetica", "", 10)
        pdf.cell(28, 5.5, _text(name))
        pdf.set_font("Helvetica", "B", 10)
        pdf.cell(_WIDTH - 28, 5.5, _text(_short(value, 90)), new_x="LMARGIN", new_y="NEXT")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _version_line(each: HubMonth) -> str:
    version = each.version
    made = words.moment(version.made_ms, each.hub.timezone)
    if not version.changes:
        return str(gettext("%(number)d, dibuat %(made)s", number=version.number, made=made))
    names = words.classes()
    greatest = max(version.changes, key=lambda c: abs(c.after_seconds - c.before_seconds))
    said = gettext(
        "%(number)d, dibuat %(made)s; terutama berubah: %(name)s %(seconds)+d detik",
        number=version.number,
        made=made,
        name=names[greatest.sla_class].lower(),
        seconds=greatest.after_seconds - greatest.before_seconds,
    )
    return str(said)


def _availability(pdf: FPDF, sla: Sla) -> None:
    permille = sla.availability_permille
    unknown = words.percent(sla.seconds[SlaClass.UNKNOWN], sla.total_seconds - sla.seconds[SlaClass.AHEAD])
    pdf.ln(2)
    pdf.set_font("Helvetica", "B", 26)
    said = gettext("tidak diketahui") if permille is None else words.percent(permille, 1000)
    pdf.cell(_WIDTH, 12, _text(said), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Helvetica", "", 9)
    told = gettext(
        "ketersediaan jaringan selama waktu yang diketahui; %(unknown)s dari waktu itu tidak diketahui.",
        unknown=unknown,
    )
    pdf.cell(_WIDTH, 5, _text(told), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)


def _classes(pdf: FPDF, sla: Sla) -> None:
    names = words.classes()
    for sla_class in SlaClass:
        seconds = sla.seconds[sla_class]
        if sla_class is SlaClass.AHEAD and not seconds:
            continue
        share = words.percent(seconds, sla.total_seconds)
        _row(pdf, (names[sla_class], words.duration(seconds), share), (100, 50, 30))
    pdf.set_font("Helvetica", "B", 9)
    _row(pdf, (gettext("Jumlah"), words.duration(sla.total_seconds), ""), (100, 50, 30), is_bold=True)
    counted = gettext(
        "Putus lebih dari 300 detik: %(long)d kali. Putus sampai 300 detik: %(short)d kali.",
        long=sla.long_cuts,
        short=sla.short_cuts,
    )
    pdf.cell(_WIDTH, 5, _text(counted), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1.5)


def _row(pdf: FPDF, cells: Sequence[str], widths: Sequence[float], *, is_bold: bool = False) -> None:
    pdf.set_font("Helvetica", "B" if is_bold else "", 9)
    for i, (text, width) in enumerate(zip(cells, widths, strict=True)):
        pdf.cell(width, 4.8, _text(text), border="B", align="L" if i == 0 else "R")
    pdf.ln(4.8)
    pdf.set_font("Helvetica", "", 9)


def _strips(pdf: FPDF, each: HubMonth) -> None:
    """Draw a strip for each day of the month, midnight to midnight."""
    begin_ms, end_ms = each.version.sla.month.bounds_ms(each.hub.timezone)
    top, height, left = pdf.get_y(), 2.7, _LEFT + 8
    pdf.set_line_width(0.1)
    scale = (_WIDTH - 8) / _DAY_MS
    days = (end_ms - begin_ms) // _DAY_MS
    for day in range(days):
        y = top + day * height
        pdf.set_font("Helvetica", "", 6)
        pdf.text(_LEFT, y + height - 0.6, str(day + 1))
        for span in each.spans:
            start_ms = max(span.start_ms, begin_ms + day * _DAY_MS)
            stop_ms = min(span.end_ms, begin_ms + (day + 1) * _DAY_MS)
            if stop_ms <= start_ms:
                continue
            shade, share = _SHADES[span.state.condition]
            pdf.set_fill_color(shade)
            x = left + (start_ms - begin_ms - day * _DAY_MS) * scale
            full = (height - 0.5) * share
            # A cut of a minute is thinner than the pen; it must be seen all the same.
            width = max((stop_ms - start_ms) * scale, 0.12)
            pdf.rect(x, y + height - 0.5 - full, width, full, style=_style(span.state.condition))
    pdf.set_y(top + days * height + 1)
    pdf.set_font("Helvetica", "", 7)
    names = words.conditions()
    for condition, (shade, share) in _SHADES.items():
        pdf.set_fill_color(shade)
        x, y = pdf.get_x(), pdf.get_y()
        pdf.rect(x + 1, y + 3 - 2.4 * share, 4, 2.4 * share, style=_style(condition))
        pdf.set_x(x + 6)
        pdf.cell(24, 4, _text(names[condition]))
    pdf.ln(6)


def _style(condition: Condition) -> str:
    """What is unknown is an empty box, so that nobody takes it for calm."""
    return "D" if condition is Condition.UNKNOWN else "F"


def _cuts(pdf: FPDF, found: Sequence[Outage], timezone: str) -> None:
    long = sorted((o for o in found if o.duration_ms > LONG_MS), key=lambda o: (-o.duration_ms, o.start_ms))
    if not long:
        return
    names, causes, bases = words.conditions(), words.causes(), words.bases()
    head = (gettext("Gangguan terlama"), gettext("mulai"), gettext("lama"), gettext("sebab"))
    widths = (34.0, 38.0, 28.0, 80.0)
    _row(pdf, head, widths, is_bold=True)
    for outage in long[:_CUTS_MAX]:
        cause = f"{causes[outage.cause]} ({bases[outage.basis]})"
        cells = (
            names[outage.condition],
            words.moment(outage.start_ms, timezone),
            words.duration((outage.duration_ms + 500) // 1000),
            _short(cause, 52),
        )
        _row(pdf, cells, widths)
    if len(long) > _CUTS_MAX:
        rest = gettext("dan %(count)d gangguan lain di atas 300 detik", count=len(long) - _CUTS_MAX)
        pdf.cell(_WIDTH, 5, _text(rest), new_x="LMARGIN", new_y="NEXT")


def _hubs(pdf: FPDF, months: Sequence[HubMonth]) -> None:
    head = (
        gettext("Hub dengan gangguan jaringan terlama"),
        gettext("ketersediaan"),
        gettext("putus > 300 detik"),
        gettext("listrik"),
        gettext("tidak diketahui"),
    )
    widths = (68.0, 24.0, 30.0, 28.0, 30.0)
    _row(pdf, head, widths, is_bold=True)
    worst = sorted(months, key=lambda m: (-m.version.sla.seconds[SlaClass.LINK_LONG], m.hub.kode_wilayah))
    for each in worst[:_HUBS_MAX]:
        sla = each.version.sla
        permille = sla.availability_permille
        cells = (
            _short(f"{each.hub.name} ({each.hub.kode_wilayah})", 40),
            "-" if permille is None else words.percent(permille, 1000),
            words.duration(sla.seconds[SlaClass.LINK_LONG]),
            words.duration(sla.seconds[SlaClass.POWER]),
            words.duration(sla.seconds[SlaClass.UNKNOWN]),
        )
        _row(pdf, cells, widths)
    if len(worst) > _HUBS_MAX:
        rest = gettext("dan %(count)d hub lain; semuanya ada di tabel CSV", count=len(worst) - _HUBS_MAX)
        pdf.cell(_WIDTH, 5, _text(rest), new_x="LMARGIN", new_y="NEXT")


def _footnote(pdf: FPDF) -> None:
    pdf.set_y(272)
    pdf.set_font("Helvetica", "", 7.5)
    text = gettext(
        "Cara membaca: ketersediaan = waktu tanpa putus lebih dari 300 detik, dibagi waktu yang diketahui tanpa"
        " listrik padam dan pemeliharaan. Putus sampai 300 detik tidak dihitung sebagai gangguan. Yang tidak tercatat"
        " tetap 'tidak diketahui' dan tidak ditebak; data yang datang terlambat menghasilkan versi baru."
    )
    pdf.multi_cell(_WIDTH, 3.6, _text(text))
