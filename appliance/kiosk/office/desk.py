"""What is done to the accounts of the office, each with its entry in the audit: both are kept, or neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from appliance.kiosk.actors import Actor
from appliance.kiosk.office import policy
from appliance.kiosk.office.rules import Permission, Role, may_manage, roles_with
from appliance.store.accounts import AccountError, Accounts
from appliance.store.audit import Audit
from appliance.store.database import Database
from appliance.store.second_factor import SecondFactors

ROOT: Final = Actor("root", "root")  # on the box itself, by ``desahub office``


@dataclass(frozen=True, slots=True)
class AccountDesk:
    """Changes of accounts by ``actor`` at ``now`` (seconds). Each raises `AccountError` with a sentence for them."""

    accounts: Accounts
    factors: SecondFactors
    audit: Audit
    actor: Actor
    now: int

    def add(self, name: str, role: str) -> str:
        """Make an account and return its one-time password."""
        _require_role(role)
        self._require_may(role)
        return self.accounts.add(name, role, self.now, together=self._note("account.added", f"{name}: {role}"))

    def set_role(self, name: str, role: str) -> None:
        """Give an account another role."""
        _require_role(role)
        before = self._one(name)
        self._require_may(role)
        note = self._note("account.role", f"{name}: {before} -> {role}")
        self.accounts.set_role(name, role, keep_one_of=self._keepers(), together=note)

    def disable(self, name: str) -> None:
        """Let nobody in with an account."""
        self._one(name)
        self.accounts.disable(name, keep_one_of=self._keepers(), together=self._note("account.disabled", name))

    def enable(self, name: str) -> None:
        """Let an account in again."""
        self._one(name)
        self.accounts.enable(name, together=self._note("account.enabled", name))

    def reset_password(self, name: str, *, keep_disabled: bool = True) -> str:
        """Give an account a new one-time password; its sessions end."""
        self._one(name)
        note = self._note("account.password_reset", name)
        return self.accounts.reset(name, keep_disabled=keep_disabled, together=note)

    def reset_factor(self, name: str) -> None:
        """Take an account's telephone away; its sessions end."""
        self._one(name)
        if not self.factors.reset(name, together=self._note("account.factor_reset", name)):
            raise AccountError(f"{name}: has no second factor", "factor")

    def end_sessions(self, name: str) -> None:
        """Log an account out everywhere."""
        self._one(name)
        self.accounts.end_sessions(name, together=self._note("account.sessions_ended", name))

    def require_factor(self, roles: Iterable[str]) -> None:
        """Say which roles must have a second factor."""
        wanted = sorted(set(roles))
        for role in wanted:
            _require_role(role)
        note = self._note("account.factor_policy", " ".join(wanted) or "-")
        policy.require_factor(self.accounts.store, wanted, together=note)

    def renew_codes(self) -> tuple[str, ...]:
        """Make new recovery codes for oneself."""
        if not self.factors.has(self.actor.name):
            raise AccountError(f"{self.actor.name}: has no second factor", "factor")
        return self.factors.renew_codes(self.actor.name, together=self._note("account.codes_renewed", self.actor.name))

    def _one(self, name: str) -> str:
        """The role of an account that this actor may change."""
        role = self.accounts.one(name).role
        if name == self.actor.name:
            raise AccountError(f"{name}: one's own account is changed by another", "own")
        self._require_may(role)
        return role

    def _require_may(self, role: str) -> None:
        if self.actor != ROOT and not may_manage(self.actor.role, role):
            raise AccountError(f"{role}: this account is made and changed by the head of the village", "head")

    def _keepers(self) -> tuple[Role, ...]:
        # Root makes the next one; nobody else could.
        return () if self.actor == ROOT else roles_with(Permission.MANAGE_PEOPLE)

    def _note(self, what: str, detail: str) -> Callable[[Database], None]:
        def note(db: Database) -> None:
            self.audit.note_in(db, self.actor.name, self.actor.role, what, detail=detail)

        return note


def _require_role(role: str) -> None:
    if role not in set(Role):
        raise AccountError(f"{role[:32]!r}: roles are {', '.join(Role)}", "role")
