"""The peer of the kiosk's pages: the same job done plainly. A list of twenty rows from SQLite, one template, no more.

No login, no language, no form, nothing sealed and no look written down: what a page costs beyond this is our own doing.
Run as ``python -m tests.bench.plain_page DATABASE PORT``; served as the kiosk is, by the same server.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from flask import Flask, render_template_string, request

from appliance.unit.serve import serve

_PAGE = """<!doctype html><html lang="id"><meta charset="utf-8"><title>Surat</title><h1>{{ total }} surat</h1>
<table>{% for name, kind, state, date in rows %}<tr><td>{{ name }}<td>{{ kind }}<td>{{ state }}<td>{{ date }}
{% endfor %}</table>"""


def fill(path: Path, letters: int) -> None:
    """Make the database: as many rows as there are letters."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE letters (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, state TEXT, date TEXT)")
        db.execute("CREATE INDEX by_name ON letters (name)")
        db.executemany(
            "INSERT INTO letters (name, kind, state, date) VALUES (?, ?, ?, ?)",
            ((f"Warga {number * 7919 % letters}", "usaha", "baru", "2026-09-21") for number in range(letters)),
        )
    db.close()


def create_app(path: Path) -> Flask:
    """Make the application."""
    app = Flask("plain")

    @app.get("/")
    def home() -> str:
        db = sqlite3.connect(path)
        try:
            text = request.args.get("q", "") + "%"
            rows = db.execute(
                "SELECT name, kind, state, date FROM letters WHERE name LIKE ? ORDER BY id LIMIT 20", [text]
            ).fetchall()
            total = db.execute("SELECT count(*) FROM letters").fetchone()[0]
        finally:
            db.close()
        return render_template_string(_PAGE, rows=rows, total=total)

    return app


if __name__ == "__main__":
    serve(create_app(Path(sys.argv[1])), f"127.0.0.1:{sys.argv[2]}")
