"""Kinds of letters: what a letter asks for, says and needs, read from TOML files. Pure, but for `load_kinds`.

A kind is data. Adding one is adding a file; ``desahub letters check FILE`` says everything that is wrong with it.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.core import schema
from appliance.core.errors import ConfigError, DesahubError, Problem
from appliance.core.schema import Rule, between, length, option, section
from appliance.kiosk.letters import text

SHIPPED: Final = Path(__file__).parent / "kinds"
OWN: Final = Path("/etc/desahub/letters")
FILE_BYTES_MAX: Final = 64 * 1024
TEXT_MAX: Final = 6000

# What `appliance.kiosk.residents.person.facts` says of a resident.
FACTS: Final = frozenset({
    "nama", "nik", "no_kk", "tempat_lahir", "tanggal_lahir", "umur", "jenis_kelamin", "agama", "pekerjaan",
    "status_kawin", "kewarganegaraan", "pendidikan", "alamat", "dusun", "rt", "rw", "alamat_lengkap", "nama_ayah",
    "nama_ibu", "golongan_darah", "hubungan_keluarga",
})  # fmt: skip
# What `appliance.kiosk.letters.paper` says of the village.
VILLAGE_WORDS: Final = frozenset({
    "desa", "nama_desa", "kecamatan", "kabupaten", "provinsi", "wilayah", "kepala", "sebutan_kepala",
})  # fmt: skip

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CODE: Final = re.compile(r"[A-Za-z0-9./-]{1,20}")
_ICON: Final = re.compile(r"[a-z][a-z0-9-]{0,23}")
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,47}")


class KindError(DesahubError):
    """A file describes no kind of letter. ``problems`` are all of them, with the line where it is known."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class FieldType(enum.StrEnum):
    """What may be answered."""

    TEXT = "text"  # one line
    PARAGRAPH = "paragraph"  # several lines, printed as one
    LIST = "list"  # one entry a line, printed as points
    DATE = "date"
    TIME = "time"
    NUMBER = "number"
    RUPIAH = "rupiah"
    CHOICE = "choice"
    NIK = "nik"
    PHONE = "phone"


class When(enum.StrEnum):
    """Which dates are taken."""

    ANY = "any"
    PAST = "past"  # today too
    FUTURE = "future"  # today too


class Who(enum.StrEnum):
    """Who may ask for it."""

    RESIDENT = "warga"
    HEAD_OF_FAMILY = "kepala_keluarga"
    ANYBODY = "siapa_saja"


class Result(enum.StrEnum):
    """What the village gives: the letter itself, or a covering letter for the office that issues the paper."""

    LETTER = "surat"
    COVERING = "pengantar"


class Category(enum.StrEnum):
    """Where a kind stands among the others."""

    POPULATION = "kependudukan"
    FAMILY = "keluarga"
    BUSINESS = "usaha"
    WELFARE = "bantuan"
    PERMIT = "izin"
    PROPERTY = "harta"
    OTHER = "lainnya"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question."""

    name: str = option(
        about="The name by which the text calls the answer.",
        example="nama_usaha",
        rule=Rule("allowed are a small letter and up to 31 more, digits or _", lambda v: bool(_NAME.fullmatch(v))),
    )
    label: str = option(about="The question, short.", example="Nama usaha", rule=length(1, 60))
    type: FieldType = option(about="What may be answered.", example="text", default=FieldType.TEXT)
    required: bool = option(about="Must it be answered?", example=True, default=True)
    help: str = option(
        about="What helps to answer it.", example="Seperti tertulis di papan nama.", rule=length(0, 160), default=""
    )
    choices: tuple[str, ...] = option(
        about="For choice: what can be chosen.",
        example=["Pindah", "Datang"],
        rule=length(1, 80),
        at_most=20,
        default=(),
    )
    max: int = option(
        about="For text, paragraph and list: the most characters; for number and rupiah: the greatest value. 0 takes "
        "what is usual.",
        example=80,
        rule=between(0, 999_999_999_999_999),
        default=0,
    )
    when: When = option(about="For date: which dates are taken.", example="past", default=When.ANY)

    def problems(self) -> Iterator[Problem]:
        """Check what only shows between keys."""
        if (self.type is FieldType.CHOICE) != bool(self.choices):
            needed = (
                'write choices = ["…", "…"]' if self.type is FieldType.CHOICE else 'leave it out, or type = "choice"'
            )
            yield Problem("choices", "does not fit the type", needed)
        if len(set(self.choices)) < len(self.choices):
            yield Problem("choices", "holds one twice", "allowed is each once")
        if self.when is not When.ANY and self.type is not FieldType.DATE:
            yield Problem("when", "does not fit the type", 'leave it out, or type = "date"')
        texts = (FieldType.TEXT, FieldType.PARAGRAPH, FieldType.LIST)
        if self.type in texts and self.max > CHARACTERS_MAX[self.type]:
            yield Problem("max", f"is {self.max}", f"allowed is at most {CHARACTERS_MAX[self.type]} for {self.type}")

    @property
    def derived(self) -> tuple[str, ...]:
        """Further placeholders that this answer fills: a sum in words, the day of the week."""
        ending = {FieldType.NUMBER: "terbilang", FieldType.RUPIAH: "terbilang", FieldType.DATE: "hari"}.get(self.type)
        return (f"{self.name}_{ending}",) if ending else ()


CHARACTERS_MAX: Final = {FieldType.TEXT: 200, FieldType.PARAGRAPH: 1500, FieldType.LIST: 2000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody who signs beside the official, by hand."""

    label: str = option(about="As what they sign.", example="Penjual", rule=length(1, 60))
    name: str = option(about="Their name, with placeholders.", example="{nama}", rule=length(1, 80))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of letter. ``slug`` is its file's name without ``.toml``, and what letters of it are kept by."""

    slug: str = option(about="Its file's name without .toml.", example="keterangan-usaha")
    title: str = option(
        about="Its name, as printed above the number.", example="Surat Keterangan Usaha", rule=length(3, 80)
    )
    code: str = option(
        about="The code in its numbers ([kode]). Several kinds may have the same.",
        example="S-14",
        rule=Rule("allowed are 1 to 20 letters, digits, dots, / and -", lambda v: bool(_CODE.fullmatch(v))),
    )
    about: str = option(
        about="What it is for, in one sentence for residents.",
        example="Bukti bahwa Anda punya usaha di desa ini.",
        rule=length(3, 160),
    )
    icon: str = option(
        about="The name of its icon.",
        example="office",
        rule=Rule("allowed are small letters, digits and -", lambda v: bool(_ICON.fullmatch(v))),
        default="letter",
    )
    category: Category = option(about="Where it stands among the others.", example="usaha", default=Category.OTHER)
    fields: tuple[Field, ...] = section(about="What is asked.", at_most=30, default=())
    opening: str = option(
        about="The text before the rows. Left out, the usual sentence.",
        example="Yang bertanda tangan di bawah ini {kepala}, menerangkan dengan sebenarnya bahwa:",
        default="Yang bertanda tangan di bawah ini {kepala}, Kecamatan {kecamatan}, {kabupaten}, "
        "Provinsi {provinsi}, menerangkan dengan sebenarnya bahwa:",
    )
    body: str = option(about="The text itself: rows, paragraphs, points.", example="Nama : *{nama}*")
    closing: str = option(
        about="The last paragraph. Left out, the usual sentence.",
        example="Demikian surat keterangan ini dibuat untuk dipergunakan sebagaimana mestinya.",
        default="Demikian surat keterangan ini dibuat dengan sebenarnya untuk dipergunakan sebagaimana mestinya.",
    )
    requirements: tuple[str, ...] = option(
        about="What papers to bring.", example=["KTP-el", "Kartu Keluarga"], rule=length(2, 120), at_most=12, default=()
    )
    validity_days: int | None = option(
        about="How many days it holds. Left out, it does not end.", example=90, rule=between(1, 3650), default=None
    )
    who: Who = option(about="Who may ask for it.", example="warga", default=Who.RESIDENT)
    min_age: int = option(
        about="The youngest who may ask, in years; 17 for what needs a KTP.",
        example=17,
        rule=between(0, 100),
        default=17,
    )
    needs_rt_letter: bool = option(
        about="Is the covering letter of RT or RW needed first?", example=True, default=False
    )
    countersigned_by_camat: bool = option(about="Does the camat sign too?", example=True, default=False)
    result: Result = option(
        about="What the village gives: the letter itself (surat), or a covering letter for the office that issues the "
        "paper (pengantar).",
        example="pengantar",
        default=Result.LETTER,
    )
    issued_by: str = option(
        about="For a pengantar: who issues the paper.", example="Polsek", rule=length(0, 80), default=""
    )
    can_sign_electronically: bool = option(
        about="May it be signed electronically? Not where others sign by hand.", example=True, default=True
    )
    signers: tuple[Signer, ...] = section(about="Who signs by hand beside the official.", at_most=6, default=())
    is_acknowledged: bool = option(
        about="Does the official acknowledge (Mengetahui) what others declare, instead of declaring?",
        example=True,
        default=False,
    )

    def problems(self) -> Iterator[Problem]:
        """Check what only shows between keys: names used twice, unknown placeholders, who signs how."""
        yield from self._name_problems()
        for key, value in self._texts():
            yield from self._text_problems(key, value)
        used = {name for _, value in self._texts() for name in text.names(value)}
        for i, field in enumerate(self.fields):
            if not used & {field.name, *field.derived}:
                yield Problem(
                    f"fields[{i}].name", f"{field.name!r} is asked for and nowhere in the text", "name it there"
                )
        by_hand = "signers" if self.signers else "countersigned_by_camat" if self.countersigned_by_camat else ""
        if by_hand and self.can_sign_electronically:
            yield Problem("can_sign_electronically", f"is true with {by_hand}", "write false: they sign by hand")
        if (self.result is Result.COVERING) != bool(self.issued_by):
            yield Problem(
                "issued_by", "does not fit the result", 'allowed is a name with result = "pengantar", none else'
            )

    def _name_problems(self) -> Iterator[Problem]:
        seen: set[str] = set()
        for i, field in enumerate(self.fields):
            for name in (field.name, *field.derived):
                if name in FACTS | VILLAGE_WORDS:
                    yield Problem(f"fields[{i}].name", f"{name!r} is a placeholder already", "choose another name")
                elif name in seen:
                    yield Problem(f"fields[{i}].name", f"{name!r} is used twice", "allowed is each once")
                seen.add(name)

    def _text_problems(self, key: str, value: str) -> Iterator[Problem]:
        if not value.strip() or len(value) > TEXT_MAX or not value.replace("\n", "").isprintable():
            yield Problem(
                key, "is no text", f"allowed are 1 to {TEXT_MAX} characters without control characters or tabs"
            )
        for name in text.names(value):
            if name not in self.placeholders:
                yield Problem(key, f"{{{name}}} is not a known placeholder", self._known(name))
        for what in text.broken(value):
            yield Problem(key, f"{what!r} is no placeholder", "allowed is a name between braces, such as {nama}")

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "opening", self.opening
        yield "body", self.body
        yield "closing", self.closing
        for i, signer in enumerate(self.signers):
            yield f"signers[{i}].name", signer.name

    def _known(self, name: str) -> str:
        near = schema.nearest(name, self.placeholders)
        known = "allowed are fields of this file, facts of a resident, words of the village"
        return f"did you mean {{{near}}}?" if near else known

    @property
    def placeholders(self) -> frozenset[str]:
        """Everything its text may name."""
        own = {name for field in self.fields for name in (field.name, *field.derived)}
        return FACTS | VILLAGE_WORDS | own

    def field(self, name: str) -> Field:
        """The field of a name. Raises `KeyError`."""
        return {each.name: each for each in self.fields}[name]


def parse_kind(source: str, slug: str) -> Kind:
    """Read the text of a kind's file.

    Raises:
        KindError: with every problem, each with its line where that is known.
    """
    if not _SLUG.fullmatch(slug):
        allowed = "allowed are a small letter and 1 to 47 small letters, digits and -, then .toml"
        raise KindError([Problem(f"{slug}.toml"[:60], "is no name for a kind's file", allowed)])
    try:
        document: dict[str, Any] = tomllib.loads(source.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        said = str(error)[:200] if str(error).isprintable() else "cannot be read"
        raise KindError([Problem("file", f"is not TOML: {said}", "see https://toml.io")]) from None
    if "slug" in document:
        raise KindError([_with_line(source, Problem("slug", "is not a known key", "the file's name is the slug"))])
    try:
        return schema.load(Kind, {"slug": slug, **document})
    except ConfigError as error:
        raise KindError([_with_line(source, problem) for problem in error.problems]) from None


def _with_line(source: str, problem: Problem) -> Problem:
    line = line_of(source, problem.path)
    return dataclasses.replace(problem, path=f"line {line}: {problem.path}") if line else problem


def line_of(source: str, path: str) -> int:
    """The line of a key such as ``fields[2].type`` in the text of a file, from 1; its table's, or 0 when not found."""
    table, _, key = path.rpartition(".")
    wanted = re.fullmatch(r"(\w+)\[(\d+)\]", table or path)
    name, index = (wanted[1], int(wanted[2])) if wanted else ("", -1)
    found, current, count = 0, "", -1
    for number, line in enumerate(source.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*(\w+)\s*\]", line)
        if header:
            current = header[1]
            count += current == name
            if current == name and count == index:
                found = number
        elif current == name and count == index and re.match(rf"\s*{re.escape(key or path)}\s*=", line):
            return number
    return found


def read_kind(path: Path) -> Kind:
    """Read a kind's file. Raises `KindError`."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
        source = data.decode("utf-8")
    except OSError as error:
        raise KindError([Problem(str(path), error.strerror or "cannot be read")]) from None
    except UnicodeDecodeError:
        raise KindError([Problem("file", "is not UTF-8", "save it as UTF-8")]) from None
    if len(data) > FILE_BYTES_MAX:
        raise KindError([Problem("file", "is too long", f"allowed are {FILE_BYTES_MAX} bytes")])
    return parse_kind(source, path.stem)


def load_kinds(folder: Path) -> dict[str, Kind]:
    """The kinds of a folder's ``*.toml``, by slug. Raises `KindError` at the first file that is wrong."""
    return {path.stem: read_kind(path) for path in sorted(folder.glob("*.toml"))}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What can be asked for, by slug, and what is wrong with a village's own files, by their names."""

    kinds: Mapping[str, Kind]
    refused: Mapping[str, KindError]


def load_all(own: Path = OWN) -> Loaded:
    """The shipped kinds and the village's own, which take the place of shipped ones of the same slug.

    A file of the village's that is wrong is left out and told: one mistake must not take the letters away.
    """
    kinds, refused = load_kinds(SHIPPED), {}
    for path in sorted(own.glob("*.toml")) if own.is_dir() else ():
        try:
            kinds[path.stem] = read_kind(path)
        except KindError as error:
            refused[path.name] = error
    return Loaded(kinds, refused)
