"""Import and export at the office's desk."""

import datetime
import io
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import openpyxl
import pytest

from appliance.kiosk.residents import apart, import_pages
from appliance.kiosk.residents.person import draft
from appliance.kiosk.residents.register import Register
from tests.unit.appliance.kiosk.residents.conftest import TODAY, Clerk, text
from tests.unit.appliance.kiosk.residents.people import AYU, KETUT, LOOK, MADE, OPERATOR, csv_file, xlsx


def send(clerk: Clerk, *rows: dict[str, Any]) -> str:
    """Send a workbook and return the path of its report."""
    answer = clerk.upload(xlsx(rows).read())
    assert answer.status_code == 303, text(answer)
    path: str = answer.location
    return path.removeprefix("/kantor/warga")


def test_from_the_file_to_the_register(clerk: Clerk, register: Register) -> None:
    path = send(clerk, MADE, AYU, {**KETUT, "nik": 5103010502850003})
    page = text(clerk.get(path))
    assert "Belum ada data warga yang berubah" in page and "Ditambah (2)" in page and "Ditolak (1)" in page
    assert "NIK diubah lembar kerja menjadi bilangan" in page
    assert register.counts().all.residents == 0
    answer = clerk.post(f"{path}/terapkan")
    assert answer.status_code == 303
    page = text(clerk.get("/impor"))
    assert "2 ditambah, 0 diubah" in page and "Sudah diterapkan" in page
    assert register.search(LOOK, "").total == 2
    assert "Impor ini sudah diterapkan" in text(clerk.get(path))


def test_a_report_masks_numbers(clerk: Clerk) -> None:
    path = send(clerk, MADE)
    page = clerk.get(f"{path}?bagian=added").get_data(as_text=True)
    assert "5103********0001" in page and MADE["nik"] not in page and MADE["no_kk"] not in page


def test_conflicts_are_decided_on_the_page(clerk: Clerk, register: Register) -> None:
    clerk.post(f"{send(clerk, MADE)}/terapkan")
    one = register.find_nik(LOOK, MADE["nik"])
    assert one is not None
    register.change(OPERATOR, one.id, draft({"alamat": "Jalan Kantor"}, TODAY, is_whole=False), 1)
    path = send(clerk, {**MADE, "alamat": "Jalan Berkas"})
    page = text(clerk.get(path))
    assert "Di sini: Jalan Kantor" in page and "Di berkas: Jalan Berkas" in page and "Jalan Melati 3" in page
    assert clerk.post(f"{path}/terapkan").status_code == 303
    assert "Masih ada 1 pertentangan" in text(clerk.get(path))
    assert clerk.post(f"{path}/putuskan", {"pilih-2-alamat": "file", "pilih-x-y": "z", "hal": "x"}).status_code == 303
    assert 'value="file" checked' in clerk.get(path).get_data(as_text=True)
    assert clerk.post(f"{path}/putuskan", {"semua": "dua-duanya"}).status_code == 400
    clerk.post(f"{path}/putuskan", {"semua": "here"})  # nothing waits any more
    clerk.post(f"{path}/terapkan")
    now = register.get(LOOK, one.id)
    assert now is not None and now.address == "Jalan Berkas"


def test_a_change_in_between_is_said(clerk: Clerk, register: Register) -> None:
    path = send(clerk, MADE)
    register.add(OPERATOR, draft(MADE, TODAY))
    assert clerk.post(f"{path}/terapkan").status_code == 303
    assert "Ini laporan barunya" in text(clerk.get(path))


def test_an_import_is_dropped(clerk: Clerk, register: Register) -> None:
    path = send(clerk, MADE)
    assert clerk.post(f"{path}/buang").status_code == 303
    for again in (clerk.get(path), clerk.post(f"{path}/terapkan"), clerk.post(f"{path}/buang"),
                  clerk.post(f"{path}/putuskan", {"semua": "here"})):  # fmt: skip
        assert again.status_code == 303 and again.location.endswith("/impor")
    assert register.counts().all.residents == 0


def test_files_that_are_not_taken_are_told_why(clerk: Clerk, register: Register) -> None:
    for content, said in (
        (b"%PDF-1.7 \0", "bukan lembar kerja"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1xx", "tanpa kata sandi"),
        (b"PK\x03\x04", "rusak"),
        (b"a;b\n1;2\n", "Tidak ada baris judul dengan kolom nik nama"),
        (b"", "Berkas kosong"),
    ):
        answer = clerk.upload(content, "../../etc/passwd.xlsx")
        assert answer.status_code == 400 and said in text(answer)
    assert clerk.post("/impor").status_code == 400
    assert clerk.upload(b"", "").status_code == 400
    assert register.counts().all.residents == 0


def test_a_workbook_by_another_name_is_read(clerk: Clerk) -> None:
    assert clerk.upload(csv_file([MADE]).read(), "foto.jpg").status_code == 303


def test_only_who_may_import_sends_more_than_a_form(
    clerk: Clerk, log_in: Callable[[str], Clerk], visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a ZIP looks: bytes that begin many boundaries and end none.
    big = random.Random(1).randbytes(100_000) + b"\r\n--" * 30_000
    assert clerk.upload(big).status_code == 400  # read, and no workbook
    assert clerk.post("/cari", {"text": "x" * 200_000}).status_code == 413
    monkeypatch.setattr(import_pages, "UPLOAD_BYTES_MAX", 100_000)
    assert clerk.upload(big).status_code == 413
    monkeypatch.undo()
    assert log_in("kepala_desa").upload(big).status_code == 413
    visitor.forget()
    answer = visitor.post("/kantor/warga/impor", {"berkas": (io.BytesIO(big), "x.xlsx")})
    assert answer.status_code == 413


def test_what_is_sent_comes_onto_no_disk(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    read = apart.reading

    def watched(file: IO[bytes], today: datetime.date) -> Any:
        seen.append(str(Path(f"/proc/self/fd/{file.fileno()}").readlink()))
        return read(file, today)

    monkeypatch.setattr(apart, "reading", watched)
    send(clerk, MADE)
    assert len(seen) == 1 and seen[0].startswith("/memfd:")


def test_the_register_is_given_out_as_it_came(clerk: Clerk, register: Register) -> None:
    for each in (MADE, AYU, {**KETUT, "nama": "=cmd|calc", "suku": "'-x"}):
        register.add(OPERATOR, draft(each, TODAY))
    answer = clerk.post("/ekspor", {"jenis": "xlsx"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="penduduk-2026-09-21.xlsx"'
    assert answer.headers["Cache-Control"] == "no-store"
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert {cell.data_type for row in book.active.iter_rows() for cell in row if cell.value is not None} == {"s"}
    table = clerk.post("/ekspor", {"jenis": "csv"})
    assert "'=cmd|calc" in table.get_data(as_text=True)
    for content in (answer.data, table.data):
        path = clerk.upload(content).location.removeprefix("/kantor/warga")
        assert "Tetap (3)" in text(clerk.get(path))
    made = register.id_of_nik(MADE["nik"])
    assert made is not None
    assert "residents.exported" in {each.what for each in register.audit.about(made, 20)}
    assert clerk.post("/ekspor", {"jenis": "pdf"}).status_code == 400
    assert clerk.get("/ekspor").status_code == 405


def test_reports_that_are_not_there(clerk: Clerk) -> None:
    assert clerk.get("/impor/1").status_code == 303
    assert clerk.get(f"/impor/{'9' * 40}").status_code == 404
    path = send(clerk, MADE)
    for query in ("?bagian=zzz", "?hal=-1", "?hal=99999999", "?bagian=janggal&hal=3"):
        assert clerk.get(path + query).status_code == 200


def test_hostile_cells_are_harmless_in_the_report(clerk: Clerk) -> None:
    path = send(clerk, {**MADE, "nama": "<img src=x onerror=alert(1)>\u202e"}, {**AYU, "sex": "<b>x</b>"})
    for part in ("added", "refused"):
        page = clerk.get(f"{path}?bagian={part}").get_data(as_text=True)
        assert "<img" not in page and "<b>x" not in page and "\u202e" not in page
    assert not re.search(r"5103[0-9]{12}", page)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # werkzeug leaves what it had read
def test_a_form_of_many_files_is_refused(clerk: Any) -> None:
    """Each would lie in memory and take a descriptor."""
    many = [(io.BytesIO(b"nik;nama\n"), f"{number}.csv") for number in range(50)]
    assert clerk.post("/impor", {"berkas": many}).status_code == 413
