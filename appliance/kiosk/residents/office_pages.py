"""The register's pages for the office."""

from __future__ import annotations

from flask import Blueprint

from appliance.kiosk.inside import OFFICE_PREFIX, refuse_open_air

pages = Blueprint("residents", __name__, url_prefix=f"{OFFICE_PREFIX}/warga", template_folder="templates")
pages.before_request(refuse_open_air)
