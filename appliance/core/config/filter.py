"""``[filter]`` and ``[[filter.lists]]``: what the family filter keeps away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.config.values import HOST, LIST_SOURCE, SHORT_NAME
from appliance.core.errors import Problem
from appliance.core.schema import option, section


@dataclass(frozen=True, slots=True)
class FilterList:
    """One of ``[[filter.lists]]``: a list of domains, kept up to date by the box."""

    name: str = option(about="A short name for the list.", example="judi", rule=SHORT_NAME)
    source: str = option(
        about="Where it comes from: a file on the box, or an address that is asked once a day.",
        example="https://lists.example.go.id/judi.txt",
        rule=LIST_SOURCE,
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """``[filter]``: what the family filter keeps away in networks that have ``filter = true``."""

    blocked_domains: tuple[str, ...] = option(
        about="Domains that are blocked, with everything below them, besides those of the lists.",
        example=["judi.example"],
        rule=HOST,
        at_most=10_000,
        default=(),
    )
    allowed_domains: tuple[str, ...] = option(
        about="Domains that are never blocked, with everything below them, whatever a list says.",
        example=["desa.id"],
        rule=HOST,
        at_most=10_000,
        default=(),
    )
    lists: tuple[FilterList, ...] = section(about="Lists of domains.", at_most=16, default=())
    safe_search: bool = option(
        about="Whether search engines and YouTube show their safe results.", example=True, default=True
    )
    refuse_encrypted_dns: bool = option(
        about="Whether known servers of encrypted DNS (DoH, DoT), which go around the filter, are refused.",
        example=True,
        default=True,
    )

    def problems(self) -> Iterator[Problem]:
        """Each list has its own name."""
        names = [one.name for one in self.lists]
        for i, name in enumerate(names):
            if name in names[:i]:
                yield Problem(
                    f"lists[{i}].name", f"is {name!r}, as lists[{names.index(name)}].name", "allowed is each once"
                )
