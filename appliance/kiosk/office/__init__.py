"""The office: accounts, login, and the clerk's home."""
