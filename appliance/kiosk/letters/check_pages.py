"""Is this letter true? What its QR code leads to."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("letters_check", __name__, url_prefix="/cek", template_folder="templates")
