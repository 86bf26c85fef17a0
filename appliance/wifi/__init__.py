"""What the portal may ask of the kiosk about residents' own accounts for the Wi-Fi."""
