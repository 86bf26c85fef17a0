"""Whose turn it is, who waits and why: the worker against a source in memory, with a clock that is told."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import ConfigError, OperationError
from noc.portal_certificates import csr, rules, turn
from noc.portal_certificates.lego import Lego, parse_credentials, trouble_of
from noc.portal_certificates.plan import Plan, parse
from noc.portal_certificates.rules import HOUR, WEEK, Answer, Got, Queue, Request, Tried
from noc.portal_certificates.source import Failed, Trouble
from noc.portal_certificates.spool import Spool
from tests.authority import NOW, Authority
from tests.contract.certificate_source_twin import CertificateSourceTwin
from tests.unit.noc.enrolment.test_portal_desk import request

ZONE = "hub.kab.go.id"
PLAN = Plan((ZONE,), "rfc2136", "noc@kab.go.id", terms_agreed=True, tries_an_hour=5, new_names_a_week=8)
START = int(NOW.timestamp())


class Noc:
    """A spool, a source in memory, and a clock."""

    def __init__(self, folder: Path, plan: Plan = PLAN) -> None:
        self.spool, self.plan, self.now_s = Spool(folder / "requests", folder / "portal"), plan, START
        self.twin = CertificateSourceTwin(Authority(), [ZONE])

    def ask(self, hub_id: str, name: str = "") -> Request:
        names = (name or f"{hub_id}.{ZONE}",)
        pem = request(ec.generate_private_key(ec.SECP256R1()), *names)
        made = Request(hub_id, names, csr.read_request(pem.encode()).key, pem, self.now_s)
        self.spool.put_request(made)
        return made

    def run(self, hours: float = 0.0) -> int:
        self.now_s += int(hours * HOUR)
        self.twin.authority.now = datetime.datetime.fromtimestamp(self.now_s, datetime.UTC)
        return turn.run(self.spool, self.plan, self.twin, lambda: self.now_s)

    def tried(self, hub_id: str) -> Tried | None:
        answer = self.spool.answer(hub_id)
        return None if answer is None else answer.tried

    def has(self, hub_id: str) -> bool:
        answer = self.spool.answer(hub_id)
        return answer is not None and answer.got is not None


@pytest.fixture
def noc(tmp_path: Path) -> Noc:
    return Noc(tmp_path)


def test_each_request_is_obtained_once(noc: Noc) -> None:
    assert noc.run() == 0
    noc.ask("hub-satu")
    noc.ask("hub-dua")
    assert noc.run() == 2
    assert noc.run(1) == 0
    assert len(noc.twin.asked) == 2
    noc.ask("hub-satu")
    assert noc.run(1) == 1
    assert len(noc.twin.asked) == 3


def test_what_ends_first_comes_first_then_the_new_as_they_came(noc: Noc) -> None:
    def answer(hub_id: str, ends_s: int) -> Answer:
        return Answer(hub_id, Got((f"{hub_id}.{ZONE}",), "old", "", "1", 0, ends_s))

    asked = [Request(hub, (f"{hub}.{ZONE}",), hub, "", s) for hub, s in (("c", 3), ("a", 2), ("d", 9), ("e", 1))]
    answers = {each.hub_id: each for each in (answer("d", 500), answer("c", 900))}
    assert [each.hub_id for each in rules.turns(asked, answers, 10)] == ["d", "c", "e", "a"]


def test_a_hub_that_fails_waits_longer_each_time_and_the_others_go_on(noc: Noc) -> None:
    noc.ask("hub-satu", "hub-satu.lain.id")
    noc.ask("hub-dua")
    assert noc.run() == 1
    first = noc.tried("hub-satu")
    assert first is not None
    assert (first.trouble, first.tries, first.next_s - noc.now_s) == (Trouble.REFUSED, 1, 600)
    assert noc.twin.asked == [(f"hub-dua.{ZONE}",)], "what is in no zone is not even asked for"
    pauses = []
    for _ in range(12):
        tried = noc.tried("hub-satu")
        assert tried is not None
        noc.now_s = tried.next_s - 1
        noc.run()
        assert noc.tried("hub-satu") == tried, "not before its time"
        noc.run(1 / HOUR * 1)
        again = noc.tried("hub-satu")
        assert again is not None
        pauses.append(again.next_s - again.tried_s)
    assert pauses[:3] == [1_200, 2_400, 4_800]
    assert pauses[-1] == rules.PAUSE_SECONDS_MAX
    noc.ask("hub-satu")
    assert noc.run() == 1, "another request begins anew"
    assert noc.tried("hub-satu") is None


@pytest.mark.parametrize(
    ("trouble", "seconds"), [(Trouble.RATE_LIMITED, 3_600), (Trouble.CA_AWAY, 300), (Trouble.PROVIDER, 300)]
)
def test_what_concerns_all_stops_all_for_a_while(noc: Noc, trouble: Trouble, seconds: int) -> None:
    for hub in ("hub-satu", "hub-dua", "hub-tiga"):
        noc.ask(hub)
    noc.twin.trouble = trouble
    noc.run()
    assert len(noc.twin.asked) == 1
    queue = noc.spool.queue()
    assert queue.paused_until_s == noc.now_s + seconds
    assert queue.new_s == (), "what gave no certificate counts for no week"
    told = turn.describe(None, noc.spool.request("hub-dua"), queue.said)
    assert told, "to who waits because of another: why"
    assert "as told" not in told, "what was said in between is for the NOC's operator"
    noc.run((seconds - 1) / HOUR)
    assert len(noc.twin.asked) == 1
    noc.run(1 / HOUR)
    assert len(noc.twin.asked) == 2
    assert noc.spool.queue().paused_until_s == noc.now_s + 2 * seconds
    noc.twin.trouble = None
    assert noc.run(2 * seconds / HOUR) + noc.run(0.5) == 3
    assert noc.spool.queue().pauses == 0


def test_a_limit_that_one_hub_met_alone_does_not_hold_up_the_others_for_ever(
    noc: Noc, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, real, tries = noc.ask("hub-satu"), noc.twin.obtain, 0

    def obtain(pem: bytes) -> bytes:
        nonlocal tries
        if csr.read_request(pem).key != first.key:
            return real(pem)
        tries += 1
        raise Failed(Trouble.RATE_LIMITED, "too many certificates already issued for this exact set of names")

    monkeypatch.setattr(noc.twin, "obtain", obtain)
    noc.run()
    for number in range(3):
        noc.ask(f"hub-{number:03}")
    noc.run(1)
    assert [noc.has(f"hub-{number:03}") for number in range(3)] == [True] * 3
    noc.run(0.2)
    assert tries == 2, "then it is its turn again"


def test_a_try_that_was_cut_short_is_one_that_failed(noc: Noc, monkeypatch: pytest.MonkeyPatch) -> None:
    noc.ask("hub-satu")
    tries = 0

    def killed(_: bytes) -> bytes:
        nonlocal tries
        tries += 1
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(noc.twin, "obtain", killed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                noc.run(0.2)
            assert noc.run(0.1) == 0, "an authority that gave one already is not asked at once for another"
            noc.now_s += HOUR
    assert tries == 3
    tried = noc.tried("hub-satu")
    assert tried is not None
    assert (tried.tries, tried.trouble) == (3, Trouble.BEGUN)
    assert noc.run(1) == 1


def test_what_is_no_file_keeps_nobody_waiting(noc: Noc, tmp_path: Path) -> None:
    noc.ask("hub-satu")
    answers = tmp_path / "portal/answers"
    answers.mkdir(parents=True)
    os.mkfifo(answers / "hub-satu.json")
    os.mkfifo(tmp_path / "portal/ending.json")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text('{"hub_id": "hub-dua"}')
    (answers / "hub-dua.json").symlink_to(elsewhere)
    (answers / "hub-tiga.json").mkdir()
    assert noc.spool.answer("hub-satu") is None
    assert noc.spool.answers() == {}
    assert noc.spool.ending() == frozenset()


def test_no_more_than_so_many_in_an_hour(noc: Noc) -> None:
    for number in range(7):
        noc.ask(f"hub-{number:03}")
    assert noc.run() == 5
    assert noc.run(0.9) == 0
    assert noc.run(0.2) == 2


def test_no_more_new_names_than_so_many_in_a_week_but_renewals(noc: Noc) -> None:
    for number in range(9):
        noc.ask(f"hub-{number:03}")
    assert noc.run() + noc.run(2) + noc.run(2) == 8
    waits = next(f"hub-{number:03}" for number in range(9) if not noc.has(f"hub-{number:03}"))
    noc.ask("hub-000")
    assert noc.run(2) == 1, "a renewal does not wait for those"
    assert not noc.has(waits)
    noc.run(WEEK / HOUR)
    assert noc.has(waits)


def test_a_clock_that_was_set_back_holds_nobody_up(noc: Noc) -> None:
    noc.ask("hub-satu")
    noc.twin.trouble = Trouble.RATE_LIMITED
    noc.run()
    noc.twin.trouble = None
    noc.now_s -= 400 * 86_400
    assert noc.run() == 1


def test_the_watch_is_told_whose_certificate_should_have_been_renewed(noc: Noc) -> None:
    noc.ask("hub-satu")
    noc.run()
    assert noc.spool.ending() == frozenset()
    noc.run(75 * 24)
    assert noc.spool.ending() == frozenset()
    noc.run(2 * 24)
    assert noc.spool.ending() == {"hub-satu"}
    noc.ask("hub-satu")
    noc.run()
    assert noc.spool.ending() == frozenset(), "at once, where one was renewed"
    noc.run((90 + 29) * 24)
    assert noc.spool.ending() == {"hub-satu"}
    noc.run(2 * 24)
    assert noc.spool.ending() == frozenset(), "nobody wants what ended so long ago"


@pytest.mark.parametrize(
    ("life_days", "left_days", "wanted"), [(90, 14, False), (90, 13.9, True), (6, 1.1, False), (6, 0.9, True)]
)
def test_of_a_short_life_less_is_soon(life_days: float, left_days: float, wanted: bool) -> None:
    got = Got(("a",), "key", "", "1", 0, int(life_days * 86_400))
    assert rules.ends_soon(got, int((life_days - left_days) * 86_400)) is wanted


def test_what_is_damaged_counts_for_nothing(noc: Noc, tmp_path: Path) -> None:
    noc.ask("hub-satu")
    (tmp_path / "requests/hub-dua.json").write_text("[")
    (tmp_path / "requests/HUB.json").write_text("{}")
    (tmp_path / "portal/answers").mkdir(parents=True)
    (tmp_path / "portal/answers/hub-satu.json").write_text('{"hub_id": 3}')
    (tmp_path / "portal/queue.json").write_bytes(b"\xff")
    assert noc.run() == 1
    with pytest.raises(OperationError, match="no hub id"):
        noc.spool.answer("../hub-satu")


def test_what_an_authority_gives_for_another_key_is_not_handed_on(noc: Noc, monkeypatch: pytest.MonkeyPatch) -> None:
    noc.ask("hub-satu")
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    for made in (noc.twin.sign(other, f"hub-satu.{ZONE}"), b"", b"\xff", b"-----BEGIN CERTIFICATE-----\n"):
        monkeypatch.setattr(noc.twin, "obtain", lambda _, made=made: made)
        assert noc.run(48) == 0
        tried = noc.tried("hub-satu")
        assert tried is not None
        assert tried.trouble is Trouble.OTHER


def test_files_are_for_the_other_program_whatever_the_mask(noc: Noc, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        noc.ask("hub-satu")
        noc.run()
    finally:
        os.umask(before)
    for path in ("requests/hub-satu.json", "portal/answers/hub-satu.json"):
        assert (tmp_path / path).stat().st_mode & 0o777 == 0o644
        assert (tmp_path / path).parent.stat().st_mode & 0o777 == 0o755


@given(st.lists(st.integers(0, 3 * HOUR), max_size=40), st.integers(1, 10))
def test_in_no_hour_are_more_than_the_plan_allows(steps: list[int], most: int) -> None:
    plan = Plan((ZONE,), "rfc2136", "noc@kab.go.id", terms_agreed=True, tries_an_hour=most)
    queue, now_s, tries = Queue(), START, []
    for step in steps:
        now_s += step
        if not rules.held(queue, plan, now_s):
            queue = rules.begin(queue, now_s, new=False)
            tries.append(now_s)
    assert all(sum(one - HOUR < other <= one for other in tries) <= most for one in tries)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zones = [", "TOML"),
        ('zones = ["x"]', "zones"),
        ("zones = []", "terms_agreed|email"),
        ('zones = ["a.id"]\nprovider = "../x"\nemail = "n@a.id"\nterms_agreed = true', "provider"),
        ('zones = ["a.id"]\nprovider = "rfc2136"\nemail = "--x"\nterms_agreed = true', "email"),
        ('zones = ["a.id"]\nprovider = "rfc2136"\nemail = "n@a.id"', "terms of service"),
        ('zones = []\nprovider = "rfc2136"\nemail = "n@a.id"\nterms_agreed = true', "at least one zone"),
        (
            'zones = ["a.id"]\nprovider = "rfc2136"\nemail = "n@a.id"\nterms_agreed = true\ndirectory = "file:///x"',
            "https",
        ),
        ('zones = ["a.id"]\nprovider = "rfc2136"\nemail = "n@a.id"\nterms_agreed = true\nzone = 1', "zones"),
    ],
)
def test_a_plan_that_is_not_right_says_why(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(text)


def test_words_of_a_provider_are_read_and_never_told() -> None:
    assert parse_credentials("# x\n\nA_TOKEN=se=cret\nB='q'\n") == {"A_TOKEN": "se=cret", "B": "q"}
    for line in ("hemmelig", "=hemmelig", "a=hemmelig", "PATH=hemmelig", "LD_PRELOAD=hemmelig", "A B=hemmelig"):
        with pytest.raises(OperationError, match="line 2") as found:
            parse_credentials(f"A=b\n{line}\n")
        assert "hemmelig" not in str(found.value)


@pytest.mark.parametrize(
    "said",
    [
        'Get "https://dns.example/?key=p%2Fw%20%2Bx%22y9&v=1": dial tcp: timeout',
        'Get "https://dns.example/?key=p%2Fw+%2Bx%22y9&v=1": dial tcp: timeout',
        'wrong key "p/w +x\\"y9"',
        'wrong key p/w +x"y9',
        "Authorization: Basic cC93ICt4Ink5",
    ],
)
def test_words_of_a_provider_are_taken_out_of_its_errors_in_every_form(tmp_path: Path, said: str) -> None:
    program = tmp_path / "lego"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'TEXT'\n{said}\nTEXT\nexit 1\n")
    program.chmod(0o755)
    source = Lego(PLAN, {"A_SECRET": 'p/w +x"y9', "A_SHORT": "get"}, tmp_path / "kept", program=str(program))
    with pytest.raises(Failed) as found:
        source.obtain(b"")
    assert "…" in found.value.detail
    for form in ("p/w", "p%2Fw", "y9", "cC93ICt4Ink5"):
        assert form not in str(found.value)


def test_what_was_tried_again_with_success_stands_in_nobodys_way() -> None:
    said = (
        "2026/01/01 00:00:00 [INFO] retry due to: acme: error: 429 ::\n2026/01/01 00:00:00 Could not create client: x"
    )
    assert trouble_of(said) is Trouble.CA_AWAY
    assert trouble_of("") is Trouble.OTHER
