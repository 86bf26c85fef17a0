"""From the hub to the NOC: what reporting costs on the uplink, beside what other agents send."""

from __future__ import annotations

import sys

from tests.bench import figures, telemetry_bytes


def main() -> int:
    """Run the bench."""
    return figures.run("telemetry", telemetry_bytes.measure)


if __name__ == "__main__":
    sys.exit(main())
