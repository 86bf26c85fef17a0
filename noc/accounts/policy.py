"""Which roles must have a second factor: admins, until somebody decides otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.store.accounts import AccountError
from appliance.store.database import Store
from noc.accounts.roles import Role


def roles_with_factor(store: Store) -> tuple[str, ...]:
    """List the roles whose accounts take a telephone in use before they work."""
    with store.reading() as db:
        return tuple(role for (role,) in db.execute("SELECT role FROM second_factor_roles ORDER BY role"))


def require_factor(store: Store, roles: Iterable[str]) -> tuple[str, ...]:
    """Set them. Raises `AccountError` for a role that does not exist."""
    wanted = sorted(set(roles))
    if unknown := [role for role in wanted if role not in set(Role)]:
        raise AccountError(f"{unknown[0][:32]!r}: roles are {', '.join(Role)}", "role")
    with store.transaction() as db:
        db.execute("DELETE FROM second_factor_roles")
        db.executemany("INSERT INTO second_factor_roles (role) VALUES (?)", [(role,) for role in wanted])
    return tuple(wanted)
