"""Search engines that keep adult results away for a whole network: their names are answered as another name.

Source: support.google.com/websearch/answer/186669 and support.google.com/a/answer/6214622 (YouTube),
support.microsoft.com "Block adult content with SafeSearch", duckduckgo.com/duckduckgo-help-pages/features/safe-search,
pixabay.com/blog/posts/safesearch, search.brave.com/help/safesearch.
"""

from __future__ import annotations

from typing import Final

# Google's country domains: Indonesia, its neighbours, where its people work, and the large ones.
_GOOGLE: Final = (
    "com", "co.id", "ad", "ae", "at", "be", "ca", "ch", "cn", "co.in", "co.jp", "co.kr", "co.nz", "co.th", "co.uk",
    "co.za", "com.au", "com.bd", "com.bh", "com.bn", "com.br", "com.eg", "com.hk", "com.kh", "com.kw", "com.mm",
    "com.mx", "com.my", "com.om", "com.pg", "com.ph", "com.pk", "com.qa", "com.sa", "com.sg", "com.sb", "com.tr",
    "com.tw", "com.vn", "cz", "de", "dk", "es", "fi", "fr", "gr", "hu", "ie", "it", "jo", "la", "lk", "nl", "no",
    "pl", "pt", "ro", "ru", "se", "sr", "tl", "vu", "ws",
)  # fmt: skip
_GOOGLE_SAFE: Final = b"forcesafesearch.google.com"
_YOUTUBE_SAFE: Final = b"restrictmoderate.youtube.com"

SAFE_HOSTS: Final[dict[bytes, bytes]] = {
    **{f"{front}google.{end}".encode(): _GOOGLE_SAFE for end in _GOOGLE for front in ("", "www.")},
    **dict.fromkeys(
        (
            b"youtube.com", b"www.youtube.com", b"m.youtube.com", b"youtubei.googleapis.com", b"youtube.googleapis.com",
            b"www.youtube-nocookie.com",
        ),
        _YOUTUBE_SAFE,
    ),
    **dict.fromkeys((b"bing.com", b"www.bing.com"), b"strict.bing.com"),
    **dict.fromkeys((b"duckduckgo.com", b"www.duckduckgo.com", b"start.duckduckgo.com"), b"safe.duckduckgo.com"),
    **dict.fromkeys((b"pixabay.com", b"www.pixabay.com"), b"safesearch.pixabay.com"),
    b"search.brave.com": b"forcesafe.search.brave.com",
}  # fmt: skip
