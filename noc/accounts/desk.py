"""What an admin does with accounts, from the pages or the command line: each leaves a deed in the fleet book."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from appliance.store.accounts import AccountError, Accounts
from appliance.store.second_factor import SecondFactors
from noc.accounts import areas, policy, tokens
from noc.accounts.roles import Role
from noc.rules.alert_state import Deed

Write = Callable[[Deed], None]


@dataclass(frozen=True, slots=True)
class AccountDesk:
    """Changes of accounts by ``by`` at ``now`` (seconds). Each raises `AccountError` with a sentence for that person.

    The deed is written after the change: a change that was refused is none.
    """

    accounts: Accounts
    factors: SecondFactors
    write: Write
    by: str
    now: int

    def add(self, name: str, role: str, codes: Iterable[str] = ()) -> str:
        """Make an account and return its one-time password."""
        _check_role(role)
        wanted = areas.check_areas(role, codes)
        password = self.accounts.add(name, role, self.now, together=lambda db: areas.write(db, name, wanted))
        self._tell("account_added", name, " ".join((role, *wanted)))
        return password

    def set_role(self, name: str, role: str) -> None:
        """Give an account another role; an admin's has no areas."""
        _check_role(role)
        before = self.accounts.one(name).role
        areas.check_areas(role, areas.areas_of(self.accounts.store, name))
        self.accounts.set_role(name, role, keep_one_of=(Role.ADMIN,))
        self._tell("role_changed", name, f"{before} -> {role}")

    def bind(self, name: str, codes: Iterable[str]) -> None:
        """Bind an account to areas, or to none."""
        role, before = self.accounts.one(name).role, areas.areas_of(self.accounts.store, name)
        kept = areas.bind(self.accounts.store, name, role, codes)
        self._tell("areas_changed", name, f"{' '.join(before) or '-'} -> {' '.join(kept) or '-'}")

    def disable(self, name: str) -> None:
        """Let nobody in with an account, by page or token."""
        self.accounts.disable(name, keep_one_of=(Role.ADMIN,))
        self._tell("account_disabled", name)

    def enable(self, name: str) -> None:
        """Let an account in again."""
        self.accounts.enable(name)
        self._tell("account_enabled", name)

    def reset_password(self, name: str) -> str:
        """Give an account a new one-time password; its sessions and tokens end. One that is disabled stays so."""
        password = self.accounts.reset(name, keep_disabled=True)
        tokens.revoke_all(self.accounts.store, name)
        self._tell("password_reset", name)
        return password

    def reset_factor(self, name: str) -> None:
        """Take an account's telephone away; its sessions and tokens end."""
        self.accounts.one(name)
        if not self.factors.reset(name):
            raise AccountError(f"{name}: has no second factor", "factor")
        tokens.revoke_all(self.accounts.store, name)
        self._tell("second_factor_reset", name)

    def end_sessions(self, name: str) -> None:
        """Log an account out everywhere."""
        self.accounts.one(name)
        self.accounts.end_sessions(name)
        self._tell("sessions_ended", name)

    def require_factor(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Say which roles must have a second factor."""
        before = policy.roles_with_factor(self.accounts.store)
        kept = policy.require_factor(self.accounts.store, roles)
        self._tell("policy_changed", "", f"{' '.join(before) or '-'} -> {' '.join(kept) or '-'}")
        return kept

    def make_token(self, name: str, label: str) -> str:
        """Make a token for a program of an account's owner."""
        token = tokens.make(self.accounts.store, name, label, self.now)
        self._tell("token_made", name, label.strip())
        return token

    def revoke_token(self, name: str, number: int) -> None:
        """Make a token worthless."""
        label = tokens.revoke(self.accounts.store, name, number)
        if label:
            self._tell("token_revoked", name, label)

    def renew_codes(self, name: str) -> tuple[str, ...]:
        """Make new recovery codes for somebody with a second factor."""
        if not self.factors.has(name):
            raise AccountError(f"{name}: has no second factor", "factor")
        codes = self.factors.renew_codes(name)
        self._tell("recovery_codes_renewed", name)
        return codes

    def _tell(self, what: str, name: str, why: str = "") -> None:
        self.write(Deed(self.now * 1000, self.by, what, subject_of(name) if name else "accounts", why))


def subject_of(name: str) -> str:
    """How deeds name an account."""
    return f"account:{name}"


def _check_role(role: str) -> None:
    if role not in set(Role):
        raise AccountError(f"{role[:32]!r}: roles are {', '.join(Role)}", "role")
