"""``python -m captive_portal.restore``: make the gate let through exactly whom the grants do.

Run before the radio comes up, and whenever the gate has started again.

With ``--checkpoint`` it asks the gate nothing and only notes how much each grant has left: for a clean shutdown, so
that residents get back what they had.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.errors import DesahubError, GateRefused
from appliance.gate.client import SOCKET_PATH, GateClient
from appliance.gate.protocol import Gate, RefusalCode
from appliance.system.roots import REAL, Roots
from appliance.unit.state import state_directory
from captive_portal.__main__ import DATABASE
from captive_portal.clock import kernel_clock
from captive_portal.grants import Grants, open_grants
from captive_portal.rules import Now, remaining_seconds

# The kernel's time and a grant's differ by so little; renewing costs more than looking.
SAME_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Restored:
    """How many live grants are in force, how many the gate refused, and how many without a grant were shut out."""

    admitted_count: int
    refused_count: int
    revoked_count: int


def restore(grants: Grants, gate: Gate, now: Now) -> Restored:
    """Admit live grants that are missing in the gate, for what is left of them; revoke whom no grant lets through.

    A grant that the gate refuses as no resident's is forgotten (the networks were changed); others stay, so that the
    resident's next visit tries again.

    Raises:
        GateUnavailable: the gate does not answer; what was restored stays.
        StoreError: the grants cannot be read or carried over.
    """
    admitted = refused = 0
    # The gate first: a grant is stored before its admission, so that nobody is in this list whose grant is yet to come.
    inside = {one.client: one.remaining_seconds for one in gate.clients()}
    leaving, alive = grants.leaving(), grants.carry_over(now)
    revoked = set(inside) - {grant.client for grant in alive}
    for client in (*revoked, *leaving):
        gate.revoke(client)
        grants.shut_out(client)
    for grant in alive:
        left = remaining_seconds(grant, now)
        try:
            if abs(inside.get(grant.client, 0) - left) > SAME_SECONDS:
                gate.admit(grant.client, left)
            admitted += 1
        except GateRefused as error:
            refused += 1
            if error.code == RefusalCode.NOT_A_RESIDENT:
                grants.drop(grant.client)
    return Restored(admitted, refused, len(revoked))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m captive_portal.restore", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--state-directory", type=Path, help="where grants.db is; by default $STATE_DIRECTORY")
    parser.add_argument("--gate-socket", type=Path, default=SOCKET_PATH, help="by default %(default)s")
    parser.add_argument("--roots", type=Path, help="read /proc below this folder, for tests")
    parser.add_argument("--checkpoint", action="store_true", help="only note how much each grant has left")
    options = parser.parse_args(arguments)
    roots = Roots.under(options.roots) if options.roots else REAL
    try:
        grants = open_grants(state_directory(options.state_directory) / DATABASE)
        now = kernel_clock(roots)()
        if options.checkpoint:
            grants.checkpoint(now)
            return 0
        done = restore(grants, GateClient(options.gate_socket), now)
    except DesahubError as error:
        sys.stderr.write(f"restore: {error}\n")
        return 1
    sys.stdout.write(
        f"restore: {done.admitted_count} grants are in force, {done.refused_count} refused, "
        f"{done.revoked_count} without a grant shut out\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
