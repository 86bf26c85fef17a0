"""The API for the office's own tools: spreadsheets, OpenSID, scripts."""
