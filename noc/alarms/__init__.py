"""Telling people: what `noc.rules.alerts` finds is stored as one, waits in an outbox, and leaves by each channel."""
