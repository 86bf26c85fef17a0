"""What the office's pages of letters share: who may open them, what forms give, what templates are given."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from typing import Final, ParamSpec

from flask import request
from flask.typing import ResponseReturnValue

from appliance.kiosk.actors import Look
from appliance.kiosk.letters import codes, flow, state_words
from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.live_kinds import LiveKinds
from appliance.kiosk.letters.words import tanggal
from appliance.kiosk.office.rules import Permission
from appliance.kiosk.office.session import current_actor, is_permitted, turn_away_without
from appliance.kiosk.services import current_kiosk

P = ParamSpec("P")
TEXT_LENGTH_MAX: Final = 40


def desk_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Let a view be used by those who process letters, and by those who approve them."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        processes = is_permitted(Permission.PROCESS_LETTERS)
        answer = turn_away_without(Permission.PROCESS_LETTERS if processes else Permission.APPROVE_LETTERS)
        return view(*args, **kwargs) if answer is None else answer

    setattr(guarded, "needs_permission", Permission.APPROVE_LETTERS)  # noqa: B010 - as permission_required marks views
    return guarded


def may_open() -> bool:
    """May who asks open the queue?"""
    return is_permitted(Permission.PROCESS_LETTERS) or is_permitted(Permission.APPROVE_LETTERS)


def look(purpose: str) -> Look:
    """A look of whoever is logged in."""
    return Look(current_actor(), purpose)


def whole_number(text: str, most: int = 2**53) -> int:
    """A number from a form; 0 for anything else."""
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) <= 16 else 0


def version() -> int:
    """Which version of a letter the form was made from."""
    return whole_number(request.form.get("versi", ""))


def moment(seconds: int) -> datetime.datetime:
    """A moment for the filter of templates."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def wrong_kinds() -> list[tuple[str, list[str]]]:
    """The village's own kinds that are wrong: the file's name and what is wrong in it, for those who can tell of it."""
    found = current_desk().kinds
    refused = found.refused if isinstance(found, LiveKinds) else {}
    return [(name, [str(problem) for problem in error.problems]) for name, error in refused.items()]


def shared() -> dict[str, object]:
    """What all templates of these pages are given."""
    return {
        "words": state_words,
        "moment_of": moment,
        "shown_code": codes.shown_code,
        "tanggal": tanggal,
        "State": flow.State,
        "Step": flow.Step,
        "may_process": is_permitted(Permission.PROCESS_LETTERS),
        "may_manage": is_permitted(Permission.MANAGE_OFFICIALS),
        "clock_is_known": current_kiosk().clock_is_known(),
    }
