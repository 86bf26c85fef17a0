"""The runbook: what each alarm means and what to do, with what is open of it now."""

from __future__ import annotations

from flask import abort, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from noc.alarms import runbook
from noc.fleet_book.contract import IncidentQuery
from noc.rules.problems import RULES, Problem
from noc.web.access import Right, require, scope
from noc.web.incident_words import problem_words
from noc.web.incidents import area_words
from noc.web.parts import blueprint, parts

pages = blueprint("runbook", __name__)


@pages.get("/panduan")
@require(Right.LOOK)
def index() -> ResponseReturnValue:
    """List all pages."""
    return render_template("noc/runbook_index.html", entries=runbook.entries(gettext), problem_words=problem_words())


@pages.get("/panduan/<problem>")
@require(Right.LOOK)
def page(problem: str) -> ResponseReturnValue:
    """Show what one alarm means, and what to do."""
    if problem not in set(Problem):
        abort(404)
    asked = Problem(problem)
    opened, count = parts().book.incident_lines(IncidentQuery(scope(), is_open=True, problem=asked, limit=10))
    return render_template(
        "noc/runbook.html",
        problem=asked,
        entry=runbook.entries(gettext)[asked],
        rule=RULES[asked],
        opened=opened,
        count=count,
        problem_words=problem_words(),
        group_text=area_words,
    )
