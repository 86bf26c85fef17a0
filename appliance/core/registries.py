"""Domains under which a registry gives names to everybody: none of them is one site.

Source: the second levels that PANDI offers under .id (pandi.id), and the common ones elsewhere.
"""

from __future__ import annotations

from typing import Final

REGISTRIES: Final = frozenset(
    [
        "ac.id",
        "biz.id",
        "co.id",
        "desa.id",
        "go.id",
        "mil.id",
        "my.id",
        "net.id",
        "or.id",
        "ponpes.id",
        "sch.id",
        "web.id",
        "kop.id",
        "co.uk",
        "org.uk",
        "com.au",
        "com.sg",
        "com.my",
        "co.jp",
        "com.cn",
        "com.br",
        "com.ph",
        "com.vn",
        "co.th",
        "co.in",
    ]
)
