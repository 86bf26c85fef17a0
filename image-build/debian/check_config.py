"""What preinst runs, packed with appliance.core of its own version: does this version take that hub.toml?"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.core import config
from appliance.core.errors import ConfigError

try:
    config.parse(Path(sys.argv[1]).read_text("utf-8"))
except ConfigError as error:
    sys.exit("\n".join(map(str, error.problems)))
except (OSError, UnicodeError) as error:
    sys.exit(str(error))
