"""Who works in the office, and what each may do. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from appliance.core.config.village import Village


class Role(enum.StrEnum):
    """What a person does for the village."""

    OPERATOR = "operator"
    SEKRETARIS = "sekretaris"
    KEPALA_DESA = "kepala_desa"
    KADER = "kader"  # of the posyandu
    PENGURUS_BANK_SAMPAH = "pengurus_bank_sampah"
    BPD = "bpd"  # the village council: reads totals, and nobody's record
    TEKNISI = "teknisi"  # installs the box and looks after it


class Permission(enum.StrEnum):
    """What a page asks for before it opens. A role is given some of them; no page asks for a role."""

    SEE_RESIDENTS = "see_residents"
    CHANGE_RESIDENTS = "change_residents"
    IMPORT_RESIDENTS = "import_residents"  # and export
    RESET_PIN = "reset_pin"
    PROCESS_LETTERS = "process_letters"
    # To sign. Whose name stands below, and for whom (a.n., u.b., Plt), is an official's entry, which letters check too.
    APPROVE_LETTERS = "approve_letters"
    VOID_LETTERS = "void_letters"
    MANAGE_OFFICIALS = "manage_officials"
    SEE_AUDIT = "see_audit"
    MANAGE_PEOPLE = "manage_people"
    SEE_AGGREGATES = "see_aggregates"
    MANAGE_HOTSPOT = "manage_hotspot"


_OPERATOR: Final = frozenset(
    {
        Permission.SEE_RESIDENTS,
        Permission.CHANGE_RESIDENTS,
        Permission.IMPORT_RESIDENTS,
        Permission.RESET_PIN,
        Permission.PROCESS_LETTERS,
        Permission.SEE_AGGREGATES,
        Permission.MANAGE_HOTSPOT,
    }
)
_OVERSIGHT: Final = frozenset(
    {
        Permission.APPROVE_LETTERS,
        Permission.VOID_LETTERS,
        Permission.MANAGE_OFFICIALS,
        Permission.SEE_AUDIT,
        Permission.MANAGE_PEOPLE,
    }
)
PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.OPERATOR: _OPERATOR,
        Role.SEKRETARIS: _OPERATOR | _OVERSIGHT,
        # Who signs does not type what is signed.
        Role.KEPALA_DESA: _OVERSIGHT | {Permission.SEE_RESIDENTS, Permission.SEE_AGGREGATES, Permission.MANAGE_HOTSPOT},
        Role.KADER: frozenset(),
        Role.PENGURUS_BANK_SAMPAH: frozenset(),
        Role.BPD: frozenset({Permission.SEE_AGGREGATES}),
        Role.TEKNISI: frozenset({Permission.MANAGE_HOTSPOT}),
    }
)


def may(role: str, permission: Permission) -> bool:
    """Say whether a role is given a permission; a role that nobody knows has none."""
    return role in set(Role) and permission in PERMISSIONS[Role(role)]


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """The roles that are given a permission, in their order."""
    return tuple(role for role in Role if permission in PERMISSIONS[role])


def may_manage(role: str, other: str) -> bool:
    """Say whether accounts of one role make and change accounts of another.

    The head's are the head's own: who could give them a new password could sign in the head's name.
    """
    return may(role, Permission.MANAGE_PEOPLE) and (other != Role.KEPALA_DESA or role == Role.KEPALA_DESA)


def role_title(role: str, village: Village) -> str:
    """The role as it stands on a door, not translated; the head's title is the village's own (Perbekel, Lurah, …)."""
    titles = {
        Role.OPERATOR: "Operator",
        Role.SEKRETARIS: "Sekretaris",
        Role.KEPALA_DESA: village.head_title,
        Role.KADER: "Kader posyandu",
        Role.PENGURUS_BANK_SAMPAH: "Pengurus bank sampah",
        Role.BPD: "BPD",
        Role.TEKNISI: "Teknisi",
    }
    return titles[Role(role)] if role in set(Role) else role
