"""Letters for tools: the queue, one letter and its history, requests on a resident's behalf, and the clerk's steps.

Nothing here approves, numbers or signs: that is a person's own act, on a page, with the letter before their eyes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import codes, flow, paper
from appliance.kiosk.letters.answers import AnswersInvalid
from appliance.kiosk.letters.flow import WORK_STATES, State, Step
from appliance.kiosk.letters.kinds import CHARACTERS_MAX, FieldType
from appliance.kiosk.letters.letter import Letter, Waiting
from appliance.kiosk.letters.reading import Only
from appliance.kiosk.office_api.operations import DONE, Answer, Asked, Operation
from appliance.kiosk.office_api.paging import CURSOR, LIMIT, LIMIT_USUAL, NEXT, Cursor, next_cursor
from appliance.kiosk.office_api.problems import Problem, ProblemError
from appliance.kiosk.office_api.rules import Scope
from appliance.kiosk.office_api.shapes import (
    ID_MAX,
    Fault,
    Flag,
    Named,
    Nullable,
    Rows,
    Shape,
    Text,
    Whole,
    record,
)
from appliance.kiosk.office_api.visit import current_visit, look, parts
from appliance.kiosk.residents import nik
from appliance.kiosk.services import current_kiosk

NOTE_LENGTH_MAX: Final = 400
_WORK: Final = "kerja"
_STATE: Final = Text("keadaan surat", words=tuple(each.value for each in State))
_MOMENT: Final = Text("saat menurut jam alat, ISO 8601 dengan zona desa")
_SLUG: Final = Text("slug jenis surat", 2, 48, r"[a-z][a-z0-9-]{1,47}")
_LINE: Final[Mapping[str, Shape]] = {
    "id": Whole("nomor data", 1, ID_MAX),
    "version": Whole("bertambah dengan setiap langkah; sama dengan ETag", 1),
    "kind": _SLUG,
    "state": _STATE,
    "number": Text('nomor surat; "" sebelum disetujui'),
    "code": Text("kode tanda terima"),
    "name": Text("tentang siapa surat ini"),
    "submitted_at": _MOMENT,
    "changed_at": _MOMENT,
}
_WAITING: Final = record("surat dalam antrean", **_LINE, waited_seconds=Whole())
_LETTER: Final = record(
    "sebuah surat",
    **_LINE,
    resident_id=Nullable(Whole("null: bukan warga dalam data", 1, ID_MAX)),
    has_rt_letter=Flag("pengantar RT/RW sudah dicatat"),
    valid_until=Nullable(Text("TTTT-BB-HH")),
    facts=Named(Text("nomor ditutup sebagian", length_max=20_000), "yang dikatakan data warga"),
    answers=Named(Text("NIK ditutup sebagian", length_max=20_000), "jawaban pemohon, seperti diketik"),
    steps=Rows(Text("langkah yang boleh diambil pemilik token sekarang", words=tuple(each.value for each in Step))),
)
_PAST: Final = record(
    "satu langkah yang sudah terjadi",
    step=Text(words=tuple(each.value for each in Step)),
    state=_STATE,
    at=_MOMENT,
    clock_was_known=Flag("jam alat waktu itu dapat dipercaya"),
    by=Text("akun, atau warga"),
    role=Text(),
    note=Text("yang dikatakan kepada pemohon", length_max=20_000),
)
_ANSWERS: Final = Named(
    Text("seperti diketik di formulir", 0, CHARACTERS_MAX[FieldType.LIST]), "menurut fields jenis surat", most=30
)
_NOTE: Final = record("", note=Text("alasan yang dibaca pemohon", 3, NOTE_LENGTH_MAX, r"[A-Za-z0-9][\s\S]{2,399}"))


def letters(asked: Asked) -> Answer:
    """List letters of a state, in the order in which they came."""
    state, cursor = asked.query.get("state", _WORK), Cursor.read(asked.query.get("cursor"))
    limit = asked.query.get("limit", LIMIT_USUAL)
    only = Only(
        states=WORK_STATES if state == _WORK else frozenset({State(state)}),
        slug=asked.query.get("kind", ""),
        limit=limit + 1,  # one more than is shown tells whether there is a next page
        after=cursor.after,
    )
    rows = parts().desk.queue(look("antrean surat"), only)
    shown = rows[:limit]
    following = next_cursor(cursor, [each.id for each in shown], is_last=len(rows) <= limit)
    return Answer({"letters": [_waiting(each) for each in shown], "next": following})


def search(asked: Asked) -> Answer:
    """Find letters by a code or by how a number begins."""
    only = Only(states=frozenset(State), text=asked.body["text"], newest_first=True, limit=LIMIT_USUAL)
    rows = parts().desk.queue(look("pencarian surat"), only) if asked.body["text"].strip() else []
    return Answer({"letters": [_waiting(each) for each in rows]})


def one(asked: Asked) -> Answer:
    """Tell one letter."""
    letter = _get(asked, "surat dibuka")
    said = {
        **_line(letter),
        "resident_id": letter.resident_id,
        "has_rt_letter": letter.has_rt_letter,
        "valid_until": letter.valid_until.isoformat() if letter.valid_until else None,
        "facts": {name: _masked(name, value) for name, value in letter.facts.items()},
        "answers": _answers(letter),
        "steps": [step.value for step in flow.steps_for(current_visit().actor, letter.standing) if step in _OFFERED],
    }
    return Answer(said, letter.version)


def history(asked: Asked) -> Answer:
    """Tell what was done with a letter."""
    letter = _get(asked, "riwayat surat")
    steps = [
        {
            "step": past.step.value,
            "state": past.state.value,
            "at": _moment(past.at_seconds),
            "clock_was_known": past.clock_was_known,
            "by": past.actor_name,
            "role": past.actor_role,
            "note": past.note,
        }
        for past in letter.history
    ]
    return Answer({"id": letter.id, "steps": steps}, letter.version)


def pdf(asked: Asked) -> Answer:
    """Give the letter as it is printed."""
    letter = _get(asked, "PDF surat")
    return Answer(parts().desk.signed_pdf(letter) or paper.render(parts().desk.paper(letter)), letter.version)


def submit(asked: Asked) -> Answer:
    """Ask for a letter on a resident's behalf."""
    desk, body = parts().desk, asked.body
    kind = desk.kinds.get(body["kind"])
    if kind is None:
        raise ProblemError(Problem.NOT_TAKEN, faults=[Fault("kind", "tidak ada jenis surat ini; lihat /kinds")])
    if unknown := body["answers"].keys() - {field.name for field in kind.fields}:
        allowed = ", ".join(field.name for field in kind.fields) or "tidak ada"
        said = f"{len(unknown)} isian tidak dikenal; yang ada: {allowed}"
        raise ProblemError(Problem.NOT_TAKEN, faults=[Fault("answers", said)])
    try:
        answers = answering.check(kind, body["answers"], desk.today().date)
    except AnswersInvalid as error:
        faults = [Fault(f"answers.{name}", problem) for name, problem in error.problems.items()]
        raise ProblemError(Problem.NOT_TAKEN, faults=faults) from None
    actor = current_visit().actor
    receipt = desk.submit(actor, asked.key, kind.slug, answers=answers, resident_id=body["resident_id"])
    return Answer({"id": receipt.letter_id, "version": 1}, 1)


def verify(asked: Asked) -> Answer:
    """Say that what stands in the letter is true."""
    parts().desk.verify(current_visit().actor, asked.path["letter_id"], asked.version)
    return _stepped(asked)


def ask_correction(asked: Asked) -> Answer:
    """Give the letter back to the resident."""
    parts().desk.ask_correction(current_visit().actor, asked.path["letter_id"], asked.version, asked.body["note"])
    return _stepped(asked)


def refuse(asked: Asked) -> Answer:
    """Refuse the request."""
    parts().desk.refuse(current_visit().actor, asked.path["letter_id"], asked.version, asked.body["note"])
    return _stepped(asked)


def _stepped(asked: Asked) -> Answer:
    return Answer({"id": asked.path["letter_id"], "version": asked.version + 1}, asked.version + 1)


def _get(asked: Asked, purpose: str) -> Letter:
    return parts().desk.get(look(purpose), asked.path["letter_id"])


def _line(row: Letter | Waiting) -> dict[str, Any]:
    number = row.number if isinstance(row, Waiting) else row.number.text if row.number else ""
    return {
        "id": row.id,
        "version": row.version,
        "kind": row.slug,
        "state": row.state.value,
        "number": number,
        "code": codes.shown_code(row.code),
        "name": row.name,
        "submitted_at": _moment(row.submitted_seconds),
        "changed_at": _moment(row.changed_seconds),
    }


def _waiting(row: Waiting) -> dict[str, Any]:
    return {**_line(row), "waited_seconds": row.waited_seconds}


def _moment(seconds: int) -> str:
    zone = ZoneInfo(current_kiosk().config.village.timezone)
    return datetime.datetime.fromtimestamp(seconds, zone).isoformat()


def _masked(name: str, value: str) -> str:
    return nik.mask(value) if value and name in ("nik", "no_kk") else value


def _answers(letter: Letter) -> dict[str, str]:
    types = {field.name: field.type for field in letter.kind.fields}
    raw = letter.answers.raw()
    return {name: nik.mask(value) if types[name] is FieldType.NIK else value for name, value in raw.items()}


_AT: Final = "/letters/{letter_id}"
_OFFERED: Final = (Step.VERIFY, Step.ASK_CORRECTION, Step.REFUSE)
_ONE: Final = (Problem.NO_LETTER, Problem.KIND_GONE)


def _step(step: Step, about: str, view: Callable[[Asked], Answer], *, has_note: bool) -> Operation:
    return Operation(
        name=f"{step}_letter",
        method="POST",
        path=f"{_AT}/{step.replace('_', '-')}",
        about=about,
        view=view,
        scope=Scope.LETTERS_PROCESS,
        body=_NOTE if has_note else None,
        answer=DONE,
        deed=f"letter.{step}",
        problems=(*_ONE, Problem.STEP_REFUSED),
    )


OPERATIONS: Final = (
    Operation(
        name="list_letters",
        path="/letters",
        about="Antrean surat menurut kedatangan, yang lama di depan; tanpa state: yang perlu dikerjakan kantor.",
        view=letters,
        scope=Scope.LETTERS_READ,
        query={
            "state": Text(f"biasanya {_WORK}", words=(_WORK, *(each.value for each in State))),
            "kind": _SLUG,
            "limit": LIMIT,
            "cursor": CURSOR,
        },
        answer=record("", letters=Rows(_WAITING, 100), next=NEXT),
    ),
    Operation(
        name="search_letters",
        method="POST",
        path="/letters/search",
        about=f"Cari surat menurut kode tanda terima, kode periksa, atau awal nomornya; paling banyak {LIMIT_USUAL}.",
        view=search,
        scope=Scope.LETTERS_READ,
        body=record("", text=Text("kode atau awal nomor", 1, 40)),
        answer=record("", letters=Rows(_WAITING, LIMIT_USUAL)),
    ),
    Operation(
        name="get_letter", path=_AT, about="Sebuah surat; NIK dan nomor KK ditutup sebagian.", view=one,
        scope=Scope.LETTERS_READ, answer=_LETTER, problems=_ONE,
    ),
    Operation(
        name="get_letter_history",
        path=f"{_AT}/history",
        about="Apa yang sudah terjadi dengan sebuah surat.",
        view=history,
        scope=Scope.LETTERS_READ,
        answer=record("", id=Whole("nomor data", 1, ID_MAX), steps=Rows(_PAST, 1000)),
        problems=_ONE,
    ),
    Operation(
        name="get_letter_pdf",
        path=f"{_AT}/pdf",
        about="Surat seperti dicetak; sebelum bernomor tertulis KONSEP.",
        view=pdf,
        scope=Scope.LETTERS_READ,
        answer=None,
        problems=_ONE,
    ),
    Operation(
        name="submit_letter",
        method="POST",
        path="/letters",
        about="Ajukan surat untuk seorang warga. Yang bukan warga diajukan di halaman kantor.",
        view=submit,
        scope=Scope.LETTERS_PROCESS,
        body=record(
            "",
            kind=_SLUG, resident_id=Whole("nomor data warga", 1, ID_MAX), answers=_ANSWERS,
        ),
        answer=DONE,
        deed="letter.submit",
        is_new=True,
        problems=(Problem.NOT_TAKEN, Problem.STEP_REFUSED),
    ),
    _step(
        Step.VERIFY,
        "Nyatakan isi surat benar. Yang memeriksa tidak menyetujui; menyetujui hanya di halaman kantor.",
        verify,
        has_note=False,
    ),
    _step(Step.ASK_CORRECTION, "Minta pemohon memperbaiki; alasannya dibaca pemohon.", ask_correction, has_note=True),
    _step(Step.REFUSE, "Tolak permohonan; alasannya dibaca pemohon.", refuse, has_note=True),
)  # fmt: skip
