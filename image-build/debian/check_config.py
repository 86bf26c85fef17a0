"""What preinst runs, packed with appliance.core of its own version: does this version take that hub.toml?

Exits with 3 where it does not: Python's own failures have other numbers, and say nothing of the file.
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.core import config
from appliance.core.errors import ConfigError

REFUSED = 3

try:
    config.parse(Path(sys.argv[1]).read_text("utf-8"))
except ConfigError as error:
    sys.stderr.write("\n".join(map(str, error.problems)) + "\n")
    sys.exit(REFUSED)
except (OSError, UnicodeError) as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(REFUSED)
