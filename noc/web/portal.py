"""A hub's page: the certificate of its portal, until when it holds, and what is in the way of the next."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from noc.portal_certificates.rules import is_open
from noc.portal_certificates.source import Trouble
from noc.portal_certificates.spool import Spool


@dataclass(frozen=True, slots=True)
class PortalView:
    """What is shown. ``trouble`` is what the last try came to, "" where none failed; ``said`` is the programs' own."""

    names: tuple[str, ...]
    ends_ms: int | None
    is_over: bool
    is_asked: bool
    trouble: str
    tried_ms: int | None
    said: str


def view(spool: Spool, hub_id: str, now_ms: int) -> PortalView | None:
    """Look how it stands; None of a hub that never asked for one."""
    answer, request = spool.answer(hub_id), spool.request(hub_id)
    if answer is None and request is None:
        return None
    got, tried = (answer.got, answer.tried) if answer is not None else (None, None)
    is_asked = request is not None and is_open(request, answer)
    ends_ms = None if got is None else got.ends_s * 1000
    return PortalView(
        names=got.names if got is not None else request.names if request is not None else (),
        ends_ms=ends_ms,
        is_over=ends_ms is not None and ends_ms <= now_ms,
        is_asked=is_asked,
        trouble="" if tried is None or not is_asked else trouble_words()[tried.trouble],
        tried_ms=None if tried is None else tried.tried_s * 1000,
        said="" if tried is None else tried.said,
    )


def trouble_words() -> dict[Trouble, str]:
    """Say each trouble in a few words."""
    return {
        Trouble.BEGUN: gettext("sedang dicoba, atau percobaan terakhir terputus"),
        Trouble.RATE_LIMITED: gettext("otoritas minta jangan terlalu sering; semua menunggu"),
        Trouble.CA_AWAY: gettext("otoritas tidak terjangkau"),
        Trouble.ACCOUNT: gettext("otoritas menolak akun NOC ini"),
        Trouble.PROVIDER: gettext("penyedia DNS belum diatur dengan benar"),
        Trouble.DNS_UPDATE: gettext("penyedia DNS tidak menerima catatan"),
        Trouble.NOT_SEEN: gettext("catatan DNS tidak terlihat dari luar"),
        Trouble.REFUSED: gettext("otoritas tidak memberi sertifikat untuk nama ini"),
        Trouble.OTHER: gettext("sebab lain; lihat desahub-noc portal list"),
    }
