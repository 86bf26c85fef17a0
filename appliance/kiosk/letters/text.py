"""The text of a letter as a kind writes it: blocks of rows, paragraphs and lists with ``{placeholders}``. Pure.

The format is ours and small on purpose. A placeholder is a name in braces and nothing more: no attribute, index, call
or format, so a text can name what it is given and reach nothing else. Blocks are parsed before anything is filled in,
so what a resident writes never becomes a row, a list or a placeholder. `names` and `broken` are for who checks a text.

A blank line ends a block. A block is, by its lines:

- rows, each ``Label : value``; a value between asterisks is printed bold
- points, each beginning ``1. ``
- else a paragraph: its lines are joined
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_ROW: Final = re.compile(r"([^:{}]{1,40}) : (.+)")
_POINT: Final = re.compile(r"\d{1,2}\. (.+)")
# What stands where the register knows nothing.
UNKNOWN: Final = "-"


class BlockKind(enum.StrEnum):
    """How a block is set."""

    PARAGRAPH = "paragraph"
    ROWS = "rows"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block: ``label`` only in rows. ``text`` holds placeholders before filling, none after."""

    text: str
    label: str = ""
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together; a paragraph has one."""

    kind: BlockKind
    lines: tuple[Line, ...]


def parse(text: str) -> tuple[Block, ...]:
    """Take a text apart into its blocks. Every text has some reading."""
    found = (part.strip() for part in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")))
    return tuple(_block([line.strip() for line in part.split("\n")]) for part in found if part)


def _block(lines: list[str]) -> Block:
    rows = [_ROW.fullmatch(line) for line in lines]
    if all(rows):
        return Block(BlockKind.ROWS, tuple(_row(row[1].strip(), row[2].strip()) for row in rows if row))
    points = [_POINT.fullmatch(line) for line in lines]
    if all(points):
        return Block(BlockKind.POINTS, tuple(Line(point[1]) for point in points if point))
    return Block(BlockKind.PARAGRAPH, (Line(" ".join(lines)),))


def _row(label: str, value: str) -> Line:
    is_bold = len(value) > 2 and value.startswith("*") and value.endswith("*")
    return Line(value[1:-1] if is_bold else value, label, is_bold)


def names(text: str) -> tuple[str, ...]:
    """The placeholders of a text, in order."""
    return tuple(match[1] for match in _PLACEHOLDER.finditer(text))


def broken(text: str) -> tuple[str, ...]:
    """What stands in braces of a text, or is a brace, and is no placeholder."""
    return tuple(match[0] for match in re.finditer(r"\{[^{}]{0,40}\}?|\}", _PLACEHOLDER.sub("", text)))


def fill(
    blocks: tuple[Block, ...],
    value_of: Callable[[str], str | None],
    points_of: Callable[[str], tuple[str, ...] | None] = lambda _: None,
) -> tuple[Block, ...]:
    """Put values into blocks.

    Args:
        blocks: as `parse` made them.
        value_of: the text of a placeholder; None for what was left empty on purpose, whose line is left out with it.
        points_of: for a paragraph that is one placeholder alone, the points of a list that stand in its place.
    """
    filled = []
    for block in blocks:
        points = _points(block, points_of)
        if points is None:
            kept = tuple(line for line in (_filled(line, value_of) for line in block.lines) if line is not None)
        else:
            kept = tuple(Line(point) for point in points)
        if kept:
            filled.append(Block(block.kind if points is None else BlockKind.POINTS, kept))
    return tuple(filled)


def _points(block: Block, points_of: Callable[[str], tuple[str, ...] | None]) -> tuple[str, ...] | None:
    alone = _PLACEHOLDER.fullmatch(block.lines[0].text) if block.kind is BlockKind.PARAGRAPH else None
    return points_of(alone[1]) if alone else None


def _filled(line: Line, value_of: Callable[[str], str | None]) -> Line | None:
    values = {name: value_of(name) for name in names(line.text)}
    if any(value is None for value in values.values()):
        return None
    text = _PLACEHOLDER.sub(lambda match: values[match[1]] or UNKNOWN, line.text)
    return Line(text, line.label, line.is_bold)
