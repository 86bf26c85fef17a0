"""Order something of hubs, and wait for what becomes of it: a few first, the others when those have done it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from appliance.core.actions import Action, Configure, Keep
from appliance.core.command_results import Result, Status, decode_result
from appliance.core.commands import Command, command_id, split, write
from appliance.core.errors import CommandError, OperationError
from noc.commands import rules
from noc.commands.book import Book

FINAL: Final = (Status.DONE, Status.FAILED, Status.REFUSED)


class Carrier(Protocol):
    """What takes commands to hubs and brings answers back; `noc.commands.link.Link` is one."""

    def send(self, hub_id: str, payload: bytes) -> None: ...

    def take(self, timeout_seconds: float) -> tuple[str, bytes] | None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked. ``first`` is the size of the first wave."""

    action: Action
    who: str
    life_seconds: int = rules.LIFE_SECONDS
    first: int = rules.CANARIES


class Desk:
    """Gives orders.

    Args:
        book: where they and their answers are written down.
        sign: turns a body into a message that travels.
        contacts: what is known of each hub, by its id; a hub that is not there is not in the inventory.
        carrier: see `Carrier`.
        now_ms: ms of UTC.
        tell: says to a person what happens.
    """

    def __init__(
        self,
        book: Book,
        sign: Callable[[bytes], bytes],
        contacts: Mapping[str, rules.Contact | None],
        carrier: Carrier,
        *,
        now_ms: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:
        self._book, self._sign, self._contacts, self._carrier = book, sign, contacts, carrier
        self._now_ms, self._tell = now_ms, tell

    def give(self, order: Order, hubs: Sequence[str]) -> dict[str, Result]:
        """Give an order to hubs; return the last answer of each that answered.

        Raises:
            OperationError: a hub is not in the inventory, or many are asked and none of them is in contact.
            CommandMalformed: the order has a value that no hub would take.
        """
        if unknown := [hub for hub in hubs if hub not in self._contacts]:
            raise OperationError(f"not in the inventory: {', '.join(unknown)}")
        online = {hub: found.online for hub, found in self._contacts.items() if found is not None}
        waves = rules.waves(hubs, online, order.first)
        if hubs and not waves:
            raise OperationError("none of these hubs is in contact, so none could show whether it goes well; try later")
        answers: dict[str, Result] = {}
        for number, wave in enumerate(waves):
            if number:
                if not rules.may_go_on(waves[0], {hub: each.status for hub, each in answers.items()}):
                    self._tell(f"the first did not all do it: the other {len(wave)} are left alone")
                    break
                self._tell(f"the first have done it; now the other {len(wave)}")
            answers |= self._wave(order, wave)
        return answers

    def _wave(self, order: Order, hubs: Sequence[str]) -> dict[str, Result]:
        expires_ms = self._now_ms() + order.life_seconds * 1000
        payloads = {hub: self._issue(order, hub) for hub in hubs}
        names = {command_id(split(payload).body): hub for hub, payload in payloads.items()}
        wishes = {name for name in names if isinstance(order.action, Configure)}
        answers: dict[str, Result] = {}
        open_hubs, send_ms = set(hubs), self._now_ms()
        while open_hubs and (now_ms := self._now_ms()) < expires_ms:
            if now_ms >= send_ms:
                # Again and again: a hub that was away, or whose answer got lost, answers the same.
                for hub in sorted(open_hubs):
                    self._carrier.send(hub, payloads[hub])
                send_ms = now_ms + int(rules.RESEND_SECONDS * 1000)
            heard = self._carrier.take(min(send_ms, expires_ms) / 1000 - now_ms / 1000)
            if heard is None:
                continue
            hub, result = heard[0], self._read(*heard)
            if result is None or names.get(result.command) != hub or hub not in open_hubs:
                continue
            if hub not in answers or answers[hub].status is not result.status:
                self._tell(f"{hub}: {result.status}{f', {result.detail}' if result.detail else ''}")
            answers[hub] = result
            if result.status in FINAL:
                open_hubs.discard(hub)
            elif isinstance(order.action, Configure) and result.command in wishes:
                wishes.discard(result.command)
                # It came over the line as it is after the change: that is what had to be shown.
                payloads[hub] = self._issue(replace(order, action=Keep(result.command)), hub)
                names[command_id(split(payloads[hub]).body)] = hub
                self._carrier.send(hub, payloads[hub])
        for hub in sorted(open_hubs - set(answers)):
            self._tell(f"{hub}: said nothing")
        return answers

    def _issue(self, order: Order, hub: str) -> bytes:
        now_ms = self._now_ms()
        expires_ms = now_ms + order.life_seconds * 1000
        counter = rules.next_counter(self._book.last_counter(hub), now_ms)
        boot = rules.deadline(self._contacts[hub], expires_ms)
        command = Command(hub, counter, now_ms, expires_ms, order.who, order.action, boot)
        body = write(command)
        payload = self._sign(body)
        self._book.order(command_id(body), command, payload)
        return payload

    def _read(self, hub: str, payload: bytes) -> Result | None:
        try:
            result = decode_result(payload)
        except CommandError as error:
            self._tell(f"{hub}: an answer cannot be read: {error}")
            return None
        if not self._book.answer(hub, result, self._now_ms()):
            return None
        if result.status in FINAL and self._book.book_went_back(hub, result.command):
            self._tell(f"{hub}: its book of commands is shorter than it was; it was made anew, or replaced")
        return result
