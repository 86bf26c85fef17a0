"""One round of the keeper: compare gate and grants, mend both ways, count, and end what is over.

Nothing here waits. `Keeper.look` is called every two seconds; between its calls the office may read `Keeper.picture`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from appliance.core.errors import GateError, GateRefused, OperationError, StoreError
from appliance.gate.protocol import Admit, Admitted, Client, Gate, Limits, RefusalCode, Revoke
from appliance.store.database import Database
from captive_portal import budgets, grants, local_time, rules, sessions
from captive_portal.grants import Grants
from captive_portal.keeper import notebook, reconcile
from captive_portal.keeper.metering import Flow, Ledger
from captive_portal.now import Now
from captive_portal.rules import End, Grant, Known, Policy, Standing

CHECKPOINT_SECONDS: Final = 60
TIDY_SECONDS: Final = 3_600

log = logging.getLogger("desahub.keeper")


@dataclass(frozen=True, slots=True)
class Seen:
    """One live grant at the last look: ``admitted`` is the gate's word, None while it lets nobody through."""

    grant: Grant
    standing: Standing
    admitted: Admitted | None
    flow: Flow


@dataclass(frozen=True, slots=True)
class Picture:
    """Who was online at the last look."""

    now: Now
    seen: tuple[Seen, ...] = ()


class Keeper:
    """Keeps gate and grants alike. One thread calls `look` and `close`.

    Args:
        store: the grants.
        gate: opens and shuts.
        policy: what the village allows.
        clock: reads the clocks.
        history_days: how long ended sessions are kept.
        names: what devices call themselves, by MAC: hostile text.
    """

    def __init__(
        self,
        store: Grants,
        gate: Gate,
        policy: Policy,
        clock: Callable[[], Now],
        *,
        history_days: int,
        names: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._grants, self._gate, self._policy, self._clock = store, gate, policy, clock
        self._history_days, self._names, self._named = history_days, names, set[int]()
        now = clock()
        self._ledger = Ledger(store.write(lambda db: budgets.carry_over(db, now)), policy.has_days)
        self._noted, self._tidied = now.boot_seconds, now.boot_seconds - TIDY_SECONDS
        self._day, self._is_dated = "", False
        self._usage, self._finished = notebook.Usage.begin(now), list[notebook.Usage]()
        self._troubles: frozenset[str] = frozenset()
        self.picture = Picture(now)

    def look(self, elapsed_seconds: float = 0) -> bool:
        """Do one round; return whether the gate took part, so that it lets through whom it should.

        Args:
            elapsed_seconds: since the look before, for rates; 0 for the first.

        A disk that takes nothing stops nobody from being shut out or let in: what was counted and ended is kept, and
        written in a later round.

        Raises:
            StoreError: the database gives nothing. Nothing was changed.
        """
        now, troubles = self._clock(), set[str]()
        with _noticed(troubles):
            self._begin_day(now)
        # The gate first: a grant is stored before its admission, so that nobody is in this list whose grant is yet to
        # come.
        inside = self._inside(troubles)
        seen = self._observe(inside or {}, now, elapsed_seconds)
        with _noticed(troubles):
            self._end([one for one in seen if one.standing.end is not None], now)
        seen = [one for one in seen if one.standing.end is None]
        self.picture = Picture(now, tuple(seen))
        if inside is not None:
            self._mend(inside, seen, now, troubles)
        if now.boot_seconds - self._noted >= CHECKPOINT_SECONDS:
            with _noticed(troubles):
                self._checkpoint(now)
        self._tell(troubles)
        return inside is not None

    def close(self) -> None:
        """Count a last time, and write down exactly what each has left. Raises `StoreError`."""
        now = self._clock()
        self._begin_day(now)
        inside = self._inside(set())
        if inside is not None:
            self._observe(inside, now, 0)
        if not self._usage.is_empty:
            self._finished.append(self._usage)
        self._checkpoint(now)

    def _begin_day(self, now: Now) -> None:
        """A new day has new shares; what was used before it belongs to the old one."""
        before, day = self._day, local_time.day(now, self._policy.timezone)
        if day != before:
            self._day, self._tidied = day, now.boot_seconds - TIDY_SECONDS
            if before and not (notes := self._ledger.notes()).is_empty:
                self._grants.write(lambda db: notebook.write(db, notes, before, now))
                self._ledger.noted(notes, self._ledger.session_ids)
        if not self._is_dated and local_time.is_known(now):
            self._grants.write(lambda db: notebook.learn_time(db, day, now))
            self._is_dated = True

    def _inside(self, troubles: set[str]) -> dict[Client, Admitted] | None:
        try:
            return {one.client: one for one in self._gate.clients()}
        except GateError as error:
            troubles.add(f"the gate does not say whom it lets through, asking again: {error}")
            return None

    def _observe(self, inside: Mapping[Client, Admitted], now: Now, elapsed_seconds: float) -> list[Seen]:
        """Count what was used, and say how each grant stands."""
        held = self._grants.all()
        sent, received = self._ledger.observe(held, inside, now, elapsed_seconds, self._grants.departed())
        if (step := notebook.Usage.begin(now)).wall_seconds != self._usage.wall_seconds:
            self._finished += [] if self._usage.is_empty else [self._usage]
            self._usage = step
        self._usage.sent_bytes += sent
        self._usage.received_bytes += received
        self._usage.online_count = max(self._usage.online_count, sum(grant.client in inside for grant in held))
        known = self._grants.known_on(self._day, now)
        return [self._see(grant, rules.known_of(grant, known), inside, now) for grant in held]

    def _see(self, grant: Grant, known: Known, inside: Mapping[Client, Admitted], now: Now) -> Seen:
        found = inside.get(grant.client)
        idle_seconds = found.idle_seconds if found else 0

        def standing() -> tuple[Grant, Standing]:
            held = self._ledger.grant_now(grant)
            known_now = self._ledger.known_now(rules.day_subject(grant.way, grant.client.mac, grant.voucher), known)
            return held, rules.standing(self._policy, held, known_now, now, idle_seconds)

        held, stands = standing()
        if reconcile.is_exhausted(found, stands) and stands.limits.quota is not None:
            self._ledger.use_up(grant, stands.limits.quota.left_bytes)
            held, stands = standing()
        return Seen(held, stands, found, self._ledger.flow(grant.session_id))

    def _end(self, ended: Sequence[Seen], now: Now) -> None:
        """End what is over, with what it used, in one transaction; who left by themselves is written down with it."""
        notes = self._ledger.notes()
        if not ended and not notes.departed:
            return

        def step(db: Database) -> None:
            notebook.write(db, notes, self._day, now)
            self._write_names(db, ended)
            for one in ended:
                grants.end_session(db, one.grant.session_id, one.standing.end or End.TIME, now)

        self._grants.write(step)
        self._ledger.noted(notes, self._ledger.session_ids - {one.grant.session_id for one in ended})

    def _checkpoint(self, now: Now) -> None:
        """Write down what changed since the last time. Where nothing did, nothing is written."""
        is_untidy = now.boot_seconds - self._tidied >= TIDY_SECONDS
        finished = tuple(self._finished)
        self._noted = now.boot_seconds  # one that fails is tried again after as long, not every two seconds
        with self._grants.store.reading() as db:
            is_needed = is_untidy or bool(finished) or notebook.is_anything_running(db, now)
        notes = self._ledger.notes()
        if not is_needed and notes.is_empty:
            return

        def step(db: Database) -> None:
            notebook.write(db, notes, self._day, now)
            self._write_names(db, self.picture.seen)
            for usage in finished:
                notebook.write_usage(db, usage)
            if is_untidy:
                notebook.tidy(db, self._history_days, self._day, now)

        self._grants.write(step)
        self._ledger.noted(notes, [one.grant.session_id for one in self.picture.seen])
        del self._finished[: len(finished)]
        self._tidied = now.boot_seconds if is_untidy else self._tidied

    def _write_names(self, db: Database, seen: Sequence[Seen]) -> None:
        """Write what devices call themselves, once for each session."""
        unnamed = [one.grant for one in seen if one.grant.session_id not in self._named]
        names: Mapping[str, str] = {}
        with contextlib.suppress(OperationError):  # without the lease file a session goes without a name
            names = self._names() if unnamed else {}
        for grant in unnamed:
            sessions.name(db, grant.session_id, names.get(grant.client.mac, ""))
        self._named = {one.grant.session_id for one in (*self.picture.seen, *seen)}

    def _mend(self, inside: Mapping[Client, Admitted], seen: Sequence[Seen], now: Now, troubles: set[str]) -> None:
        """Ask the gate for what differs. Who is refused as no resident's loses the grant; others are tried again."""
        strays: list[Seen] = []
        by_client = {one.grant.client: one for one in seen}
        for change in reconcile.changes(inside, {client: one.standing for client, one in by_client.items()}):
            try:
                # Who came in since the gate was asked has what the portal gave; once more would forget what was used.
                if change.client not in inside and self._gate.admitted(change.client) is not None:
                    continue
                self._ask(change)
            except GateRefused as error:
                if error.code == RefusalCode.NOT_A_RESIDENT and isinstance(change, Admit):
                    one = by_client[change.client]
                    strays.append(replace(one, standing=Standing(0, Limits(), End.NETWORK)))
                troubles.add(f"the gate refuses a change: {error.code}")
            except GateError as error:
                troubles.add(f"the gate stopped answering: {error}")
                break
        with _noticed(troubles):
            self._end(strays, now)

    def _ask(self, change: Admit | Revoke) -> None:
        if isinstance(change, Revoke):
            self._gate.revoke(change.client)
            return
        try:
            self._gate.admit(change.client, change.lease_seconds, change.limits)
        except GateRefused as error:
            if error.code != RefusalCode.UNKNOWN_SPEED:
                raise
            # The gate has read another hub.toml than we have; the fair share holds until we have read it too.
            self._gate.admit(change.client, change.lease_seconds, replace(change.limits, speed=""))

    def _tell(self, troubles: set[str]) -> None:
        """Log what is new, once, and that it is over."""
        for text in sorted(troubles - self._troubles):
            log.warning("%s", text)
        if self._troubles and not troubles:
            log.info("all is well again: gate and grants are alike")
        self._troubles = frozenset(troubles)


@contextlib.contextmanager
def _noticed(troubles: set[str]) -> Iterator[None]:
    """Go on where the disk takes nothing, and say so."""
    try:
        yield
    except StoreError as error:
        troubles.add(str(error))
