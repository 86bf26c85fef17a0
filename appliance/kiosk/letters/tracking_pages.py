"""Following a request by the code of its receipt, without an account: no name, no content, only where it is."""

from __future__ import annotations

import datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from appliance.kiosk.letters import resident_words
from appliance.kiosk.letters.current import count_wrong_code, current_desk, too_many_tries

pages = Blueprint("letters_track", __name__, url_prefix="/surat/lacak", template_folder="templates")


@pages.get("")
def track() -> ResponseReturnValue:
    """Ask for the code."""
    return render_template("letters/track.html", typed="", is_wrong=False)


@pages.post("")
def find() -> ResponseReturnValue:
    """Say where the request is. The code travels in the form: an address would stay in the browser."""
    answer = too_many_tries()
    if answer is not None:
        return answer
    typed = request.form.get("kode", "")
    found = current_desk().track(typed)
    if found is None:
        count_wrong_code()
        return render_template("letters/track.html", typed=typed[:20], is_wrong=True), 404
    kind = current_desk().kinds.get(found.slug)
    return render_template(
        "letters/tracking.html",
        found=found,
        title=kind.title if kind else found.slug,
        words=resident_words,
        moment_of=lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.UTC),
    )
