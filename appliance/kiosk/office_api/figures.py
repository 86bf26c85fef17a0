"""What says nothing of anybody: kinds of letters, officials, figures for the monthly report, and how the box is."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from appliance.kiosk.letters.flow import State
from appliance.kiosk.letters.kinds import Category, FieldType, Kind, Result, When, Who
from appliance.kiosk.letters.paper import SigningMode
from appliance.kiosk.office_api.operations import Answer, Asked, Operation
from appliance.kiosk.office_api.problems import Problem, ProblemError
from appliance.kiosk.office_api.rules import Scope
from appliance.kiosk.office_api.shapes import Flag, Nullable, Record, Rows, Text, Whole, record
from appliance.kiosk.office_api.visit import now, parts
from appliance.kiosk.residents import words
from appliance.kiosk.residents.census import Part
from appliance.kiosk.services import current_kiosk
from appliance.papers.printing import Condition
from appliance.unit.release import software_version

_FIELD: Final = record(
    "satu pertanyaan",
    name=Text(),
    label=Text(),
    type=Text(words=tuple(each.value for each in FieldType)),
    required=Flag(),
    help=Text(),
    choices=Rows(Text(), 20),
    max=Whole("0: seperti biasa"),
    when=Text(words=tuple(each.value for each in When)),
)
_KIND: Final = record(
    "jenis surat",
    slug=Text(),
    title=Text(),
    code=Text(),
    about=Text(),
    category=Text(words=tuple(each.value for each in Category)),
    who=Text("siapa yang boleh meminta", words=tuple(each.value for each in Who)),
    min_age=Whole("tahun"),
    needs_rt_letter=Flag(),
    countersigned_by_camat=Flag(),
    result=Text(words=tuple(each.value for each in Result)),
    issued_by=Text(),
    validity_days=Nullable(Whole()),
    requirements=Rows(Text(), 12),
    fields=Rows(_FIELD, 30),
)
_OFFICIAL: Final = record(
    "pejabat penanda tangan",
    id=Whole("", 1),
    name=Text(),
    title=Text("jabatan"),
    mode=Text("atas nama siapa", words=tuple(each.value for each in SigningMode)),
    for_title=Text(),
)
_PART: Final = {"residents": Whole(), "men": Whole(), "women": Whole(), "families": Whole()}
_ROW: Final = record("satu bagian", key=Text('kode OpenSID atau nama; "" belum diisi'), word=Text(), **_PART)
_COUNTED: Final = {
    "by_dusun": Rows(_ROW, 5000),
    "by_age": Rows(_ROW),
    "by_religion": Rows(_ROW),
    "by_education": Rows(_ROW),
    "by_occupation": Rows(_ROW),
    "by_marital_status": Rows(_ROW),
}
_MONTH: Final = Text("bulan, TTTT-BB; biasanya bulan ini", 7, 7, "20[0-9]{2}-(?:0[1-9]|1[0-2])")
_MADE: Final = record(
    "surat yang siap dalam bulan itu",
    kind=Text(),
    letters=Whole(),
    of_known_time=Whole("yang jamnya dapat dipercaya"),
    median_seconds=Nullable(Whole("dari permohonan sampai siap")),
    longest_seconds=Nullable(Whole()),
)
_PRINTER: Final = Text(words=tuple(each.value for each in Condition))
_STATE: Final[Record] = record(
    "keadaan hub",
    version=Text("rilis yang terpasang"),
    is_practice=Flag("latihan: warga dan surat dibuat-buat"),
    now=Text("jam alat, ISO 8601"),
    clock_is_known=Flag(),
    uplink_is_up=Nullable(Flag("null: tidak diketahui")),
    uplink_since=Nullable(Text("ISO 8601")),
    printer=_PRINTER,
    ticket_printer=_PRINTER,
)


def kinds(_: Asked) -> Answer:
    """List what can be asked for."""
    return Answer({"kinds": [_kind(kind) for _, kind in sorted(parts().desk.kinds.items())]})


def kind(asked: Asked) -> Answer:
    """Tell one kind."""
    found = parts().desk.kinds.get(asked.path["kind"])
    if found is None:
        raise ProblemError(Problem.NOT_THERE)
    return Answer(_kind(found))


def officials(_: Asked) -> Answer:
    """List in whose names letters are approved."""
    said = [
        {
            "id": each.id,
            "name": each.signing.name,
            "title": each.signing.title,
            "mode": each.signing.mode.value,
            "for_title": each.signing.for_title,
        }
        for each in parts().desk.officials()
    ]
    return Answer({"officials": said})


def residents(_: Asked) -> Answer:
    """Count the living; nobody's name."""
    counts = parts().register.counts()
    ages = [
        (f"{group[0]}-{group[1]}" if group else "", f"{group[0]} - {group[1]} tahun" if group else "", part)
        for group, part in counts.by_age.items()
    ]
    said: dict[str, Any] = {
        "all": _part(counts.all),
        "by_dusun": _rows((name, name, part) for name, part in counts.by_dusun.items()),
        "by_age": _rows(ages),
        "by_status": [{"status": status.value, "residents": many} for status, many in counts.by_status.items()],
    }
    for name, column, counted in (
        ("by_religion", "agama_id", counts.by_religion),
        ("by_education", "pendidikan_kk_id", counts.by_education),
        ("by_occupation", "pekerjaan_id", counts.by_occupation),
        ("by_marital_status", "status_kawin", counts.by_marital_status),
    ):
        said[name] = _coded(column, counted)
    return Answer(said)


def letters(asked: Asked) -> Answer:
    """Count letters: as they stand now, and what was asked for and became ready in a month."""
    zone = ZoneInfo(current_kiosk().config.village.timezone)
    month = asked.query.get("month") or datetime.datetime.fromtimestamp(now(), zone).strftime("%Y-%m")
    year, number = map(int, month.split("-"))
    since = datetime.datetime(year, number, 1, tzinfo=zone)
    until = datetime.datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    board = parts().desk.board(int(since.timestamp()), int(until.timestamp()))
    made = [
        {
            "kind": slug,
            "letters": each.letters,
            "of_known_time": each.of_known_time,
            "median_seconds": each.median_seconds,
            "longest_seconds": each.longest_seconds,
        }
        for slug, each in sorted(board.made.items())
    ]
    return Answer(
        {
            "month": month,
            "now": [
                {"kind": slug, "state": state.value, "letters": many}
                for (slug, state), many in sorted(board.now.items())
            ],
            "oldest_open_seconds": board.oldest_open_seconds,
            "asked": [{"kind": slug, "letters": many} for slug, many in sorted(board.asked.items())],
            "made": made,
        }
    )


def state(_: Asked) -> Answer:
    """Tell how the box is."""
    kiosk = current_kiosk()
    uplink, zone = kiosk.uplink(), ZoneInfo(kiosk.config.village.timezone)
    return Answer(
        {
            "version": software_version(),
            "is_practice": kiosk.is_practice,
            "now": datetime.datetime.fromtimestamp(now(), zone).isoformat(),
            "clock_is_known": kiosk.clock_is_known(),
            "uplink_is_up": uplink.up,
            "uplink_since": uplink.since_wall,
            "printer": kiosk.printer.state().condition.value,
            "ticket_printer": kiosk.ticket_printer.state().condition.value,
        }
    )


def _kind(found: Kind) -> dict[str, Any]:
    fields = [
        {
            "name": each.name,
            "label": each.label,
            "type": each.type.value,
            "required": each.required,
            "help": each.help,
            "choices": list(each.choices),
            "max": each.max,
            "when": each.when.value,
        }
        for each in found.fields
    ]
    return {
        "slug": found.slug,
        "title": found.title,
        "code": found.code,
        "about": found.about,
        "category": found.category.value,
        "who": found.who.value,
        "min_age": found.min_age,
        "needs_rt_letter": found.needs_rt_letter,
        "countersigned_by_camat": found.countersigned_by_camat,
        "result": found.result.value,
        "issued_by": found.issued_by,
        "validity_days": found.validity_days,
        "requirements": list(found.requirements),
        "fields": fields,
    }


def _part(part: Part) -> dict[str, int]:
    return {
        "residents": part.residents,
        "men": part.men,
        "women": part.women,
        "families": part.families,
    }


def _rows(found: Iterable[tuple[str, str, Part]]) -> list[dict[str, Any]]:
    return [{"key": key, "word": word, **_part(part)} for key, word, part in found]


def _coded(column: str, found: Mapping[int | None, Part]) -> list[dict[str, Any]]:
    return _rows(
        ("" if code is None else str(code), "" if code is None else words.value(column, str(code)), part)
        for code, part in found.items()
    )


_COUNT: Final = record("", kind=Text(), letters=Whole())
OPERATIONS: Final = (
    Operation(
        name="list_kinds", path="/kinds", about="Jenis surat yang dapat diminta, dengan pertanyaannya.", view=kinds,
        scope=None, answer=record("", kinds=Rows(_KIND, 500)),
    ),
    Operation(
        name="get_kind", path="/kinds/{kind}", about="Satu jenis surat.", view=kind, scope=None, answer=_KIND
    ),
    Operation(
        name="list_officials",
        path="/officials",
        about="Pejabat yang namanya ada di bawah surat.",
        view=officials,
        scope=Scope.LETTERS_READ,
        answer=record("", officials=Rows(_OFFICIAL, 500)),
    ),
    Operation(
        name="count_residents",
        path="/aggregates/residents",
        about="Jumlah warga untuk laporan; tanpa nama.",
        view=residents,
        scope=Scope.AGGREGATES,
        answer=record(
            "",
            all=record("", **_PART),
            **_COUNTED,
            by_status=Rows(record("", status=Text(), residents=Whole())),
        ),
    ),
    Operation(
        name="count_letters",
        path="/aggregates/letters",
        about="Jumlah surat menurut jenis dan keadaan, dan lama menunggu dalam sebulan; tanpa nama.",
        view=letters,
        scope=Scope.AGGREGATES,
        query={"month": _MONTH},
        answer=record(
            "",
            month=Text(),
            now=Rows(record("", kind=Text(), state=Text(words=tuple(each.value for each in State)), letters=Whole()),
                     5000),
            oldest_open_seconds=Nullable(Whole()),
            asked=Rows(_COUNT, 500),
            made=Rows(_MADE, 500),
        ),
    ),
    Operation(
        name="get_state", path="/state", about="Keadaan hub: rilis, pencetak, jam, internet.", view=state, scope=None,
        answer=_STATE,
    ),
)  # fmt: skip
