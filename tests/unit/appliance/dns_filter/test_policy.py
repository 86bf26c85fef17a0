"""What becomes of a question."""

from __future__ import annotations

import dataclasses

import pytest

from appliance.core import encrypted_dns
from appliance.core.config import Config, parse
from appliance.core.probes import PROBE_HOSTS
from appliance.dns_filter import message, names
from appliance.dns_filter.message import Type
from appliance.dns_filter.policy import Policy, Verdict
from appliance.dns_filter.safe_search import SAFE_HOSTS
from tests.golden.test_rendered import FOLDER

CONFIG: Config = parse((FOLDER / "filter" / "hub.toml").read_text("utf-8"))


class Everything:
    """A list that names all there is."""

    def blocks(self, name: bytes) -> bool:
        return True


class Nothing:
    """No list."""

    def blocks(self, name: bytes) -> bool:
        return False


def _decide(name: str, config: Config = CONFIG, kind: int = Type.A, *, listed: bool = False) -> Verdict:
    query = message.parse_query(message.ask(1, name.encode(), kind))
    return Policy.of(config).decide(query, Everything() if listed else Nothing())


@pytest.mark.parametrize(
    "host",
    [
        *sorted(PROBE_HOSTS - {"www.google.com"}),
        "masuk.desa.internal",
        "layanan.desa.internal",
        "x.desa.id",
        "bansos.example.go.id",
    ],
)
def test_what_the_box_needs_is_never_blocked(host: str) -> None:
    assert _decide(host, listed=True) is Verdict.PASS


def test_the_noc_is_never_blocked() -> None:
    with_noc = parse((FOLDER / "filter" / "hub.toml").read_text("utf-8") + '[noc]\nhost = "noc.example.go.id"\n')
    assert _decide("noc.example.go.id", with_noc, listed=True) is Verdict.PASS
    assert _decide("noc.example.go.id", listed=True) is Verdict.BLOCK


def test_lists_and_hub_toml_block() -> None:
    assert _decide("berita.example") is Verdict.PASS
    assert _decide("berita.example", listed=True) is Verdict.BLOCK
    assert _decide("www.judi.example") is Verdict.BLOCK
    assert _decide("WWW.JUDI.EXAMPLE") is Verdict.BLOCK
    assert _decide("bukanjudi.example") is Verdict.PASS


def test_encrypted_dns_is_blocked_where_the_village_says_so() -> None:
    free = dataclasses.replace(CONFIG, filter=dataclasses.replace(CONFIG.filter, refuse_encrypted_dns=False))
    assert _decide("mozilla.cloudflare-dns.com") is Verdict.BLOCK
    assert _decide("mozilla.cloudflare-dns.com", free) is Verdict.PASS


@pytest.mark.parametrize("name", sorted(encrypted_dns.CANARIES))
def test_canaries_are_told_that_there_is_a_filter(name: str) -> None:
    assert _decide(name) is Verdict.DENY


def test_search_is_safe_for_addresses_unless_switched_off() -> None:
    free = dataclasses.replace(CONFIG, filter=dataclasses.replace(CONFIG.filter, safe_search=False))
    for kind in (Type.A, Type.AAAA, Type.HTTPS):
        assert _decide("www.google.co.id", kind=kind) is Verdict.SAFE
    assert _decide("www.google.co.id", free) is Verdict.PASS
    assert _decide("www.google.co.id", kind=15) is Verdict.PASS, "mail goes its own way"
    assert _decide("www.bing.com", listed=True) is Verdict.BLOCK


def test_the_tables_hold_names_in_the_form_that_is_compared() -> None:
    for name in (*SAFE_HOSTS, *SAFE_HOSTS.values(), *(host.encode() for host in encrypted_dns.HOSTS)):
        assert names.normalise(name) == name
    assert not set(SAFE_HOSTS) & set(SAFE_HOSTS.values()), "an alias leads to no alias"
    # Else no browser would come to its safe results, and no phone to its probe.
    for host in (*(name.decode() for name in SAFE_HOSTS.values()), *PROBE_HOSTS):
        assert not names.is_under(host.encode(), {one.encode() for one in encrypted_dns.HOSTS})
