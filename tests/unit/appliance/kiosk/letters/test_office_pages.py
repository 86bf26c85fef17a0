"""The office's letters through their pages: from the counter to the hand, by whom it may be done, and once."""

from __future__ import annotations

import dataclasses
import datetime
import html
import random
import re
from typing import Any

import pytest

from appliance.kiosk.actors import RESIDENT, Actor
from appliance.kiosk.app import create_app, services
from appliance.kiosk.demo import sample_answers
from appliance.kiosk.letters import answers, current
from appliance.kiosk.letters.flow import State, Step
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.paper import Signing
from appliance.kiosk.residents import person
from appliance.kiosk.residents.access import open_register
from appliance.papers.twin_signer import TwinSigner
from tests.unit.appliance.kiosk.conftest import Visitor, World
from tests.unit.appliance.kiosk.residents.people import AYU, MADE

NEW = "kopi pagi di balai"
USAHA = {
    "isi-nama_usaha": "Warung <b>Sari</b>",
    "isi-jenis_usaha": "warung",
    "isi-sejak": "2019",
    "isi-alamat_usaha": "Jalan Melati 3",
    "isi-keperluan": "kredit",
}
INCOME = {
    "isi-pekerjaan_sekarang": "petani",
    "isi-penghasilan": "1.500.000",
    "isi-tanggungan": "2",
    "isi-keperluan": "x",
}
OPERATOR = Actor("ani.operator", "operator")
HEAD = Actor("ani.kepala-desa", "kepala_desa")


def words(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


def hidden(response: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', response.get_data(as_text=True))
    assert found is not None, name
    return html.unescape(found[1])


class Office:
    """The office's pages, for one who is logged in at a time, and two residents in the register."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.signer = TwinSigner()
        self.clock_is_known = True
        kiosk = dataclasses.replace(
            world.kiosk(), signer=self.signer, clock_is_known=lambda: self.clock_is_known
        )  # fmt: skip
        self.visitor = Visitor(create_app(kiosk, services()).test_client(), place="office")
        self.desk = current.make_desk(kiosk)
        register = open_register(kiosk)
        today = register.today()
        self.made = register.add(OPERATOR, person.draft(MADE, today))
        self.ayu = register.add(OPERATOR, person.draft(AYU, today))
        self.passwords: dict[str, str] = {}

    def enter(self, role: str) -> None:
        """Log somebody in."""
        self.visitor.forget()
        name = f"ani.{role.replace('_', '-')}"
        if name not in self.passwords:
            self.passwords[name] = self.world.add(name, role)
            self.send("/kantor/masuk", {"name": name, "password": self.passwords[name]})
            self.send("/kantor/sandi", {"old": self.passwords[name], "new": NEW, "again": NEW})
        assert self.send("/kantor/masuk", {"name": name, "password": NEW}).status_code == 303

    def send(self, path: str, form: dict[str, str]) -> Any:
        return self.post(path, form, hidden(self.get(path), "csrf_token"))

    def get(self, path: str) -> Any:
        return self.visitor.get(path)

    def post(self, path: str, form: dict[str, str], mark: str = "") -> Any:
        mark = mark or hidden(self.get("/kantor/"), "csrf_token")
        return self.visitor.post(path, {"csrf_token": mark, **form})

    def letter(self, letter_id: int) -> Letter:
        with self.world.store.reading() as db:
            return self.desk.reader.letter(db, letter_id)

    def ask(self, slug: str = "keterangan-penghasilan", form: dict[str, str] | None = None) -> Letter:
        """Make a letter at the counter."""
        path = f"/kantor/surat/baru/{self.made}/{slug}"
        key = hidden(self.get(path), "key")
        answer = self.post(path, {"key": key, "send": "1", **(INCOME if form is None else form)})
        assert answer.status_code == 303, words(answer)
        return self.letter(int(answer.location.rpartition("/")[2]))

    def step(self, letter: Letter, step: str, **form: str) -> Any:
        return self.post(f"/kantor/surat/{letter.id}/langkah", {"step": step, "versi": str(letter.version), **form})

    def official(self, account: str = HEAD.name, nik: str = "") -> int:
        return self.desk.officials_book.add(HEAD, Signing("I Made Contoh", "Perbekel"), account=account, nik=nik)

    def verified(self) -> Letter:
        """A letter that the operator made and verified."""
        self.enter("operator")
        letter = self.ask()
        assert self.step(letter, "verify").status_code == 303
        return self.letter(letter.id)

    def approved(self) -> Letter:
        """The same approved by the head, who is logged in then."""
        letter, official = self.verified(), self.official(nik="5103010101700001")
        self.enter("kepala_desa")
        assert self.step(letter, "approve", official=str(official)).status_code == 303
        return self.letter(letter.id)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def test_a_letter_from_the_counter_to_the_hand(office: Office) -> None:
    official = office.official()
    office.enter("operator")
    found = office.post("/kantor/surat/baru/", {"text": "Ayu Lestari"})
    assert found.status_code == 303
    assert found.location.endswith(f"/kantor/surat/baru/{office.ayu}")
    assert "Surat Keterangan Penghasilan" in words(office.get(f"/kantor/surat/baru/{office.made}"))
    letter = office.ask()
    page = words(office.get(f"/kantor/surat/{letter.id}"))
    assert "Menunggu diperiksa" in page
    assert "Rp1.500.000,00 (satu juta lima ratus ribu rupiah)" in page
    assert "I Made Suparta" in words(office.get("/kantor/surat/"))
    assert office.step(letter, "verify").status_code == 303
    office.enter("kepala_desa")
    letter = office.letter(letter.id)
    shown = words(office.get(f"/kantor/surat/{letter.id}"))
    assert "Tanggal surat: 21 September 2026 (hari ini)." in shown
    assert "Isi surat sudah benar" not in shown
    answer = office.step(letter, "approve", official=str(official))
    assert answer.status_code == 303
    letter = office.letter(letter.id)
    assert letter.number is not None
    said = f"Surat disetujui: nomor {letter.number.text}, tanggal 21 September 2026."
    assert said in words(office.get(f"/kantor/surat/{letter.id}"))
    office.enter("operator")
    for step, form in (("sign_by_hand", {}), ("make_ready", {}), ("hand_over", {"to_whom": "Ni Ayu, istri"})):
        assert office.step(office.letter(letter.id), step, **form).status_code == 303
    page = words(office.get(f"/kantor/surat/{letter.id}"))
    assert "Sudah diambil" in page
    assert "Diserahkan kepada Ni Ayu, istri" in page
    assert "Surat diserahkan" in page
    assert "ani.kepala-desa" in page


def test_the_queue_is_oldest_first_and_filtered_by_the_address(office: Office) -> None:
    office.enter("operator")
    first = office.ask()
    office.world.now += 600
    second = office.ask("keterangan-usaha", USAHA)
    office.step(first, "verify")
    whole = office.get("/kantor/surat/").get_data(as_text=True)
    assert whole.index(f"/kantor/surat/{first.id}") < whole.index(f"/kantor/surat/{second.id}")
    assert "menunggu 10 menit" in words(office.get("/kantor/surat/"))
    waiting = office.get("/kantor/surat/?keadaan=setuju").get_data(as_text=True)
    assert f"/kantor/surat/{first.id}" in waiting
    assert f"/kantor/surat/{second.id}" not in waiting
    of_kind = office.get("/kantor/surat/?jenis=keterangan-usaha").get_data(as_text=True)
    assert f"/kantor/surat/{second.id}" in of_kind
    assert f"/kantor/surat/{first.id}" not in of_kind
    for odd in ("?keadaan=<b>", "?hal=99999999999999999999", "?jenis=../x", "?hal=-1", "?hal=\u0661"):
        assert office.get(f"/kantor/surat/{odd}").status_code == 200
    assert "2 perlu dikerjakan" in words(office.get("/kantor/"))


def test_a_letter_is_found_by_its_codes_and_number(office: Office) -> None:
    letter = office.approved()
    assert letter.number is not None
    for text in (letter.code, letter.code.lower(), letter.check_code, letter.number.text):
        answer = office.post("/kantor/surat/cari", {"text": text})
        assert answer.status_code == 303, text
        assert answer.location.endswith(f"/kantor/surat/{letter.id}")
    assert "Tidak ada surat dengan kode" in words(office.post("/kantor/surat/cari", {"text": "0000-0000"}))
    assert office.post("/kantor/surat/cari", {"text": " "}).status_code == 303


def test_who_typed_or_verified_does_not_approve_and_is_told_why(office: Office) -> None:
    official = office.official("ani.sekretaris")
    office.enter("sekretaris")
    letter = office.ask()
    office.step(letter, "verify")
    letter = office.letter(letter.id)
    page = office.get(f"/kantor/surat/{letter.id}")
    assert "Menunggu orang lain menyetujui" in words(page)
    assert 'value="approve"' not in page.get_data(as_text=True)
    answer = office.step(letter, "approve", official=str(official))
    assert answer.status_code == 403
    assert "harus dua orang berbeda" in words(answer)
    assert office.letter(letter.id).number is None


def test_buttons_are_only_for_who_may(office: Office) -> None:
    letter = office.verified()
    page = office.get(f"/kantor/surat/{letter.id}").get_data(as_text=True)
    assert 'value="approve"' not in page
    assert 'value="void"' not in page
    assert office.step(letter, "approve", official="1").status_code == 403
    office.enter("kepala_desa")
    page = office.get(f"/kantor/surat/{letter.id}").get_data(as_text=True)
    assert 'name="save"' not in page
    assert office.post(f"/kantor/surat/{letter.id}/isi", {"versi": str(letter.version), **INCOME}).status_code == 403
    assert office.get(f"/kantor/surat/baru/{office.made}").status_code == 403
    assert office.letter(letter.id).version == letter.version


@pytest.mark.parametrize("role", ["kader", "bpd", "teknisi", "pengurus_bank_sampah"])
def test_others_see_no_letters(office: Office, role: str) -> None:
    letter = office.verified()
    office.enter(role)
    for path in ("/", f"/{letter.id}", f"/{letter.id}/pdf", "/baru/", f"/baru/{office.made}/keterangan-usaha"):
        answer = office.get(f"/kantor/surat{path}")
        assert answer.status_code == 403
        assert "Suparta" not in words(answer)
    assert office.get("/kantor/pejabat/").status_code == 403
    assert office.step(letter, "refuse", note="x").status_code == 403
    assert office.letter(letter.id).state is State.VERIFIED


def test_without_login_or_in_the_open_air_nothing_is_shown(office: Office) -> None:
    letter = office.verified()
    office.visitor.forget()
    for path in ("/kantor/surat/", f"/kantor/surat/{letter.id}", "/kantor/surat/baru/", "/kantor/pejabat/"):
        assert office.get(path).location.endswith("/kantor/masuk")
    office.visitor.place = "resident"
    assert office.get(f"/kantor/surat/{letter.id}").status_code == 403


def test_a_step_sent_twice_is_taken_once(office: Office) -> None:
    letter, official = office.verified(), office.official()
    office.enter("kepala_desa")
    for _ in range(2):
        assert office.step(letter, "approve", official=str(official)).status_code == 303
    assert "Langkah ini sudah dicatat tadi." in words(office.get(f"/kantor/surat/{letter.id}"))
    after = office.letter(letter.id)
    assert [past.step for past in after.history].count(Step.APPROVE) == 1
    assert after.number is not None
    assert after.number.serial == 1


def test_a_request_sent_twice_is_one_letter(office: Office) -> None:
    office.enter("operator")
    path = f"/kantor/surat/baru/{office.made}/keterangan-penghasilan"
    key = hidden(office.get(path), "key")
    answers = [office.post(path, {"key": key, "send": "1", **INCOME}) for _ in range(2)]
    assert answers[0].location == answers[1].location
    other = office.post(path, {"key": key, "send": "1", **INCOME, "isi-tanggungan": "5"})
    assert other.status_code == 409
    assert "Formulir ini sudah pernah dikirim" in words(other)
    assert office.post(path, {"key": "x", "send": "1", **INCOME}).status_code == 400


def test_who_is_overtaken_is_told_and_overwrites_nothing(office: Office) -> None:
    office.enter("operator")
    letter = office.ask()
    office.enter("sekretaris")
    assert office.step(letter, "ask_correction", note="alamat").status_code == 303
    office.enter("operator")
    answer = office.step(letter, "verify")
    assert answer.status_code == 409
    assert "baru saja diubah" in words(answer)
    assert office.letter(letter.id).state is State.NEEDS_CORRECTION


@pytest.mark.parametrize("step", ["ask_correction", "refuse", "void", "hand_over"])
def test_a_reason_is_needed(office: Office, step: str) -> None:
    letter = office.approved()
    office.enter("sekretaris")
    if step == "hand_over":
        office.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
        office.desk.make_ready(OPERATOR, letter.id, letter.version + 1)
        letter = office.letter(letter.id)
    elif step != "void":
        letter = office.ask()
    answer = office.step(letter, step, note="  ")
    assert answer.status_code == 400
    assert "Tulis" in words(answer)
    assert office.letter(letter.id).version == letter.version


def test_a_void_letter_keeps_its_number_and_says_why(office: Office) -> None:
    letter = office.approved()
    assert office.step(letter, "void", note="salah nama").status_code == 303
    page = words(office.get(f"/kantor/surat/{letter.id}"))
    assert "Dibatalkan" in page
    assert "salah nama" in page
    assert letter.number is not None
    assert letter.number.text in page
    assert "BATAL" in page


@pytest.mark.parametrize("step", ["", "submit", "change", "terbang", "approve.x"])
def test_what_is_no_step_of_this_page_changes_nothing(office: Office, step: str) -> None:
    letter = office.verified()
    assert office.step(letter, step).status_code == 400
    assert office.letter(letter.id).version == letter.version


@pytest.mark.parametrize("version", ["", "-1", "abc", "9" * 40, "٣"])
def test_a_form_without_its_version_changes_nothing(office: Office, version: str) -> None:
    letter = office.verified()
    answer = office.post(f"/kantor/surat/{letter.id}/langkah", {"step": "withdraw", "versi": version})
    assert answer.status_code == 409
    assert office.letter(letter.id).version == letter.version


def test_without_a_clock_the_officer_writes_the_date(office: Office) -> None:
    letter, official = office.verified(), str(office.official())
    office.enter("kepala_desa")
    office.clock_is_known = False
    page = office.get(f"/kantor/surat/{letter.id}")
    assert "Jam alat ini belum benar" in words(page)
    assert 'type="date"' in page.get_data(as_text=True)
    for date, said in (("", "tulis tanggal surat"), ("31-02-2026", "tidak ada"), ("1970-01-01", "tidak boleh sebelum")):
        answer = office.step(letter, "approve", official=official, date=date)
        assert answer.status_code in (400, 409)
        assert said in words(answer) or "Tanggal surat boleh" in words(answer)
    assert office.letter(letter.id).number is None
    assert office.step(letter, "approve", official=official, date="2026-09-22").status_code == 303
    number = office.letter(letter.id).number
    assert number is not None
    assert number.date == datetime.date(2026, 9, 22)
    assert not number.clock_was_known


def test_an_account_without_an_official_is_told(office: Office) -> None:
    letter = office.verified()
    office.enter("kepala_desa")
    assert "Belum ada pejabat yang menandatangani" in words(office.get(f"/kantor/surat/{letter.id}"))
    office.official()
    office.enter("sekretaris")
    assert "belum dihubungkan dengan pejabat" in words(office.get(f"/kantor/surat/{letter.id}"))
    office.enter("kepala_desa")
    assert "Pilih siapa yang menandatangani" in words(office.step(letter, "approve"))


def test_answers_are_changed_beside_the_paper(office: Office) -> None:
    office.enter("operator")
    letter = office.ask()
    path = f"/kantor/surat/{letter.id}/isi"
    form = {"versi": str(letter.version), **INCOME, "isi-penghasilan": "2000000"}
    preview = words(office.post(path, {**form, "preview": "1"}))
    assert "Ini contoh; belum tersimpan" in preview
    assert "Rp2.000.000,00 (dua juta rupiah)" in preview
    assert office.letter(letter.id).version == letter.version
    wrong = office.post(path, {**form, "save": "1", "isi-penghasilan": "banyak"})
    assert wrong.status_code == 400
    assert "Tulis dengan angka saja" in words(wrong)
    assert 'value="banyak"' in wrong.get_data(as_text=True)
    assert office.letter(letter.id).version == letter.version
    for _ in range(2):
        assert office.post(path, {**form, "save": "1"}).status_code == 303
    assert office.letter(letter.id).answers.values["penghasilan"] == 2_000_000
    assert office.letter(letter.id).version == letter.version + 1


def test_the_register_is_read_anew(office: Office) -> None:
    office.enter("operator")
    letter = office.ask()
    register = open_register(office.world.kiosk())
    draft = person.draft({**MADE, "pekerjaan_id": "1"}, register.today())
    register.change(OPERATOR, office.made, draft, 1)
    form = {"versi": str(letter.version), "facts": "1", **INCOME}
    assert office.post(f"/kantor/surat/{letter.id}/isi", form).status_code == 303
    assert office.letter(letter.id).facts["pekerjaan"] != letter.facts["pekerjaan"]


def test_the_rt_letter_is_written_down_before_verifying(office: Office) -> None:
    office.enter("operator")
    letter = office.ask("keterangan-usaha", USAHA)
    page = office.get(f"/kantor/surat/{letter.id}").get_data(as_text=True)
    assert 'value="verify"' not in page
    assert 'value="got_rt_letter"' in page
    assert office.step(letter, "verify").status_code == 409
    assert office.step(letter, "ask_rt_letter", note="bawa pengantar").status_code == 303
    assert office.step(office.letter(letter.id), "got_rt_letter", note="12/RT01").status_code == 303
    assert office.step(office.letter(letter.id), "verify").status_code == 303


def test_the_pdf_opens_in_the_browser_and_names_nobody(office: Office) -> None:
    letter = office.approved()
    answer = office.get(f"/kantor/surat/{letter.id}/pdf")
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="surat.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_electronic_signature_and_what_can_go_wrong(office: Office) -> None:
    office.signer.passphrases["5103010101700001"] = "rahasia benar"
    letter = office.approved()
    assert "Tanda tangani secara elektronik" in words(office.get(f"/kantor/surat/{letter.id}"))
    assert "Tulis kata sandi" in words(office.step(letter, "sign_electronically"))
    wrong = office.step(letter, "sign_electronically", passphrase="keliru")
    assert wrong.status_code == 400
    assert "Kata sandi sertifikat salah" in words(wrong)
    assert "keliru" not in wrong.get_data(as_text=True)
    for trouble, said in (
        ({"is_reachable": False}, "tidak menjawab"),
        ({"ended": {"5103010101700001"}}, "sudah berakhir"),
        ({"passphrases": {}}, "belum punya sertifikat"),
        ({"refuses": "no"}, "ditolak layanan tanda tangan"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in trouble.items():
                patch.setattr(office.signer, name, value)
            assert said in words(office.step(letter, "sign_electronically", passphrase="rahasia benar"))
    assert office.letter(letter.id).state is State.APPROVED
    assert office.signer.signed_count == 0
    for _ in range(2):
        assert office.step(letter, "sign_electronically", passphrase="rahasia benar").status_code == 303
    assert office.signer.signed_count == 1
    after = office.letter(letter.id)
    assert after.is_electronic
    assert office.get(f"/kantor/surat/{letter.id}/pdf").data == office.desk.signed_pdf(after)


def test_drafts_are_kept_by_looking(office: Office) -> None:
    office.enter("operator")
    path = f"/kantor/surat/baru/{office.made}/keterangan-usaha"
    key = hidden(office.get(path), "key")
    shown = office.post(path, {"key": key, "preview": "1", **USAHA})
    assert "Warung <b>Sari</b>" in words(shown).replace("&lt;", "<")
    assert "<b>Sari" not in shown.get_data(as_text=True)
    half = office.post(path, {"key": key, "send": "1", **USAHA, "isi-sejak": ""})
    assert half.status_code == 400
    assert "ketikan Anda tersimpan" in words(half)
    assert 'value="warung"' in office.get(path).get_data(as_text=True)
    assert "Lanjutkan yang belum selesai" in words(office.get(f"/kantor/surat/baru/{office.made}"))
    assert office.post(path, {"key": key, "send": "1", **USAHA}).status_code == 303
    assert 'value="warung"' not in office.get(path).get_data(as_text=True)


def test_somebody_from_elsewhere_gets_what_anybody_may_ask_for(office: Office) -> None:
    office.enter("operator")
    assert "hanya untuk warga yang terdaftar" in words(office.get("/kantor/surat/baru/0"))
    assert office.get("/kantor/surat/baru/0/keterangan-usaha").status_code == 403
    path = "/kantor/surat/baru/0/keterangan-domisili"
    key = hidden(office.get(path), "key")
    form = {
        "key": key, "send": "1", "isi-alamat_domisili": "Kos 3", "isi-sejak": "2025", "isi-keperluan": "bank",
        "isi-orang-nama": "Budi Jauh", "isi-orang-nik": "3273011708900001", "isi-orang-tempat_lahir": "Bandung",
        "isi-orang-tanggal_lahir": "17-08-1990", "isi-orang-jenis_kelamin": "Laki-laki",
        "isi-orang-alamat_lengkap": "Jalan Jauh 1, Bandung",
    }  # fmt: skip
    wrong = office.post(path, {**form, "isi-orang-nik": "123"})
    assert wrong.status_code == 400
    assert "16 angka; ini 3" in words(wrong)
    answer = office.post(path, form)
    assert answer.status_code == 303
    letter = office.letter(int(answer.location.rpartition("/")[2]))
    assert letter.resident_id is None
    assert letter.facts["tanggal_lahir"] == "17 Agustus 1990"
    assert "Budi Jauh" in words(office.get(f"/kantor/surat/{letter.id}"))


def test_unknown_letters_people_and_kinds_are_pages_in_words(office: Office) -> None:
    office.enter("operator")
    for path in ("/4711", "/4711/pdf", "/99999999999999999999", "/baru/4711", f"/baru/{office.made}/tidak-ada"):
        assert office.get(f"/kantor/surat{path}").status_code == 404
    assert office.post("/kantor/surat/4711/langkah", {"step": "verify", "versi": "1"}).status_code == 404


def test_no_personal_data_in_any_address(office: Office) -> None:
    office.enter("operator")
    answer = office.post("/kantor/surat/baru/", {"text": MADE["nik"]})
    assert answer.status_code == 303
    assert MADE["nik"] not in answer.location
    letter = office.ask()
    assert re.fullmatch(r"/kantor/surat/\d+", f"/kantor/surat/{letter.id}")
    assert office.get(f"/kantor/surat/{letter.id}").headers["Cache-Control"] == "no-store"


def test_every_look_is_written_down(office: Office) -> None:
    office.enter("operator")
    letter = office.ask()
    before = len(office.desk.means.audit.about(letter.id, 100))
    office.get(f"/kantor/surat/{letter.id}")
    office.get(f"/kantor/surat/{letter.id}/pdf")
    office.get("/kantor/surat/")
    assert len(office.desk.means.audit.about(letter.id, 100)) == before + 3


def test_officials_are_kept(office: Office) -> None:
    office.enter("kepala_desa")
    assert "Belum ada pejabat" in words(office.get("/kantor/pejabat/"))
    form = {"name": "Siti, S.E.", "title": "Sekretaris Desa", "mode": "an", "account": ""}
    for _ in range(2):
        assert office.post("/kantor/pejabat/", form).status_code == 303
    [made] = office.desk.officials_book.every()
    assert made.signing.lines() == ("a.n. Perbekel Sukamaju", "Sekretaris Desa,")
    assert "Pejabat ini sudah ada" in words(office.get("/kantor/pejabat/"))
    assert 'value="Siti, S.E."' in office.get(f"/kantor/pejabat/{made.id}").get_data(as_text=True)
    change = {**form, "versi": str(made.version), "nip": "1972", "account": "ani.kepala-desa"}
    assert office.post(f"/kantor/pejabat/{made.id}", change).status_code == 303
    stale = office.post(f"/kantor/pejabat/{made.id}", {**change, "nip": "1973"})
    assert stale.status_code == 409
    assert "baru saja diubah orang lain" in words(stale)
    again = str(made.version + 1)
    assert office.post(f"/kantor/pejabat/{made.id}", {**change, "versi": again, "end": "1"}).status_code == 303
    assert not office.desk.officials()
    back = {**change, "versi": str(made.version + 2), "open": "1"}
    assert office.post(f"/kantor/pejabat/{made.id}", back).status_code == 303
    [kept] = office.desk.officials()
    assert (kept.signing.nip, kept.account) == ("1972", "ani.kepala-desa")


def test_nobody_gives_themself_the_right_to_sign(office: Office) -> None:
    office.enter("kepala_desa")
    office.enter("sekretaris")
    form = {"name": "I Made Contoh", "title": "Perbekel", "mode": "self", "account": "ani.sekretaris"}
    answer = office.post("/kantor/pejabat/", form)
    assert answer.status_code == 403
    assert "Akun Anda sendiri dipasangkan oleh Perbekel" in words(answer)
    assert not office.desk.officials_book.every()
    assert office.post("/kantor/pejabat/", {**form, "account": "ani.kepala-desa"}).status_code == 303
    [made] = office.desk.officials_book.every()
    taken = {**form, "versi": str(made.version)}
    assert office.post(f"/kantor/pejabat/{made.id}", taken).status_code == 403
    office.enter("kepala_desa")
    deputy = {**form, "name": "Ani, S.E.", "title": "Sekretaris Desa", "mode": "an"}
    assert office.post("/kantor/pejabat/", deputy).status_code == 303
    mine = next(each for each in office.desk.officials() if each.account == "ani.sekretaris")
    office.enter("sekretaris")
    more = {**deputy, "versi": str(mine.version), "mode": "self"}
    assert office.post(f"/kantor/pejabat/{mine.id}", more).status_code == 403
    assert (
        office.post(f"/kantor/pejabat/{mine.id}", {**deputy, "versi": str(mine.version), "end": "1"}).status_code == 303
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Isi dulu"),
        ({"title": "x" * 90}, "Paling panjang 80"),
        ({"mode": "raja"}, "Pilih salah satu"),
        ({"mode": "ub"}, "Untuk u.b., tulis jabatan"),
        ({"account": "orang-lain"}, "Pilih salah satu"),
        ({"nik": "123"}, "16 angka; ini 3"),
        ({"begins": "31-02-2026"}, "Tanggal"),
        ({"begins": "2026-08-17", "ends": "2026-08-16"}, "Tanggal akhir tidak boleh sebelum"),
        ({"mode": "plt"}, "Plt. menjabat untuk suatu masa"),
        ({"mode": "plt", "begins": "2026-08-17"}, "Plt. menjabat untuk suatu masa"),
        ({"name": "a\u202eb"}, "tidak bisa dicetak"),
    ],
)
def test_officials_that_are_wrong_are_told(office: Office, changes: dict[str, str], said: str) -> None:
    office.enter("kepala_desa")
    form = {"name": "Siti", "title": "Sekretaris", "mode": "self", "account": "", **changes}
    answer = office.post("/kantor/pejabat/", form)
    assert answer.status_code == 400
    assert said in words(answer)
    assert not office.desk.officials_book.every()


def test_residents_own_letters_come_into_the_same_queue(office: Office) -> None:
    kind = office.desk.kinds["keterangan-penduduk"]
    said = answers.check(kind, {"keperluan": "kerja"}, office.desk.today().date)
    receipt = office.desk.submit(RESIDENT, "key-of-a-resident-0001", kind.slug, answers=said, resident_id=office.ayu)
    office.enter("operator")
    page = office.get("/kantor/surat/").get_data(as_text=True)
    assert f"/kantor/surat/{receipt.letter_id}" in page
    assert ", warga</small>" in page


@pytest.mark.parametrize("unseen", ["\u200b", "\u202e\u202c", "\ufeff", "\ue000", "\0", " \t "])
def test_a_reason_that_nobody_can_see_is_none(office: Office, unseen: str) -> None:
    office.enter("operator")
    letter = office.ask()
    for step in ("refuse", "ask_correction"):
        answer = office.step(letter, step, note=unseen)
        assert answer.status_code == 400 and "Tulis dulu alasannya." in words(answer)
    letter = office.approved()
    office.enter("sekretaris")
    assert office.step(letter, "void", note=unseen).status_code == 400
    assert office.step(letter, "sign_by_hand").status_code == 303
    assert office.step(office.letter(letter.id), "make_ready").status_code == 303
    answer = office.step(office.letter(letter.id), "hand_over", to_whom=unseen)
    assert answer.status_code == 400 and "Tulis kepada siapa" in words(answer)
    assert office.letter(letter.id).state is State.READY


def test_days_in_office_are_kept_and_shown(office: Office) -> None:
    office.enter("kepala_desa")
    form = {"name": "Siti", "title": "Sekretaris Desa", "mode": "plt", "account": "", "begins": "2026-01-05",
            "ends": "04-04-2026"}  # fmt: skip
    assert office.post("/kantor/pejabat/", form).status_code == 303
    [made] = office.desk.officials_book.every()
    assert (made.begins, made.ends) == (datetime.date(2026, 1, 5), datetime.date(2026, 4, 4))
    page = words(office.get("/kantor/pejabat/"))
    assert "5 Januari 2026 sampai 4 April 2026" in page and "Berakhir" in page
    assert 'value="2026-04-04"' in office.get(f"/kantor/pejabat/{made.id}").text
    longer = {**form, "versi": str(made.version), "ends": "2027-04-04"}
    assert office.post(f"/kantor/pejabat/{made.id}", longer).status_code == 303
    assert "Menandatangani" in words(office.get("/kantor/pejabat/"))


def test_the_office_writes_down_what_came_back_from_the_camat(office: Office) -> None:
    official = office.official()
    office.enter("operator")
    letter = office.ask("keterangan-kepemilikan-tanah", _camat_answers(office))
    if letter.kind.needs_rt_letter:
        assert office.step(letter, "got_rt_letter").status_code == 303
        letter = office.letter(letter.id)
    assert office.step(letter, "verify").status_code == 303
    office.enter("kepala_desa")
    assert office.step(office.letter(letter.id), "approve", official=str(official)).status_code == 303
    office.enter("operator")
    assert "Sesudah itu surat dibawa ke camat" in words(office.get(f"/kantor/surat/{letter.id}"))
    assert office.step(office.letter(letter.id), "sign_by_hand").status_code == 303
    page = words(office.get(f"/kantor/surat/{letter.id}"))
    assert (
        "Menunggu tanda tangan camat" in page and "Catat tanda tangan camat" in page and "Beri tahu warga" not in page
    )
    assert f"/kantor/surat/{letter.id}" in office.get("/kantor/surat/?keadaan=camat").text
    away = office.letter(letter.id)
    today = office.desk.today().date
    for form in ({"date": today.isoformat()}, {"brought_by": " \u200b", "date": today.isoformat()},
                 {"brought_by": "Wayan", "date": "x"}, {"brought_by": "Wayan", "date": "1999-01-01"}):  # fmt: skip
        assert office.step(away, "countersign", **form).status_code == 400
    assert office.step(away, "make_ready").status_code == 409
    assert office.step(away, "countersign", brought_by="Wayan", date=today.isoformat()).status_code == 303
    again = office.step(away, "countersign", brought_by="Wayan", date=today.isoformat())
    assert again.status_code == 303, "sent twice it is written once"
    back = office.letter(letter.id)
    assert back.state is State.SIGNED
    assert "Dibawa kembali oleh Wayan." in words(office.get(f"/kantor/surat/{letter.id}"))


def _camat_answers(office: Office) -> dict[str, str]:
    kind = office.desk.kinds["keterangan-kepemilikan-tanah"]
    made = sample_answers(kind, office.desk.today().date, "5103010101700001", random.Random(1))
    return {f"isi-{name}": value for name, value in made.raw().items()}
