"""Residents' own accounts for the Wi-Fi: made at the kiosk, checked for the portal."""
