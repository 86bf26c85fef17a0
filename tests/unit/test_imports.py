"""A hub has little memory: its resident processes load nothing that they have no use for."""

import json
import subprocess
import sys

import pytest

# What each loads is multiplied by the processes: sqlite-utils 5 MB, asyncio 2 MB, importlib.metadata and ssl 2 MB.
NEVER = {"sqlite_utils", "pluggy", "dateutil", "argon2", "cryptography", "requests", "hypothesis", "pytest"}
NO_SERVER = {"asyncio", "multiprocessing"}
NO_WEB = {"flask", "werkzeug", "jinja2", "babel", "gunicorn", "click", "difflib", "email", "http.client"}
NO_WEB |= {"importlib.metadata"}
PROCESSES = {
    "appliance.gate": NEVER | NO_WEB | {"sqlite3"},
    "appliance.dns_filter": NEVER | NO_WEB | {"sqlite3"},
    "captive_portal.keeper": NEVER | NO_WEB,
    "agent": NEVER | NO_WEB | NO_SERVER | {"paho", "ssl"},  # paho and ssl come with an identity to report under
    "captive_portal": NEVER | NO_SERVER,
    "appliance.kiosk": NEVER | NO_SERVER,
}


@pytest.mark.parametrize("program", PROCESSES)
def test_a_process_loads_nothing_that_it_has_no_use_for(program: str) -> None:
    code = f"import {program}.__main__, json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert PROCESSES[program] & set(json.loads(done.stdout)) == set()
