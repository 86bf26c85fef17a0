"""Phones in one network do not reach each other."""

from __future__ import annotations

import json

import pytest

from script.village import plan
from script.village.programs import run, succeeds
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village]


def _address(namespace: str) -> str:
    [link] = json.loads(run(["ip", "-n", namespace, "-j", "-4", "address", "show", "dev", "eth0"]))
    address: str = link["addr_info"][0]["local"]
    return address


def _pings(namespace: str, address: str) -> bool:
    return succeeds(["ip", "netns", "exec", namespace, "busybox", "ping", "-c", "1", "-W", "2", address])


def test_a_phone_reaches_the_box_and_no_other_phone(village: Village) -> None:
    second, third = "desa-phone-2", "desa-phone-3"
    assert _pings(second, plan.HUB_ADDRESS)
    assert not _pings(second, _address(third))
    assert not _pings(third, _address(second))
