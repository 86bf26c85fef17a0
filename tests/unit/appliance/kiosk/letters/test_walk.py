"""The walk through questions: what is asked, what the register knows, and dates in three parts."""

import datetime

import pytest

from appliance.kiosk.letters import answers, kinds, walk
from appliance.kiosk.letters.answers import AnswersInvalid
from appliance.kiosk.letters.kinds import Category, FieldType, Kind
from appliance.kiosk.residents.person import Resident

TODAY = datetime.date(2026, 8, 17)
KINDS = kinds.load_kinds(kinds.SHIPPED)
WAYAN = Resident(
    id=1,
    nik="5103011708900001",
    name="I Wayan",
    father_nik="5103010101600001",
    occupation=1,
    address="Jalan 1",
    rt="002",
)


def test_every_kind_stands_in_one_group_in_the_order_of_categories() -> None:
    groups = walk.grouped(KINDS)
    order = list(Category)
    assert [order.index(group.category) for group in groups] == sorted(order.index(group.category) for group in groups)
    assert sorted(kind.slug for group in groups for kind in group.kinds) == sorted(KINDS)


@pytest.mark.parametrize("slug", sorted(KINDS))
def test_the_walk_asks_what_must_be_answered_and_ends(slug: str) -> None:
    kind = KINDS[slug]
    given: dict[str, str] = {}
    asked = []
    while (field := walk.first_open(kind, given)) is not None:
        asked.append(field)
        given[field.name] = "x"
    assert tuple(asked) == walk.steps(kind)
    assert all(field.required for field in asked)


def _has(field: str) -> Kind:
    return next(kind for kind in KINDS.values() if any(one.name == field for one in kind.fields))


def test_what_the_register_knows_is_answered_and_checks() -> None:
    kind = _has("nik_ayah")
    found = walk.known(kind, WAYAN)
    assert found["nik_ayah"] == WAYAN.father_nik
    with pytest.raises(AnswersInvalid) as wrong:
        answers.check(kind, found, TODAY)
    assert "nik_ayah" not in wrong.value.problems


def test_what_the_register_does_not_know_is_left_to_be_asked() -> None:
    kind = _has("pekerjaan_sekarang")
    assert "pekerjaan_sekarang" in walk.known(kind, WAYAN)
    unknown = Resident(id=2, nik="5103011708900002", name="A")
    assert walk.known(kind, unknown) == {}
    names = [field.name for field in walk.steps(kind, frozenset(walk.known(kind, WAYAN)))]
    assert "pekerjaan_sekarang" not in names


def test_a_guess_is_only_suggested() -> None:
    kind = _has("alamat_usaha")
    assert walk.supposed(kind, WAYAN) == {"alamat_usaha": "Jalan 1, RT 002"}
    assert "alamat_usaha" not in walk.known(kind, WAYAN)


def test_back_leads_to_the_question_before() -> None:
    steps = walk.steps(KINDS["keterangan-usaha"])
    assert walk.before(steps, steps[0].name) is None
    assert walk.before(steps, steps[2].name) == steps[1]
    assert walk.before(steps, "nothing") is None


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"hari": "17", "bulan": "8", "tahun": "2026"}, "17-8-2026"),
        ({"hari": " 17", "bulan": "08 ", "tahun": ""}, "17-08-"),
        ({"hari": "", "bulan": " ", "tahun": ""}, ""),
        ({}, ""),
    ],
)
def test_a_date_is_put_together(sent: dict[str, str], text: str) -> None:
    field = next(one for kind in KINDS.values() for one in kind.fields if one.type is FieldType.DATE)
    assert walk.typed(field, sent) == text


def test_a_date_comes_apart_again() -> None:
    assert walk.date_parts("17-8-2026") == ("17", "8", "2026")
    assert walk.date_parts("2026-08-17") == ("17", "08", "2026")
    assert walk.date_parts("") == ("", "", "")
