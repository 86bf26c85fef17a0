"""Letters for residents: asking for one, and following it."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("letters", __name__, url_prefix="/surat", template_folder="templates")
