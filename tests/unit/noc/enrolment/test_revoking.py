"""The list of revoked certificates on a NOC whose clock is set back: a list of the future would shut every hub out."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509

from noc.enrolment.revoking import Revoking, write_list
from tests.unit.noc.enrolment.asking import START, Noc, new_key

SECOND, YEARS = datetime.timedelta(seconds=1), datetime.timedelta(days=3_000)


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    return Noc(tmp_path)


def begin(path: Path) -> datetime.datetime:
    return x509.load_pem_x509_crl(path.read_bytes()).last_update_utc


def test_each_list_is_later_than_the_one_before_and_none_is_of_the_future(noc: Noc, tmp_path: Path) -> None:
    path, begins = tmp_path / "revoked.pem", []
    for now in (START, START, START - 60 * SECOND, START + SECOND):
        write_list(noc.authority, path, (), now)
        begins.append(begin(path))
        assert begins[-1] < now
    assert begins == sorted(set(begins))


def test_a_list_that_was_made_while_the_clock_was_far_ahead_is_made_anew(noc: Noc, tmp_path: Path) -> None:
    path = tmp_path / "revoked.pem"
    key = new_key()
    noc.claim("hub-satu", noc.code("hub-satu"), key)
    noc.claim("hub-satu", noc.code("hub-satu"), new_key())
    (revoked,) = noc.ledger.revocations()
    noc.ledger.carried_out([revoked.serial])
    write_list(noc.authority, path, [int(revoked.serial, 16)], START + YEARS)
    assert begin(path) > START
    Revoking(noc.authority, noc.ledger, path, [], lambda: noc.now).turn()
    assert begin(path) < START
    listed = {each.serial_number for each in x509.load_pem_x509_crl(path.read_bytes())}
    assert int(revoked.serial, 16) in listed
