"""The register: what lies there shows nobody, what was seen is written down, and no change is lost."""

import datetime
import threading
from pathlib import Path

import pytest

from appliance.core.errors import StoreError
from appliance.kiosk.actors import RESIDENT, Look
from appliance.kiosk.residents.census import AGE_GROUPS, age_group
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.person import STATUS_NOTE, Draft, draft
from appliance.kiosk.residents.register import NikTaken, Outdated, Register, RegisterError, ResidentUnknown
from appliance.store.database import Store
from tests.unit.appliance.kiosk.residents.conftest import TODAY
from tests.unit.appliance.kiosk.residents.people import AYU, KETUT, LOOK, MADE, OPERATOR
from tests.unit.appliance.kiosk.residents.registers import over


def new(values: dict[str, str]) -> Draft:
    return draft(values, TODAY)


def part(values: dict[str, str]) -> Draft:
    return draft(values, TODAY, is_whole=False)


def test_somebody_is_found_again(kept: Register) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    one = kept.get(LOOK, id_)
    assert one is not None and one.name == "I Made Suparta" and one.version == 1
    assert kept.find_nik(LOOK, "5103 0117 0890 0001") == one
    assert kept.id_of_nik(MADE["nik"]) == id_
    for nobody in ("5103011708900009", "x", "", "5.1E+15"):
        assert kept.find_nik(LOOK, nobody) is None and kept.id_of_nik(nobody) is None


@pytest.mark.parametrize("id_", [0, -1, 1, 2**53, 2**64, 10**40])
def test_any_number_may_be_asked_for(kept: Register, id_: int) -> None:
    assert kept.get(LOOK, id_) is None
    assert kept.family(LOOK, id_) == ()
    with pytest.raises(ResidentUnknown):
        kept.change(OPERATOR, id_, part({"suku": "Bali"}), 1)


def test_the_database_alone_names_nobody(kept: Register, store: Store) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    kept.set_status(OPERATOR, id_, StatusDasar.PINDAH, 1, note="ke Denpasar")
    kept.search(LOOK, "made")
    store.close()
    content = b"".join(path.read_bytes() for path in store.path.parent.iterdir())
    for secret in (MADE["nik"], MADE["no_kk"], "Suparta", "SUPARTA", "Melati", "Krajan", "1990-08-17", "Denpasar"):
        assert secret.encode() not in content


def test_another_key_opens_nothing(kept: Register, store: Store) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    other = over(store, b"w" * 32)
    with pytest.raises(StoreError, match="belong together"):
        other.get(LOOK, id_)
    assert other.id_of_nik(MADE["nik"]) is None


def test_rows_cannot_be_exchanged(kept: Register, store: Store) -> None:
    one, other = kept.add(OPERATOR, new(MADE)), kept.add(OPERATOR, new(KETUT))
    with store.transaction() as db:
        db.execute(
            "UPDATE residents SET sealed = (SELECT sealed FROM residents WHERE id = ?) WHERE id = ?", [one, other]
        )
    with pytest.raises(StoreError):
        kept.get(LOOK, other)


def test_a_nik_belongs_to_one(kept: Register) -> None:
    first = kept.add(OPERATOR, new(MADE))
    with pytest.raises(NikTaken) as caught:
        kept.add(OPERATOR, new({**KETUT, "nik": MADE["nik"]}))
    assert caught.value.resident_id == first and MADE["nik"] not in str(caught.value)
    second = kept.add(OPERATOR, new(KETUT))
    with pytest.raises(NikTaken):
        kept.change(OPERATOR, second, part({"nik": MADE["nik"]}), 1)
    assert kept.change(OPERATOR, second, part({"nik": "5103010502850004"}), 1).version == 2
    assert kept.id_of_nik("5103010502850004") == second and kept.id_of_nik(KETUT["nik"]) is None


def test_a_change_names_what_it_changes(kept: Register) -> None:
    id_ = kept.add(OPERATOR, new({**MADE, "suku": "Bali"}))
    changed = kept.change(OPERATOR, id_, part({"suku": "", "alamat": "Jalan Mawar 1"}), 1)
    assert changed == kept.get(LOOK, id_)
    assert (changed.version, changed.address, changed.dusun, dict(changed.more)) == (2, "Jalan Mawar 1", "Krajan", {})
    entry = next(each for each in kept.audit.about(id_, 10) if each.what == "resident.changed")
    assert entry.detail == "alamat suku"


def test_what_changes_nothing_is_no_change(kept: Register) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    assert kept.change(OPERATOR, id_, part({"dusun": "Krajan"}), 1).version == 1
    assert [each.what for each in kept.audit.about(id_, 10)] == ["resident.added"]


def test_of_two_changes_at_once_one_is_told(kept: Register) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    begin, told = threading.Barrier(8), []

    def write(number: int) -> None:
        begin.wait()
        try:
            kept.change(OPERATOR, id_, part({"alamat": f"Jalan {number}"}), 1)
            told.append("kept")
        except Outdated:
            told.append("outdated")

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == ["kept", *["outdated"] * 7]
    one = kept.get(LOOK, id_)
    assert one is not None and one.version == 2


def test_who_is_dead_or_gone_logs_in_no_more(kept: Register) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    day = datetime.date(2026, 9, 1)
    gone = kept.set_status(OPERATOR, id_, StatusDasar.MATI, 1, on=day, note=" Surat\n 12 ")
    assert gone.status is StatusDasar.MATI and gone.more[STATUS_NOTE] == "Surat 12"
    assert kept.id_of_nik(MADE["nik"]) is None
    assert kept.id_of_nik(MADE["nik"], living_only=False) == id_
    assert kept.search(LOOK, "made").total == 0 and kept.search(LOOK, "made", status="").total == 1


def test_a_family_has_its_head_first(kept: Register) -> None:
    ayu, made, _ = (kept.add(OPERATOR, new(each)) for each in (AYU, MADE, KETUT))
    assert [one.id for one in kept.family(LOOK, ayu)] == [made, ayu]
    alone = kept.add(OPERATOR, new({"nama": "Tanpa KK", "nik": "5103011708900077"}))
    other = kept.add(OPERATOR, new({"nama": "Juga Tanpa", "nik": "5103011708900078"}))
    assert [one.id for one in kept.family(LOOK, alone)] == [alone] != [other]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["I Made Suparta", "Ketut Darma", "Ni Ayu Lestari"]),
        ("ketut", ["Ketut Darma"]),
        ("DAR ket", ["Ketut Darma"]),
        ("etut", []),
        ("ni  ayu!", ["Ni Ayu Lestari"]),
        ("nyoman", []),
        (KETUT["nik"], ["Ketut Darma"]),
        (MADE["no_kk"], ["I Made Suparta", "Ni Ayu Lestari"]),
        ("%", ["I Made Suparta", "Ketut Darma", "Ni Ayu Lestari"]),
        ("' OR 1=1 --", []),
    ],
)
def test_a_search(kept: Register, text: str, names: list[str]) -> None:
    for each in (AYU, MADE, KETUT):
        kept.add(OPERATOR, new(each))
    assert [found.name for found in kept.search(LOOK, text).items] == names


def test_a_search_forgives_accents_and_apostrophes(kept: Register) -> None:
    kept.add(OPERATOR, new({**MADE, "nama": "René Ma'ruf"}))
    assert kept.search(LOOK, "rene maruf").total == kept.search(LOOK, "RENÉ MA’RUF").total == 1


def test_a_search_shows_a_part_and_counts_all(kept: Register) -> None:
    for number in range(1, 31):
        kept.add(OPERATOR, new({"nama": f"Warga {number:02}", "nik": f"510301170890{number:04}"}))
    page = kept.search(LOOK, "warga", offset=10, limit=5)
    assert [each.name for each in page.items] == [f"Warga {number}" for number in range(11, 16)]
    assert page.total == 30
    assert kept.search(LOOK, "warga", limit=10**9).total == 30
    assert kept.search(LOOK, "warga", offset=10**9).items == ()


def test_a_search_sees_what_another_program_changes(kept: Register, store: Store) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    assert kept.search(LOOK, "made").total == 1
    other = over(store)
    other.change(OPERATOR, id_, part({"nama": "Nyoman"}), 1)
    other.add(OPERATOR, new(KETUT))
    assert kept.search(LOOK, "made").total == 0
    assert kept.search(LOOK, "nyoman").total == kept.search(LOOK, "ketut").total == 1


def test_each_look_is_written_down_with_its_purpose(kept: Register) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    look = Look(RESIDENT, "Surat domisili")
    kept.get(look, id_)
    kept.family(look, id_)
    kept.search(look, "made")
    kept.find_nik(look, MADE["nik"])
    seen = [(each.what, each.name, each.detail) for each in kept.audit.about(id_, 10)][:4]
    assert seen == [
        (what, "warga", "Surat domisili")
        for what in ("resident.seen", "residents.listed", "family.seen", "resident.seen")
    ]
    assert kept.audit.verify() is None


def test_nothing_is_shown_that_cannot_be_written_down(
    kept: Register, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = kept.add(OPERATOR, new(MADE))
    store.close()
    monkeypatch.setattr("appliance.store.database.FREE_BYTES_MIN", 2**80)
    for see in (lambda: kept.get(LOOK, id_), lambda: kept.family(LOOK, id_), lambda: kept.search(LOOK, "made")):
        with pytest.raises(StoreError, match="disk is full"):
            see()


def test_counts_are_of_the_living(kept: Register) -> None:
    for each in (AYU, MADE, KETUT):
        kept.add(OPERATOR, new(each))
    counts = kept.counts()
    assert (counts.all.residents, counts.all.men, counts.all.women, counts.all.families) == (3, 2, 1, 2)
    assert {name: each.residents for name, each in counts.by_dusun.items()} == {"Krajan": 2, "Kaja": 1}
    assert counts.by_age[(30, 39)].residents == 2 and counts.by_occupation[9].residents == 3
    id_ = kept.id_of_nik(KETUT["nik"])
    assert id_ is not None
    kept.set_status(OPERATOR, id_, StatusDasar.MATI, 1)
    assert kept.counts().all.residents == 2
    assert kept.counts().by_status == {StatusDasar.HIDUP: 2, StatusDasar.MATI: 1}


def test_age_groups_leave_no_year_out() -> None:
    assert [age_group(years) for years in range(100)].count(None) == 0
    assert age_group(None) is None and age_group(AGE_GROUPS[0][0]) == AGE_GROUPS[0]


def test_errors_are_a_persons_words(kept: Register) -> None:
    for error in (NikTaken(1), Outdated(), ResidentUnknown()):
        assert isinstance(error, RegisterError) and len(str(error)) > 20


def test_a_power_cut_in_a_change_leaves_the_state_before(kept: Register, tmp_path: Path) -> None:
    id_ = kept.add(OPERATOR, new(MADE))

    def fail(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("cut")

    kept.audit.note_in = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        kept.change(OPERATOR, id_, part({"nama": "Lain"}), 1)
    fresh = over(kept.store)
    one = fresh.get(LOOK, id_)
    assert one is not None and one.name == MADE["nama"] and one.version == 1
