"""What a desk works with, given to it by whoever makes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

from appliance.core.config import Config
from appliance.kiosk.actors import Look
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.residents.person import Resident
from appliance.store.audit import Audit
from appliance.store.database import Store
from appliance.store.vault import Vault


class Residents(Protocol):
    """What the desk asks of the register."""

    def get(self, look: Look, resident_id: int, /) -> Resident | None:
        """One resident, or None; writes the look down."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a desk works with.

    ``clock`` gives seconds of wall time, ``clock_is_known`` says whether to believe it. ``is_practice``: every paper
    says that it is for training.
    """

    store: Store
    vault: Vault
    audit: Audit
    register: Residents
    kinds: Mapping[str, Kind]
    config: Config
    clock: Callable[[], float]
    clock_is_known: Callable[[], bool]
    is_practice: bool = False
