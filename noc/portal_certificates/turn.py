"""One run: whose turn it is gets a certificate, one after the other, until nobody may or the time is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from appliance.core.errors import OperationError
from noc.portal_certificates import csr, rules
from noc.portal_certificates.plan import Plan
from noc.portal_certificates.rules import Answer, Ending, Got, Request
from noc.portal_certificates.source import OF_ALL, SAID, CertificateSource, Failed, Trouble
from noc.portal_certificates.spool import Spool

_log = logging.getLogger(__name__)
# After so long no further one is begun: the unit has an end, and the timer comes again.
RUN_SECONDS: Final = 1_200
LOOK_SECONDS: Final = 3_600


def run(spool: Spool, plan: Plan, source: CertificateSource, clock_s: Callable[[], int]) -> int:
    """Obtain what can be obtained now; returns how many hubs got a certificate.

    Raises:
        OperationError: what came of it cannot be written down; then nothing more is tried.
    """
    began_s, got = clock_s(), 0
    requests = spool.requests()
    answers = {each.hub_id: answer for each in requests if (answer := spool.answer(each.hub_id)) is not None}
    for request in rules.turns(requests, answers, began_s):
        now_s = clock_s()
        queue = spool.queue()
        because = rules.held(queue, plan, now_s)
        if because or not 0 <= now_s - began_s < RUN_SECONDS:
            _log.info("others wait: %s", because or "this run took long enough")
            break
        answer = answers.get(request.hub_id) or Answer(request.hub_id)
        is_new = rules.is_new(request, answer)
        if is_new and (because := rules.held_new(queue, plan, now_s)):
            _log.info("%s waits: %s", request.hub_id, because)
            continue
        # Counted first, for all and for this hub: a try that is cut short may have used up what an authority gives.
        spool.put_queue(rules.begin(queue, now_s, new=is_new))
        spool.put_answer(rules.failed(answer, request, Trouble.BEGUN, SAID[Trouble.BEGUN], now_s))
        try:
            found = _obtain(request, plan, source)
        except Failed as failure:
            _log.warning("%s: %s", request.hub_id, failure)
            _note(spool, answer, request, failure, now_s)
            if failure.trouble in OF_ALL:
                break
        else:
            spool.put_answer(replace(answer, got=found, tried=None))
            spool.put_queue(rules.succeeded(spool.queue()))
            _log.info("%s has a certificate for %s", request.hub_id, ", ".join(found.names))
            got += 1
    _look_for_ends(spool, clock_s(), at_once=got > 0)
    return got


def _look_for_ends(spool: Spool, now_s: int, *, at_once: bool) -> None:
    """Tell the watch whose certificate ends before long; each file is read for it, so not every time."""
    if not at_once and 0 <= now_s - spool.ending_found_s() < LOOK_SECONDS:
        return
    answers = spool.answers().values()
    hubs = sorted(each.hub_id for each in answers if each.got is not None and rules.ends_soon(each.got, now_s))
    spool.put_ending(Ending(tuple(hubs), now_s))


def _note(spool: Spool, answer: Answer, request: Request, failure: Failed, now_s: int) -> None:
    queue = rules.give_back(spool.queue(), now_s)
    if failure.trouble in OF_ALL:
        queue = rules.pause(queue, failure.trouble, str(failure), now_s)
    spool.put_queue(queue)
    # Who met the limit is not first afterwards: if it is this hub's alone, the others would wait with it for ever.
    after_s = queue.paused_until_s if failure.trouble is Trouble.RATE_LIMITED else now_s
    spool.put_answer(rules.failed(answer, request, failure.trouble, str(failure), now_s, after_s=after_s))


def _obtain(request: Request, plan: Plan, source: CertificateSource) -> Got:
    """Obtain, and look at what came before anybody is told. Raises `Failed`."""
    pem = request.request.encode("ascii", "replace")
    try:
        asked = csr.read_request(pem)
    except OperationError as error:
        raise Failed(Trouble.REFUSED, str(error)) from None
    # Judged before; a zone may have been taken out of portal.toml since.
    if asked.names != request.names or asked.key != request.key or not all(map(plan.holds, asked.names)):
        raise Failed(Trouble.REFUSED, "the request is for another name than the hub may have")
    chain = source.obtain(pem)
    try:
        found = csr.read_chain(chain)
        text = chain.decode("ascii")
    except (OperationError, UnicodeDecodeError) as error:
        raise Failed(Trouble.OTHER, str(error)) from None
    if found.key != asked.key or set(found.names) != set(asked.names):
        raise Failed(Trouble.OTHER, "what the authority gave is for another key or another name")
    return Got(asked.names, found.key, text, f"{found.serial:x}", found.begins_s, found.ends_s)


def describe(answer: Answer | None, request: Request | None, said: str) -> str:
    """Say to a hub that waits, in a sentence, what it waits for."""
    if answer is not None and answer.tried is not None and request is not None and answer.tried.key == request.key:
        return SAID[answer.tried.trouble]
    # What the provider or the authority said stands in brackets behind it, and is for the NOC's operator alone.
    return said.partition(" (")[0] or "the NOC will ask the authority within minutes"
