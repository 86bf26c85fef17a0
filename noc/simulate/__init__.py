"""Hubs that are not there: honest series of measurements through the real broker, for trying a NOC out."""
