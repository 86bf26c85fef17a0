"""Whether a letter is true, and what of it anybody may see who holds the paper. Pure."""

from __future__ import annotations

from typing import Final

from appliance.kiosk.letters.flow import SIGNED_STATES, State
from appliance.kiosk.letters.letter import Letter, Validity, Verdict
from appliance.kiosk.letters.numbers import Today
from appliance.kiosk.residents import nik

_HIDDEN: Final = "***"


def verdict(letter: Letter, today: Today, *, is_practice: bool) -> Verdict:
    """Judge a letter. It is never valid before it is signed, nor when it is void, over, or made for training."""
    validity = _validity(letter, today, is_practice=is_practice)
    signing = letter.signing
    return Verdict(
        validity=validity,
        title=letter.kind.title,
        number=letter.number.text if letter.number else "",
        date=letter.number.date if letter.number else None,
        valid_until=letter.valid_until,
        masked_name=mask_name(letter.name),
        masked_nik=nik.mask(letter.facts["nik"]) if letter.facts.get("nik") else "",
        signed_by=signing.name if signing else "",
        signed_title=" ".join(signing.lines()).rstrip(",") if signing else "",
        was_signed=any(past.state in SIGNED_STATES for past in letter.history),
        is_electronic=letter.is_electronic,
        today_is_known=today.is_known,
    )


def _validity(letter: Letter, today: Today, *, is_practice: bool) -> Validity:
    if is_practice:
        return Validity.PRACTICE
    if letter.state is State.VOID:
        return Validity.VOID
    if letter.state not in SIGNED_STATES:
        return Validity.NOT_SIGNED
    # A clock that is not known says nothing against the letter; the page then shows the date to look at.
    if today.is_known and letter.valid_until is not None and letter.valid_until < today.date:
        return Validity.EXPIRED
    return Validity.VALID


def mask_name(name: str) -> str:
    """``Budi Santoso`` -> ``B*** S***``: who holds the paper can compare, who guesses learns no name."""
    return " ".join(word[0] + _HIDDEN for word in name.split())
