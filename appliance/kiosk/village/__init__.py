"""The village itself, and its internet: what stands in hub.toml, as pages."""
