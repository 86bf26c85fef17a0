"""From a message that the agent brought to its answer: judge, write down, do, write down, answer."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.core.clock import Moment
from appliance.core.command_results import DETAIL_CHARACTERS_MAX, Reason, Request, Status, newest_part
from appliance.core.commands import (
    Action,
    Command,
    Reboot,
    Restart,
    Sealed,
    SendLogs,
    command_id,
    read,
    split,
)
from appliance.core.errors import CommandError, CommandUnknown, OperationError, StoreError
from appliance.operator import rules
from appliance.operator.book import Book, Known, Outcome, answered
from appliance.operator.machine import Machine

log = logging.getLogger("desahub.operator")


class Operator:
    """Carries out what the NOC signed for this hub.

    Args:
        hub_id: whose commands are taken.
        verify: tells whether the NOC signed a message; None where this hub has no key of a NOC.
        book: what was done.
        machine: what does it.
        now: the clocks.
    """

    def __init__(
        self,
        hub_id: str,
        verify: Callable[[Sealed], bool] | None,
        book: Book,
        machine: Machine,
        now: Callable[[], Moment],
    ) -> None:
        self._hub_id, self._verify, self._book, self._machine, self._now = hub_id, verify, book, machine, now
        self._reboot_of: str | None = None

    def handle(self, request: Request) -> bytes:
        """Answer a message with a result as it travels. What cannot be written down first is not done."""
        sealed = _taken_apart(request.payload)
        name = command_id(request.payload if isinstance(sealed, rules.Refusal) else sealed.body)
        try:
            return (
                self._refuse(name, sealed) if isinstance(sealed, rules.Refusal) else self._judge(name, sealed, request)
            )
        except StoreError as error:
            log.error("%s", error)
            said = Outcome(Status.REFUSED, Reason.NOT_KEPT, "it could not be written down, so nothing was done")
            return self._book.unkept(name, said, self._now())

    def _judge(self, name: str, sealed: Sealed, request: Request) -> bytes:
        command = self._believed(sealed, request.retained)
        if isinstance(command, rules.Refusal):
            return self._refuse(name, command)
        if (known := self._book.known(name)) is not None:
            return self._again(name, command, known)
        refusal = rules.timely(command, self._now()) or rules.newer(command, self._book.last_counter())
        if refusal is not None:
            return self._refuse(name, refusal)
        self._book.accept(name, command, self._now())
        log.info("command %s of %s: %s", name, command.who, command.action)
        return self._carry_out(name, command.action)

    def _believed(self, sealed: Sealed, retained: bool) -> Command | rules.Refusal:
        """Read what the NOC signed for this hub. What nobody signed is not even read."""
        if self._verify is None:
            return rules.Refusal(Reason.NO_KEY, "this hub has no key of a NOC, and takes no commands")
        if not self._verify(sealed):
            return rules.Refusal(Reason.BAD_SIGNATURE, "the NOC did not sign this")
        try:
            command = read(sealed.body)
        except CommandError as error:
            return _why_unreadable(error)
        return rules.addressed(command, self._hub_id, retained=retained) or command

    def afterwards(self) -> None:
        """Do what could not be answered any more once it is done: reboot."""
        name, self._reboot_of = self._reboot_of, None
        if name is None:
            return
        try:
            self._machine.reboot()
        except OperationError as error:
            log.error("%s", error)
            self._finish(name, Outcome(Status.FAILED, Reason.OPERATION, _sentence(error)))

    def leave(self) -> None:
        """Write down what was only counted so far."""
        self._book.flush(self._now())

    def _carry_out(self, name: str, action: Action) -> bytes:
        if isinstance(action, Reboot):
            said = self._book.tell(name, Outcome(Status.BEGUN, detail="the box is about to start anew"), self._now())
            self._reboot_of = name
            return said
        try:
            outcome = self._do(action)
        except OperationError as error:
            log.error("%s", error)
            outcome = Outcome(Status.FAILED, Reason.OPERATION, _sentence(error))
        return self._finish(name, outcome)

    def _do(self, action: Action) -> Outcome:
        if isinstance(action, Restart):
            self._machine.restart(action.unit)
            return Outcome(Status.DONE, detail=f"{action.unit} was started anew")
        if isinstance(action, SendLogs):
            return Outcome(Status.DONE, output=newest_part(self._machine.logs(action.unit, action.lines)))
        return Outcome(Status.DONE, output=newest_part(self._machine.configuration()))

    def _again(self, name: str, command: Command, known: Known) -> bytes:
        """Answer as before, whatever the time is now. What has no end was cut off, or is the reboot asked for."""
        if known.result is not None:
            log.info("command %s again: it is %s already", name, answered(known.result))
            try:
                self._book.again(name, self._now())
            except StoreError as error:
                log.error("%s", error)
            return known.result
        if isinstance(command.action, Reboot):
            if known.boot_id == self._now().boot_id:
                return self._carry_out(name, command.action)
            return self._finish(name, Outcome(Status.DONE, detail="the box has started anew"))
        # Not tried again: who knows how far it came, and what a second time would do.
        return self._finish(
            name, Outcome(Status.FAILED, Reason.INTERRUPTED, "it began, and was cut off before its end")
        )

    def _finish(self, name: str, outcome: Outcome) -> bytes:
        try:
            return self._book.finish(name, outcome, self._now())
        except StoreError as error:
            log.error("%s", error)
            said = Outcome(Status.FAILED, Reason.NOT_KEPT, f"it is {outcome.status}, which could not be written down")
            return self._book.unkept(name, said, self._now())

    def _refuse(self, name: str, refusal: rules.Refusal) -> bytes:
        log.warning("command %s refused: %s", name, refusal.detail)
        return self._book.tell(name, Outcome(Status.REFUSED, refusal.reason, refusal.detail), self._now())


def _taken_apart(payload: bytes) -> Sealed | rules.Refusal:
    try:
        return split(payload)
    except CommandError as error:
        return _why_unreadable(error)


def _why_unreadable(error: CommandError) -> rules.Refusal:
    reason = Reason.UNKNOWN if isinstance(error, CommandUnknown) else Reason.MALFORMED
    return rules.Refusal(reason, _sentence(error))


def _sentence(error: Exception) -> str:
    return newest_part(rules.without_addresses(str(error)), DETAIL_CHARACTERS_MAX)
