"""Letters for the office: the queue, the steps, the officials who sign."""

from __future__ import annotations

from flask import Blueprint

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air

pages = Blueprint("letters_office", __name__, url_prefix=OFFICE_PREFIX, template_folder="templates")
pages.before_request(refuse_open_air)
