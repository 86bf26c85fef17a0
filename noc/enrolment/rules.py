"""Who gets a certificate: pure, it asks no clock, no database and no key."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.core.enrolment import KEY_REUSED, NAME_REFUSED

WRONG_TRIES_MAX: Final = 100
RENEWAL_PAUSE_SECONDS: Final = 3_600
CLAIM_DAYS: Final = 30
PORTAL_KEYS_A_WEEK: Final = 4


class RefusalCode(enum.StrEnum):
    """Why somebody gets no certificate. The words are part of the protocol (docs/wire.md)."""

    MALFORMED = "malformed"
    CLAIM_WRONG = "claim_wrong"
    CLAIM_BLOCKED = "claim_blocked"
    CLAIM_USED = "claim_used"
    CLAIM_EXPIRED = "claim_expired"
    TOO_MANY = "too_many"
    FOREIGN = "foreign"
    PROOF = "proof"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    TOO_SOON = "too_soon"
    BUSY = "busy"
    NOT_OFFERED = "not_offered"
    NAME_REFUSED = NAME_REFUSED
    KEY_REUSED = KEY_REUSED


_STATUS: Final = {
    RefusalCode.MALFORMED: 400,
    RefusalCode.CLAIM_USED: 409,
    RefusalCode.SUPERSEDED: 409,
    RefusalCode.CLAIM_EXPIRED: 410,
    RefusalCode.TOO_MANY: 429,
    RefusalCode.TOO_SOON: 429,
    RefusalCode.BUSY: 503,
    RefusalCode.KEY_REUSED: 409,
}
SAID: Final = {
    RefusalCode.CLAIM_WRONG: "this claim code is not known here for this hub; compare it and hub.id in hub.toml with "
    "what the NOC was told, or ask for a new one",
    RefusalCode.CLAIM_BLOCKED: f"this hub's claim code was tried wrongly {WRONG_TRIES_MAX} times and is void; ask the "
    "NOC for a new one",
    RefusalCode.CLAIM_USED: "this claim code was used already, by another box; ask the NOC for a new one, and whose "
    "box that was",
    RefusalCode.CLAIM_EXPIRED: "this claim code is too old; ask the NOC for a new one",
    RefusalCode.TOO_MANY: "too many wrong claim codes came from this address; wait a minute, then try again",
    RefusalCode.FOREIGN: "this certificate is not of this NOC; ask it for a claim code",
    RefusalCode.PROOF: "the proof does not fit the certificate, or came too late or twice; try again",
    RefusalCode.REVOKED: "this hub is revoked at the NOC; ask it for a claim code",
    RefusalCode.SUPERSEDED: "this identity was renewed by another box already: two boxes have the same card; ask the "
    "NOC for a claim code for the right one",
    RefusalCode.TOO_SOON: "this certificate is new; nothing is to be renewed",
    RefusalCode.BUSY: "the NOC cannot write at the moment; try again later",
    RefusalCode.NOT_OFFERED: "this NOC gets no certificates for portals; deliver one by hand, with "
    'certificate = "hand" in [portal] of hub.toml',
    RefusalCode.NAME_REFUSED: "this hub may not have this name; ask the NOC which it has, and set portal.host to it",
    RefusalCode.KEY_REUSED: "this key was used before; a portal's certificate is renewed with a new one",
}


class Refused(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """No certificate, and why. ``status`` is HTTP's."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        self.code, self.status = code, _STATUS.get(code, 403)
        super().__init__(detail or SAID[code])


@dataclass(frozen=True, slots=True)
class Claim:
    """An outstanding or used claim. ``used_key`` is the digest of the key that used it, "" before."""

    hub_id: str
    salt: bytes
    digest: bytes
    expires_s: int
    wrong_tries: int = 0
    used_key: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate as the ledger knows it. ``replaced_by_key`` is the digest of the key of the next one, or ""."""

    issued_s: int
    is_revoked: bool
    replaced_by_key: str = ""


class Verdict(enum.Enum):
    """What is done for somebody who is not refused."""

    ISSUE = enum.auto()
    REPEAT = enum.auto()  # the answer was lost on its way: the same certificate again


def judge_claim(claim: Claim, *, is_right: bool, key: str, now_s: int) -> Verdict:
    """Judge a code that was compared with ``claim``. Only who has the right one learns what became of it.

    Raises:
        Refused: with one of the codes ``CLAIM_…``.
    """
    if claim.wrong_tries >= WRONG_TRIES_MAX:
        raise Refused(RefusalCode.CLAIM_BLOCKED)
    if not is_right:
        raise Refused(RefusalCode.CLAIM_WRONG)
    if claim.used_key:
        if claim.used_key == key:
            return Verdict.REPEAT
        raise Refused(RefusalCode.CLAIM_USED)
    if now_s >= claim.expires_s:
        raise Refused(RefusalCode.CLAIM_EXPIRED)
    return Verdict.ISSUE


def judge_renewal(
    known: Known | None, *, is_hub_revoked: bool, key: str, now_s: int, is_replaced: bool = False
) -> Verdict:
    """Judge a renewal whose proof holds; ``known`` is None for a certificate that the ledger lost.

    ``is_replaced`` says of such a one that the hub was revoked or claimed after it was made.

    Raises:
        Refused: the hub or its certificate is revoked, was renewed by another box, or is new.
    """
    if is_hub_revoked or (known is not None and known.is_revoked):
        raise Refused(RefusalCode.REVOKED)
    if known is None:
        if is_replaced:
            raise Refused(RefusalCode.REVOKED)
        # Signed by the authority, but from before a backup was put back: a lock-out would mean a visit to each village.
        return Verdict.ISSUE
    if known.replaced_by_key:
        if known.replaced_by_key == key:
            return Verdict.REPEAT
        raise Refused(RefusalCode.SUPERSEDED)
    if 0 <= now_s - known.issued_s < RENEWAL_PAUSE_SECONDS:
        raise Refused(RefusalCode.TOO_SOON)
    return Verdict.ISSUE


def judge_holder(known: Known | None, *, is_hub_revoked: bool, is_replaced: bool) -> None:
    """Judge a hub that proved to have the key of its certificate, and wants something else than a new one.

    Raises:
        Refused: the hub or its certificate is revoked, or it was renewed by another box.
    """
    if is_hub_revoked or (known.is_revoked if known is not None else is_replaced):
        raise Refused(RefusalCode.REVOKED)
    if known is not None and known.replaced_by_key:
        raise Refused(RefusalCode.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class PortalKey:
    """A key for which a portal's certificate was asked: by whom, for which names, and when."""

    hub_id: str
    names: tuple[str, ...]
    asked_s: int


def judge_portal(
    hub_id: str,
    names: Sequence[str],
    owner: Callable[[str], str | None],
    *,
    used: PortalKey | None,
    is_identity_key: bool,
    newest_s: int,
    keys_in_week: int,
    now_s: int,
) -> bool:
    """Judge what a hub asks for; True if it is a new request, False if it is one that was judged before.

    Args:
        hub_id: who asks.
        names: for which names.
        owner: whose a name is; None for nobody's.
        used: what is known of the request's key.
        is_identity_key: is it the key of a hub's identity?
        newest_s: when this hub last asked with a new key, in seconds of UTC since 1970.
        keys_in_week: with how many it asked within a week.
        now_s: now, likewise.

    Raises:
        Refused: a name is not this hub's, the key was used for something else, or it asks too often.
    """
    for name in names:
        if owner(name) != hub_id:
            raise Refused(RefusalCode.NAME_REFUSED, f"{name}: {SAID[RefusalCode.NAME_REFUSED]}")
    if is_identity_key or (used is not None and (used.hub_id != hub_id or set(used.names) != set(names))):
        raise Refused(RefusalCode.KEY_REUSED)
    if used is not None:
        return False
    if 0 <= now_s - newest_s < RENEWAL_PAUSE_SECONDS:
        raise Refused(RefusalCode.TOO_SOON, "this hub asked with another key within the hour; ask again later")
    if keys_in_week >= PORTAL_KEYS_A_WEEK:
        # One hub must not use up what the authority allows to all.
        raise Refused(RefusalCode.TOO_SOON, f"this hub asked with {keys_in_week} keys within a week; ask again later")
    return True


class Brake:
    """Counts what somebody did wrong within a minute; ``addresses_max`` bounds the memory."""

    def __init__(self, limit: int, window_seconds: float = 60.0, addresses_max: int = 10_000) -> None:
        self._limit, self._window, self._most = limit, window_seconds, addresses_max
        self._counts: dict[str, tuple[float, int]] = {}

    def is_held(self, who: str, now: float) -> bool:
        """Tell whether ``who`` must wait; ``now`` is any clock in seconds that never goes back."""
        began, count = self._counts.get(who, (now, 0))
        return count >= self._limit and now - began < self._window

    def count(self, who: str, now: float) -> None:
        """Count one against ``who``."""
        began, count = self._counts.pop(who, (now, 0))
        if now - began >= self._window:
            began, count = now, 0
        if len(self._counts) >= self._most:
            # The oldest entry first; a dict keeps the order in which its keys came.
            del self._counts[next(iter(self._counts))]
        self._counts[who] = began, count + 1
