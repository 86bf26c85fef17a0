"""The other end of a hub's speed test: bytes there and back, for hubs of this NOC alone."""
