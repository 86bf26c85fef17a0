"""From the broker to the store: commit first, acknowledge then."""
