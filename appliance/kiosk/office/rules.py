"""Who works in the office. Pure."""

from __future__ import annotations

import enum

from appliance.core.config.village import Village


class Role(enum.StrEnum):
    """What a person does in the office."""

    OPERATOR = "operator"
    SEKRETARIS = "sekretaris"
    KEPALA_DESA = "kepala_desa"


def role_title(role: str, village: Village) -> str:
    """The role as it stands on a door; the head's title is the village's own (Perbekel, Lurah, …)."""
    titles = {Role.OPERATOR: "Operator", Role.SEKRETARIS: "Sekretaris", Role.KEPALA_DESA: village.head_title}
    return titles[Role(role)]
