"""Residents as visitors: NIK and PIN, their sessions, and where personal pages may be shown."""
