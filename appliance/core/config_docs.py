"""``docs/config.md``, written from the schema of ``hub.toml``; a test keeps the file true."""

from __future__ import annotations

from appliance.core.config import Config
from appliance.core.schema import Described, describe

_HEAD = """\
# hub.toml

Everything one village's box is told. Written from the schema by `desahub config-docs`; do not edit by hand.

Check a file with `desahub check-config FILE`: it names every problem at once and changes nothing. `desahub apply`
installs what the file becomes. Unknown keys are refused. The file holds no secret.
"""


def render() -> str:
    """The whole page, in Markdown."""
    rows = describe(Config)
    top = [row for row in rows if not row.is_section and "." not in row.path]
    parts = [_HEAD, *(_row(row) for row in top)]
    for row in rows:
        if row.is_section:
            parts.append(_section(row))
        elif row not in top:
            parts.append(_row(row))
    return "".join(parts)


def _section(row: Described) -> str:
    name = row.path.removesuffix("[]")
    title = f"[[{name}]]" if row.path.endswith("[]") else f"[{name}]"
    needed = "Needed." if row.required else "May be left out."
    bound = f" {row.allowed[:1].upper()}{row.allowed[1:]}." if row.allowed else ""
    return f"\n## `{title}`\n\n{row.about} {needed}{bound}\n\n"


def _row(row: Described) -> str:
    lines = [f"- **`{row.path.rsplit('.', 1)[-1]}`** ({row.type_name}"]
    lines[0] += ", needed)" if row.required else f", default {_default(row)})"
    details = [row.about, f"{row.allowed[:1].upper()}{row.allowed[1:]}." if row.allowed else ""]
    details.append(f"Example: `{_toml(row.example)}`")
    return "".join(lines) + "\n" + "".join(f"  {detail}\n" for detail in details if detail)


def _default(row: Described) -> str:
    return "none" if row.default is None else f"`{_toml(row.default)}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return str(value)
