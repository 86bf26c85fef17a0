"""Messages say number, what, how many, where, since when, with links that lead somewhere, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from noc.alarms import words
from noc.alarms.channels import Alarms, Language
from noc.alarms.words import FULL_MAX, Place, message, texts, trial
from noc.rules.alert_state import Letter, NewsKind
from noc.rules.groups import Group, GroupKind
from noc.rules.hearing import WATCH
from noc.rules.problems import Problem

SOURCE = Path(words.__file__)
AT_MS = 1_786_950_300_000  # 2026-08-17 07:05 UTC
ALARMS = Alarms(base_url="https://noc.example.go.id/")
DISTRICT = Group(GroupKind.DISTRICT, "51.03.01")


def letter(kind: NewsKind, group: Group = DISTRICT, problem: Problem = Problem.NO_CONTACT, hubs: int = 15) -> Letter:
    return Letter("piket", 12, kind, hubs, problem, group, AT_MS - 1_800_000, AT_MS, False)


def place_of(group: Group) -> Place:
    known = {
        "51.03.01": Place("Kuta Selatan", "51.03.01"),
        "hub-1": Place("Desa Satu", "51.03.01.2001", "Asia/Makassar"),
    }
    return known.get(group.name, Place())


def test_a_message_in_indonesian() -> None:
    made = message((letter(NewsKind.RAISED),), ALARMS, place_of)
    assert made.title == "Mulai: Tidak ada kontak, Kecamatan Kuta Selatan (51.03.01)"
    assert made.body == (
        "Mulai, insiden 12: Tidak ada kontak\n"
        "Kecamatan Kuta Selatan (51.03.01), 15 hub\n"
        "sejak 2026-08-17 13.35 WIB\n"
        "https://noc.example.go.id/insiden/12\n"
        "Panduan: https://noc.example.go.id/panduan/no_contact"
    )


def test_a_message_in_english() -> None:
    english = replace(ALARMS, language=Language.ENGLISH)
    made = message((letter(NewsKind.CLEARED), replace(letter(NewsKind.GROWN), is_urgent=True)), english, place_of)
    assert made.title == "URGENT: Over: No contact, Kecamatan Kuta Selatan (51.03.01) (and 1 more)"
    assert "from 2026-08-17 13.35 WIB to about 2026-08-17 14.05 WIB" in made.body
    assert "Grew, incident 12" in made.body


@pytest.mark.parametrize(
    ("group", "where"),
    [
        (Group(GroupKind.HUB, "hub-1"), "Desa Satu (51.03.01.2001)"),
        (Group(GroupKind.HUB, "hub-2"), "hub-2"),
        (Group(GroupKind.BROKER, ""), "server NOC"),
        (Group(GroupKind.BROKER, "timur"), "broker timur"),
        (Group(GroupKind.BROKER, WATCH), "penjaga NOC (layanan desahub-noc-watch)"),
        (Group(GroupKind.UPSTREAM, "ring 100%"), "jalur bersama ring 100%"),
        (Group(GroupKind.REGENCY, "51.03"), "Kabupaten/kota 51.03"),
        (Group(GroupKind.PROVINCE, "51"), "Provinsi 51"),
    ],
)
def test_where_it_is(group: Group, where: str) -> None:
    line = message((letter(NewsKind.RAISED, group, hubs=1),), ALARMS, place_of).body.splitlines()[1]
    assert line.removesuffix(", 1 hub") == where


def test_a_hub_is_told_in_its_own_time() -> None:
    assert "14.35 WITA" in message((letter(NewsKind.RAISED, Group(GroupKind.HUB, "hub-1")),), ALARMS, place_of).body


def test_a_long_message_is_cut_with_a_link_to_all() -> None:
    many = [replace(letter(NewsKind.RAISED, problem=Problem.UNIT_FAILED), number=10_000 + i) for i in range(60)]
    made = message(many, ALARMS, place_of)
    assert made.title.endswith("(dan 59 kabar lain)")
    assert made.body.count("insiden/") == FULL_MAX
    assert "Mulai, insiden 10020: Ada program yang tidak berjalan, Kecamatan Kuta Selatan (51.03.01)\n" in made.body
    shown = len(re.findall("^Mulai, insiden", made.body, re.MULTILINE))
    assert 20 < shown < 60
    assert made.body.endswith(f"… dan {60 - shown} kabar lain: https://noc.example.go.id/insiden")
    assert len(made.title) + len(made.body) < 4_090, "Telegram takes 4,096"


def test_every_problem_and_kind_has_a_word_in_each_language() -> None:
    for language in ("id", "en"):
        assert set(words.problem_words(texts(language))) == set(Problem)
        assert set(words.kind_words(texts(language))) == set(NewsKind)
    assert texts("xx")("Mulai") == texts("../en")("Mulai") == "Mulai"
    assert "17" in trial(ALARMS, AT_MS).body


def test_the_catalogue_is_whole_and_keeps_its_places() -> None:
    keywords = {"_": None}
    found = {each[1] for each in extract_from_file("python", SOURCE, keywords=keywords)}
    with (SOURCE.parent / "translations/en/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = {str(each.id): str(each.string) for each in read_po(file) if each.id}
    assert catalogue.keys() == found
    for source, translated in catalogue.items():
        assert translated, source
        assert sorted(re.findall(r"%\(\w+\)[ds]", source)) == sorted(re.findall(r"%\(\w+\)[ds]", translated))
