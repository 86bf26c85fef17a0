"""Every address of the API, in the order of the description."""

from __future__ import annotations

from typing import Final

from appliance.kiosk.office_api import figures, letters, residents
from appliance.kiosk.office_api.operations import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (*residents.OPERATIONS, *letters.OPERATIONS, *figures.OPERATIONS)
